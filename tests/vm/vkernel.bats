#!/usr/bin/env bats
# A container's virtual kernel on this kernel: each part that it has, acts. What needs a newer one
# than the oldest here says so.
load vm
load ../system/oci_bundle

setup() {
    need_guest
    need_v2
    bundle_begin
}

teardown() {
    bundle_end
}

# annotations KEY=VALUE...: the filter that adds them.
annotations() {
    local pair filter=.
    for pair; do
        filter+=" | .annotations[\"io.vireo.vkernel.${pair%%=*}\"] = \"${pair#*=}\""
    done
    echo "$filter"
}

@test "a table, lists of files, capabilities: what is outside of them is refused" {
    run contain "$(annotations 'syscalls.calls.mkdir=errno EROFS' files.write=/dev:/proc files.execute=/bin caps.keep=CAP_KILL)" \
        sh -c 'mkdir /tmp/x; touch /tmp/y; touch /dev/z && echo written; grep CapBnd /proc/self/status'
    echo "$output"
    [[ $output == *"Read-only file system"*"ermission denied"*written*0000000000000020* ]]
    nothing_left
}

@test "huge pages: never, seen where it is looked for" {
    run contain "$(annotations memory.huge_pages=never)" \
        sh -c 'cat /sys/kernel/mm/transparent_hugepage/enabled; echo always >/sys/kernel/mm/transparent_hugepage/enabled; ls /sys/kernel/mm/transparent_hugepage | wc -l; grep THP_enabled /proc/self/status'
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == "always madvise [never]"*"ead-only"*"THP_enabled:"*0 ]]
    # The directory is the kernel's, not what was mounted there for a moment.
    [ "$(sed -n 's/^\([0-9]*\)$/\1/p' <<<"$output")" -ge 5 ]
    nothing_left
}

@test "a log of its own: its words and its faults, not the host's; its view goes with it" {
    echo "of the host" >/dev/kmsg
    run contain "$(annotations log.size=64KiB params.view=on)" \
        sh -c 'echo mine >/dev/kmsg; sh -c "kill -SEGV \$\$"; dmesg; cat /dev/vkernel/cpu.real_policy; echo fifo >/dev/vkernel/cpu.real_policy; cat /dev/vkernel/cpu.real_policy'
    echo "$output"
    [[ $output == *mine*normal*fifo ]]
    [[ $output != *"of the host"* ]]
    nothing_left
    eventually 5 not pgrep -x vireo-view
}

@test "a log of its own has its faults, kills by the table and by the limit of memory; a neighbour's has none of them" {
    local log='syscalls.calls.mkdir=kill log.size=64KiB' first
    cp "$PREPARED/fault" "$ROOTFS/bin/"
    # shellcheck disable=SC2086
    bundle "$(annotations $log)" sleep 1000
    oci run -d -b "$DIR/bundle" "$ID-b" >/dev/null
    # shellcheck disable=SC2086
    bundle "$(annotations $log) | .linux.resources.memory = {limit: 33554432, swap: 33554432}" sleep 1000
    oci run -d -b "$DIR/bundle" "$ID" >/dev/null
    oci exec "$ID" sh -c 'fault; mkdir /x; (tail /dev/zero); true'
    has() {
        run oci exec "$ID" dmesg
        [[ $output == *"fault["*"egfault at 10"* || $output == *"fault["*"fault: signal 11, code 1, address 10"* ]] &&
            [[ $output == *"mkdir["*"]: seccomp: killed, syscall 83"* ]] &&
            [[ $output == *"tail invoked oom-killer"* && $output == *"Killed process "*"(tail)"* ]]
    }
    eventually 60 has || {
        echo "$output"
        false
    }
    # Whose faults a log tells of, by their threads: its own one alone, said once or twice.
    told_of() {
        sed -n 's/.*] fault\[\([0-9]*\)\]: .*/\1/p' <<<"$output" | sort -u
    }
    first=$(told_of)
    [ "$(wc -l <<<"$first")" = 1 ]
    oci exec "$ID-b" sh -c 'echo mine >/dev/kmsg; fault; true'
    has_own() {
        run oci exec "$ID-b" dmesg
        [[ $output == *mine* && -n $(told_of) ]]
    }
    eventually 60 has_own || {
        echo "$output"
        false
    }
    [ "$(told_of | wc -l)" = 1 ]
    [ "$(told_of)" != "$first" ]
    [[ $output != *mkdir* && $output != *tail* ]]
    # Nor has the first one what came later.
    run oci exec "$ID" dmesg
    [ "$(told_of)" = "$first" ]
    [[ $output != *mine* ]]
    oci delete -f "$ID"
    oci delete -f "$ID-b"
    nothing_left
    eventually 5 not pgrep -x vireo-view
}

@test "slices are set where the kernel has them, and refused with the reason before Linux 6.12" {
    local old=
    [ "$VM_KERNEL" != 6.1 ] || old=yes
    run contain "$(annotations sched.slice=3ms)" true
    echo "$output"
    [ -z "$old" ] || [[ $status -ne 0 && $output == *"cannot set sched.slice: this kernel has no slices of a thread's own (Linux 6.12)"* ]]
    [ -n "$old" ] || [ "$status" -eq 0 ]
    nothing_left
    bundle "$(annotations params.view=on)" sleep 1000
    oci run -d -b "$DIR/bundle" "$ID" >/dev/null
    run oci vk set "$ID" sched.slice 3ms
    echo "$output"
    if [ -n "$old" ]; then
        [ "$status" -eq 2 ]
        [[ $output == *"this kernel has no slices"* ]]
        [ "$(oci vk get "$ID" | jq -r '.keys["sched.slice"].value')" = default ]
        not oci exec "$ID" cat /proc/sys/kernel/sched_wakeup_granularity_ns
    else
        [ "$status" -eq 0 ]
        [ "$(oci exec "$ID" cat /proc/sys/kernel/sched_wakeup_granularity_ns)" = 3000000 ]
    fi
    # A policy can be had everywhere.
    oci vk set "$ID" sched.policy fifo >/dev/null
    oci delete -f "$ID"
    nothing_left
}

@test "a view that is killed is an error at once" {
    bundle "$(annotations params.view=on)" sleep 1000
    oci run -d -b "$DIR/bundle" "$ID" >/dev/null
    [ "$(oci exec "$ID" cat /dev/vkernel/cpu.real_policy)" = normal ]
    kill -KILL "$(pgrep -x vireo-view)"
    run oci exec "$ID" cat /dev/vkernel/cpu.real_policy
    echo "$output"
    # Before Linux 6.9 nothing tells what waits: the connection is gone.
    [[ $output == *"Input/output error"* || ($VM_KERNEL == 6.1 && $output == *"not connected"*) ]]
    oci delete -f "$ID"
    nothing_left
}

@test "real time for a group is refused where it would have no end" {
    [ ! -e /sys/fs/cgroup/cpu/cpu.rt_runtime_us ] || skip "groups have budgets of real time here"
    bundle . true
    run oci --vkernel sched.realtime=20% run -b "$DIR/bundle" "$ID"
    [ "$status" -ne 0 ]
    [[ $output == *"groups have no budgets of it here"* ]]
    nothing_left
}

@test "overcommit: what is stricter than the host's acts, in the container alone" {
    local limit='.linux.resources.memory = {limit: 209715200, swap: 209715200}'
    [ "$VM_KERNEL" != 6.1 ] || skip "BPF programs iterate over tasks since Linux 6.7"
    cp "$PREPARED/commit" "$ROOTFS/bin/"
    run contain "$(annotations memory.overcommit=2 memory.overcommit_ratio=50) | $limit" commit map=50 map=150 noreserve=150
    echo "$output"
    [ "$output" = "map ok
map ENOMEM
noreserve ENOMEM" ]
    run contain "$limit" commit map=150
    [ "$output" = "map ok" ]
    nothing_left
}

@test "overcommit of a group too deep to be told by is refused with the reason" {
    local path=/vireo-deep/2/3/4/5/6/7/8/9/10/11/12/13
    [ "$VM_KERNEL" != 6.1 ] || skip "BPF programs iterate over tasks since Linux 6.7"
    run contain "$(annotations memory.overcommit=2) | .linux.cgroupsPath = \"$path\"" true
    echo "$output"
    [ "$status" -ne 0 ]
    [[ $output == *"cannot give the container overcommit of its own: its group is 13 levels deep, and 12 is the most"* ]]
    find /sys/fs/cgroup/vireo-deep -depth -type d -exec rmdir {} + 2>/dev/null || true
    nothing_left
}
