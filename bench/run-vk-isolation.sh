#!/bin/sh
# Two containers, one of them hostile: how late the other one's work is (each millisecond a page, a
# file, a futex) while the first makes a storm: of futexes, of forks up to its limit, of messages, of
# memory beyond its limit, of calls that are refused. With virtual kernels and without. Each has one
# CPU's worth of time at most, 64 processes and 64 MiB; where the kernel lets BPF refuse memory the
# virtual kernel has overcommit 2 of all of it too. Then futexes beside a storm of them, with tables
# of their own and with the machine's. In turns, in one run. Root.
# Usage: bench/run-vk-isolation.sh [ROUNDS]
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vk_lib.sh"

rounds=${1:-5}
bench_need jq python3 busybox gcc
gcc -std=gnu17 -O2 -static -pthread -o "$bench_work/vk_probe" "$bench_root/bench/vk_probe.c"
PATH=$bench_work:$PATH
vk_rootfs vk_probe
limits='.linux.resources = {cpu: {quota: 100000, period: 100000}, pids: {limit: 64}, memory: {limit: 67108864, swap: 67108864}}'
commit=.
! "$bench_build/vireo" doctor | grep -q 'vkernel: memory.*BPF on commits' ||
    commit='.annotations += {"io.vireo.vkernel.memory.overcommit": "2", "io.vireo.vkernel.memory.overcommit_ratio": "100"}'
refuse='.annotations["io.vireo.vkernel.syscalls.calls.mkdirat"] = "errno EROFS"'
for side in probe storm; do
    vk_bundle "plain-$side" "$limits"
    vk_bundle "vk-$side" "$limits | $vk_full | $commit"
done
vk_bundle vk-storm "$limits | $vk_full | $commit | $refuse"
# What the operator can do beyond that: those who storm put nobody aside.
vk_bundle batch-storm "$limits | $vk_full | $commit | $refuse"' | .annotations["io.vireo.vkernel.sched.policy"] = "batch"'
vk_bundle batch-probe "$limits | $vk_full | $commit"

load_before=$(bench_load)
i=0
while [ $i -lt "$rounds" ]; do
    i=$((i + 1))
    for storm in nothing futex fork log commit denied; do
        for kind in plain vk batch; do
            [ "$storm, $kind" != 'nothing, batch' ] || continue
            [ $storm = nothing ] || vk_start $kind-storm "vk_probe $storm"
            sleep 0.3
            case $kind in
            plain) with=without ;;
            vk) with='virtual kernels' ;;
            batch) with='virtual kernels, the storm batch' ;;
            esac
            vk_run $kind-probe 'vk_probe late 3' | while read -r column value; do
                printf '%s, %s\t%s\t%s\n' "$storm" "$with" "$column" "$value"
            done >>"$bench_work/rows"
            [ $storm = nothing ] || vk_stop $kind-storm
        done
    done
done

echo "## Virtual kernels: a hostile neighbour"
echo
echo "$(bench_machine); load before: $load_before. How late the other container's work is done, in us: medians of $rounds (least–most)" \
    "of 3 s each, beside the quiet one without virtual kernels."
echo
vk_table 'nothing, without' p50 p99 <"$bench_work/rows"

i=0
while [ $i -lt "$rounds" ]; do
    i=$((i + 1))
    for table in own global; do
        "$bench_work/vk_probe" contend $table 2 | while read -r column value; do
            printf '%s\t%s\t%s\n' "$table" "$column" "$value"
        done >>"$bench_work/futexes"
    done
done
echo
echo "Futexes of one process beside eight threads of another that wait and wake: ns a call, p50 and p99 of rounds of 1000, medians of" \
    "$rounds (least–most). global: the machine's table, as before Linux 6.16 (PR_FUTEX_HASH with 0)."
echo
vk_table global p50 p99 <"$bench_work/futexes"
