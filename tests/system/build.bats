#!/usr/bin/env bats
# vireo build and vireo run: without a daemon, as root and as an ordinary user.
load helper

setup() {
    export VIREO_STATE=$BATS_TEST_TMPDIR/state
}

teardown() {
    rm -rf "$BATS_TEST_TMPDIR/state" "$BATS_TEST_TMPDIR/home"
}

# Runs vireo as nobody, from a copy of the build's programs that nobody may read.
as_nobody() {
    local programs=$BATS_TEST_TMPDIR/programs
    if [ ! -d "$programs" ]; then
        chmod 755 "$BATS_RUN_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")" "$BATS_TEST_TMPDIR"
        mkdir "$programs" "$BATS_TEST_TMPDIR/home"
        find "$BUILD" -maxdepth 1 -type f -perm -u+x -name 'vireo*' -exec cp {} "$programs" \;
        cp -r "$FUNCTIONS" "$BATS_TEST_TMPDIR/functions"
        chmod -R a+rX "$BATS_TEST_TMPDIR/functions" "$programs"
        chown 65534:65534 "$BATS_TEST_TMPDIR/home"
    fi
    setpriv --reuid 65534 --regid 65534 --clear-groups env -u VIREO_STATE -u XDG_CACHE_HOME \
        -u XDG_CONFIG_HOME HOME="${NOBODYS_HOME-$BATS_TEST_TMPDIR/home}" "$programs/vireo" "$@"
}

# An ordinary user's namespaces are this machine's choice.
need_user_namespaces() {
    need_root
    [ "$(as_nobody doctor -o json | jq -r '.[] | select(.part == "ordinary users").status')" = ok ] ||
        skip "ordinary users may not make user namespaces here"
}

@test "build makes a signed library, says what it is, and not twice" {
    need_root
    run "$VIREO" build "$FUNCTIONS/filter.c" -o "$BATS_TEST_TMPDIR/filter.so"
    [ "$status" -eq 0 ]
    [[ $output == *"filter.so: filter"*sfi* ]]
    readelf -h "$BATS_TEST_TMPDIR/filter.so" | grep -q 'DYN'
    readelf -n "$BATS_TEST_TMPDIR/filter.so" | grep -q vireo
    [ "$(stat -c %a "$VIREO_STATE/key")" = 600 ]
    cp "$BATS_TEST_TMPDIR/filter.so" "$BATS_TEST_TMPDIR/first.so"
    run "$VIREO" build --json "$FUNCTIONS/filter.c" -o "$BATS_TEST_TMPDIR/filter.so"
    [ "$(jq -r .from_store <<<"$output")" = true ]
    [ "$(jq -r .library <<<"$output")" = "$(sha256sum "$BATS_TEST_TMPDIR/first.so" | cut -d ' ' -f 1)" ]
    cmp "$BATS_TEST_TMPDIR/filter.so" "$BATS_TEST_TMPDIR/first.so"
}

@test "build --progress names each stage" {
    need_root
    run bash -c '"$VIREO" build --progress "$FUNCTIONS/filter.c" -o "$BATS_TEST_TMPDIR/x.so" 2>&1'
    [ "$status" -eq 0 ]
    for stage in compile translate optimise check sign; do
        grep -q "$stage" <<<"$output"
    done
}

@test "build refuses a hostile source with the compiler's words" {
    need_root
    run "$VIREO" build "$FUNCTIONS/hostile/include_shadow.c" -o "$BATS_TEST_TMPDIR/x.so"
    [ "$status" -eq 2 ]
    [[ $output != *root:* ]]
    [ ! -e "$BATS_TEST_TMPDIR/x.so" ]
}

@test "a key that others can read is refused" {
    need_root
    mkdir -p "$VIREO_STATE"
    "$VIREO" build "$FUNCTIONS/filter.c" -o "$BATS_TEST_TMPDIR/x.so"
    chmod 644 "$VIREO_STATE/key"
    run "$VIREO" build "$FUNCTIONS/filter.c" -o "$BATS_TEST_TMPDIR/x.so"
    [ "$status" -eq 4 ]
    [[ $output == *key* ]]
}

@test "run passes standard input, output and the exit status through" {
    need_root
    run bash -c 'echo quiet | "$VIREO" run "$FUNCTIONS/filter.c"'
    [ "$status" -eq 0 ]
    [ "$output" = QUIET ]
    wat2wasm "$FUNCTIONS/hello.wat" -o "$BATS_TEST_TMPDIR/hello.wasm"
    run "$VIREO" run "$BATS_TEST_TMPDIR/hello.wasm"
    [ "$output" = "hello from wasm" ]
    printf '#include <stdio.h>\nint main(int c, char **v) { puts(c > 1 ? v[1] : "-"); return 41; }\n' \
        >"$BATS_TEST_TMPDIR/status.c"
    run "$VIREO" run "$BATS_TEST_TMPDIR/status.c" --word
    [ "$status" -eq 41 ]
    [ "$output" = --word ]
}

# wasm_of WAT: a module that this test's store has not seen.
wasm_of() {
    wat2wasm --debug-names - -o "$BATS_TEST_TMPDIR/module.wasm" <<<"$1"
}

@test "a module that was never seen begins in the first tier, which computes what the optimised one does" {
    need_root
    python3 "$TOP/tests/system/every_operator.py" >"$BATS_TEST_TMPDIR/every.wat"
    wat2wasm "$BATS_TEST_TMPDIR/every.wat" -o "$BATS_TEST_TMPDIR/every.wasm"
    cd "$BATS_TEST_TMPDIR"
    "$VIREO" -v run every.wasm >first 2>said
    grep -q 'compile quickly' said
    not grep -q optimise said
    [ "$(stat -c %s first)" -gt 400000 ]
    # The other is made by a process that outlives the command; then the next run has it.
    flock "$VIREO_STATE/optimise.lock" true
    "$VIREO" -v run every.wasm >second 2>said
    not grep -q . said
    cmp first second
    # Beside it, a build asks for the optimised one alone.
    "$VIREO" -v build every.wasm -o every.so 2>said
    not grep -q compile said
    cmp first <("$VIREO" run every.so)
}

@test "traps of the first tier name their function, and its calls go as deep" {
    need_root
    wasm_of '(module (memory (export "memory") 1)
        (func $reader (param i32) (result i32) (i32.load offset=4294967280 (local.get 0)))
        (func (export "_start") (drop (call $reader (i32.const -5)))))'
    run "$VIREO" -v run "$BATS_TEST_TMPDIR/module.wasm"
    [ "$status" -eq 1 ]
    [[ $output == *'compile quickly'*"trap in 'reader': out of bounds memory access"* ]]
    # An address that is negative to a signed eye is one at the end of 4 GiB, whatever made it.
    for access in '(i32.store8 (local.get 0) (i32.const 7))' '(drop (f64.load (i32.shr_s (local.get 0) (i32.const 2))))' \
        '(drop (i64.load32_s (i32.extend8_s (local.get 0))))' '(i64.store (i32.trunc_f64_s (f64.const -16)) (i64.const 1))'; do
        wasm_of "(module (memory (export \"memory\") 1) (func \$at (param i32) $access) (func (export \"_start\") (call \$at (i32.const -16))))"
        run "$VIREO" -v run "$BATS_TEST_TMPDIR/module.wasm"
        [ "$status" -eq 1 ]
        [[ $output == *'compile quickly'*"trap in 'at': out of bounds memory access (below address 0"* ]]
    done
    wasm_of "(module (memory (export \"memory\") 1)
        (func \$deep (param i32) (result i32) (if (result i32) (local.get 0)
            (then (i32.mul (i32.const 3) (call \$deep (i32.sub (local.get 0) (i32.const 1))))) (else (i32.const 1))))
        (func (export \"_start\") (if (i32.ne (call \$deep (i32.const 15000)) (i32.const $((3 ** 15000 & 0xffffffff)))) (then unreachable))))"
    run "$VIREO" -v run "$BATS_TEST_TMPDIR/module.wasm"
    [ "$status" -eq 0 ]
    [[ $output == *'compile quickly'* ]]
}

@test "what is prepared is optimised and not run, and the run after it has that" {
    need_root
    wasm_of '(module (memory (export "memory") 1) (func (export "_start") unreachable))'
    run "$VIREO" -v run --prepare "$BATS_TEST_TMPDIR/module.wasm"
    [ "$status" -eq 0 ]
    [[ $output == *optimise* && $output != *quickly* ]]
    run "$VIREO" -v run "$BATS_TEST_TMPDIR/module.wasm"
    [ "$status" -eq 1 ]
    [[ $output == *unreachable* && $output != *compile* ]]
}

@test "what the first tier does not take is optimised at once" {
    need_root
    # Its frame would be larger than what the guard below the stack catches.
    wasm_of "(module (memory (export \"memory\") 1) (func (export \"_start\") (local $(printf 'i64 %.0s' $(seq 6000)))
        (if (i64.ne (local.get 17) (local.get 5999)) (then unreachable))))"
    run "$VIREO" -v run "$BATS_TEST_TMPDIR/module.wasm"
    [ "$status" -eq 0 ]
    [[ $output == *optimise* ]]
}

@test "a run that is interrupted while it is built or optimised leaves nothing" {
    need_root
    python3 "$TOP/tests/system/every_operator.py" | sed 's/(drop (call $fd_write.*/(loop $end (br $end))))/' >"$BATS_TEST_TMPDIR/endless.wat"
    wat2wasm "$BATS_TEST_TMPDIR/endless.wat" -o "$BATS_TEST_TMPDIR/endless.wasm"
    "$VIREO" run "$BATS_TEST_TMPDIR/endless.wasm" &
    run_pid=$!
    for _ in $(seq 250); do
        [ -z "$(pgrep -P "$run_pid" vireo-build)" ] || break
        sleep 0.02
    done
    kill "$run_pid"
    status=0
    wait "$run_pid" || status=$?
    [ "$status" -eq 143 ]
    not pgrep -P "$run_pid"
    # Its compiler ends with it, a moment later.
    eventually 10 flock -n "$VIREO_STATE/optimise.lock" true
    [ ! -e "/sys/fs/cgroup/vireo/build-$run_pid" ] && [ ! -e "/sys/fs/cgroup/pids/vireo/build-$run_pid" ]
}

@test "run passes on the status of a handler that exits, and says 1 for a trap" {
    printf '%s\n' '#include <stdlib.h>' '#include <vireo/function.h>' \
        'static int touch(char *frame, int n) { frame[0] = (char)n; return n; }' \
        'static int (*volatile touch_it)(char *, int) = touch;' \
        'static int deeper(int n) { char frame[40000];' \
        '    return touch_it(frame, n) + deeper(n + 1) + touch_it(frame, n); }' \
        'int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap) {' \
        '    (void)out; (void)out_cap;' \
        '    if (in_len == 1) __builtin_trap();' \
        '    if (in_len == 2) return deeper(1);' \
        '    if (in_len == 3) exit(7);' \
        '    exit(in[0]); }' >"$BATS_TEST_TMPDIR/ends.c"
    run bash -c "printf abc | '$VIREO' run -q '$BATS_TEST_TMPDIR/ends.c'"
    [ "$status:$output" = 7: ]
    run bash -c "printf a | '$VIREO' run -q '$BATS_TEST_TMPDIR/ends.c'"
    [ "$status" -eq 1 ]
    [[ $output == "vireo: trap in '"*unreachable* ]]
    run bash -c "printf ab | '$VIREO' run -q '$BATS_TEST_TMPDIR/ends.c'"
    [ "$status" -eq 1 ]
    [[ $output == *"out of bounds memory access (below address 0: the C stack may have overflowed)" ]]
}

@test "run grants a directory as /, beside others, and keeps the rest of the host away" {
    local seen=$BATS_TEST_TMPDIR/seen
    mkdir "$seen" "$seen-too"
    echo one >"$seen/file"
    echo two >"$seen-too/file"
    printf '%s\n' '#include <stdio.h>' '#include <fcntl.h>' '#include <unistd.h>' \
        'int main(int argc, char **argv) { char line[64]; int failed = 0;' \
        '    for (int i = 1; i < argc; i++) { FILE *f = fopen(argv[i], "r");' \
        '        if (f && fgets(line, sizeof line, f)) fputs(line, stdout); else failed++;' \
        '        if (f) fclose(f); }' \
        '    return failed; }' >"$BATS_TEST_TMPDIR/cat.c"
    run "$VIREO" run -q --dir "$seen::/" --dir "$seen-too::/too:ro" "$BATS_TEST_TMPDIR/cat.c" \
        /file file /too/file
    [ "$status:$output" = $'0:one\none\ntwo' ]
    run "$VIREO" run -q --dir "$seen::/" "$BATS_TEST_TMPDIR/cat.c" /etc/passwd /../etc/passwd \
        /.granted-root/file
    [ "$status:$output" = 3: ]
    # The host's own root, as other runners have it.
    run "$VIREO" run -q --dir /:ro "$BATS_TEST_TMPDIR/cat.c" "$seen/file"
    [ "$status:$output" = 0:one ]
}

@test "run grants by --dir what a vireo.yaml asks for, and refuses paths that lead out" {
    local folder=$BATS_TEST_TMPDIR/wish
    mkdir "$folder" "$BATS_TEST_TMPDIR/data"
    echo one >"$BATS_TEST_TMPDIR/data/file"
    printf '%s\n' '#include <stdio.h>' 'int main(void) { char line[64];' \
        '    FILE *f = fopen("/d/file", "r");' \
        '    return f && fgets(line, sizeof line, f) ? fputs(line, stdout) < 0 : 9; }' \
        >"$folder/main.c"
    printf 'grants: {files: [{path: /d, host: /srv/vireo-none}]}\n' >"$folder/vireo.yaml"
    run "$VIREO" run -q "$folder"
    [ "$status" -eq 4 ]
    [[ $output == *"asks for '/srv/vireo-none' (grant it by --dir /srv/vireo-none::/d)"* ]]
    run "$VIREO" run -q --dir "$BATS_TEST_TMPDIR/data::/other" "$folder"
    [ "$status" -eq 4 ]
    run "$VIREO" run -q --dir "$BATS_TEST_TMPDIR/data::/d/" "$folder"
    [ "$status:$output" = 0:one ]
    for guest in d /d/.. /../d /./d /a//d ''; do
        run "$VIREO" run -q --dir "$BATS_TEST_TMPDIR/data::$guest" "$folder"
        [ "$status" -eq 2 ]
        [[ $output == "vireo: cannot grant '$BATS_TEST_TMPDIR/data' as '$guest': it "* ]]
    done
}

@test "run takes a library that was built here, and refuses one that was altered" {
    need_root
    "$VIREO" build "$FUNCTIONS/filter.c" -o "$BATS_TEST_TMPDIR/filter.so"
    run bash -c 'echo built | "$VIREO" run "$BATS_TEST_TMPDIR/filter.so"'
    [ "$output" = BUILT ]
    size=$(stat -c %s "$BATS_TEST_TMPDIR/filter.so")
    printf '\x90' | dd of="$BATS_TEST_TMPDIR/filter.so" bs=1 seek=$((size / 2)) conv=notrunc status=none
    run bash -c 'echo built | "$VIREO" run "$BATS_TEST_TMPDIR/filter.so"'
    [ "$status" -eq 4 ]
    [[ $output == "vireo: cannot run '$BATS_TEST_TMPDIR/filter.so': "*" altered after it was signed" ]]
}

@test "a library of another key is refused" {
    need_root
    VIREO_STATE=$BATS_TEST_TMPDIR/state-two "$VIREO" build "$FUNCTIONS/filter.c" \
        -o "$BATS_TEST_TMPDIR/foreign.so"
    run bash -c 'echo x | "$VIREO" run "$BATS_TEST_TMPDIR/foreign.so"'
    [ "$status" -eq 4 ]
    rm -rf "$BATS_TEST_TMPDIR/state-two"
}

@test "an ordinary user builds and runs, with a key of their own" {
    need_user_namespaces
    run as_nobody build "$BATS_TEST_TMPDIR/functions/filter.c" -o "$BATS_TEST_TMPDIR/home/filter.so"
    [ "$status" -eq 0 ]
    [ "$(stat -c %a "$BATS_TEST_TMPDIR/home/.config/vireo/key")" = 600 ]
    run bash -c "$(declare -f as_nobody); echo mine | as_nobody run '$BATS_TEST_TMPDIR/home/filter.so'"
    [ "$status" -eq 0 ]
    [[ $output == *MINE* ]]
}

@test "an ordinary user without a usable home runs and builds all the same, and leaves nothing" {
    need_user_namespaces
    export TMPDIR=$BATS_TEST_TMPDIR/tmp
    mkdir -m 1777 "$TMPDIR"
    mkdir "$BATS_TEST_TMPDIR/closed"
    mkdir -p "$BATS_TEST_TMPDIR/half/.cache/vireo" "$BATS_TEST_TMPDIR/half/.config/vireo"
    export NOBODYS_HOME
    for NOBODYS_HOME in /nonexist "" relative "$BATS_TEST_TMPDIR/closed" "$BATS_TEST_TMPDIR/half" /dev/null; do
        run as_nobody run "$BATS_TEST_TMPDIR/functions/filter.c" <<<quiet
        echo "$NOBODYS_HOME: $output"
        [ "$status" -eq 0 ]
        [[ $output == *"temporary directory, with a key for this once"*QUIET ]]
        [ -z "$(ls -A "$TMPDIR")" ]
    done
    NOBODYS_HOME=/nonexist
    [ "$(echo quiet | as_nobody run -q "$BATS_TEST_TMPDIR/functions/filter.c" 2>&1)" = QUIET ]
    # Also when there is nothing to run.
    run as_nobody run "$BATS_TEST_TMPDIR/functions/hostile/include_shadow.c"
    [ "$status" -ne 0 ]
    [ -z "$(ls -A "$TMPDIR")" ]
}
