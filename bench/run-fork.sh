#!/bin/sh
# Fork from inside a pVM beside plain fork of the same program, built by gcc: with the memory of both
# in pages of 4 KiB, and with that of both in huge pages, as a family's is. See bench/fork/fork.c.
# Usage: bench/run-fork.sh [--native] [ROUNDS]
#   --native: the function is native code, not translated
set -eu
. "$(dirname "$0")/lib.sh"

code=translated
if [ "${1-}" = --native ]; then
    code=native
    shift
fi
rounds=${1:-200}
turns=8
bench_need gcc
[ -x "$bench_vireo" ] || {
    echo "cannot measure: '$bench_vireo' is not built (ninja -C build)" >&2
    exit 2
}
if grep -q '\[never\]' /sys/kernel/mm/transparent_hugepage/enabled; then
    echo "cannot measure: this kernel gives no huge pages (transparent_hugepage/enabled: never)" >&2
    exit 2
fi
for pages in small huge; do
    mkdir "$bench_work/$pages"
    cp "$bench_root/bench/fork/fork.c" "$bench_work/$pages"
    printf 'name: fork-bench\nlimits: {memory: 128MiB}\n' >"$bench_work/$pages/vireo.yaml"
done
echo 'vkernel: {memory: {huge_pages: never}}' >>"$bench_work/small/vireo.yaml"
gcc -O2 -o "$bench_work/native" "$bench_work/huge/fork.c"
if [ $code = native ]; then
    bench_native "$bench_work/small"
    bench_native "$bench_work/huge"
    export VIREO_STATE="$bench_work/signer"
fi

pvm() { # PAGES ROUNDS
    "$bench_vireo" run --grant fork --grant ipc "$bench_work/$1" "$2"
}

# Built once, then turn and turn about, so that all meet the same noise.
each=$((rounds / turns > 0 ? rounds / turns : 1))
pvm small 1 >/dev/null
pvm huge 1 >/dev/null
load_before=$(bench_load)
for _ in $(seq $turns); do
    for pages in small huge; do
        for target in pvm native; do
            if [ $target = pvm ]; then
                pvm $pages $each
            else
                "$bench_work/native" $each $pages
            fi >"$bench_work/turn"
            cat "$bench_work/turn" >>"$bench_work/$target-$pages.us"
            head -n 1 "$bench_work/turn" >>"$bench_work/$target-$pages-first.us"
        done
    done
done

of() { # FILE COLUMN PERCENTILE: whole microseconds
    cut -d ' ' -f "$2" "$bench_work/$1.us" | bench_percentile "$3" | awk '{printf "%.0f", $1}'
}

cells() { # PAGES COLUMN [-first]
    echo "$(of "pvm-$1${3-}" "$2" 50) / $(of "pvm-$1${3-}" "$2" 99) | $(of "native-$1${3-}" "$2" 50) / $(of "native-$1${3-}" "$2" 99) |" \
        "$(bench_ratio "$(of "pvm-$1${3-}" "$2" 50)" "$(of "native-$1${3-}" "$2" 50)") |"
}

row() { # WORDS COLUMN [-first]
    echo "| $1 | $(cells small "$2" "${3-}") $(cells huge "$2" "${3-}")"
}

echo "## Fork from inside a call, $code code"
echo
echo "$(bench_machine); load before: $load_before."
echo
echo "64 MiB mapped, 16 MiB of them touched; $((each * turns)) forks each, in $turns turns, µs, p50 / p99. In small pages (4 KiB): the pVM by"
echo "\`vkernel: memory: huge_pages: never\`, the plain process by \`PR_SET_THP_DISABLE\`. In huge ones: the pVM as it is"
echo "without that, the plain process by \`MADV_HUGEPAGE\` on aligned memory."
[ $code = translated ] || echo "The heap of native code is never in huge pages: its second half is beside a plain process that is."
echo
echo "| | pVM, small pages | plain fork, small | ratio | pVM, huge pages | plain fork, huge | ratio |"
echo "| --- | --- | --- | --- | --- | --- | --- |"
row "**fork() in the parent**" 1
row "– its CPU time" 2
row "fork, exit and wait" 3
row "the parent writes the 16 MiB beside its child, in small pages (4,096 faults)" 4
row "– its CPU time" 5
row "– the first time after the forks (huge pages are taken apart), n = $turns" 4 -first
echo
for pages in small huge; do
    ours=$(of pvm-$pages 1 50) plain=$(of native-$pages 1 50)
    echo "On the wall, $pages pages: at most 400 µs ($ours): $(bench_verdict "$ours" 400);" \
        "at most 1.5 times plain fork with the same pages ($(bench_ratio "$ours" "$plain")):" \
        "$(bench_verdict "$ours" "$(awk -v a="$plain" 'BEGIN {print a * 1.5}')")."
done
echo "As a pVM is by itself beside a plain process as it is by itself, without advice" \
    "($(of pvm-huge 1 50), $(of native-small 1 50) µs): $(bench_ratio "$(of pvm-huge 1 50)" "$(of native-small 1 50)")."
