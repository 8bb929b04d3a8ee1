#!/bin/sh
# Policies under hackbench: pairs of processes that send each other messages, so many a pair, in five
# places: the host, a privileged container, one with CAP_SYS_NICE, an ordinary one, and one with a
# virtual kernel; under normal and fifo (chrt -f in the first four: an ordinary one may not), and
# under adaptive where containers have it (else it is refused, and its row left out). The last column is a load that changes: three times
# messages (30000 a pair: some looks of adaptive), then one process that computes. In turns, in one run. Root.
# Usage: bench/run-vk-sched.sh [ROUNDS]; MESSAGES names the numbers of messages.
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vk_lib.sh"

rounds=${1:-5}
messages=${MESSAGES:-100 1000 5000}
bench_need jq python3 busybox hackbench chrt capsh pwgen
vk_rootfs hackbench chrt pwgen
# All that this kernel has.
all=$(capsh --decode="$(awk '/^CapBnd/ { print $2 }' /proc/self/status)" | sed 's/.*=//; s/,/ /g' | tr a-z A-Z)
vk_bundle ordinary .
vk_bundle nice '.process.capabilities |= map_values(. + ["CAP_SYS_NICE"])'
vk_bundle privileged "(\"$all\" | split(\" \")) as \$all | .process.capabilities |= map_values(\$all)
    | .linux.maskedPaths = [] | .linux.readonlyPaths = [] | del(.linux.seccomp)"
for policy in normal fifo adaptive; do
    vk_bundle $policy "$vk_full"' | .annotations["io.vireo.vkernel.sched.policy"] = "'$policy'"'
done

# measure ROW COLUMN COMMAND...: what it says that it took, in seconds; nothing when it was refused.
measure() {
    row=$1 column=$2
    shift 2
    time=$("$@" 2>/dev/null | sed -n 's/^Time: //p; s/^real //p' | tail -n 1) || :
    [ -z "$time" ] || printf '%s\t%s\t%s\n' "$row" "$column" "$time" >>"$bench_work/rows"
}

# each COLUMN COMMAND: in all places.
each() {
    measure 'host, normal' "$1" busybox sh -c "$2"
    measure 'host, fifo' "$1" busybox sh -c "chrt -f 1 $2"
    for place in privileged nice ordinary; do
        measure "$place, normal" "$1" vk_run $place "$2"
        measure "$place, fifo" "$1" vk_run $place "chrt -f 1 $2"
    done
    for policy in normal fifo adaptive; do
        measure "virtual kernel, $policy" "$1" vk_run $policy "$2"
    done
}
# A program of its own: the policy that it is started with is all of its parts'.
cat >"$vk_root/bin/changing" <<'END'
#!/bin/sh
{ time -p sh -c 'for i in 1 2 3; do hackbench -g 10 -f 1 -l 30000 >/dev/null; pwgen -s 64 5000 >/dev/null; done'; } 2>&1
END
chmod 755 "$vk_root/bin/changing"
PATH=$PATH:$vk_root/bin

load_before=$(bench_load)
i=0
while [ $i -lt "$rounds" ]; do
    i=$((i + 1))
    for count in $messages; do
        each "$count messages" "hackbench -g 10 -f 1 -l $count"
    done
    each changing changing
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
vk_table 'ordinary, normal' "$@" changing <"$bench_work/rows"
