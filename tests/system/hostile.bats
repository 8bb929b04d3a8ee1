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

# Nothing is deployed by this name, the daemon is as before, and no compiler runs on.
nothing_left() {
    call "$1"
    [ "$code" = 404 ]
    curl -s -f -o /dev/null "$VIREO_SERVER/healthz"
    local pid name
    for pid in $(descendants "$VIREO_DAEMON"); do
        name=$(cat "/proc/$pid/comm" 2>/dev/null) || continue
        [[ ! $name =~ ^(vireo-build|clang|cc1|wasm2c|gcc|as|ld|wasm-ld)$ ]]
    done
}

# It is refused, with one of these exit codes, within 90 seconds.
refuse() {
    local source=$1 codes=$2
    run timeout 90 "$VIREO" deploy "$HOSTILE/$source" --name hostile
    [[ " $codes " == *" $status "* ]] || {
        echo "exit code $status: $output" >&2
        return 1
    }
    [[ $output == *"cannot "* ]]
    nothing_left hostile
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

@test "macro bombs end at a limit, and a deploy does not wait for three of them" {
    local bombs=() i pid deployed living=0 limited=0
    for i in 1 2 3; do
        timeout 240 "$VIREO" deploy "$HOSTILE/macro_bomb.c" --name "bomb-$i" >"$BATS_TEST_TMPDIR/bomb-$i" 2>&1 3>&- &
        bombs+=($!)
    done
    sleep 2
    run timeout 200 "$VIREO" deploy "$FUNCTIONS/filter.c" --name beside
    deployed=$status
    for pid in "${bombs[@]}"; do
        ! alive "$pid" || living=$((living + 1))
    done
    # All are waited for, whatever came of the deploy: the next test counts compilers.
    for pid in "${bombs[@]}"; do
        i=0
        wait "$pid" || i=$?
        [ "$i" -ne 5 ] || limited=$((limited + 1))
    done
    [ "$deployed" -eq 0 ]
    # On a busy machine the first may have ended; a deploy that stood behind them would find none.
    [ "$living" -gt 0 ]
    [ "$limited" -eq 3 ]
    for i in 1 2 3; do
        grep -q '^vireo: cannot ' "$BATS_TEST_TMPDIR/bomb-$i"
        nothing_left "bomb-$i"
    done
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

@test "a source that is itself a link is refused and not read" {
    echo 'root:secret' >"$BATS_TEST_TMPDIR/secret"
    ln -s secret "$BATS_TEST_TMPDIR/lnk.c"
    run timeout 20 "$VIREO" deploy "$BATS_TEST_TMPDIR/lnk.c" --name hostile
    [ "$status" -eq 2 ]
    [[ $output == *"lnk.c': it is a symbolic link"* ]]
    [[ $output != *secret* ]]
}

@test "a file whose name looks like an option is compiled" {
    mkdir "$BATS_TEST_TMPDIR/o"
    cp "$FUNCTIONS/filter.c" "$BATS_TEST_TMPDIR/o"
    echo '#error found' >"$BATS_TEST_TMPDIR/o/-Wx.c"
    run timeout 60 "$VIREO" deploy "$BATS_TEST_TMPDIR/o" --name hostile
    [ "$status" -eq 2 ]
    [[ $output == *"./-Wx.c:1:2: error: found"* ]]
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

# wasm2c writes names of exports into comments of its C.
@test "a module whose names are C code runs as any other, with nothing injected" {
    export=$(printf '%s' '*/ static int evil(void) { __builtin_trap(); }' \
        '\0a#define init_memories(x) (evil(), init_memories(x))\0a/*')
    cat >"$BATS_TEST_TMPDIR/names.wat" <<EOF
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func \$write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\05\00\00\00")
  (data (i32.const 16) "fine\n")
  (func \$boom (export "$export") unreachable)
  (func (export "other*/\0a#error evil") (call \$boom))
  (func (export "_start")
    (drop (call \$write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
EOF
    wat2wasm --debug-names "$BATS_TEST_TMPDIR/names.wat" -o "$BATS_TEST_TMPDIR/names.wasm"
    grep -q -a '#define init_memories' "$BATS_TEST_TMPDIR/names.wasm"
    run timeout 60 "$VIREO" --state "$BATS_TEST_TMPDIR/state" run "$BATS_TEST_TMPDIR/names.wasm"
    [ "$status" -eq 0 ]
    [ "$output" = fine ]

    # The same code, trapping: the function is called by its own name.
    sed 's/(drop (call \$write.*/(call $boom)))/' "$BATS_TEST_TMPDIR/names.wat" \
        >"$BATS_TEST_TMPDIR/trap.wat"
    wat2wasm --debug-names "$BATS_TEST_TMPDIR/trap.wat" -o "$BATS_TEST_TMPDIR/trap.wasm"
    run timeout 60 "$VIREO" --state "$BATS_TEST_TMPDIR/state" run "$BATS_TEST_TMPDIR/trap.wasm"
    [ "$status" -ne 0 ]
    [[ $output == *"trap in 'boom': unreachable"* ]]
}

@test "more functions than the translator can take in time are refused at once" {
    { echo '(module (memory (export "memory") 1) (func (export "_start"))'
        yes '(func)' | head -n 32768
        echo ')'; } >"$BATS_TEST_TMPDIR/many.wat"
    wat2wasm "$BATS_TEST_TMPDIR/many.wat" -o "$BATS_TEST_TMPDIR/many.wasm"
    run timeout 20 "$VIREO" deploy "$BATS_TEST_TMPDIR/many.wasm" --name hostile
    [ "$status" -eq 2 ]
    [[ $output == *"too many in the functions (32769, the limit is 32768)"* ]]
}

@test "an honest source is built after all that" {
    "$VIREO" deploy "$FUNCTIONS/filter.c" --name honest
    call honest --data-binary fine
    [ "$body" = FINE ]
}
