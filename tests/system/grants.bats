#!/usr/bin/env bats
# What of the machine's files a function may have, and that it is all that it has.
load helper

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    # Not below a link, whatever the machine's /tmp is.
    SHARE=$(realpath "$(mktemp -d /tmp/vireo-test-grants.XXXXXX)")
    export SHARE
    chmod 755 "$SHARE"
    mkdir -m 755 "$SHARE/public" "$SHARE/public/data" "$SHARE/public/own" "$SHARE/private" "$SHARE/private/data"
    mkdir -m 777 "$SHARE/public/open"
    echo "for all" >"$SHARE/public/data/text"
    echo "secret" >"$SHARE/private/data/text"
    ln -s ../private "$SHARE/public/way"
    ln -s ../private/data "$SHARE/public/last"
    ln -s ../../private/data/text "$SHARE/public/data/leak"
    printf 'allow_grants:\n  files:\n    - %s/public\n' "$SHARE" >"$SHARE/vireo.conf"
    daemon_start --config "$SHARE/vireo.conf"
}

teardown_file() {
    daemon_clean
    [ -z "${SHARE-}" ] || rm -rf "$SHARE"
}

setup() {
    need_root
}

# deploy_files NAME, with what is to be said of its files on standard input.
deploy_files() {
    local folder=$BATS_TEST_TMPDIR/$1
    mkdir -p "$folder"
    cp "$FUNCTIONS/files.c" "$folder"
    {
        echo "name: $1"
        cat
    } >"$folder/vireo.yaml"
    "$VIREO" deploy "$folder"
}

# host_grant NAME HOST [line]: one directory of the host, seen as /data.
host_grant() {
    printf 'grants:\n  files:\n    - path: /data\n      host: %s\n%s\n' "$2" \
        "${3:+      $3}" | deploy_files "$1"
}

ask() {
    local name=$1
    shift
    call "$name" --data-binary "$*"
    [ "$code" = 200 ] || {
        echo "status $code: $body" >&2
        return 1
    }
}

@test "a directory that the operator allows is seen, read-only" {
    host_grant reader "$SHARE/public/data"
    ask reader read /data/text
    [ "$body" = "for all" ]
    ask reader write /data/new words
    [[ $body == "write: "* ]]
    [ ! -e "$SHARE/public/data/new" ]
    # By root too, so that it is the mount and not the mode that refuses.
    chmod 777 "$SHARE/public/data"
    ask reader write /data/new words
    [[ $body == "write: "* ]]
    chmod 755 "$SHARE/public/data"
    [ ! -e "$SHARE/public/data/new" ]
}

@test "fork and ipc are refused with exit code 4 unless the operator allows them" {
    for grant in fork ipc; do
        mkdir "$BATS_TEST_TMPDIR/$grant"
        cp "$FUNCTIONS/files.c" "$BATS_TEST_TMPDIR/$grant"
        printf 'name: asks\ngrants: {%s: true}\n' "$grant" >"$BATS_TEST_TMPDIR/$grant/vireo.yaml"
        run "$VIREO" deploy "$BATS_TEST_TMPDIR/$grant"
        [ "$status" -eq 4 ]
        [[ $output == *"grant $grant is not in the operator's allow_grants"* ]]
    done
}

@test "what is outside of allow_grants is refused with exit code 4, by its name" {
    for host in "$SHARE/private/data" "$SHARE" "$SHARE/publicity" /etc; do
        run host_grant outside "$host"
        [ "$status" -eq 4 ]
        [[ $output == *"grant files '$host' is not in the operator's allow_grants"* ]]
    done
    run "$VIREO" describe outside
    [ "$status" -ne 0 ]
}

@test "a path with .. is no way out of what is allowed" {
    for host in "$SHARE/public/../private" "$SHARE/public/.."; do
        run host_grant dots "$host"
        [ "$status" -ne 0 ]
        [[ $output == *"'..'"* ]]
    done
}

@test "a symbolic link below what is allowed gives nothing of where it points" {
    for host in "$SHARE/public/way/data" "$SHARE/public/last"; do
        run host_grant linked "$host"
        [ "$status" -eq 4 ]
        [[ $output == *"grant files '$host' to 'linked': a part of the path is a symbolic link"* ]]
    done
    run host_grant linked "$SHARE/public/nothing"
    [ "$status" -eq 4 ]
    [[ $output == *"grant files '$SHARE/public/nothing' to 'linked': No such file or directory"* ]]
}

@test "a link inside of a granted directory does not lead out of it" {
    host_grant inside "$SHARE/public/data"
    ask inside read /data/leak
    [[ $body == "read: "* ]]
}

@test "a writable directory takes what the function may write there, as its own uid" {
    host_grant writer "$SHARE/public/open" "writable: true"
    ask writer write /data/new words
    [ "$body" = written ]
    [ "$(cat "$SHARE/public/open/new")" = words ]
    [ "$(stat -c %u "$SHARE/public/open/new")" = "$("$VIREO" describe -o json writer | jq .uid)" ]

    # A directory of somebody else is closed to it; its own may be closed to all others.
    host_grant owner "$SHARE/public/own" "writable: true"
    ask owner write /data/new words
    [[ $body == "write: "* ]]
    chown "$("$VIREO" describe -o json owner | jq .uid)" "$SHARE/public/own"
    chmod 700 "$SHARE/public/own"
    ask owner write /data/new words
    [ "$body" = written ]
    [ "$(cat "$SHARE/public/own/new")" = words ]
}

tmp_grant() {
    printf 'grants:\n  files:\n    - path: /tmp\n      size: 1MiB\n%s\n' "$2" | deploy_files "$1"
}

@test "a private tmp is written, and limited to its size" {
    tmp_grant scratch "pool: {instances: 1}"
    ask scratch write /tmp/kept words
    [ "$body" = written ]
    ask scratch read /tmp/kept
    [ "$body" = words ]
    ask scratch fill /tmp/large
    [ "$body" -ge 900 ]
    [ "$body" -le 1024 ]
    [ ! -e /tmp/kept ]
}

@test "a private tmp is empty for each request under isolation: request" {
    tmp_grant fresh "isolation: request"
    for _ in 1 2 3; do
        ask fresh list /tmp
        [ -z "$body" ]
        ask fresh write /tmp/kept words
        [ "$body" = written ]
    done
}

@test "a private tmp is not shared between instances, nor between functions" {
    tmp_grant several "pool: {instances: 4}"
    tmp_grant neighbour "pool: {instances: 1}"
    local calls=()
    # Those that run at the same time are instances of their own: each sees only the file of its own.
    for i in 1 2 3; do
        curl -s -o "$BATS_TEST_TMPDIR/seen$i" "$VIREO_SERVER/function/several" \
            --data-binary "sleep /tmp" 3>&- &
        calls+=($!)
    done
    # All of them have begun, or one has ended already.
    all_run() {
        local pid
        for pid in "${calls[@]}"; do
            alive "$pid" || return 0
        done
        [ "$("$VIREO" ps -o json | jq '[.[] | select(.function == "several" and .state == "running")] | length')" = 3 ]
    }
    eventually 10 all_run
    ask several write /tmp/mine words
    [ "$body" = written ]
    wait
    for i in 1 2 3; do
        [ ! -s "$BATS_TEST_TMPDIR/seen$i" ]
    done
    ask neighbour list /tmp
    [ -z "$body" ]
}

@test "a function without a grant has no file at all" {
    "$VIREO" deploy "$FUNCTIONS/files.c" --name bare
    for path in /etc/passwd / . /tmp ../etc/passwd /proc/self/status; do
        ask bare read "$path"
        [[ $body == "read: "* ]]
    done
}

@test "neither .., an absolute path nor a link of its own leads a function out of its grant" {
    host_grant escape "$SHARE/public/open" "writable: true"
    for path in /data/../private/data/text /data/../../etc/passwd /etc/passwd /data/./../../etc/passwd \
        "$SHARE/private/data/text" ../etc/passwd; do
        ask escape read "$path"
        [[ $body == "read: "* ]]
        ask escape write "$path" words
        [[ $body == "write: "* ]]
    done
    [ "$(cat "$SHARE/private/data/text")" = secret ]

    # It may be refused to make one; a link that is there, by whomever, is not followed outside.
    ask escape symlink /data/made ../../private/data/text
    [ -L "$SHARE/public/open/made" ] || ln -s ../../private/data/text "$SHARE/public/open/made"
    ask escape symlink /data/passwd /etc/passwd
    [ -L "$SHARE/public/open/passwd" ] || ln -s /etc/passwd "$SHARE/public/open/passwd"
    ln -sfn ../../private "$SHARE/public/open/way"
    for path in /data/made /data/passwd /data/way/data/text; do
        ask escape read "$path"
        [[ $body == "read: "* ]]
        ask escape write "$path" words
        [[ $body == "write: "* ]]
    done
    [ "$(cat "$SHARE/private/data/text")" = secret ]
}
