#!/bin/sh
# Compute: each program of bench/compute as native code (gcc -O2), translated by vireo, and under
# node's V8 with its optimising compiler only (--no-liftoff: V8's best; its default start in the
# base-line compiler can be several times slower in programs of one long loop; --single-threaded:
# with its helper threads node 20 can crash as it exits, after the work).
# vireo and V8 run the same WebAssembly module. A program times its own work, so that no start-up
# is in it; rounds are interleaved, and all must print the same checksum.
# Usage: bench/run-compute.sh [ROUNDS] [PROGRAM...]
set -eu
. "$(dirname "$0")/lib.sh"

rounds=${1:-5}
[ $# -gt 0 ] && shift
programs=${*:-sha256 crc32 matmul nbody mandelbrot quicksort json base64 lz spectral sieve}
source=$bench_root/bench/compute
bench_need gcc clang node
[ -x "$bench_vireo" ] || {
    echo "cannot measure: '$bench_vireo' is not built (ninja -C build)" >&2
    exit 2
}

for program in empty $programs; do
    gcc -std=c17 -D_DEFAULT_SOURCE -O2 -o "$bench_work/$program" "$source/$program.c" -lm
    # The options that vireo's own build gives to C; memcpy and the like are wasi-libc's here.
    clang --target=wasm32-wasi -std=c17 -D_DEFAULT_SOURCE -O2 -msign-ext -mnontrapping-fptoint \
        -o "$bench_work/$program.wasm" "$source/$program.c" -lm
    "$bench_vireo" build "$bench_work/$program.wasm" -o "$bench_work/$program.so" >/dev/null
done

one() { # TARGET PROGRAM COMMAND...: appends "program target nanoseconds"
    target=$1 program=$2
    shift 2
    if ! "$@" >"$bench_work/out" 2>"$bench_work/err"; then
        echo "cannot run $program ($target): $(head -n 1 "$bench_work/err")" >&2
        exit 1
    fi
    sum=$(cat "$bench_work/out")
    [ -f "$bench_work/$program.sum" ] || echo "$sum" >"$bench_work/$program.sum"
    [ "$sum" = "$(cat "$bench_work/$program.sum")" ] || {
        echo "wrong answer of $program ($target): $sum, not $(cat "$bench_work/$program.sum")" >&2
        exit 1
    }
    echo "$program $target $(sed -n 's/^nanoseconds //p' "$bench_work/err")" >>"$bench_work/times"
}

load_before=$(bench_load)
round=0
while [ $round -lt "$rounds" ]; do
    for program in empty $programs; do
        one native "$program" "$bench_work/$program"
        one vireo "$program" "$bench_vireo" run "$bench_work/$program.so"
        one v8 "$program" node --no-warnings --no-liftoff --single-threaded \
            "$source/node-run.mjs" "$bench_work/$program.wasm"
    done
    round=$((round + 1))
done

pick() { # PROGRAM TARGET PERCENTILE: milliseconds
    awk -v p="$1" -v t="$2" '$1 == p && $2 == t { print $3 / 1e6 }' "$bench_work/times" |
        bench_percentile "$3"
}

for program in empty $programs; do
    echo "$program $(pick "$program" native 50) $(pick "$program" native 99)" \
        "$(pick "$program" vireo 50) $(pick "$program" vireo 99)" \
        "$(pick "$program" v8 50) $(pick "$program" v8 99)"
done >"$bench_work/table"

echo "## Compute"
echo
echo "$(bench_machine); load before: $load_before; n = $rounds; milliseconds of CPU time of the work alone."
echo "gcc $(gcc -dumpfullversion), clang $(clang -dumpversion), node $(node --version). Checksums agree."
echo
awk '
    BEGIN { print "| program | native p50 | p99 | vireo p50 | p99 | V8 p50 | p99 | vireo / native | V8 / native |"
            print "| --- | --- | --- | --- | --- | --- | --- | --- | --- |" }
    $1 == "empty" { next }
    { v = $4 / $2; e = $6 / $2; lv += log(v); le += log(e); n++
      printf "| %s | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f | %.2f | %.2f |\n", $1, $2, $3, $4, $5, $6, $7, v, e }
    END { printf "| **geometric mean** | | | | | | | **%.2f** | **%.2f** |\n\n", exp(lv / n), exp(le / n)
          printf "Targets: vireo / native at most 1.25 (%s), not slower than V8 (%s).\n\n",
              (exp(lv / n) <= 1.25) ? "met" : "missed", (lv <= le) ? "met" : "missed" }' "$bench_work/table"

awk -v machine="$(bench_machine_json)" -v rounds="$rounds" '
    BEGIN { printf "{\"bench\":\"compute\",%s,\"n\":%d,\"programs\":{", machine, rounds }
    $1 == "empty" { next }
    { lv += log($4 / $2); le += log($6 / $2)
      printf "%s\"%s\":{\"native_ms\":%.3f,\"vireo_ms\":%.3f,\"vireo_p99_ms\":%.3f,\"v8_ms\":%.3f}", n++ ? "," : "", $1, $2, $4, $5, $6 }
    END { printf "},\"vireo_to_native\":%.3f,\"v8_to_native\":%.3f}\n", exp(lv / n), exp(le / n) }' "$bench_work/table"
