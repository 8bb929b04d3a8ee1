#!/usr/bin/env bats
# The most that a manifest may ask for is the operator's to say.
load helper

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    CONFIG=$(mktemp /tmp/vireo-test-ceilings.XXXXXX)
    export CONFIG
    ceilings_first
    daemon_start --config "$CONFIG"
}

teardown_file() {
    daemon_clean
    [ -z "${CONFIG-}" ] || rm -f "$CONFIG"
}

setup() {
    need_root
}

# A configuration with these limits.
ceilings() {
    printf 'allow_grants:\n  limits:\n' >"$CONFIG"
    printf '    %s\n' "$@" >>"$CONFIG"
}

ceilings_first() {
    ceilings "memory: 96MiB" "cpus: 0.5" "pids: 16" "timeout: 10s" "bytes_per_second: 8MiB" \
        "operations_per_second: 500" "instances: 8" "spares: 1" "queue: 256" "tmp: 64MiB" "request: 6MiB"
}

# deploy_asking NAME SOURCE YAML: a function of tests/system/functions that asks for this.
deploy_asking() {
    local folder=$BATS_TEST_TMPDIR/$1
    mkdir -p "$folder"
    cp "$FUNCTIONS/$2" "$folder"
    printf 'name: %s\n%s\n' "$1" "$3" >"$folder/vireo.yaml"
    "$VIREO" deploy "$folder"
}

@test "each limit beyond its ceiling is refused with exit code 4, naming both" {
    local limit
    for limit in "memory:97MiB:96MiB" "cpus:0.6:0.5" "pids:17:16" "timeout:11s:10s"; do
        IFS=: read -r name asked most <<<"$limit"
        run deploy_asking much env.c "limits: {$name: $asked}"
        [ "$status" -eq 4 ]
        [[ $output == *"limit $name: $asked: the operator's allow_grants have $most at most"* ]]
    done
    for limit in "bytes_per_second:16MiB:8MiB" "operations_per_second:501:500"; do
        IFS=: read -r name asked most <<<"$limit"
        run deploy_asking much env.c "limits: {io: {$name: $asked}}"
        [ "$status" -eq 4 ]
        [[ $output == *"limit $name: $asked: "*" $most at most"* ]]
    done
    for limit in "instances:9:8" "spares:2:1" "queue:257:256"; do
        IFS=: read -r name asked most <<<"$limit"
        run deploy_asking much env.c "pool: {$name: $asked}"
        [ "$status" -eq 4 ]
        [[ $output == *"limit $name: $asked: "*" $most at most"* ]]
    done
    run deploy_asking much files.c "grants: {files: [{path: /a, size: 64MiB}, {path: /b, size: 1MiB}]}"
    [ "$status" -eq 4 ]
    [[ $output == *"limit tmp: 65MiB: "*" 64MiB at most"* ]]
    # Options of the command line are no way around, and nothing was deployed.
    run "$VIREO" deploy "$FUNCTIONS/env.c" --name much --memory 1GiB
    [ "$status" -eq 4 ]
    run "$VIREO" describe much
    [ "$status" -eq 3 ]
}

@test "the refusal is a 403 over HTTP" {
    tar -C "$FUNCTIONS" -cf "$BATS_TEST_TMPDIR/source.tar" env.c
    local status
    status=$(admin POST "/system/functions?name=much&timeout=1m" -H 'Content-Type: application/x-tar' \
        --data-binary "@$BATS_TEST_TMPDIR/source.tar" -o "$BATS_TEST_TMPDIR/problem" -w '%{http_code}')
    [ "$status" = 403 ]
    [ "$(jq -r .cause "$BATS_TEST_TMPDIR/problem")" = forbidden ]
    jq -r .detail "$BATS_TEST_TMPDIR/problem" | grep -q "limit timeout: 1m: .* 10s at most"
}

@test "what a manifest leaves without a limit gets the ceiling" {
    deploy_asking quiet env.c "pool: {instances: 2}"
    [ "$("$VIREO" describe -o json quiet | jq .cpu_millis)" = 500 ]
    call quiet --data-binary NONE
    [ "$code" = 200 ]
}

@test "a private tmp is charged to the function's memory" {
    # It has room of its own in the group beside `memory`, and no more than its size.
    deploy_asking charged files.c "
limits: {memory: 8MiB}
pool: {instances: 1}
grants: {files: [{path: /tmp, size: 24MiB}]}"
    call charged --data-binary "list /tmp"
    [ "$code" = 200 ]
    before=$("$VIREO" describe -o json charged | jq '.instances[0].memory_bytes')
    [ "$before" -lt 8000000 ]
    call charged --data-binary "fill /tmp/large"
    [ "$code" = 200 ]
    [ "$body" -gt 24000 ]
    [ "$body" -le 24576 ]
    [ "$("$VIREO" describe -o json charged | jq '.instances[0].memory_bytes')" -gt $((before + 24000000)) ]
}

@test "a function beyond a configuration that became tighter is not served, and others are" {
    ceilings_first
    daemon_there --config "$CONFIG"
    deploy_asking large env.c "limits: {memory: 80MiB}"
    deploy_asking small env.c "limits: {memory: 32MiB}"
    call large --data-binary NONE
    [ "$code" = 200 ]
    daemon_stop
    ceilings "memory: 64MiB" "cpus: 0.25"
    daemon_start --config "$CONFIG"
    call large --data-binary NONE
    refused_with 403 not-allowed
    run "$VIREO" invoke large
    [ "$status" -eq 4 ]
    "$VIREO" describe large | grep -q "not_served.*limit memory: 80MiB.* 64MiB at most"
    grep -q "function 'large' is not served: .*limit memory: 80MiB" "$VIREO_STATE/daemon.log"
    call small --data-binary NONE
    [ "$code" = 200 ]
    # It never asked for the ceiling that it was given: it has the new one.
    [ "$("$VIREO" describe -o json quiet | jq .cpu_millis)" = 250 ]
    call quiet --data-binary NONE
    [ "$code" = 200 ]
    # Deployed anew within what is allowed, it is back.
    deploy_asking large env.c "limits: {memory: 48MiB}"
    call large --data-binary NONE
    [ "$code" = 200 ]
    run "$VIREO" describe large
    [[ $output != *not_served* ]]
    daemon_stop
    ceilings "memory: 40MiB"
    daemon_start --config "$CONFIG"
    call large --data-binary NONE
    refused_with 403 not-allowed
    daemon_stop
    ceilings "memory: 1GiB"
    daemon_start --config "$CONFIG"
    call large --data-binary NONE
    [ "$code" = 200 ]
}

@test "a configuration with a limit that no manifest has is refused at the start" {
    local limit
    mkdir "$BATS_TEST_TMPDIR/state"
    for limit in "memroy: 1MiB" "memory: 8GiB" "memory: [1MiB]" "tmp: lots" "name: x"; do
        ceilings "$limit"
        run timeout 10 "$VIREO" serve --listen 127.0.0.1:0 --state "$BATS_TEST_TMPDIR/state" --config "$CONFIG"
        [ "$status" -eq 2 ]
        [[ $output == *"cannot read '$CONFIG': line 3, column "* ]]
    done
}
