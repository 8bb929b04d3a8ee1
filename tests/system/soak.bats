#!/usr/bin/env bats
# After a long time of calls, deploys and kills there is as much of everything as before.
load helper

@test "mixed calls, deploys and kills leave memory, descriptors, groups, mounts and processes as they were" {
    need_root
    [ -n "${VIREO_TEST_LONG-}" ] || skip "it takes an hour: scripts/test --long; or tests/soak/run 60"
    run "$TOP/tests/soak/run" 3600
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"| processes: supervisor | 1 | 1 |"* ]]
}
