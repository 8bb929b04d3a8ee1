#!/usr/bin/env bats
# Functions that are granted the whole machine: another version takes eBPF programs over while they are
# busy; live data of the kernel over HTTP.
load helper
load bpf_own

setup_file() {
    [ "$(id -u)" = 0 ] && [ -r /sys/kernel/btf/vmlinux ] || return 0
    MODULES=$(mktemp -d /tmp/vireo-bpf-test.XXXXXX)
    export MODULES
    printf 'allow_grants:\n  bpf: {host: true}\n' >"$MODULES/config.yaml"
    bpf_own_uids "$MODULES"
    daemon_start --config "$MODULES/config.yaml"
}

teardown_file() {
    daemon_clean
    bpf_own_end
    rm -rf "${MODULES:-/nonexistent}"
}

setup() {
    need_root
    [ -r /sys/kernel/btf/vmlinux ] || skip "the kernel has no type information of its own"
}

teardown() {
    [ -z "${PRODUCER-}" ] || kill -KILL "$PRODUCER" 2>/dev/null || true
}

# deploy_version VERB VERSION [POLICY]
deploy_version() {
    local folder=$MODULES/v$2
    mkdir -p "$folder/source" "$folder/busy"
    cp "$FUNCTIONS/bpf_update/"* "$folder/source"
    sed -i "s/VERSION 1/VERSION $2/" "$folder/source/main.c"
    "$VIREO" -q bpf build "$folder/source" -o "$folder/busy/busy.wasm"
    printf 'name: busy\nversion: "%s"\nlimits: {timeout: 60s}\ngrants: {bpf: true}\nbpf: %s\n' "$2" "${3:-{host: true\}}" >"$folder/busy/vireo.yaml"
    if [ "$1" = update ]; then
        "$VIREO" -q update busy "$folder/busy"
    else
        "$VIREO" -q deploy "$folder/busy"
    fi
}

is_left() {
    [ "$(bpf_own_programs | wc -l)" = "$1" ]
}

@test "an update under load takes maps, samples and attachments over: no event is lost" {
    local version closed old
    gcc -O2 -o "$MODULES/closes" "$FUNCTIONS/bpf_closes.c"
    "$VIREO" rm busy || true
    deploy_version deploy 1
    rm -f "$MODULES/stop"
    mkfifo "$MODULES/stop"
    call busy # attached: what comes from here on must be seen
    echo "$body"
    [[ $body == "version 1: 0, taken 0 lost 0" ]]
    "$MODULES/closes" <"$MODULES/stop" >"$MODULES/closed" 3>&- &
    PRODUCER=$!
    exec 5>"$MODULES/stop"
    for version in 2 3; do
        # To the second nobody runs; the programs do. To the third the old version is polling, and goes on.
        old=
        if [ "$version" = 3 ]; then
            curl -s "$VIREO_SERVER/function/busy?long" >"$MODULES/old" 3>&- &
            old=$!
            sleep 1
        fi
        deploy_version update "$version"
        if [ -n "$old" ]; then
            alive "$old"
            # A sample that says so: no descriptor has the number.
            python3 -c 'import os; os.close(1000000 + 999999999)' 2>/dev/null || true
            wait "$old"
            cat "$MODULES/old"
            [[ $(cat "$MODULES/old") == "version 2: 0, taken "[1-9]*" lost 0" ]]
        fi
        call busy
        echo "$body"
        [[ $body == "version $version: 0, taken "[1-9]*" lost 0" ]]
    done
    echo end >&5
    exec 5>&-
    wait "$PRODUCER"
    PRODUCER=
    closed=$(cat "$MODULES/closed")
    [ "$closed" -gt 1000 ]
    call busy
    echo "$body of $closed"
    [ "$body" = "version 3: 0, taken $closed lost 0" ]
    eventually 10 is_left 1
    "$VIREO" rm busy
    eventually 10 is_left 0
}

# Attaches and keeps, and takes what a producer makes for a moment: the next number is more than 0.
keeps_and_takes() {
    "$VIREO" rm busy || true
    deploy_version deploy "$1"
    call busy
    [[ $body == "version $1: 0, taken 0 lost 0" ]]
    sleep 0.5 | "$MODULES/closes" >"$MODULES/closed"
    call busy
    [[ $body == "version $1: 0, taken "[1-9]*" lost 0" ]]
    is_left 1
}

@test "a policy that is narrower ends what was kept and pinned under the wider one" {
    [ -x "$MODULES/closes" ] || gcc -O2 -o "$MODULES/closes" "$FUNCTIONS/bpf_closes.c"
    keeps_and_takes 11
    # Not the place: the program can't be loaded, and what hung there is gone.
    deploy_version deploy 12 "{host: true, attach: ['sched/*']}"
    call busy || true
    eventually 10 is_left 0
    # Without host what was pinned with it is not this version's to read.
    keeps_and_takes 13
    deploy_version deploy 14 "{host: false}"
    call busy
    echo "$body"
    [[ $body == "version 14: -1, taken 0 lost 0" ]]
    "$VIREO" rm busy
    eventually 10 is_left 0
}

@test "an HTTP function answers with live data of the kernel: who used the processors just now" {
    local folder=$MODULES/top busy left
    left=$(bpf_own_programs | wc -l)
    mkdir -p "$folder"
    cp "$TOP/examples/bpf/top/vireo.yaml" "$folder"
    "$VIREO" -q bpf build "$TOP/examples/bpf/top" -o "$folder/top.wasm"
    "$VIREO" -q deploy "$folder"
    # Somebody who has a name and is busy.
    cp "$(command -v bash)" "$MODULES/busybody"
    "$MODULES/busybody" -c 'while :; do :; done' 3>&- &
    busy=$!
    PRODUCER=$busy
    curl -s -o "$MODULES/answer" -w '%{http_code}' "$VIREO_SERVER/function/top" >"$MODULES/code"
    kill -KILL "$busy"
    wait "$busy" || true
    PRODUCER=
    cat "$MODULES/answer"
    [ "$(cat "$MODULES/code")" = 200 ]
    [ "$(head -n 1 "$MODULES/answer" | tr -s ' ')" = " PID CPU% NAME" ]
    # However many others there are, it had its share of 300 ms.
    awk -v pid="$busy" '$1 == pid && $2 > 0 && $3 == "busybody" {found = 1} END {exit !found}' "$MODULES/answer"
    "$VIREO" rm top
    eventually 10 is_left "$left"
}
