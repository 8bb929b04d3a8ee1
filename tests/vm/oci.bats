#!/usr/bin/env bats
# The OCI runtime on these control groups: a short pass through a container's life, with its limits.
# All of it: tests/vm/run oci_limits oci_verbs oci_launch oci_mounts vk_container
load vm
load ../system/oci_bundle

setup() {
    need_guest
    bundle_begin
    GROUP=vireo-oci-$BATS_TEST_NUMBER
}

teardown() {
    bundle_end
}

# file V1TREE V1FILE V2FILE: of the container's group.
file() {
    local tree=/sys/fs/cgroup
    [ "$VM_CGROUP" = v2 ] || tree=$(echo /sys/fs/cgroup/*"$1"*)
    if [ "$VM_CGROUP" = v2 ]; then cat "$tree/$GROUP/$3"; else cat "$tree/$GROUP/$2"; fi
}

@test "a container lives through all verbs with its limits, and leaves nothing" {
    bundle ".linux.cgroupsPath = \"/$GROUP\" | .linux.resources += {memory: {limit: 64000000, swap: 64000000},
        cpu: {shares: 512, quota: 50000, period: 100000}, pids: {limit: 77}}" sleep 1000
    oci create -b "$DIR/bundle" "$ID"
    [[ $(file memory memory.limit_in_bytes memory.max) == 639* || $(file memory memory.limit_in_bytes memory.max) == 64000000 ]]
    [[ $(file cpu cpu.cfs_quota_us cpu.max) == 50000* ]]
    [ "$(file pids pids.max pids.max)" = 77 ]
    if [ "$VM_CGROUP" = v2 ]; then
        [ "$(file '' '' memory.swap.max)" = 0 ]
        # shares 2 to 262144 are weights 1 to 10000
        [ "$(file '' '' cpu.weight)" -ge 15 ]
        [ "$(file '' '' cpu.weight)" -le 25 ]
    fi
    oci start "$ID"
    [ "$(oci exec "$ID" sh -c 'echo from inside')" = "from inside" ]
    oci pause "$ID"
    [ "$(oci state "$ID" | jq -r .status)" = paused ]
    oci resume "$ID"
    echo '{"memory": {"limit": 32000000, "swap": 32000000}, "pids": {"limit": 50}}' |
        "$RUNTIME" --root "$ROOT" update --resources - "$ID"
    [[ $(file memory memory.limit_in_bytes memory.max) == 3199* || $(file memory memory.limit_in_bytes memory.max) == 32000000 ]]
    [ "$(file pids pids.max pids.max)" = 50 ]
    [ "$(oci events --stats "$ID" | jq '.data.memory.usage.usage > 0 and .data.pids.current > 0')" = true ]
    oci kill "$ID" KILL
    stopped() {
        [ "$(oci state "$ID" | jq -r .status)" = stopped ]
    }
    eventually 10 stopped
    oci delete "$ID"
    nothing_left
}

@test "who takes more memory than the container has is ended, and the host goes on" {
    bundle ".linux.cgroupsPath = \"/$GROUP\" | .linux.resources += {memory: {limit: 20000000, swap: 20000000}}" \
        sh -c 'head -c 100000000 /dev/zero | tail -c 90000000 >/dev/null; echo "ended with $?"'
    run oci run -b "$DIR/bundle" "$ID"
    [[ $output == *"ended with 137"* || $status -eq 137 ]]
    nothing_left
}

@test "a container's disk has the rates that the configuration says" {
    local disk
    disk=$(cat /sys/block/nvme0n1/dev)
    bundle ".linux.cgroupsPath = \"/$GROUP\" | .linux.resources += {blockIO: {
        throttleReadBpsDevice: [{major: ${disk%:*}, minor: ${disk#*:}, rate: 1048576}],
        throttleWriteIOPSDevice: [{major: ${disk%:*}, minor: ${disk#*:}, rate: 50}]}}" sleep 1000
    oci create -b "$DIR/bundle" "$ID"
    if [ "$VM_CGROUP" = v2 ]; then
        [ "$(file '' '' io.max)" = "$disk rbps=1048576 wbps=max riops=max wiops=50" ]
    else
        [ "$(file blkio blkio.throttle.read_bps_device '')" = "$disk 1048576" ]
    fi
    oci delete --force "$ID"
    if [ "$VM_CGROUP" = v2 ]; then
        bundle ".linux.cgroupsPath = \"/$GROUP\" | .linux.resources += {blockIO: {
            weightDevice: [{major: ${disk%:*}, minor: ${disk#*:}, leafWeight: 100}]}}" true
        run oci run -b "$DIR/bundle" "$ID"
        [ "$status" = 1 ]
        [[ $output == *"cannot set blockIO.weightDevice[0].leafWeight: control groups v2 have none"* ]]
        bundle ".linux.cgroupsPath = \"/$GROUP\" | .linux.resources += {memory: {useHierarchy: false}}" true
        run oci run -b "$DIR/bundle" "$ID"
        [ "$status" = 1 ]
        [[ $output == *"cannot set memory.useHierarchy to false: control groups v2 are always hierarchical"* ]]
    fi
    nothing_left
}

@test "a container's packets have the class and the priorities that the configuration says" {
    local network='{classID: 1048577, priorities: [{name: "lo", priority: 7}]}'
    bundle ".linux.cgroupsPath = \"/$GROUP\" | .linux.resources += {network: $network}" sleep 1000
    if [ "$VM_CGROUP" = v2 ]; then
        run oci create -b "$DIR/bundle" "$ID"
        [ "$status" = 1 ]
        [[ $output == *"no 'net_cls' controller here (linux.resources.network.classID)"* ]]
    else
        oci create -b "$DIR/bundle" "$ID"
        [ "$(file net_cls net_cls.classid '')" = 1048577 ]
        file net_cls net_prio.ifpriomap '' | grep -x 'lo 7'
        [ "$(wc -l <"$(echo /sys/fs/cgroup/*net_cls*)/$GROUP/cgroup.procs")" -ge 1 ]
        oci delete --force "$ID"
    fi
    nothing_left
}

@test "a limit of RDMA is the kernel's to take or to refuse, and is named" {
    local tree
    for tree in /sys/fs/cgroup /sys/fs/cgroup/unified; do
        [ ! -e "$tree/cgroup.subtree_control" ] || echo +rdma >"$tree/cgroup.subtree_control"
    done
    bundle ".linux.cgroupsPath = \"/$GROUP\" | .linux.resources += {rdma: {nosuch0: {hcaHandles: 3}}}" true
    run oci run -b "$DIR/bundle" "$ID"
    echo "$output"
    [ "$status" = 1 ]
    if [ "$VM_CGROUP" != v1 ]; then
        # The controller is there; the device is not, nor can it be: these kernels have none without hardware.
        [[ $output == *"cannot set 'rdma.max' to 'nosuch0 hca_handle=3'"*"(linux.resources.rdma.nosuch0)"* ]]
    else
        [[ $output == *"no 'rdma' controller here (linux.resources.rdma.nosuch0)"* ]]
    fi
    nothing_left
}

@test "devices that are not allowed can't be opened, those that are can" {
    bundle ".linux.cgroupsPath = \"/$GROUP\"" sh -c 'mknod /tmp/mem c 1 1 && head -c 1 /tmp/mem; head -c 1 /dev/zero | wc -c'
    run oci run -b "$DIR/bundle" "$ID"
    [[ $output == *"perm"* ]]
    [ "$(tail -n 1 <<<"$output")" = 1 ]
    nothing_left
}
