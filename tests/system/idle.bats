#!/usr/bin/env bats
# bats file_tags=alone
# Many instances: all of a burst are started, and when nobody calls nothing runs at all, neither a
# thread of the daemon nor one of its instances.

load helper

setup_file() {
    need_root
    daemon_start
    "$VIREO" -q deploy "$FUNCTIONS/tool.c" --name one
    "$VIREO" -q deploy "$FUNCTIONS/tool.c" --name two --isolation request
    mkdir "$VIREO_STATE/many"
    cp "$FUNCTIONS/tool.c" "$VIREO_STATE/many"
    printf '%s\n' 'name: many' 'limits: {memory: 16MiB, timeout: 30s}' \
        'pool: {instances: 600, queue: 600, idle: 1s}' >"$VIREO_STATE/many/vireo.yaml"
    "$VIREO" -q deploy "$VIREO_STATE/many"
}

teardown_file() {
    daemon_clean
}

# "FILE NAME COUNT" of every thread of the daemon's family: how often each was put on a CPU.
switches() {
    local pid thread
    for pid in "$VIREO_DAEMON" $(descendants "$VIREO_DAEMON"); do
        for thread in /proc/"$pid"/task/*/status; do
            awk '/^Name/ {name = $2} /ctxt_switches/ {n += $2} END {print FILENAME, name, n}' "$thread"
        done
    done | sort
}

@test "a daemon with idle instances does not wake in ten seconds" {
    local i pids=()
    for i in 1 2 3 4; do
        curl -s -o /dev/null "$VIREO_SERVER/function/one?sleep" &
        pids+=($!)
    done
    wait "${pids[@]}"
    call two
    [ "$code" = 200 ]
    "$VIREO" logs one >/dev/null
    # What a call leaves to do is done within a second: groups are cleaned, spares are made again. A busy machine takes
    # longer for that.
    for i in 1 2 3; do
        sleep 1
        switches >"$BATS_TEST_TMPDIR/before"
        # The supervisor with its threads, two gateways, two templates, instances.
        [ "$(wc -l <"$BATS_TEST_TMPDIR/before")" -ge 10 ]
        sleep 10
        switches >"$BATS_TEST_TMPDIR/after"
        ! cmp -s "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after" || break
    done
    diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

# More than the socket of a template holds: the others wait their turn instead of being refused.
@test "each of 600 calls at once that take long has an instance" {
    call many
    [ "$code" = 200 ]
    timeout 50 python3 - "$VIREO_PORT" <<'END'
import collections, socket, sys
sockets = []
for _ in range(600):
    one = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
    one.settimeout(40)
    one.sendall(b'GET /function/many?sleep HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n')
    sockets.append(one)
answers = collections.Counter(one.recv(4096).split(b'\r\n')[0] for one in sockets)
if answers != {b'HTTP/1.1 200 OK': 600}:
    sys.exit(f'{answers}')
END
}
