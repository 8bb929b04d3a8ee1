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
pvm 1 >/dev/null
for _ in 1 2 3 4; do
    "$bench_work/native" "$((rounds / 4))" "$key" >>"$bench_work/native.us"
    pvm "$((rounds / 4))" >>"$bench_work/pvm.us"
done

of() { # TARGET NAME: the median, or -
    awk -v name="$2" '$1 == name {print $2}' "$bench_work/$1.us" | bench_percentile 50
}

row() { # WORDS NAME
    near=$(of pvm "$2-near") unix=$(of native "$2-near")
    echo "| $1 | $near | $(of pvm "$2-far") | $unix | $(of native "$2-far") |" \
        "$(awk -v a="$near" -v b="$unix" 'BEGIN {printf "%.2f", a / b}') |"
}

echo
echo "## What members of a family say to each other"
echo
bench_machine
echo
echo "Medians of $rounds rounds, µs. Lineal: parent and child. First contact: two children find each other by a key,"
echo "its first use included."
echo
echo "| | lineal | first contact | UNIX, parent and child | UNIX, by key | lineal / UNIX |"
echo "| --- | --- | --- | --- | --- | --- |"
row "pipe, with its creation; a byte there and back" pipe
row "message queue, 64 bytes there and back" queue
row "shared memory, a word there and back (sched_yield)" memory
row "kill (SIGKILL) and wait" kill
row "exit and wait" exit
