#!/usr/bin/env bats
# What a daemon leaves behind on this kernel, and what doctor says of it.
load vm

setup() {
    need_guest
    unset VIREO_STATE VIREO_PORT VIREO_DAEMON
}

teardown() {
    daemon_clean
}

@test "kill -9 of the supervisor leaves no process, and the next start no group" {
    prepared_daemon
    prepared_deploy plain
    call plain --data-binary before
    [ "$code" = 200 ]
    daemon_kill 5
    [ -n "$(groups_left)" ]
    daemon_start
    call plain --data-binary after
    [ "$code:$body" = 200:after ]
    daemon_stop
    groups_left
    [ -z "$(groups_left)" ]
}

@test "a daemon that stops leaves no group, and the trees as they were" {
    before=$(cat /sys/fs/cgroup/cgroup.subtree_control 2>/dev/null || true)
    prepared_daemon
    prepared_deploy single
    call single --data-binary word
    [ "$code:$body" = 200:word ]
    [ -n "$(groups_left)" ]
    daemon_stop
    groups_left
    [ -z "$(groups_left)" ]
    [ "$(cat /sys/fs/cgroup/cgroup.subtree_control 2>/dev/null || true)" = "$before" ]
}

@test "doctor names the mechanisms of this kernel" {
    "$VIREO" doctor -o json >"$BATS_TEST_TMPDIR/doctor"
    mechanism() {
        jq -r --arg part "$1" '.[] | select(.part == $part) | .mechanism' "$BATS_TEST_TMPDIR/doctor"
    }
    case $VM_CGROUP in
    v2) memory='v2 /sys/fs/cgroup' kill=$memory enter=CLONE_INTO_CGROUP ;;
    v1) memory='v1 /sys/fs/cgroup/memory' kill='v1 *' enter='tasks of 3 v1 trees' ;;
    hybrid)
        memory='v1 /sys/fs/cgroup/memory' kill='v2 /sys/fs/cgroup/unified'
        enter='CLONE_INTO_CGROUP, tasks of 3 v1 trees'
        ;;
    esac
    [ "$(mechanism 'memory limit')" = "$memory" ]
    # shellcheck disable=SC2053
    [[ $(mechanism 'killing a group') == $kill ]]
    [ "$(mechanism 'entering a group')" = "$enter" ]
    case $VM_KERNEL in
    6.1) expected=('Landlock ABI 2' seccomp memfd) ;;
    6.12) expected=('Landlock ABI 6' PR_SET_MDWE 'memfd, MFD_NOEXEC_SEAL') ;;
    esac
    [ "$(mechanism files)" = "${expected[0]}" ]
    [ "$(mechanism W^X)" = "${expected[1]}" ]
    [ "$(mechanism channels)" = "${expected[2]}" ]
    [ "$(jq '[.[] | select(.status == "required")] | length' "$BATS_TEST_TMPDIR/doctor")" -eq 0 ]
}
