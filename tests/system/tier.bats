#!/usr/bin/env bats
# A deployed module that was never seen: served at once as it was compiled first, then optimised.
load helper

setup_file() {
    [ "$(id -u)" = 0 ] && command -v tcc >/dev/null || return 0
    MODULES=$(mktemp -d /tmp/vireo-tier-test.XXXXXX)
    export MODULES LIBRARIES=
    # Its optimiser has something to do: many functions, of which one is called.
    {
        printf '#include <stdio.h>\n'
        for i in $(seq 400); do
            printf 'static __attribute__((noinline)) unsigned f%d(unsigned x) { for (unsigned i = 0; i < x; i++) x = x * %d + (x >> %d) + i; return x; }\n' \
                "$i" $((i * 7 + 1)) $((i % 30 + 1))
        done
        printf 'int main(void) { volatile unsigned n = 3; unsigned x = 0; switch (n) {'
        for i in $(seq 400); do printf 'case %d: x = f%d(n); break;' "$i" "$i"; done
        printf '} printf("here %%u\\n", x); return 0; }\n'
    } >"$MODULES/large.c"
    clang --target=wasm32-wasi --sysroot=/usr -isystem /usr/include/wasm32-wasi -L/usr/lib/wasm32-wasi -O1 \
        -nostdlib -o "$MODULES/large.wasm" /usr/lib/wasm32-wasi/crt1-command.o "$MODULES/large.c" \
        -lc /usr/lib/llvm-14/lib/clang/14.0.6/lib/wasi/libclang_rt.builtins-wasm32.a 2>/dev/null ||
        clang --target=wasm32-wasi -O1 -o "$MODULES/large.wasm" "$MODULES/large.c"
    daemon_start
}

teardown_file() {
    daemon_clean
    rm -rf "${MODULES:-/nonexistent}"
}

setup() {
    need_root
    command -v tcc >/dev/null || skip "there is no first tier without tcc"
}

tier() {
    "$VIREO" describe "$1" -o json | jq -r '.tier // "optimised"'
}
optimised() {
    [ "$(tier "$1")" = optimised ]
}
library() {
    "$VIREO" describe "$1" -o json | jq -r .library
}
nobody_builds() {
    not pgrep -P "$VIREO_DAEMON" vireo-build
}

@test "a module that was never seen answers at once, every call is answered while it is optimised, then its library is another" {
    # A name that was never deployed, at a second try, too.
    local swap=swap$BATS_TEST_TRY_NUMBER
    "$VIREO" deploy "$MODULES/large.wasm" --name "$swap"
    [ "$(tier "$swap")" = "first, being optimised" ]
    local before answer
    before=$(library "$swap")
    answer=$(curl -s "$VIREO_SERVER/function/$swap")
    [[ $answer == "here "[1-9]* ]]
    until optimised "$swap"; do
        call "$swap"
        [ "$code" = 200 ]
        [ "$body" = "$answer" ]
    done
    [ "$(library "$swap")" != "$before" ]
    for _ in 1 2 3; do
        call "$swap"
        [ "$code" = 200 ]
        [ "$body" = "$answer" ]
    done
    grep -q "function '$swap' is optimised" "$VIREO_STATE/daemon.log"
    # Built before: it begins so.
    "$VIREO" deploy "$MODULES/large.wasm" --name "$swap"
    optimised "$swap"
}

@test "what was deployed, removed or rolled back to meanwhile is what is served" {
    printf 'int main(void) { return 0; }' >"$MODULES/small.c"
    clang --target=wasm32-wasi -O1 -o "$MODULES/small.wasm" "$MODULES/small.c"
    "$VIREO" deploy "$MODULES/large.wasm" --name other
    "$VIREO" deploy "$MODULES/small.wasm" --name other
    "$VIREO" deploy "$MODULES/large.wasm" --name gone
    "$VIREO" rm gone
    call other
    [ "$code" = 200 ]
    [ -z "$body" ]
    eventually 120 optimised other
    "$VIREO" rollback other
    call other
    [[ $code == 200 && $body == "here "[1-9]* ]]
    eventually 120 optimised other
    call other
    [[ $code == 200 && $body == "here "[1-9]* ]]
    call gone
    [ "$code" = 404 ]
    eventually 60 nobody_builds
}

@test "a handler, which keeps its state between calls, waits for the optimising compiler" {
    cat >"$MODULES/handler.c" <<'END'
static char request[1 << 16], answer[1 << 16], calls = '0';
__attribute__((export_name("vireo_request_buffer"))) void *request_buffer(int bytes) { (void)bytes; return request; }
__attribute__((export_name("vireo_answer_buffer"))) void *answer_buffer(void) { return answer; }
__attribute__((export_name("vireo_handle"))) long long handle(int bytes, int most) { (void)bytes, (void)most; answer[0] = ++calls; return 1; }
END
    clang --target=wasm32 -O1 -nostdlib -Wl,--no-entry -o "$MODULES/handler.wasm" "$MODULES/handler.c"
    "$VIREO" deploy "$MODULES/handler.wasm" --name handles
    optimised handles
    call handles
    [[ $code == 200 && $body == 1 ]]
    call handles
    [[ $code == 200 && $body == 2 ]]
}

@test "a daemon that is killed or stopped meanwhile optimises when it is there again; its answers go on" {
    daemon_there
    local before killed=killed$BATS_TEST_TRY_NUMBER
    "$VIREO" deploy "$MODULES/large.wasm" --name "$killed"
    [ "$(tier "$killed")" = "first, being optimised" ]
    before=$(library "$killed")
    daemon_kill 15
    daemon_start
    call "$killed"
    [ "$code" = 200 ]
    # Ending it does not wait for a compiler.
    local begin=$SECONDS
    daemon_stop
    [ $((SECONDS - begin)) -lt 10 ]
    daemon_start
    eventually 120 optimised "$killed"
    [ "$(library "$killed")" != "$before" ]
    call "$killed"
    [ "$code" = 200 ]
    # And it stays so.
    daemon_stop
    daemon_start
    optimised "$killed"
    call "$killed"
    [ "$code" = 200 ]
}
