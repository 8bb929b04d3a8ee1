#!/usr/bin/env bats
# The unit tests of what depends on the kernel most, on this one.
load vm

setup() {
    need_guest
    # Its disk has a queue to limit.
    mkdir -p /tmp/var
    mountpoint -q /var/tmp || mount --bind /tmp/var /var/tmp
}

# unit PROGRAM [ARGUMENT...]: of control groups none may be skipped on pure v2.
unit() {
    run timeout 100 "$BUILD/tests/unit/$1" "${@:2}"
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *'[  PASSED  ]'* ]]
    [[ $1 != cgroup/* || $VM_CGROUP != v2 || $output != *SKIPPED* ]]
}

@test "groups are entered" {
    unit cgroup/test_cgroup_entry
}

@test "limits are set, reached and counted" {
    unit cgroup/test_cgroup_limits
}

@test "a pool makes, cleans and removes its groups" {
    unit cgroup/test_cgroup_pool
}

@test "trees are found, divided and left as they were" {
    unit cgroup/test_cgroup_root
}

@test "processes are started behind their wall" {
    unit pvm/test_spawn "$BUILD/tests/unit/pvm/spawn_probe"
}
