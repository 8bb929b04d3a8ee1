#!/usr/bin/env bats
# A container's own view of listed parameters, and its scheduling policy as a file.
load helper
load engines
load vk_container

VIEW='.annotations["io.vireo.vkernel.params.view"] = "on"'
KERNEL=/proc/sys/kernel

# The slice of a process, in nanoseconds.
slice_of() {
    awk '/^se.slice/ {print $3}' "/proc/$1/sched"
}

# What the host has: nothing of a test may change it.
host() {
    cat $KERNEL/pid_max /proc/sys/vm/{swappiness,overcommit_memory,overcommit_ratio} /proc/sys/fs/file-max
}

# May as much as there is: what a fresh procfs shows then.
PRIVILEGED='.process.capabilities = (.process.capabilities | map_values(. + ["CAP_SYS_ADMIN", "CAP_SYS_RESOURCE", "CAP_DAC_OVERRIDE"]))
    | .linux.readonlyPaths = [] | .linux.maskedPaths = [] | .linux.seccomp = null'

@test "the wake-up granularity has its old name, range and errors, and is the group's slice" {
    local pid before
    [ ! -e $KERNEL/sched_wakeup_granularity_ns ] || skip "this kernel has its own"
    before=$(host)
    detached slice "$VIEW" 'sleep 1000'
    pid=$(pid_of slice)
    [ -n "$(slice_of "$pid")" ] || skip "this kernel has no slices of a thread's own (Linux 6.12)"
    run runtime exec slice sh -c "cd $KERNEL; cat sched_wakeup_granularity_ns; echo 7000000 >sched_wakeup_granularity_ns
        cat sched_wakeup_granularity_ns; sysctl kernel.sched_wakeup_granularity_ns
        for bad in -1 1000000001 99999999999999999999 x 1x '1 2' ''; do echo \"\$bad\" >sched_wakeup_granularity_ns; done
        cat sched_wakeup_granularity_ns hostname osrelease; ls | wc -l; echo 0 >sched_wakeup_granularity_ns; cat sched_wakeup_granularity_ns"
    echo "$output"
    [ "${lines[0]}" -gt 0 ]
    [ "${lines[1]}" = 7000000 ]
    [ "${lines[2]}" = "kernel.sched_wakeup_granularity_ns = 7000000" ]
    [ "$(grep -c "Invalid argument" <<<"$output")" = 7 ]
    [[ $output == *"
7000000
"*"$(uname -r)"* ]]
    [ "${lines[-1]}" = 100000 ]
    [ "$(slice_of "$pid")" = 100000 ]
    [ "$(runtime vk get slice | jq -r '.keys["sched.slice"].value')" = 100us ]
    [ ! -e $KERNEL/sched_wakeup_granularity_ns ]
    [ "$(host)" = "$before" ]
    runtime delete -f slice
}

@test "pid_max and swappiness are the container's; what has no mechanism shows the host's and is not written" {
    local before
    before=$(host)
    detached numbers "$VIEW" 'sleep 1000'
    detached neighbour "$VIEW" 'sleep 1000'
    run runtime exec numbers sh -c "echo 400 >$KERNEL/pid_max && cat $KERNEL/pid_max
        echo 1 >$KERNEL/pid_max; i=0; top=0
        while [ \$i -lt 600 ]; do true & [ \$! -le \$top ] || top=\$!; wait; i=\$((i+1)); done; echo top \$top"
    echo "$output"
    if [ "$(printf '%s\n' 6.14 "$(uname -r)" | sort -V | head -n 1)" = 6.14 ]; then
        [[ $output == 400$'\n'*"Invalid argument"*"top "3[0-9][0-9] ]]
    else
        [[ $output == *"Read-only file system"* ]]
    fi
    run runtime exec numbers sh -c 'cd /proc/sys/vm; echo 73 >swappiness; cat swappiness; echo 201 >swappiness
        echo 2 >overcommit_memory; echo 1 >overcommit_ratio; echo 1 >/proc/sys/fs/file-max
        cat overcommit_memory overcommit_ratio /proc/sys/fs/file-max'
    echo "$output"
    if [ -e /sys/fs/cgroup/memory/numbers/memory.swappiness ]; then
        [ "${lines[0]}" = 73 ]
        [ "$(cat /sys/fs/cgroup/memory/numbers/memory.swappiness)" = 73 ]
        [[ $output == *"Invalid argument"* ]]
    fi
    [ "$(grep -c "Read-only file system\|not permitted" <<<"$output")" -ge 3 ]
    [ "$(tail -n 3 <<<"$output")" = "$(cat /proc/sys/vm/{overcommit_memory,overcommit_ratio} /proc/sys/fs/file-max)" ]
    [ "$(runtime exec neighbour cat /proc/sys/vm/swappiness)" != 73 ]
    [ "$(runtime exec neighbour cat $KERNEL/pid_max)" != 400 ]
    [ "$(host)" = "$before" ]
    runtime delete -f numbers
    runtime delete -f neighbour
}

@test "what is set is inherited by a namespace and a group that are made inside, and stays as it was there" {
    local at
    detached outer "$VIEW | $PRIVILEGED" 'sleep 1000'
    # A pid namespace inside begins with the kernel's most; its processes have numbers of the container's too.
    run runtime exec outer sh -c "cd /proc/sys; echo 400 >kernel/pid_max; echo 73 >vm/swappiness; echo 7000000 >kernel/sched_wakeup_granularity_ns
        mkdir /dev/proc; unshare -mpf sh -c 'mount -t proc proc /dev/proc; cat /dev/proc/self/sched
            i=0; top=0; while [ \$i -lt 600 ]; do now=\$(readlink /proc/self); [ \$now -le \$top ] || top=\$now; i=\$((i+1)); done; echo top \$top
            echo 350 >/dev/proc/sys/kernel/pid_max && echo nested \$(cat /dev/proc/sys/kernel/pid_max)'; echo outer \$(cat kernel/pid_max)"
    echo "$output"
    if [ "$(printf '%s\n' 6.14 "$(uname -r)" | sort -V | head -n 1)" = 6.14 ]; then
        [[ $output == *"top "3[0-9][0-9]*"nested 350"*"outer 400"* ]]
    fi
    [ ! -e /proc/self/sched ] || [ -z "$(slice_of self)" ] || [ "$(awk '/^se.slice/ {print $3}' <<<"$output")" = 7000000 ]
    at=/sys/fs/cgroup/memory/outer
    if [ -e "$at/memory.swappiness" ]; then
        mkdir "$at/nested"
        [ "$(cat "$at/nested/memory.swappiness")" = 73 ]
        runtime exec outer sh -c 'echo 74 >/proc/sys/vm/swappiness'
        [ "$(cat "$at/memory.swappiness" "$at/nested/memory.swappiness" | xargs)" = "74 73" ]
    fi
    runtime delete -f outer
}

@test "net.* is the container's own with a view as without" {
    local at=/proc/sys/net/ipv4/ip_unprivileged_port_start before
    before=$(cat $at)
    once net "$VIEW | $PRIVILEGED"' | .linux.sysctl = {"net.ipv4.ip_unprivileged_port_start": "81"}' \
        "cat $at; echo 82 >$at; cat $at; echo 83 >/proc/sys/net/core/somaxconn; cat /proc/sys/net/core/somaxconn"
    echo "$output"
    [ "$(tail -n 3 <<<"$output" | xargs)" = "81 82 83" ]
    [ "$(cat $at)" = "$before" ]
}

@test "a fresh procfs, an unmount and a nested container are no way round" {
    local before
    before=$(host)
    once fresh "$VIEW | $PRIVILEGED" "
        mkdir /dev/proc; mount -t proc proc /dev/proc; cd /dev/proc/sys
        echo 2 >vm/overcommit_memory; echo 3 >vm/overcommit_ratio; echo 1 >fs/file-max; echo 5 >vm/swappiness
        cat vm/swappiness; umount /proc/sys/vm/swappiness; cat /proc/sys/vm/swappiness; echo 6 >/proc/sys/vm/swappiness
        unshare -Umpf sh -c 'echo nested; mount -t proc proc /dev/proc; for f in /proc /dev/proc; do echo 4 >\$f/sys/vm/swappiness; echo 2 >\$f/sys/vm/overcommit_memory; done'
        mkdir /dev/cgroup; mount -t cgroup2 none /dev/cgroup && echo \$\$ >/dev/cgroup/cgroup.procs; echo 7 >/proc/sys/vm/swappiness
        cat /proc/sys/vm/overcommit_memory; echo end"
    echo "$output"
    [[ $output == *end && $output == *nested* ]]
    [ "$(grep -ci "not permitted\|permission denied" <<<"$output")" -ge 12 ]
    [ "$(host)" = "$before" ]
}

@test "the policy is a file: effective at once for all threads, with no capability, and not on the host" {
    local pid
    [ ! -e /dev/vkernel ]
    detached policy "$VIEW"' | .process.capabilities = {} | .process.user = {uid: 1000, gid: 1000}' '(while :; do sleep 0.01; done) & sleep 1000'
    detached other "$VIEW" 'sleep 1000'
    pid=$(pid_of policy)
    # Who is in the middle of a fork keeps what it began with: here for a moment.
    all_have() {
        [ "$(policies_of "$pid")" = "$1" ]
    }
    eventually 10 pgrep -P "$pid" -f 'sleep 1000'
    run runtime exec --user 1000:1000 policy sh -c 'cd /dev/vkernel; cat cpu.real_policy; echo 1 >cpu.real_policy; cat cpu.real_policy
        for bad in 2 rr -1 "fifo x" "" adaptiv; do echo "$bad" >cpu.real_policy; done; cat cpu.real_policy; echo 5 >swappiness
        echo 0 | dd of=cpu.real_policy bs=1 seek=3 conv=notrunc; head -c 70 /dev/zero | tr "\\0" 0 >cpu.real_policy; cat cpu.real_policy'
    echo "$output"
    [ "${lines[0]}" = normal ]
    [ "${lines[1]}" = fifo ]
    # The last two begin behind the value's begin, and are longer than any.
    [ "$(grep -c "Invalid argument" <<<"$output")" = 8 ]
    [ "${lines[-1]}" = fifo ]
    [[ $output == *fifo*"ermission denied"* ]]
    eventually 10 all_have 3
    [ "$(runtime vk get policy | jq -r '.keys["sched.policy"].value')" = fifo ]
    [ "$(runtime exec other cat /dev/vkernel/cpu.real_policy)" = normal ]
    [ "$(policies_of "$(pid_of other)")" = 0 ]
    runtime exec policy sh -c 'echo batch >/dev/vkernel/cpu.real_policy'
    [ "$(runtime exec policy cat /dev/vkernel/cpu.real_policy)" = batch ]
    runtime vk set policy sched.policy normal >/dev/null
    [ "$(runtime exec policy cat /dev/vkernel/cpu.real_policy)" = normal ]
    eventually 10 all_have 0
    # Whoever looks at it is started from inside too, once, however often it is said, and goes with the policy.
    runtime exec policy sh -c 'cd /dev/vkernel; for i in 1 2 3 4 5 6 7 8; do echo normal >cpu.real_policy; echo adaptive >cpu.real_policy; done'
    [ "$(runtime exec policy cat /dev/vkernel/cpu.real_policy)" = adaptive ]
    one_looks() {
        [ "$(lookers policy | wc -w)" = "$1" ] && { [ "$1" = 0 ] || runtime vk get policy | jq -e .adaptive.policy >/dev/null; }
    }
    eventually 10 one_looks 1
    runtime exec policy sh -c 'echo normal >/dev/vkernel/cpu.real_policy'
    eventually 10 one_looks 0
    # Nobody's file is anywhere but in its own container.
    run runtime exec other sh -c 'ls -d /proc/*/root/dev/vkernel | wc -l; find / -name cpu.real_policy 2>/dev/null | grep -v ^/proc'
    [ "${lines[-1]}" = /dev/vkernel/cpu.real_policy ]
    runtime delete -f policy
    runtime delete -f other
}

@test "who copies a value while others write it gets a value, never nothing" {
    once copies "$VIEW" 'cd /dev/vkernel; for i in 1 2; do (while :; do echo batch >cpu.real_policy; echo normal >cpu.real_policy; done) & done
        for i in $(seq 300); do cat cpu.real_policy; echo; done | sort | uniq -c'
    echo "$output"
    [ "$(awk 'NF == 2 {n += $1} END {print n + 0}' <<<"$output")" = 300 ]
    [ "$(awk 'NF == 1 {n += $1} END {print n + 0}' <<<"$output")" = 300 ]
}

@test "what is set from outside stays while the container changes its own without end, and the other way round" {
    local i
    detached both "$VIEW"' | .process.capabilities = {} | .process.user = {uid: 1000, gid: 1000}' \
        'for i in 1 2; do (while :; do echo batch >/dev/vkernel/cpu.real_policy; echo normal >/dev/vkernel/cpu.real_policy; done) & done; sleep 1000'
    for i in $(seq 100); do
        runtime vk set both sched.slice "$((i + 100))us" >/dev/null
        [ "$(runtime vk get both | jq -r '.keys["sched.slice"].value')" = "$((i + 100))us" ]
    done
    # What is kept is whole: a process that comes later has its table from it.
    run runtime exec both true
    [ "$status" -eq 0 ]
    runtime delete -f both
}

@test "the view's process killed, or its broker, is EIO at once; nothing is written" {
    local before
    before=$(host)
    detached view "$VIEW" 'sleep 1000'
    [ "$(runtime exec view cat /dev/vkernel/cpu.real_policy)" = normal ]
    kill -KILL $(views view)
    run runtime exec view sh -c "cat $KERNEL/sched_wakeup_granularity_ns; echo 1 >/dev/vkernel/cpu.real_policy
        echo 9 >/proc/sys/vm/swappiness; cat $KERNEL/hostname; echo end"
    echo "$output"
    [ "$(grep -c "Input/output error" <<<"$output")" -ge 2 ]
    [[ $output == *end ]]
    [ "$(policies_of "$(pid_of view)")" = 0 ]
    runtime delete -f view
    detached broker "$VIEW" 'sleep 1000'
    eventually 20 some brokers
    kill -KILL $(brokers)
    run runtime exec broker sh -c 'cat /dev/vkernel/cpu.real_policy; echo 1 >/dev/vkernel/cpu.real_policy; echo end'
    echo "$output"
    [ "$(grep -c "Input/output error" <<<"$output")" = 2 ]
    [ "$(policies_of "$(pid_of broker)")" = 0 ]
    runtime delete -f broker
    eventually 20 none views broker
    [ "$(host)" = "$before" ]
}

@test "who asks for its parameters without end waits: the view and the broker take a part of one CPU" {
    local pid view broker before after begin all
    detached busy "$VIEW" 'for i in 1 2 3; do (while :; do while read -r x; do :; done </dev/vkernel/cpu.real_policy; done) & done
        while :; do echo * /proc/sys/kernel/* >/dev/null; done'
    view=$(views busy) broker=$(brokers)
    ticks() {
        cat "/proc/$view/stat" "/proc/$broker/stat" | awk '{sub(/^.*\) /, ""); sum += $12 + $13} END {print sum}'
    }
    # A container that sees the host's processes, as the user that such containers have, ends neither.
    once sees '.process.capabilities = {} | .process.user = {uid: 65534, gid: 65534} | .linux.namespaces |= map(select(.type != "pid"))' \
        "kill -KILL $view; kill -KILL $broker"
    [ "$(grep -c 'not permitted' <<<"$output")" = 2 ]
    begin=${EPOCHREALTIME/./} before=$(ticks)
    sleep 2
    after=$(ticks)
    all=$(((${EPOCHREALTIME/./} - begin) / 10000))
    echo "$((after - before)) ticks of $all"
    # A tenth of a CPU each, and what is theirs at once.
    [ $((after - before)) -gt 0 ]
    [ $((10 * (after - before))) -le $((3 * all)) ]
    runtime delete -f busy
}

@test "with users of its own a container has the view too; a value that is none is refused" {
    chmod 755 "$ENGINE" "$ENGINE/rootfs"
    once users "$VIEW"' | .linux.namespaces += [{type: "user"}]
        | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
        | .linux.gidMappings = [{containerID: 0, hostID: 100000, size: 65536}]' \
        "echo fifo >/dev/vkernel/cpu.real_policy; cat /dev/vkernel/cpu.real_policy; echo 8000000 >$KERNEL/sched_wakeup_granularity_ns; cat $KERNEL/sched_wakeup_granularity_ns"
    echo "$output"
    [ "$output" = "fifo
8000000" ]
    once bad '.annotations["io.vireo.vkernel.params.view"] = "yes"' true
    [ "$status" -ne 0 ]
    [[ $output == *"view 'yes': it is on or off"* ]]
}

@test "a view that dies while the container is made is an error with its reason, and leaves nothing" {
    local words
    mkdir -p "$ENGINE/broken"
    cp "$ENGINE_RUNTIME" "$ENGINE/broken/vireo-runtime"
    for words in 'echo "vireo-view: cannot do it" >&2' 'kill -KILL $$'; do
        printf '#!/bin/sh\n%s\n' "$words" >"$ENGINE/broken/vireo-view"
        chmod 755 "$ENGINE/broken/vireo-view"
        bundle dies "$VIEW" true >/dev/null
        run timeout 20 "$ENGINE/broken/vireo-runtime" --root "$ENGINE/state" run --bundle "$ENGINE/dies" dies </dev/null 3>&-
        echo "$output"
        [ "$status" -ne 0 ]
        [ "$status" -ne 124 ]
        [[ $words != echo* || $output == *"cannot do it"* ]]
        [ -z "$(runtime list -q)" ]
        eventually 20 none brokers
    done
}

# locks NAME: holds the lock of a container's virtual kernel, as one that hangs; its pid.
locks() {
    flock --no-fork "$ENGINE/state/$1/vkernel" sleep 300 3>&- >/dev/null 2>&1 &
    echo $!
}

@test "one that hangs in a change is not waited for without end, from outside nor from inside; the container can be removed" {
    local holder inside started
    detached hangs "$VIEW" 'sleep 1000'
    # An exec needs the lock for a moment: it is inside before.
    runtime exec hangs sh -c 'touch /dev/inside; while [ ! -e /dev/go ]; do sleep 0.1; done; echo fifo >/dev/vkernel/cpu.real_policy' >"$ENGINE/hangs.inside" 2>&1 &
    inside=$!
    eventually 20 test -e "/proc/$(pid_of hangs)/root/dev/inside"
    holder=$(locks hangs)
    eventually 20 not flock -n "$ENGINE/state/hangs/vkernel" true
    touch "/proc/$(pid_of hangs)/root/dev/go"
    run runtime vk set hangs sched.slice 5ms
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *"cannot change the virtual kernel: another process has had its lock for 10 seconds"* ]]
    not wait "$inside"
    cat "$ENGINE/hangs.inside"
    grep -qi "resource busy" "$ENGINE/hangs.inside"
    # An update counts by what is kept: it has the lock too.
    run runtime update --memory 64M hangs
    echo "$output"
    [ "$status" -ne 0 ]
    [[ $output == *"another process has had its lock"* ]]
    # What only looks waits for nobody.
    [ "$(runtime vk get hangs | jq -r '.keys["sched.policy"].value')" = default ]
    [ "$(policies_of "$(pid_of hangs)")" = 0 ]
    runtime delete -f hangs
    [ -z "$(runtime list -q)" ]
    kill "$holder"
    detached hangs "$VIEW" 'sleep 1000'
    runtime vk set hangs sched.slice 5ms >/dev/null
    runtime update --memory 64M hangs
    runtime delete -f hangs
}

@test "what changes while an exec begins holds for its process too" {
    local holder exec at=$ENGINE/state/begins
    detached begins "$VIEW"' | .annotations["io.vireo.vkernel.sched.policy"] = "fifo"' 'sleep 1000'
    holder=$(locks begins)
    eventually 20 not flock -n "$at/vkernel" true
    runtime exec -d --pid-file "$ENGINE/begins.pid" begins sleep 1000 </dev/null >/dev/null 2>&1 &
    exec=$!
    has_two() {
        [ "$(runtime ps -f json begins | jq length)" = 2 ]
    }
    eventually 20 has_two
    # As who has the lock changes it: the process is in the group, but not the user's yet.
    sed 's/^sched.policy=fifo$/sched.policy=normal/' "$at/vkernel" >"$at/vkernel.new"
    mv "$at/vkernel.new" "$at/vkernel"
    kill "$holder"
    wait "$exec"
    [ "$(policies_of "$(cat "$ENGINE/begins.pid")")" = 0 ]
    runtime delete -f begins
}

@test "who waits for a broker that hangs can be ended, and gets an error in the end" {
    local broker patient ended
    detached silent "$VIEW" 'sleep 1000'
    broker=$(brokers)
    kill -STOP "$broker"
    stopped() {
        [ "$(awk '/^State/ {print $2}' "/proc/$broker/status")" = T ]
    }
    eventually 20 stopped
    runtime exec silent sh -c 'echo fifo >/dev/vkernel/cpu.real_policy' >"$ENGINE/silent.out" 2>&1 &
    patient=$!
    ended=$(runtime exec silent sh -c 'cat /dev/vkernel/cpu.real_policy & sleep 0.5; kill -KILL $!; wait $!; echo "ended $?"' 2>&1)
    echo "$ended"
    [[ $ended == *"ended 137" ]]
    not wait "$patient"
    cat "$ENGINE/silent.out"
    grep -qi "timed out" "$ENGINE/silent.out"
    runtime delete -f silent
    kill -KILL "$broker"
}
