#!/usr/bin/env bats
# bats file_tags=alone
# sched.realtime: the kernel's SCHED_FIFO for a container, by the operator's word alone, in a budget
# that the kernel holds and that nobody inside gets out of.
load helper
load engines
load vk_container

CPU=/sys/fs/cgroup/cpu

has_budgets() {
    [ -e $CPU/cpu.rt_runtime_us ] || skip "groups have no budgets of real time here"
}

FIFO='.annotations["io.vireo.vkernel.sched.policy"] = "fifo"'

# busy HOW: what the tests run inside, on CPU 0; a line when it begins to compute, then its share.
programs() {
    command -v gcc >/dev/null || skip "gcc is not installed"
    [ ! -e "$ENGINE/rootfs/bin/busy" ] || return 0
    cat >"$ENGINE/busy.c" <<'END'
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
static unsigned word;
static volatile int held;
static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}
static int share(void)
{
    double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID), begin = seconds(CLOCK_MONOTONIC);
    while (seconds(CLOCK_MONOTONIC) - begin < 2)
        ;
    return (int)((seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) / (seconds(CLOCK_MONOTONIC) - begin) * 100);
}
/* Holds a lock that lends it the priority of who waits for it, and gives up its own. */
static void *owner(void *how)
{
    struct sched_param none = {0};
    if (syscall(SYS_futex, &word, *(int *)how, 0, 0, 0, 0) < 0)
        printf("lock: %s\n", strerror(errno));
    if (sched_setscheduler(0, SCHED_OTHER, &none) < 0)
        printf("policy: %s\n", strerror(errno));
    held = 1;
    printf("share %d\n", share());
    exit(0);
}
/* Each computes for a while; when did the other one begin, and the first one end? */
static double begin[2], end[2];
static void *turn(void *number)
{
    long i = (long)number;
    begin[i] = seconds(CLOCK_MONOTONIC);
    while (seconds(CLOCK_THREAD_CPUTIME_ID) < 0.05)
        ;
    end[i] = seconds(CLOCK_MONOTONIC);
    return 0;
}
int main(int argc, char **argv)
{
    int how = argc > 1 && strcmp(argv[1], "lend2") == 0 ? FUTEX_LOCK_PI2_PRIVATE : FUTEX_LOCK_PI;
    pthread_t threads[2];
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(0, &set);
    sched_setaffinity(0, sizeof set, &set);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 1 && strncmp(argv[1], "lend", 4) == 0) {
        pthread_create(threads, 0, owner, &how);
        while (!held)
            usleep(1000);
        for (;;) /* where there is no such lock it computes as well */
            syscall(SYS_futex, &word, how, 0, 0, 0, 0);
    }
    if (argc > 1 && strcmp(argv[1], "turns") == 0) {
        for (long i = 0; i < 2; i++)
            pthread_create(threads + i, 0, turn, (void *)i);
        for (int i = 0; i < 2; i++)
            pthread_join(threads[i], 0);
        int first = end[0] < end[1] ? 0 : 1;
        printf("%s\n", begin[1 - first] >= end[first] - 0.002 ? "one after the other" : "in turns");
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "fork") == 0)
        for (int i = 0; i < 20; i++)
            if (fork() == 0)
                for (;;)
                    ;
    struct sched_param high = {50};
    if (argc > 1 && strcmp(argv[1], "raise") == 0)
        printf("raise: %s\n", sched_setscheduler(0, SCHED_FIFO, &high) < 0 ? strerror(errno) : "done");
    printf("share %d\n", share());
    return 0;
}
END
    gcc -O1 -static -pthread -o "$ENGINE/rootfs/bin/busy" "$ENGINE/busy.c"
}

# neighbour: computes on CPU 0 in a group of its own, as any container; its share of that CPU.
neighbour() {
    once neighbour '.linux.resources.cpu.shares = 1024' 'exec busy'
    echo "neighbour: $output" >&2
    output=${output##*share }
}

# policies: those of a container's threads, and their priorities.
threads_of() {
    local pid
    for pid in "$1" $(descendants "$1"); do
        awk '{sub(/^.*\) /, ""); print $39, $38}' /proc/"$pid"/task/*/stat
    done | sort -u
}

@test "with a budget fifo is the kernel's: lowest priority, strict in the group, changed at once and from inside" {
    local pid more
    has_budgets
    programs
    bundle real "$FIFO"' | .annotations["io.vireo.vkernel.params.view"] = "on" | .process.capabilities = {}' '(sleep 1000) & sleep 1000' >/dev/null
    runtime --vkernel sched.realtime=20% run -d --bundle "$ENGINE/real" real </dev/null >"$ENGINE/real.out" 2>&1
    pid=$(pid_of real)
    [ "$(threads_of "$pid")" = "1 1" ]
    [ "$(cat $CPU/real/cpu.rt_runtime_us $CPU/real/cpu.rt_period_us | xargs)" = "20000 100000" ]
    run runtime exec real busy turns
    [ "$output" = "one after the other" ]
    [ "$(runtime vk get real | jq -r '.keys["sched.realtime"] | .value, .live' | xargs)" = "20% false" ]
    # No slice is taken for what has none.
    run runtime vk set real sched.slice 3ms
    [ "$status" -ne 0 ]
    [[ $output == *"with sched.realtime fifo has no slices"* ]]
    run runtime exec real sh -c 'cd /proc/sys/kernel; [ ! -e sched_wakeup_granularity_ns ] || { cat sched_wakeup_granularity_ns; echo 3000000 >sched_wakeup_granularity_ns; }'
    [[ -z $output || $output == 0*"nvalid argument"* ]]
    runtime exec real sh -c 'echo normal >/dev/vkernel/cpu.real_policy'
    runtime vk set real sched.slice 3ms >/dev/null
    runtime vk set real sched.slice default >/dev/null
    [ "$(threads_of "$pid")" = "0 0" ]
    runtime exec real sh -c 'echo 1 >/dev/vkernel/cpu.real_policy'
    [ "$(threads_of "$pid")" = "1 1" ]
    runtime vk set real sched.policy batch >/dev/null
    [ "$(threads_of "$pid")" = "3 0" ]
    run runtime vk set real sched.realtime 50%
    [ "$status" -eq 4 ]
    [[ $output == *"set at the start of a container"* ]]
    run runtime exec real busy raise
    [[ $output == *"raise: Operation not permitted"* ]]
    # What the table says of the lock that would lend a priority, and whose word that is.
    [ "$(runtime vk explain real futex 0,6 | jq -r '.verdict, .own_from' | xargs)" = "errno ENOSYS vkernel: sched: realtime" ]
    [ "$(runtime vk explain real futex 0,128 | jq -r .verdict)" = native ]
    # Nobody gives it more than the operator did, past the sum that is looked at.
    for more in --cpu-rt-runtime=95000 --cpu-rt-period=20000; do
        run runtime update "$more" real
        [ "$status" -ne 0 ]
        [[ $output == *"the container has a budget of sched.realtime, which is set at its start"* ]]
    done
    run runtime update --resources - real <<<'{"cpu": {"realtimeRuntime": 95000}}'
    [ "$status" -ne 0 ]
    [ "$(cat $CPU/real/cpu.rt_runtime_us $CPU/real/cpu.rt_period_us | xargs)" = "20000 100000" ]
    runtime update --cpu-shares 512 real
    runtime delete -f real
}

# used NAME SECONDS: how much of CPU 0 a container has, in per cent.
used() {
    local before after begin end
    read -r before _ <"/sys/fs/cgroup/cpuacct/$1/cpuacct.usage_percpu"
    begin=$(date +%s%N)
    sleep "$2"
    read -r after _ <"/sys/fs/cgroup/cpuacct/$1/cpuacct.usage_percpu"
    end=$(date +%s%N)
    echo $(((after - before) * 100 / (end - begin)))
}

@test "who computes without end has its budget and no more: the neighbour keeps its share of the CPU" {
    local how beside share
    has_budgets
    programs
    detached equal '.linux.resources.cpu.shares = 1024' 'while :; do busy; done'
    neighbour
    beside=$output
    runtime delete -f equal
    for how in '' fork; do
        bundle greedy "$FIFO" "while :; do busy $how; done" >/dev/null
        runtime --vkernel sched.realtime=50% run -d --bundle "$ENGINE/greedy" greedy </dev/null >"$ENGINE/greedy.out" 2>&1
        sleep 0.5
        share=$(used greedy 2)
        neighbour
        echo "greedy $share, the neighbour $output (beside one like itself $beside)"
        # The bound holds whatever else this machine does.
        [ "$share" -le 55 ]
        # Of two alone on the CPU it has its half; beside others' work both have less.
        [ $((output * 100)) -ge $((beside * 35)) ]
        runtime delete -f greedy
    done
}

@test "loops on all CPUs leave half of each: the machine answers, and the policy can be taken back" {
    local before after begin end i
    has_budgets
    programs
    bundle loops "$FIFO" 'for i in 1 2 3 4 5 6 7 8; do (while :; do :; done) & done; wait' >/dev/null
    runtime --vkernel sched.realtime=50% run -d --bundle "$ENGINE/loops" loops </dev/null >"$ENGINE/loops.out" 2>&1
    sleep 0.5
    read -r -a before </sys/fs/cgroup/cpuacct/loops/cpuacct.usage_percpu
    begin=$(date +%s%N)
    sleep 2
    read -r -a after </sys/fs/cgroup/cpuacct/loops/cpuacct.usage_percpu
    end=$(date +%s%N)
    for i in "${!after[@]}"; do
        echo "CPU $i: $(((after[i] - before[i]) * 100 / (end - begin))) %"
        [ $(((after[i] - before[i]) * 100 / (end - begin))) -le 55 ]
    done
    [ "$(threads_of "$(pid_of loops)")" = "1 1" ]
    runtime vk set loops sched.policy normal >/dev/null
    [ "$(threads_of "$(pid_of loops)")" = "0 0" ]
    # And given again, to those that never wait.
    runtime vk set loops sched.policy fifo >/dev/null
    [ "$(threads_of "$(pid_of loops)")" = "1 1" ]
    runtime delete -f loops
    [ ! -e $CPU/loops ]
}

@test "no lock lends a way out of the budget" {
    local how share
    has_budgets
    programs
    # Lent a priority it would have the whole CPU (95 of 100, tried): it has its budget as the
    # kernel's fifo, and at most half of the rest beside the neighbour.
    detached equal '.linux.resources.cpu.shares = 1024' 'while :; do busy; done'
    for how in lend lend2; do
        bundle lender "$FIFO" "while :; do busy $how; done" >/dev/null
        runtime --vkernel sched.realtime=20% run -d --bundle "$ENGINE/lender" lender </dev/null >"$ENGINE/lender.out" 2>&1
        eventually 10 grep -q "lock: Function not implemented" "$ENGINE/lender.out"
        share=$(used lender 2)
        echo "lender $share"
        [ "$share" -le 70 ]
        runtime delete -f lender
    done
}

@test "all budgets together are half of each CPU at most; what is gone is free again" {
    local at
    has_budgets
    [ "$(for at in $CPU/*/cpu.rt_runtime_us; do cat "$at"; done 2>/dev/null | sort -nu | xargs)" = 0 ] ||
        skip "somebody has a budget of real time on this machine"
    budget() {
        bundle "$1" "$FIFO | .linux.cgroupsPath = \"$3\"" 'sleep 1000' >/dev/null
        status=0
        runtime --vkernel "sched.realtime=$2" run -d --bundle "$ENGINE/$1" "$1" </dev/null >"$ENGINE/$1.out" 2>&1 || status=$?
    }
    budget one 20% /vireo-rt/a/one
    [ "$status" -eq 0 ]
    budget two 25% /vireo-rt/a/two
    [ "$status" -eq 0 ]
    [ "$(cat $CPU/vireo-rt/cpu.rt_runtime_us $CPU/vireo-rt/a/cpu.rt_runtime_us | xargs)" = "45000 45000" ]
    budget three 10% /three
    [ "$status" -ne 0 ]
    grep -q "cannot give 10% of real time (sched.realtime): others have 45%, and all together have at most 50%" "$ENGINE/three.out"
    [ ! -e $CPU/three ]
    budget three 5% /three
    [ "$status" -eq 0 ]
    runtime delete -f two
    [ "$(cat $CPU/vireo-rt/cpu.rt_runtime_us $CPU/vireo-rt/a/cpu.rt_runtime_us | xargs)" = "20000 20000" ]
    budget four 25% /vireo-rt/four
    [ "$status" -eq 0 ]
    runtime delete -f one
    runtime delete -f three
    runtime delete -f four
    [ "$(cat $CPU/vireo-rt/cpu.rt_runtime_us $CPU/vireo-rt/a/cpu.rt_runtime_us | xargs)" = "0 0" ]
    for at in /sys/fs/cgroup/*/vireo-rt /sys/fs/cgroup/vireo-rt; do
        rmdir "$at/a" "$at" 2>/dev/null || true
    done
    # Two at once are never both given what only one can have.
    for at in five six; do
        bundle $at "$FIFO" 'sleep 1000' >/dev/null
        (runtime --vkernel sched.realtime=30% run -d --bundle "$ENGINE/$at" $at </dev/null >"$ENGINE/$at.out" 2>&1; true) &
    done
    wait
    [ "$(runtime list -q | wc -l)" -eq 1 ]
}

@test "real time is the operator's to give, and refused where it would have no end" {
    once asks '.annotations["io.vireo.vkernel.sched.realtime"] = "20%"' true
    [ "$status" -ne 0 ]
    [[ $output == *"sched.realtime: real time is the operator's to give, by the runtime's --vkernel"* ]]
    local value
    for value in 51% 0% 20 -1% 5%% many; do
        once wrong . true --vkernel "sched.realtime=$value"
        [ "$status" -ne 0 ]
        [[ $output == *"realtime '$value': it is off, or from 1% to 50%"* ]]
    done
    # A machine without that tree: this one, where it is not mounted.
    bundle without "$FIFO" true >/dev/null
    run timeout 60 unshare -m --propagation private sh -c "umount $CPU 2>/dev/null
        exec '$ENGINE_RUNTIME' --root '$ENGINE/state' --vkernel sched.realtime=20% run --bundle '$ENGINE/without' without" </dev/null 3>&-
    echo "$output"
    [ "$status" -ne 0 ]
    [[ $output == *"groups have no budgets of it here (RT_GROUP_SCHED and a v1 tree of the CPU)"* ]]
    run unshare -m --propagation private sh -c "umount $CPU 2>/dev/null; exec '$VIREO' doctor"
    [[ $output == *"no SCHED_FIFO: groups have no budgets of it here"* ]]
    [ ! -e $CPU/cpu.rt_runtime_us ] || "$VIREO" doctor | grep -q "budgets of SCHED_FIFO: sched.realtime"
    [ -z "$(runtime list -q)" ]
}
