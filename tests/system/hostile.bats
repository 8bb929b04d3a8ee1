#!/usr/bin/env bats
# Sources that attack the compilers: each gets a clear error, harms nothing and leaves nothing.
load helper

HOSTILE=$FUNCTIONS/hostile

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    daemon_start
}

teardown_file() {
    daemon_clean
}

setup() {
    need_root
}

# It is refused, with one of these exit codes, within 90 seconds, and the daemon is as before.
refuse() {
    local source=$1 codes=$2
    run timeout 90 "$VIREO" deploy "$HOSTILE/$source" --name hostile
    [[ " $codes " == *" $status "* ]] || {
        echo "exit code $status: $output" >&2
        return 1
    }
    [[ $output == *"cannot "* ]]
    call hostile
    [ "$code" = 404 ]
    curl -s -f -o /dev/null "$VIREO_SERVER/healthz"
    # No compiler runs on.
    local pid name
    for pid in $(descendants "$VIREO_DAEMON"); do
        name=$(cat "/proc/$pid/comm" 2>/dev/null) || continue
        [[ ! $name =~ ^(vireo-build|clang|cc1|wasm2c|gcc|as|ld|wasm-ld)$ ]]
    done
}

@test "#include of the host's secrets is refused and shows none of them" {
    refuse include_shadow.c 2
    [[ $output != *'root:'* ]]
    refuse include_proc.c 2
    [[ $output != *PATH=* ]]
}

@test ".incbin of a host's file is refused" {
    refuse incbin_passwd.c 2
    [[ $output != *'root:x'* ]]
}

@test "a macro bomb ends at a limit" {
    refuse macro_bomb.c "2 5"
}

@test "a file that includes itself ends at a limit" {
    refuse include_itself.c "2 5"
}

@test "arrays of 1 and 4 GiB end at a limit" {
    refuse huge_array.c "2 5"
    refuse large_array.c "2 5"
}

@test "what is not C, has no entry, or calls what is not there is refused" {
    refuse not_c.c 2
    refuse no_entry.c 2
    [[ $output == *handler* ]]
    refuse outside_symbol.c 2
    [[ $output == *vireo_escape* ]] || [[ $output == *system* ]]
}

@test "a compiler's message can't drive the terminal" {
    run "$VIREO" deploy "$HOSTILE/not_c.c" --name hostile
    [[ $output != *$'\033'* ]]
}

@test "links and special files in a folder are refused" {
    for kind in link fifo; do
        folder=$BATS_TEST_TMPDIR/$kind
        mkdir "$folder"
        cp "$FUNCTIONS/filter.c" "$folder"
        case $kind in
        link) ln -s /etc/passwd "$folder/more.c" ;;
        fifo) mkfifo "$folder/more.c" ;;
        esac
        run timeout 20 "$VIREO" deploy "$folder" --name hostile
        [ "$status" -eq 2 ] || [ "$status" -eq 4 ]
        [[ $output == *more.c* ]]
    done
}

@test "a packed source that names files outside is refused" {
    mkdir "$BATS_TEST_TMPDIR/t"
    cp "$FUNCTIONS/filter.c" "$BATS_TEST_TMPDIR/t"
    tar -C "$BATS_TEST_TMPDIR/t" --transform 's|filter.c|../../../../tmp/vireo-escaped.c|' -P \
        -cf "$BATS_TEST_TMPDIR/t.tar" filter.c
    run admin POST '/system/functions?name=hostile' -H 'Content-Type: application/x-tar' \
        --data-binary "@$BATS_TEST_TMPDIR/t.tar"
    [ "$(jq -r .status <<<"$output")" = 400 ]
    [ ! -e /tmp/vireo-escaped.c ]
}

@test "a module that is cut short or damaged is refused" {
    wat2wasm "$FUNCTIONS/hello.wat" -o "$BATS_TEST_TMPDIR/hello.wasm"
    size=$(stat -c %s "$BATS_TEST_TMPDIR/hello.wasm")
    for keep in 0 4 8 20 $((size / 2)) $((size - 1)); do
        head -c "$keep" "$BATS_TEST_TMPDIR/hello.wasm" >"$BATS_TEST_TMPDIR/cut.wasm"
        run timeout 60 "$VIREO" deploy "$BATS_TEST_TMPDIR/cut.wasm" --name hostile
        [ "$status" -eq 2 ]
    done
}

@test "an honest source is built after all that" {
    "$VIREO" deploy "$FUNCTIONS/filter.c" --name honest
    call honest --data-binary fine
    [ "$body" = FINE ]
}
