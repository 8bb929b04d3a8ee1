#!/bin/sh
# Virtual kernels: what a system call costs under tables of 20 and 350 calls, beside no filter, a
# chain of comparisons and libseccomp's tree, in the same run (bench/vk_bench).
# Usage: bench/run-vk.sh [CALLS a round]
set -eu
. "$(dirname "$0")/lib.sh"

count=${1:-2000}
load_before=$(bench_load)
"${VK_BENCH:-$bench_build/vk_bench}" "$count" >"$bench_work/table"

echo "## Virtual kernels: system calls"
echo
echo "$(bench_machine); load before: $load_before. getpid, the least of 1000 rounds of $count; no two" \
    "neighbours of the table are alike."
echo
cat "$bench_work/table"
echo
awk -F' *[|] *' '/^\| (none|all allowed|ours|libseccomp|a chain)/ {
        rows = rows comma sprintf("{\"filter\":\"%s\",\"table\":%d,\"instructions\":%d,\"ns\":%s,\"over_none_ns\":%s,\"install_us\":%s}", $2, $3, $4, $5, $6, $7)
        comma = "," }
    END { printf "%s", rows }' "$bench_work/table" >"$bench_work/json"
printf '{"bench":"vk",%s,"rows":[%s]}\n' "$(bench_machine_json)" "$(cat "$bench_work/json")"
