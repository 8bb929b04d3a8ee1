#!/bin/sh
# Control groups by themselves: enable, create, enter, write limits, remove, plain and from the pool,
# at 1, 8, 32 and 64 at once, beside 0 and 1,000 other live groups (bench/cgroup_bench). Root.
# Usage: bench/run-cgroup.sh [CYCLES a cell]
set -eu
. "$(dirname "$0")/lib.sh"

count=${1:-1500}
load_before=$(bench_load)
"${CGROUP_BENCH:-$bench_build/cgroup_bench}" --count "$count" >"$bench_work/table"

echo "## Control groups"
echo
echo "$(bench_machine); load before: $load_before. \"Enter\" is a fork whose child is born in the group," \
    "ends and is reaped; \"fork\" the same without one."
echo
grep '^|' "$bench_work/table"
echo
awk -F' *[|] *' '/^\| (plain|pool|fork|discover|remove)/ {
        rows = rows comma sprintf("{\"step\":\"%s\",\"live\":%d,\"at_once\":%d,\"n\":%d,\"p50_us\":%s,\"p99_us\":%s,\"per_second\":%s}", $2, $3, $4, $5, $6, $7, $8)
        comma = "," }
    END { printf "%s", rows }' "$bench_work/table" >"$bench_work/json"
printf '{"bench":"cgroup",%s,"rows":[%s]}\n' "$(bench_machine_json)" "$(cat "$bench_work/json")"
