#!/usr/bin/env bats
# vireo-runtime refuses malformed and hostile configurations by one line, and leaves nothing.

load helper

setup() {
    RUNTIME=$BUILD/vireo-runtime
    DIR=$(mktemp -d)
    chmod 755 "$DIR"
    ROOT=$DIR/state
    mkdir "$DIR/bundle"
}

teardown() {
    "$RUNTIME" --root "$ROOT" delete --force "vireo-hostile-$$" || true
    rm -rf "$DIR"
}

@test "thousands of malformed and hostile configurations are each refused by the path of what is wrong, and leave nothing" {
    need_root
    run timeout 500 python3 "$TOP/tests/system/oci_hostile.py" "$RUNTIME" "$ROOT" "$DIR/bundle" "vireo-hostile-$$"
    printf '%s\n' "$output" | cut -c 1-300 | head -n 20
    [ "$status" = 0 ]
    [ "${#lines[@]}" = 1 ]
    [ "${lines[0]#tried }" -gt 2500 ]
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

@test "a config.json that is no regular file is refused at once, and its id stays free" {
    local kind
    mkdir "$DIR/bundle/rootfs"
    for kind in "mkfifo" "mkdir" "ln -s config.json" "ln -s /dev/zero" "ln -s /proc/kmsg" "ln -s ."; do
        $kind "$DIR/bundle/config.json"
        run timeout 20 "$RUNTIME" --root "$ROOT" create -b "$DIR/bundle" one
        echo "$kind: $output"
        [ "$status" = 1 ]
        [ "${#lines[@]}" = 1 ]
        [[ $output == *"config.json'"* ]]
        [ -z "$(ls "$ROOT" 2>/dev/null)" ]
        rm -r "$DIR/bundle/config.json"
    done
}

@test "a log that can not be written is told before anything is done" {
    local log
    mkfifo "$DIR/pipe"
    for log in "$DIR" "$DIR/none/log" "$DIR/pipe" "file:$DIR/none/log"; do
        run timeout 20 "$RUNTIME" --root "$ROOT" --log "$log" --log-format json list
        echo "$log: $output"
        [ "$status" = 1 ]
        [ "${#lines[@]}" = 1 ]
        [[ $output == *"cannot log to '${log#file:}': "* ]]
    done
}

@test "a log whose pipe is full is waited for, and gets its line whole" {
    local hold line job
    mkfifo "$DIR/full"
    exec {hold}<>"$DIR/full"
    # 64 KiB, as pipe(7) has it.
    head -c 65536 /dev/zero >&"$hold"
    "$RUNTIME" --root "$ROOT" --log "$DIR/full" --log-format json state none 2>"$DIR/said" 3>&- &
    job=$!
    # Told before the log is.
    eventually 20 test -s "$DIR/said"
    sleep 0.5
    timeout 20 head -c 65536 <&"$hold" >/dev/null
    IFS= read -r -t 20 line <&"$hold"
    exec {hold}>&-
    wait "$job" || [ $? = 1 ]
    [[ $(jq -r .msg <<<"$line") == *"container does not exist"* ]]
}

@test "ids that could be paths are refused" {
    for id in . .. a/b '' ../x 'a b' "$(printf 'x%.0s' {1..300})"; do
        run "$RUNTIME" --root "$ROOT" state "$id"
        [ "$status" = 1 ]
        [[ $output == *"as a container ID"* ]]
    done
}
