#!/usr/bin/env bats
# What one call of a container leaves for the next, and what a kill in the middle of an answer does.
load helper
load engines

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    ROOTFS=$(mktemp -d /tmp/vireo-test-rootfs.XXXXXX)
    export ROOTFS
    engine_rootfs "$ROOTFS"
    mkdir -p "$ROOTFS/www/cgi-bin"
    gcc -static -o "$ROOTFS/www/cgi-bin/ipc" "$TOP/tests/system/containers/ipc.c"
    # An answer that is begun and never ended: without a length, with one, in chunks.
    printf '#!/bin/sh\nprintf "\\r\\npart\\n"\nsleep 1\nexec sleep 60\n' >"$ROOTFS/www/cgi-bin/open"
    printf '#!/bin/sh\nprintf "Content-Length: 100\\r\\n\\r\\npart\\n"\nsleep 1\nexec sleep 60\n' >"$ROOTFS/www/cgi-bin/length"
    printf '#!/bin/sh\nprintf "Transfer-Encoding: chunked\\r\\n\\r\\n5\\r\\npart\\n\\r\\n"\nsleep 1\nexec sleep 60\n' >"$ROOTFS/www/cgi-bin/chunks"
    # A runtime that begins its answer, and stops there once.
    cat >"$ROOTFS/begins" <<'RUNTIME'
#!/bin/sh
api=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime
while :; do
    wget -q -S -O /tmp/event "$api/invocation/next" 2>/tmp/head || exit 1
    id=$(sed -n 's/.*Lambda-Runtime-Aws-Request-Id: *//Ip' /tmp/head | tr -d '\r')
    [ "$(cat /tmp/event)" = begin ] || { wget -q -O /dev/null --post-data whole "$api/invocation/$id/response"; continue; }
    { printf 'POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\npart\n\r\n' "$id"
        sleep 1; exec sleep 60; } | nc "${AWS_LAMBDA_RUNTIME_API%:*}" "${AWS_LAMBDA_RUNTIME_API#*:}"
done
RUNTIME
    chmod -R 755 "$ROOTFS"
    daemon_start
}

teardown_file() {
    daemon_clean
    rm -rf "${ROOTFS-}"
}

setup() {
    need_root
}

# web NAME: a function whose program is known by its realm.
web() {
    # shellcheck disable=SC2016 # of the container's shell
    "$VIREO" deploy "$ROOTFS" --name "$1" -q --talk http --timeout 60s -- \
        sh -c 'exec httpd -f -p "$PORT" -h /www -r "$0"' "$1-$VIREO_PORT"
}

# main NAME: the first process of its container.
main() {
    pgrep -o -f -- "$1-$VIREO_PORT"
}

# has_begun NAME: its program sleeps in the middle of an answer.
has_begun() {
    local first
    first=$(main "$1") && ps -eo pidns,args | grep -q "^ *$(ps -o pidns= -p "$first" | tr -d ' ') sleep 60"
}

# begin NAME PATH DATA: calls it, in the background, until its answer has begun.
begin() {
    curl -s --max-time 60 -o "$BATS_TEST_TMPDIR/body" -w '%{http_code}' -d "$3" "$VIREO_SERVER/function/$1$2" >"$BATS_TEST_TMPDIR/code" &
    CALLER=$!
    eventually 20 has_begun "$1"
}

# broken: what began is told as failed, and nothing of it is passed on.
broken() {
    wait "$CALLER" || true
    echo "$1: $(cat "$BATS_TEST_TMPDIR/code") $(cat "$BATS_TEST_TMPDIR/body")"
    [[ $(cat "$BATS_TEST_TMPDIR/code") == 50[0-9] ]]
    not grep -q '^part' "$BATS_TEST_TMPDIR/body"
}

# Nothing of function NAME is left: processes, launchers, files.
nothing_of() {
    "$VIREO" rm "$1"
    eventually 10 not main "$1"
    eventually 10 sh -c '[ "$(ls "$VIREO_STATE/containers" | wc -l)" -le "$(pgrep -c -P "$VIREO_DAEMON" vireo-contain)" ]'
}

@test "queues, segments and semaphores of one call are the next one's in the same container, and no other's" {
    web one
    web other
    call one/cgi-bin/ipc?leave
    [ "$code $body" = "200 done" ]
    call one/cgi-bin/ipc?look
    [ "$code $(header x-vireo-start)" = "200 warm" ]
    [ "$body" = "memory left queue left semaphores posix left and 1" ]
    # Beside it, while the first is busy: another container of the function.
    call one/cgi-bin/ipc?leave
    [ "$(tail -n 1 <<<"$body")" = "done" ]
    begin one /cgi-bin/open x
    call one/cgi-bin/ipc?look
    [ "$body" = "and 0" ]
    # Another function's, and the machine.
    call other/cgi-bin/ipc?look
    [ "$body" = "and 0" ]
    [ "$("$ROOTFS/www/cgi-bin/ipc" look | grep -c left)" = 0 ]
    # Gone with the container.
    "$VIREO" rm one
    kill "$CALLER" 2>/dev/null || true
    wait "$CALLER" || true
    web one
    call one/cgi-bin/ipc?look
    [ "$code $body" = "200 and 0" ]
    # A container a call: stdio's.
    "$VIREO" deploy "$ROOTFS" --name each -q -- sh -c '/www/cgi-bin/ipc "$(cat)"'
    call each -d leave
    [ "$(tail -n 1 <<<"$body")" = "done" ]
    call each -d look
    [ "$(tail -n 1 <<<"$body")" = "and 0" ]
}

@test "http: a program that is killed in the middle of its answer has given none, whatever was to end it" {
    local way
    for way in open length chunks; do
        web "cut-$way"
        begin "cut-$way" "/cgi-bin/$way" x
        kill -KILL "$(main "cut-$way")"
        broken "$way"
        call "cut-$way/cgi-bin/ipc?look"
        [ "$code $body" = "200 and 0" ]
        nothing_of "cut-$way"
    done
    # One that ends by itself behind its answer has given one.
    # shellcheck disable=SC2016
    "$VIREO" deploy "$ROOTFS" --name once -q --talk http -- \
        sh -c 'httpd -p "$PORT" -h /www; sleep 3600'
    call once/cgi-bin/ipc?look
    [ "$code $body" = "200 and 0" ]
}

@test "lambda: a runtime that is killed in the middle of a streamed response has given none" {
    "$VIREO" deploy "$ROOTFS" --name stream -q --talk lambda --timeout 60s -- /begins "stream-$VIREO_PORT"
    begin stream '' begin
    kill -KILL "$(main stream)"
    broken stream
    call stream -d x
    [ "$code $body" = "200 whole" ]
    nothing_of stream
}

@test "a keeper or a launcher that is killed in the middle of an answer takes all with it, and the next call has another" {
    local launcher keeper
    for who in keeper launcher; do
        web "by-$who"
        begin "by-$who" /cgi-bin/open x
        keeper=$(ps -o ppid= -p "$(main "by-$who")" | tr -d ' ')
        launcher=$(ps -o ppid= -p "$keeper" | tr -d ' ')
        [ "$(cat "/proc/$keeper/comm") $(cat "/proc/$launcher/comm")" = "vireo-contain vireo-contain" ]
        kill -KILL "${!who}"
        broken "$who"
        call "by-$who/cgi-bin/ipc?look"
        [ "$code $body" = "200 and 0" ]
        nothing_of "by-$who"
    done
}
