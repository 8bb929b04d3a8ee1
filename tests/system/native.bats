#!/usr/bin/env bats
# Native code that a person signs for: vireo build --native, run, and a daemon that takes it from
# the keys that its configuration trusts, and from nobody else.
load helper

LIBRARIES=

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    WORK=$(mktemp -d /tmp/vireo-native.XXXXXX)
    export WORK
    VIREO_STATE=$WORK/signer "$VIREO" build --native "$FUNCTIONS/native.c" -o "$WORK/native.so" \
        --json >"$WORK/built.json"
    VIREO_STATE=$WORK/stranger "$VIREO" build -q --native "$FUNCTIONS/native.c" -o "$WORK/strange.so"
    printf 'keys:\n  trusted:\n    - %s\n' "$(jq -r .signed_by "$WORK/built.json")" >"$WORK/config.yaml"
    daemon_start --config "$WORK/config.yaml"
    "$VIREO" deploy -q "$WORK/native.so" --name native
}

teardown_file() {
    daemon_clean
    [ -z "${WORK-}" ] || rm -rf "$WORK"
}

setup() {
    need_root
}

@test "a native library says what it is, and runs from its file for who signed it" {
    [ "$(jq -r '.safety, .kind' "$WORK/built.json" | xargs)" = "native handler" ]
    readelf --dyn-syms -W "$WORK/native.so" | grep -q ' FUNC .* twice'
    run bash -c 'echo -n hello | VIREO_STATE=$WORK/signer "$VIREO" run "$WORK/native.so"'
    [ "$output" = "POST / hello 2" ]
    VIREO_STATE=$WORK/stranger run "$VIREO" run "$WORK/native.so"
    refused 4 "signed by another key"
}

@test "a handler in native code sees its request, answers, and keeps what is static" {
    call native/deep -d body -H 'X-Name: me'
    [ "$code" = 201 ]
    [[ $body == "POST /deepme body "* ]]
    [ -n "$(header x-calls)" ]
    first=${body##* }
    call native -d body
    [ "$code" = 200 ]
    [ "${body##* }" -eq $((first + 2)) ]
    call native -d large
    [ "$code" = 200 ]
    [ "$(stat -c %s "$BODY")" -eq $((6 << 20)) ]
    head -c 6100000 /dev/zero | tr '\0' a >"$BATS_TEST_TMPDIR/long"
    call native --data-binary "@$BATS_TEST_TMPDIR/long"
    [ "$code" = 200 ]
    [ "$(stat -c %s "$BODY")" -gt 6100000 ]
}

@test "the stack has an end, a fault and a system call end the instance, the next call is served" {
    call native -d stack
    refused_with 502 trap
    [[ $body == *"call stack exhausted"* ]]
    call native -d fault
    refused_with 502 crash
    call native -d call
    refused_with 502 syscall
    call native -d well
    [ "$code" = 200 ]
}

@test "describe and ls show how it is known" {
    [ "$("$VIREO" describe -o json native | jq -r .safety)" = native ]
    "$VIREO" describe native | grep -q 'native (its signer answers for it)'
    "$VIREO" ls | grep -q native
}

@test "native code of another signer is refused by name; so is the daemon's own" {
    run "$VIREO" deploy "$WORK/strange.so" --name strange
    refused 4 "signed by another key"
    "$VIREO" build -q --native "$FUNCTIONS/native.c" -o "$WORK/own.so"
    run "$VIREO" deploy "$WORK/own.so" --name own
    refused 4 "its signer $("$VIREO" build --native "$FUNCTIONS/native.c" -o "$WORK/own.so" --json | jq -r .signed_by) is not among the operator's keys: trusted"
    run "$VIREO" deploy --require sfi "$WORK/native.so" --name native
    refused 4 "'sfi' is required"
    [ "$("$VIREO" ls -o json | jq -r '.[].name' | xargs)" = native ]
}

@test "a library that was altered, or cut, is refused" {
    cp "$WORK/native.so" "$WORK/altered.so"
    printf 'x' | dd of="$WORK/altered.so" bs=1 seek=5000 conv=notrunc status=none
    run "$VIREO" deploy "$WORK/altered.so" --name altered
    refused 4 "altered after it was signed"
    head -c 9000 "$WORK/native.so" >"$WORK/cut.so"
    run "$VIREO" deploy "$WORK/cut.so" --name cut
    refused 4 "it is not signed"
}

@test "what native code may call is on a list; its library has a handler, a main or functions" {
    local name
    for name in popen socket openat syscall dlopen pthread_create localtime; do
        printf 'long %s();\nlong handler(void) { return %s(); }\n' "$name" "$name" >"$WORK/needs.c"
        run "$VIREO" build --native "$WORK/needs.c" -o "$WORK/needs.so"
        refused 2 "it needs '$name', which is not on the list"
    done
    echo 'static __thread int x; long handler(void) { return ++x; }' >"$WORK/thread.c"
    run "$VIREO" build --native "$WORK/thread.c" -o "$WORK/thread.so"
    refused 2 "thread-local"
    echo '__attribute__((constructor)) void f(volatile int *p) { *p = 1; } long handler(void) { return 0; }' >"$WORK/begin.c"
    run "$VIREO" build --native "$WORK/begin.c" -o "$WORK/begin.so"
    refused 2 "constructor"
    echo '__attribute__((visibility("default"))) int memcmp(const void *a, const void *b, unsigned long n) { return a == b && n; }' >"$WORK/clash.c"
    run "$VIREO" build --native "$WORK/clash.c" -o "$WORK/clash.so"
    refused 2 "it exports 'memcmp', which is the guest's"
    echo '__attribute__((visibility("default"))) int thrice(int x) { return 3 * x; }' >"$WORK/thrice.c"
    run "$VIREO" build --json --native "$WORK/thrice.c" -o "$WORK/thrice.so"
    [ "$(jq -r .kind <<<"$output")" = library ]
    run "$VIREO" run "$WORK/thrice.so"
    refused 2 "has neither _start nor a handler"
}

@test "a daemon that trusts nobody takes no native code; what it served goes when trust goes" {
    sed -i 's/^    - .*/    - 0000000000000000000000000000000000000000000000000000000000000000/' "$WORK/config.yaml"
    daemon_stop
    daemon_gone
    daemon_start --config "$WORK/config.yaml"
    call native -d x
    refused_with 502 start
    [[ $body == *"signed by another key"* ]]
    printf 'keys:\n  trusted: [12]\n' >"$WORK/short.yaml"
    run "$VIREO" serve --state "$WORK/other" --config "$WORK/short.yaml"
    refused 2 "a key's id of 64 hex digits is expected here"
}
