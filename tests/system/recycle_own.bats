#!/usr/bin/env bats
# Recycling inside one function: what it alone may have (secrets, folders of the machine that it
# writes, listening sockets) is in a blank that no other function shares. And what a family leaves.
load helper
load family
load recycle

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    # Not below a link, whatever the machine's /tmp is.
    WORK=$(realpath "$(mktemp -d /tmp/vireo-recycle-own.XXXXXX)")
    P1=$(free_port)
    export WORK P1
    chmod 755 "$WORK"
    mkdir "$WORK/vault" "$WORK/data"
    chmod 777 "$WORK/data"
    printf 'allow_grants: {secrets: [%s/vault], files: [%s/data], listen: ["127.0.0.1:%s"], fork: true, ipc: true}\n' "$WORK" "$WORK" "$P1" >"$WORK/config.yaml"
    daemon_start --config "$WORK/config.yaml"
}

teardown_file() {
    daemon_clean
    [ -z "${WORK-}" ] || rm -rf "$WORK"
}

setup() {
    need_root
}

# recycled NAME SOURCE RECYCLE MORE
recycled() {
    mkdir -p "$WORK/$1"
    cp "$2" "$WORK/$1/"
    printf 'name: %s\napplication: app\nrecycle: %b\n%b' "$1" "$3" "$4" >"$WORK/$1/vireo.yaml"
    "$VIREO" deploy -q "$WORK/$1"
}

# Those whose memory has these words, of the daemon's processes.
having() {
    # shellcheck disable=SC2046
    python3 "$FUNCTIONS/recycle/find_in_memory.py" "$(printf %s "$1" | od -An -tx1 | tr -d ' \n')" "$VIREO_DAEMON" $(descendants "$VIREO_DAEMON")
}

guests_having() {
    local pid
    for pid in $(having "$1"); do
        [[ $(readlink "/proc/$pid/exe") != *guest* ]] || echo "$pid"
    done
}

@test "a secret is its function's own: in its blank, in no other, and in nothing that starts pVMs" {
    local first second how before pid
    for how in blank reuse 'reuse\nisolation: request'; do
        first=first-$(od -An -N 12 -tx1 /dev/urandom | tr -d ' \n')
        second=second-$(od -An -N 12 -tx1 /dev/urandom | tr -d ' \n')
        (umask 077 && echo "$first" >"$WORK/vault/key")
        before=$(guests | wc -l)
        recycled mine "$FUNCTIONS/env.c" "$how" "grants: {env: {KEY: {file: $WORK/vault/key}, MODE: plain}}\n"
        recycled plain "$FUNCTIONS/env.c" "$how" 'grants: {env: {KEY: none}}\n'
        # As the same file, in the same application: and still not the same blank.
        recycled also "$FUNCTIONS/env.c" "$how" "grants: {env: {KEY: {file: $WORK/vault/key}, MODE: plain}}\n"
        [ "$(guests | wc -l)" = $((before + 3)) ]
        for _ in 1 2; do
            ask mine KEY
            [ "$body" = "$first" ]
            ask mine MODE
            [ "$body" = plain ]
            ask mine NONE
            [ "$body" = '(none)' ]
            ask plain KEY
            [ "$body" = none ]
            [[ $how == *request* ]] || end_of mine
        done
        ask mine KEY
        [ "$how" != reuse ] || [ "$(start_of mine)" = recycled ]
        # (A gateway has seen it in the answer.)
        for pid in $(having "$first"); do
            [[ $(readlink "/proc/$pid/exe") != *vireo-supervisor* ]]
        done
        [ -n "$(guests_having "$first")" ]
        # Another secret is another wall: the blank that had the former one is gone.
        (umask 077 && echo "$second" >"$WORK/vault/key.new" && mv "$WORK/vault/key.new" "$WORK/vault/key")
        [[ $how == *request* ]] || end_of mine
        ask mine KEY
        [ "$body" = "$second" ]
        ask also KEY
        [ "$body" = "$second" ]
        eventually 5 eval '[ -z "$(guests_having "$first")" ]'
        "$VIREO" rm -q mine plain also
        eventually 5 eval '[ -z "$(guests)" ]'
    done
}

@test "folders that are written: by each function's own uid, whoever wrote there before" {
    local how who uid_one uid_two
    for how in blank reuse 'reuse\nisolation: request'; do
        rm -rf "$WORK"/data/*
        for who in one two; do
            recycled $who "$FUNCTIONS/files.c" "$how" "grants: {files: [{path: /data, host: $WORK/data, writable: true}, {path: /tmp, size: 1MiB}]}\n"
            ask $who "write /data/$who first"
            [ "$body" = written ]
            ask $who "write /tmp/hidden first"
            [ "$body" = written ]
            [[ $how == *request* ]] || end_of $who
            ask $who "read /data/$who"
            [ "$body" = first ]
            ask $who "read /tmp/hidden"
            [[ $body == "read: No such file"* ]]
            ask $who "write /data/$who again"
            [ "$body" = written ]
            [ "$how" != reuse ] || [ "$(start_of $who)" = recycled ]
            chmod 600 "$WORK/data/$who"
        done
        uid_one=$(stat -c %u "$WORK/data/one") uid_two=$(stat -c %u "$WORK/data/two")
        [ "$uid_one" -ne 0 ]
        [ "$uid_two" -ne 0 ]
        [ "$uid_one" -ne "$uid_two" ]
        ask one "read /data/one"
        [ "$body" = again ]
        ask two "read /data/one"
        [[ $body == "read: "* ]]
        "$VIREO" rm -q one two
    done
}

# tell LINE...: the answers to lines sent over one connection, until the server closes it.
tell() {
    printf '%s\n' "$@" quit | timeout 5 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0" && cat >&3 && cat <&3' "$P1" 2>/dev/null
}

answers() {
    [ "$(tell "echo $1")" = "$1" ]
}

@test "a server that ends comes again in its place, with its socket and its variables" {
    local how
    (umask 077 && echo hush >"$WORK/vault/key")
    for how in blank reuse; do
        recycled served "$FUNCTIONS/server.c" "$how" "grants: {listen: [\"127.0.0.1:$P1\"], env: {KEY: {file: $WORK/vault/key}}}\n"
        eventually 5 answers one
        [ "$(start_of served)" = blank ]
        [ "$(tell "env LISTEN_FDS" "env KEY" "out kept in memory")" = $'1\nhush\nok' ]
        tell "exit 0" || true
        eventually 5 answers two
        [ "$(start_of served)" = "$([ "$how" = reuse ] && echo recycled || echo blank)" ]
        [ "$(tell "env LISTEN_FDS" "env KEY")" = $'1\nhush' ]
        end_of served || true
        eventually 10 answers three
        # Another version of it, and another secret, at the same address.
        (umask 077 && echo other >"$WORK/vault/key")
        recycled served "$FUNCTIONS/server.c" "$how" "version: 2\ngrants: {listen: [\"127.0.0.1:$P1\"], env: {KEY: {file: $WORK/vault/key}}}\n"
        eventually 10 answers four
        [ "$(tell "env KEY")" = other ]
        "$VIREO" rm -q served
        eventually 5 not answers five
        eventually 5 eval '[ -z "$(guests)" ]'
        (umask 077 && echo hush >"$WORK/vault/key")
    done
}

@test "of a family nothing is left: memory, queues, pipes, files, timers, signals, members" {
    local how secret
    for how in blank reuse; do
        recycled plant "$FUNCTIONS/recycle/family.c" "$how" 'limits: {pids: 8, memory: 32MiB}\ngrants: {fork: true, ipc: true, files: [{path: /tmp, size: 1MiB}]}\n'
        recycled seek "$FUNCTIONS/recycle/family.c" "$how" 'limits: {pids: 8, memory: 32MiB}\ngrants: {fork: true, ipc: true, files: [{path: /tmp, size: 1MiB}]}\n'
        secret=$(od -An -N 16 -tx1 /dev/urandom | tr -d ' \n')
        ask plant "$secret"
        [ "$body" = "planted: queue 1 memory 1 file 1 pipe 1 timer 1 handler 1 child 1 variable 1" ]
        [ -n "$(guests_having "$secret")" ]
        end_of plant
        ask seek look
        [ "$how" = blank ] || [ "$(start_of seek)" = recycled ]
        [ "$body" = "found: queue 0 memory 0 file 0 pipe 0 timer 0 handler 0 child 0 variable 0" ]
        [ -z "$(guests_having "$secret")" ]
        "$VIREO" rm -q plant seek
    done
}
