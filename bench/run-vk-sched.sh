#!/bin/sh
# Policies under hackbench: pairs of processes that send each other messages, so many a pair, in five
# places: the host, a privileged container, one with CAP_SYS_NICE, an ordinary one, and one with a
# virtual kernel; under normal and fifo (chrt -f in the first four: an ordinary one may not), and
# under adaptive where containers have it. In turns, in one run. Root.
# Usage: bench/run-vk-sched.sh [ROUNDS]; MESSAGES names the numbers of messages.
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vk_lib.sh"

rounds=${1:-5}
messages=${MESSAGES:-100 1000 5000}
bench_need jq python3 busybox hackbench chrt capsh
vk_rootfs hackbench chrt
# All that this kernel has.
all=$(capsh --decode="$(awk '/^CapBnd/ { print $2 }' /proc/self/status)" | sed 's/.*=//; s/,/ /g' | tr a-z A-Z)
vk_bundle ordinary .
vk_bundle nice '.process.capabilities |= map_values(. + ["CAP_SYS_NICE"])'
vk_bundle privileged "(\"$all\" | split(\" \")) as \$all | .process.capabilities |= map_values(\$all)
    | .linux.maskedPaths = [] | .linux.readonlyPaths = [] | del(.linux.seccomp)"
for policy in normal fifo adaptive; do
    vk_bundle $policy "$vk_full"' | .annotations["io.vireo.vkernel.sched.policy"] = "'$policy'"'
done

# measure ROW COUNT COMMAND...: the last word is the program; the time in seconds, or nothing.
measure() {
    row=$1 count=$2
    shift 2
    time=$("$@" 2>/dev/null | sed -n 's/^Time: //p') || :
    [ -z "$time" ] || printf '%s\t%s\t%s\n' "$row" "$count messages" "$time" >>"$bench_work/rows"
}

load_before=$(bench_load)
i=0
while [ $i -lt "$rounds" ]; do
    i=$((i + 1))
    for count in $messages; do
        pairs="hackbench -g 10 -f 1 -l $count"
        measure 'host, normal' "$count" sh -c "$pairs"
        measure 'host, fifo' "$count" sh -c "chrt -f 1 $pairs"
        for place in privileged nice ordinary; do
            measure "$place, normal" "$count" vk_run $place "$pairs"
            measure "$place, fifo" "$count" vk_run $place "chrt -f 1 $pairs"
        done
        for policy in normal fifo adaptive; do
            measure "virtual kernel, $policy" "$count" vk_run $policy "$pairs"
        done
    done
done

echo "## Virtual kernels: scheduling"
echo
echo "$(bench_machine); load before: $load_before. hackbench, 10 pairs, messages a pair: seconds, medians of $rounds (least–most)," \
    "beside the ordinary container. A row that is not there: the policy was refused."
echo
set --
for count in $messages; do
    set -- "$@" "$count messages"
done
vk_table 'ordinary, normal' "$@" <"$bench_work/rows"
