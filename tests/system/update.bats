#!/usr/bin/env bats
# A new version of a function, for the pVMs that run too; and back.
load helper

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    daemon_start
}

teardown_file() {
    daemon_clean
}

setup() {
    need_root
    cd "$BATS_TEST_TMPDIR" || return 1
}

# source FILE TEXT: a handler that answers it.
source_of() {
    printf '#include <vireo/function.h>\n#include <string.h>\n
        int64_t handler(const uint8_t *in, size_t n, uint8_t *out, size_t cap)
        { memcpy(out, "%s", %d); return %d; }\n' "$2" "${#2}" "${#2}" >"$1"
}

@test "rollback goes back version by version, across a start of the daemon, and then says there is none" {
    for text in one two three; do
        source_of "$text.c" "$text"
    done
    "$VIREO" deploy one.c --name steps
    "$VIREO" update steps two.c
    "$VIREO" update steps three.c
    [ "$("$VIREO" invoke steps --data x)" = three ]
    "$VIREO" rollback steps
    [ "$("$VIREO" invoke steps --data x)" = two ]
    daemon_stop
    daemon_start
    run "$VIREO" rollback steps
    [ "$status" -eq 0 ]
    [ "$("$VIREO" invoke steps --data x)" = one ]
    run "$VIREO" rollback steps
    [ "$status" -eq 3 ]
    [[ $output == *"no former version"* ]]
    "$VIREO" rm steps
}

@test "an update is of a function that there is, and keeps its settings" {
    source_of one.c one
    source_of two.c two
    run "$VIREO" update nobody two.c
    [ "$status" -eq 3 ]
    [[ $output == *"no function 'nobody'"* ]]
    "$VIREO" deploy one.c --name kept --memory 16MiB --timeout 3s
    "$VIREO" update kept two.c
    [ "$("$VIREO" describe kept -o json | jq -c '[.memory_bytes, .timeout_ms]')" = '[16777216,3000]' ]
    run "$VIREO" update kept
    [ "$status" -eq 2 ]
    "$VIREO" rm kept
}
