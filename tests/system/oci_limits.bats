#!/usr/bin/env bats
# linux.resources reach the kernel's files, on whichever trees this machine has; what cannot be is
# an error by name; pause, update and the counters work on the same groups.

load helper
load oci_bundle

setup() {
    bundle_begin
    GROUP=vireo-limits-$$-$BATS_TEST_NUMBER
}

teardown() {
    bundle_end
    find /sys/fs/cgroup -depth -type d -path "*$GROUP*" -exec rmdir {} + 2>/dev/null || true
}

# group_file CONTROLLER V1FILE V2FILE: that of the container's group, on v1 or v2.
group_file() {
    local tree=/sys/fs/cgroup
    if [ -e "$tree/$1/$GROUP/$2" ]; then
        cat "$tree/$1/$GROUP/$2"
    elif [ -e "$tree/unified/$GROUP/$3" ]; then
        cat "$tree/unified/$GROUP/$3"
    else
        cat "$tree/$GROUP/$3"
    fi
}

running() {
    bundle ".linux.cgroupsPath = \"/$GROUP\" | $1" sleep 100
    oci create -b "$DIR/bundle" "$ID"
    oci start "$ID"
}

@test "a limit of kernel memory holds or is refused: younger kernels take the number and do nothing" {
    run running '.linux.resources.memory = {"kernel": 50003968}'
    if [ "$status" = 0 ]; then
        [ "$(cat "/sys/fs/cgroup/memory/$GROUP/memory.kmem.limit_in_bytes")" = 50003968 ]
    else
        [[ $output == *"cannot set memory.kernel"* ]]
        nothing_left
    fi
}

@test "the killer of a group without memory is left on, or taken away where there is a way to" {
    running '.linux.resources.memory = {"limit": 64000000, "disableOOMKiller": false}'
    if [ -e /sys/fs/cgroup/memory ]; then
        grep -q 'oom_kill_disable 0' "/sys/fs/cgroup/memory/$GROUP/memory.oom_control"
        echo '{"memory": {"disableOOMKiller": true}}' | "$RUNTIME" --root "$ROOT" update -r - "$ID"
        grep -q 'oom_kill_disable 1' "/sys/fs/cgroup/memory/$GROUP/memory.oom_control"
        echo '{"memory": {"disableOOMKiller": false}}' | "$RUNTIME" --root "$ROOT" update -r - "$ID"
        grep -q 'oom_kill_disable 0' "/sys/fs/cgroup/memory/$GROUP/memory.oom_control"
    else
        oci delete --force "$ID"
        run contain '.linux.resources.memory = {"limit": 64000000, "disableOOMKiller": true}' true
        echo "$output"
        [ "$status" = 1 ]
        [[ $output == *"(linux.resources.memory.disableOOMKiller)" ]]
    fi
}

@test "memory, cpu, cpuset, pids and hugepages; and the events' figures" {
    running '.linux.resources += {
        "memory": {"limit": 64000000, "reservation": 32000000},
        "cpu": {"shares": 512, "quota": 50000, "period": 100000, "cpus": "0", "mems": "0"},
        "pids": {"limit": 77}, "hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]}'
    [ "$(group_file memory memory.limit_in_bytes memory.max)" = 63995904 ] ||
        [ "$(group_file memory memory.limit_in_bytes memory.max)" = 64000000 ]
    [[ $(group_file cpu cpu.cfs_quota_us cpu.max) == 50000* ]]
    [ "$(group_file cpuset cpuset.cpus cpuset.cpus)" = 0 ]
    [ "$(group_file pids pids.max pids.max)" = 77 ]
    [ "$(group_file hugetlb hugetlb.2MB.limit_in_bytes hugetlb.2MB.max)" = 4194304 ]
    run oci events --stats "$ID"
    [ "$status" = 0 ]
    [ "$(jq .data.pids.current <<<"$output")" = 1 ]
    [ "$(jq .data.pids.limit <<<"$output")" = 77 ]
    [ "$(jq '.data.memory.usage.usage > 0 and .data.cpu.usage.total > 0' <<<"$output")" = true ]
}

@test "update changes what is given, in either order, and nothing else" {
    running '.linux.resources += {"memory": {"limit": 64000000}, "pids": {"limit": 50}}'
    oci update --memory 128000000 --pids-limit 99 "$ID"
    [[ $(group_file memory memory.limit_in_bytes memory.max) == 12799* ||
        $(group_file memory memory.limit_in_bytes memory.max) == 128000000 ]]
    [ "$(group_file pids pids.max pids.max)" = 99 ]
    "$RUNTIME" --root "$ROOT" update --resources - "$ID" \
        <<<'{"memory": {"limit": 32000000}, "cpu": {"cpus": "0"}}'
    [[ $(group_file memory memory.limit_in_bytes memory.max) == 3199* ||
        $(group_file memory memory.limit_in_bytes memory.max) == 32000000 ]]
    [ "$(group_file pids pids.max pids.max)" = 99 ]
    # A tree that the container was not in: it is now.
    [ "$(group_file cpuset cpuset.cpus cpuset.cpus)" = 0 ]
    [ "$(group_file cpuset cgroup.procs cgroup.procs)" = "$(oci state "$ID" | jq .pid)" ]
}

@test "an update that the kernel refuses in part changes nothing" {
    local before
    all() { group_file memory memory.limit_in_bytes memory.max; group_file cpu cpu.cfs_quota_us cpu.max; group_file pids pids.max pids.max; }
    running '.linux.resources += {"memory": {"limit": 64000000}, "cpu": {"quota": 50000, "period": 100000}, "pids": {"limit": 50}}'
    before=$(all)
    run "$RUNTIME" --root "$ROOT" update --resources - "$ID" \
        <<<'{"memory": {"limit": 32000000}, "cpu": {"quota": 20000, "period": 50000, "cpus": "4000"}, "pids": {"limit": 40}}'
    [ "$status" = 1 ]
    [[ $output == *"(linux.resources.cpu.cpus)" ]]
    [ "$(all)" = "$before" ]
    oci update --pids-limit 40 --memory 32000000 "$ID"
    [ "$(group_file pids pids.max pids.max)" = 40 ]
    [ "$(all)" != "$before" ]
}

@test "pause stops every process, exec's too; resume lets them go on" {
    running .
    "$RUNTIME" --root "$ROOT" exec "$ID" sh -c 'while :; do echo x >>/beat; done' </dev/null &
    eventually 10 test -s "$ROOTFS/beat"
    oci pause "$ID"
    [ "$(oci state "$ID" | jq -r .status)" = paused ]
    local before
    before=$(stat -c %s "$ROOTFS/beat")
    sleep 0.2
    [ "$(stat -c %s "$ROOTFS/beat")" = "$before" ]
    oci resume "$ID"
    longer() { [ "$(stat -c %s "$ROOTFS/beat")" -gt "$before" ]; }
    eventually 10 longer
    [ "$(oci ps -f json "$ID" | jq length)" = 2 ]
    oci kill --all "$ID" KILL
    wait
    eventually 20 nobody_left
}

nobody_left() {
    [ "$(oci state "$ID" | jq -r .status)" = stopped ]
}

@test "unified files go to the v2 tree; a key or value that it refuses is named" {
    if [ ! -e /sys/fs/cgroup/unified/cgroup.controllers ] && [ ! -e /sys/fs/cgroup/cgroup.controllers ]; then
        skip "no v2 tree"
    fi
    running '.linux.resources.unified = {"cgroup.max.depth": "7"}'
    [ "$(group_file none none cgroup.max.depth)" = 7 ]
    oci delete --force "$ID"
    run contain '.linux.resources.unified = {"no.such": "1"}' true
    [ "$status" != 0 ]
    [[ $output == *"cannot set 'no.such' to '1'"* ]]
    nothing_left
}

@test "where control groups are disabled a limit is an error, and what a device list lacks is told" {
    local resources disabled=("$RUNTIME" --root "$ROOT" --cgroup-manager disabled)
    for resources in '{"memory": {"limit": 64000000}}' '{"pids": {"limit": 5}}' '{"unified": {"pids.max": "5"}}' \
        '{"cpu": {"cpus": "0"}}' '{"hugepageLimits": [{"pageSize": "2MB", "limit": 0}]}'; do
        bundle ".linux.resources = $resources" true
        run "${disabled[@]}" run -b "$DIR/bundle" "$ID" </dev/null
        [ "$status" = 1 ]
        [ "$output" = "vireo-runtime: cannot apply linux.resources: control groups are disabled, and nothing else holds a limit (--cgroup-manager disabled)" ]
        nothing_left
    done
    bundle '.linux.resources = {"devices": [{"allow": false, "access": "rwm"}]}' true
    run "${disabled[@]}" run -b "$DIR/bundle" "$ID" </dev/null
    [ "$status" = 0 ]
    [[ $output == *"warning: linux.resources.devices: without control groups"* ]]
    # Where no node can be made it is no warning.
    bundle "$USERS"' | .linux.resources = {"devices": [{"allow": false, "access": "rwm"}]}' true
    run "${disabled[@]}" --log "$DIR/log" --log-format json run -b "$DIR/bundle" "$ID" </dev/null
    [ "$status" = 0 ]
    [ -z "$output" ]
    [ "$(jq -r .level "$DIR/log")" = info ]
    nothing_left
}

@test "limits that no tree here can hold are errors, and leave nothing" {
    local resources
    for resources in '"memory": {"limit": 4611686018427387904, "swap": 1}' '"cpu": {"cpus": "4000"}' \
        '"memory": {"useHierarchy": false}' '"blockIO": {"weightDevice": [{"major": 8, "minor": 0, "leafWeight": 100}]}' \
        '"network": {"priorities": [{"name": "nosuchif0", "priority": 1}]}' \
        '"rdma": {"nosuchdev": {"hcaHandles": 3}}' \
        '"blockIO": {"throttleReadBpsDevice": [{"major": 4000, "minor": 1, "rate": 1000}]}'; do
        run contain ".linux.resources += {$resources}" true
        echo "$output"
        [ "$status" != 0 ]
        [[ $output == *"cannot "* ]]
        nothing_left
    done
}

# Only the v2 tree is to be seen: the machine is a v2 machine to the runtime.
in_v2() {
    # shellcheck disable=SC2016 # the inner shell's
    unshare --mount --propagation private bash -c 'mkdir -p "$1/v2" && mount --bind "$2" "$1/v2" &&
        umount -R /sys/fs/cgroup && mount --bind "$1/v2" /sys/fs/cgroup && shift 2 && "$@"' - \
        "$DIR" "$tree" "$RUNTIME" --root "$ROOT" run -b "$DIR/bundle" "$ID" </dev/null
}

@test "root of a user namespace may divide its v2 group, and nothing above it" {
    local tree=/sys/fs/cgroup
    [ ! -e $tree/unified ] || tree=$tree/unified
    [ -e $tree/cgroup.controllers ] || skip "no v2 tree"
    bundle "$USERS"' | .linux.namespaces += [{"type": "cgroup"}] | .linux.namespaces |= unique
        | (.mounts[] | select(.type == "cgroup") | .options) -= ["ro"]' \
        sh -c 'mkdir /sys/fs/cgroup/mine && echo $$ >/sys/fs/cgroup/mine/cgroup.procs && cat /proc/self/cgroup
            echo max >/sys/fs/cgroup/cgroup.max.depth'
    run in_v2
    echo "$output"
    [[ $output == *"0::/mine"* ]]
    [[ $output == *"cgroup.max.depth: Permission denied"* ]]
    rmdir "$DIR/v2"
    nothing_left
}

@test "an update with a device list that this user may not load says so" {
    local tree=/sys/fs/cgroup
    [ ! -e $tree/unified ] || tree=$tree/unified
    [ -e $tree/cgroup.controllers ] || skip "no v2 tree"
    bundle '.linux.resources = {"devices": [{"allow": false, "access": "rwm"}]}' sleep 100
    # shellcheck disable=SC2016 # the inner shell's
    run unshare --mount --propagation private bash -c 'mkdir -p "$1/v2" && mount --bind "$2" "$1/v2" &&
        umount -R /sys/fs/cgroup && mount --bind "$1/v2" /sys/fs/cgroup && shift 2 &&
        "$@" create -b "$DIR/bundle" "$ID" </dev/null >/dev/null 2>&1 3>&- && "$@" start "$ID" &&
        unshare --user --map-root-user "$@" update --resources - "$ID"' - \
        "$DIR" "$tree" "$RUNTIME" --root "$ROOT" <<<'{"devices": [{"allow": true, "access": "rwm"}]}'
    echo "$output"
    [ "$status" = 0 ]
    [[ $output == *"warning: devices: no program may be loaded by this user: the list is as it was" ]]
    oci delete --force "$ID"
    rmdir "$DIR/v2" 2>/dev/null || true
    nothing_left
}

@test "a delegated pure v2 group filters devices by a program" {
    local tree=/sys/fs/cgroup
    [ ! -e $tree/unified ] || tree=$tree/unified
    [ -e $tree/cgroup.controllers ] || skip "no v2 tree"
    bundle '.linux.devices = [{"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229},
            {"path": "/dev/kmsg", "type": "c", "major": 1, "minor": 11}]
        | .linux.resources = {"devices": [{"allow": false, "access": "rwm"},
            {"allow": true, "type": "c", "major": 10, "minor": 229, "access": "r"}]}' \
        sh -c '(exec 3</dev/fuse) && echo read; (exec 3>/dev/fuse) || echo no write
            (exec 3</dev/kmsg) || echo no kmsg; echo x >/dev/null && echo null; cat /proc/self/cgroup'
    run in_v2
    echo "$output"
    [[ $output == *read* && $output == *"no write"* && $output == *"no kmsg"* && $output == *null* ]]
    rmdir "$DIR/v2" 2>/dev/null || true
    nothing_left
}
