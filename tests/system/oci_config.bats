#!/usr/bin/env bats
# vireo-runtime refuses malformed and hostile configurations by one line, and leaves nothing.

load helper

setup() {
    RUNTIME=$BUILD/vireo-runtime
    DIR=$(mktemp -d)
    ROOT=$DIR/state
    mkdir "$DIR/bundle"
}

teardown() {
    rm -rf "$DIR"
}

groups_and_mounts() {
    find /sys/fs/cgroup -name '*hostile*' 2>/dev/null
    grep -c hostile /proc/self/mountinfo || true
}

@test "hundreds of malformed and hostile configurations are each refused by the path of what is wrong" {
    local before
    before=$(groups_and_mounts)
    run timeout 120 python3 "$TOP/tests/system/oci_hostile.py" "$RUNTIME" "$ROOT" "$DIR/bundle"
    [ "$status" = 0 ]
    printf '%s\n' "$output" | cut -c 1-300 | head -n 20
    [ "${#lines[@]}" = 1 ]
    [ "${lines[0]#tried }" -gt 2500 ]
    [ "$(groups_and_mounts)" = "$before" ]
}

@test "a bundle without config.json or without its root is refused, and the id stays free" {
    run "$RUNTIME" --root "$ROOT" create -b "$DIR/bundle" one
    [ "$status" != 0 ]
    [[ $output == *"cannot open 'config.json': no such file or directory"* ]]
    "$RUNTIME" spec -b "$DIR/bundle"
    sed -i 's/"terminal": true/"terminal": false/' "$DIR/bundle/config.json"
    run "$RUNTIME" --root "$ROOT" create -b "$DIR/bundle" one
    [ "$status" != 0 ]
    [[ $output == *rootfs* ]]
    [ -z "$(ls "$ROOT")" ]
}

@test "errors go to the file of --log as engines read them" {
    run "$RUNTIME" --root "$ROOT" --log "$DIR/log" --log-format json state none
    [ "$status" = 1 ]
    [ "$(jq -r .level "$DIR/log")" = error ]
    [[ $(jq -r .msg "$DIR/log") == *"container does not exist"* ]]
    [[ $(jq -r .time "$DIR/log") == 20*T*Z ]]
}

@test "ids that could be paths are refused" {
    for id in . .. a/b '' ../x 'a b' "$(printf 'x%.0s' {1..300})"; do
        run "$RUNTIME" --root "$ROOT" state "$id"
        [ "$status" = 1 ]
        [[ $output == *"as a container ID"* ]]
    done
}
