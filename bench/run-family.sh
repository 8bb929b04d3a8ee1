#!/bin/sh
# Families: a fork (bench/run-fork.sh) and what members say to each other, each beside UNIX's own by
# the same program built by gcc. See bench/family/ipc.c.
# Usage: bench/run-family.sh [ROUNDS]
set -eu
. "$(dirname "$0")/lib.sh"

rounds=${1:-120}
bench_need gcc
[ -x "$bench_vireo" ] || {
    echo "cannot measure: '$bench_vireo' is not built (ninja -C build)" >&2
    exit 2
}
sh "$bench_root/bench/run-fork.sh" "$rounds"
mkdir "$bench_work/ipc"
cp "$bench_root/bench/family/ipc.c" "$bench_work/ipc"
printf 'name: ipc-bench\nlimits: {memory: 32MiB}\n' >"$bench_work/ipc/vireo.yaml"
gcc -O2 -o "$bench_work/native" "$bench_work/ipc/ipc.c"

pvm() {
    "$bench_vireo" run --grant fork --grant ipc "$bench_work/ipc" "$1"
}

# A key of the machine's that nobody has: the rival's namespace is the machine's.
key=$((0x76000000 + $$))
each=$((rounds / 4 > 0 ? rounds / 4 : 1))
pvm 1 >/dev/null
load_before=$(bench_load)
for _ in 1 2 3 4; do
    "$bench_work/native" $each "$key" >>"$bench_work/native.us"
    pvm $each >>"$bench_work/pvm.us"
done

of() { # TARGET NAME: the median, or -
    awk -v name="$2" '$1 == name {print $2}' "$bench_work/$1.us" | bench_percentile 50 | awk '{printf "%.1f", $1}'
}

row() { # WORDS NAME FIRST
    near=$(of pvm "$2-near") unix=$(of native "$2-near") far=$(of pvm "$2-far") unix_far=$(of native "$2-far")
    ratio=$(bench_ratio "$near" "$unix")
    echo "| $1 | $near | $(of pvm "$2-$3") | $far | $unix | $(of native "$2-$3") | $unix_far |" \
        "$ratio, $(bench_verdict "$ratio" 1.1) | $(bench_ratio "$far" "$unix_far") |"
}

echo
echo "## What members of a family say to each other"
echo
echo "$(bench_machine); load before: $load_before."
echo
echo "Medians of $((each * 4)) rounds, µs. Lineal: parent and child, who have talked before (mean of 50 turns). First use: the child's"
echo "first, with its parent; first contact: with another child of it, both of whom find the thing by its key (pipes: which they"
echo "have of their parent; made beforehand, and that is counted). In a first use the asker has slept for 2 ms, so that its peer waits."
echo "Aim: lineal at most 1.1 of UNIX's."
echo
echo "| | lineal | lineal, first use | first contact | UNIX: lineal | lineal, first use | first contact | lineal / UNIX | first contact / UNIX |"
echo "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
row "pipe, with its creation; a byte there and back" pipe first
row "message queue, 64 bytes there and back" queue first
row "shared memory, a word there and back (sched_yield)" memory first
row "kill (SIGKILL) and wait; first contact: a brother kills" kill near
row "exit and wait; first contact: an orphan's, who has adopted it waits" exit near
