#!/bin/sh
# What policies are worth under vireo's BPF scheduler (sched_ext), beside the kernel's own: hackbench
# by messages a pair in a container, under normal and fifo, with the scheduler and without, in
# turns. In a guest with Linux 7.3, for the reference machine has no sched_ext: its processor is
# emulated, so only what stands beside each other in one run says something.
# Usage: bench/run-vk-sched-ext.sh [ROUNDS [MESSAGES...]]
set -eu
at=$(dirname "$0")

if [ "${1:-}" != inside ]; then
    exec "$at/../tests/vm/run" --kernel 7.3 --shell "bench/run-vk-sched-ext.sh inside $*"
fi
shift
. "$at/lib.sh"
. "$at/vk_lib.sh"

rounds=${1:-5}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- 20 200
bench_need jq python3 busybox hackbench
[ -e /sys/kernel/sched_ext ] || {
    echo "bench: this kernel has no sched_ext" >&2
    exit 1
}
vk_rootfs hackbench
for policy in normal fifo; do
    vk_bundle $policy '.annotations = {"io.vireo.vkernel.sched.policy": "'$policy'"}'
done

state() { # enabled or disabled
    tries=0
    until [ "$(cat /sys/kernel/sched_ext/state)" = "$1" ]; do
        tries=$((tries + 1))
        [ $tries -lt 300 ] || return 1
        sleep 0.2
    done
}
take() { # SCHEDULER MESSAGES...
    row=$1
    shift
    for messages; do
        for policy in normal fifo; do
            vk_run $policy "hackbench -g 2 -f 4 -l $messages" | while read -r a b _; do
                [ "$a" != Time: ] || printf '%s\t%s\t%s\n' "$row, $policy" "$messages messages" "$b" >>"$bench_work/rows"
            done
        done
    done
}

i=0
while [ $i -lt "$rounds" ]; do
    i=$((i + 1))
    state disabled
    take EEVDF "$@"
    "$bench_build/vireo" sched 2>"$bench_work/sched" &
    scheduler=$!
    state enabled
    take 'the BPF scheduler' "$@"
    kill $scheduler
    wait $scheduler 2>/dev/null || :
done

echo "## Virtual kernels: policies under the BPF scheduler"
echo
echo "Linux $(uname -r), $(nproc) emulated processors; hackbench, 2 groups of 4 pairs; seconds, medians of $rounds (least–most), over EEVDF's normal."
echo
columns=
for messages; do
    columns="$columns '$messages messages'"
done
eval "vk_table 'EEVDF, normal' $columns" <"$bench_work/rows"
