#!/usr/bin/env bats
# Every example is deployed and gives, for its sample input, the answer that lies beside it.
load helper

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    local script
    for script in "$TOP"/examples/*/build; do
        "$script"
    done
    daemon_start
}

teardown_file() {
    daemon_clean
}

setup() {
    need_root
}

@test "every example answers its sample as expected" {
    count=0
    for folder in "$TOP"/examples/*/; do
        [ -f "$folder/sample" ] || continue
        name=$(basename "$folder")
        "$VIREO" deploy "$folder" --name "$name"
        call "$name" --data-binary "@$folder/sample"
        [ "$code" = 200 ] || {
            echo "$name: $code $body" >&2
            return 1
        }
        cmp "$BODY" "$folder/expected"
        count=$((count + 1))
    done
    [ "$count" -ge 5 ]
}

@test "the examples refuse broken input, natively under the sanitizers too" {
    [ -x "$TOP/tests/examples/run" ] || skip "no native test"
    "$TOP/tests/examples/run" "${VIREO_TEST_LONG:+20000}"
}
