#!/bin/sh
# Fork from inside a pVM beside plain fork of the same program, built by gcc. See bench/fork/fork.c.
# Usage: bench/run-fork.sh [ROUNDS]
set -eu
. "$(dirname "$0")/lib.sh"

rounds=${1:-200}
bench_need gcc
[ -x "$bench_vireo" ] || {
    echo "cannot measure: '$bench_vireo' is not built (ninja -C build)" >&2
    exit 2
}
mkdir "$bench_work/fork"
cp "$bench_root/bench/fork/fork.c" "$bench_work/fork"
printf 'name: fork-bench\nlimits: {memory: 128MiB}\n' >"$bench_work/fork/vireo.yaml"
gcc -O2 -o "$bench_work/native" "$bench_work/fork/fork.c"

pvm() {
    "$bench_vireo" run --grant fork --grant ipc "$bench_work/fork" "$1"
}

# Built once, then turn and turn about, so that both meet the same noise.
pvm 1 >/dev/null
for _ in 1 2 3 4; do
    "$bench_work/native" "$((rounds / 4))" >>"$bench_work/native.us"
    pvm "$((rounds / 4))" >>"$bench_work/pvm.us"
done

of() { # TARGET COLUMN PERCENTILE: whole microseconds
    cut -d ' ' -f "$2" "$bench_work/$1.us" | bench_percentile "$3" | awk '{printf "%.0f", $1}'
}

row() { # WORDS COLUMN
    echo "| $1 | $(of pvm "$2" 50) / $(of pvm "$2" 99) | $(of native "$2" 50) / $(of native "$2" 99) |" \
        "$(awk -v a="$(of pvm "$2" 50)" -v b="$(of native "$2" 50)" 'BEGIN {printf "%.2f", a / b}') |"
}

echo "## Fork from inside a call"
echo
bench_machine
echo
echo "64 MiB mapped, 16 MiB of them touched, in pages of 4 KiB; $rounds forks each, µs, p50 / p99."
echo
echo "| | pVM | plain fork | ratio of p50 |"
echo "| --- | --- | --- | --- |"
row "fork() in the parent, its CPU time" 1
row "fork, exit and wait" 2
row "the parent writes the 16 MiB beside its child (4,096 faults), its CPU time" 3
