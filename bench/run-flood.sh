#!/usr/bin/env bash
# What one function's flood does to another: p50 and p99 of a neighbour's calls over one connection,
# alone and during a flood of calls, of output, of CPU and of large bodies.
# usage: bench/run-flood.sh [ROUNDS [KIND...]]     (5; calls output cpu bodies, 5 s each)
#
# The flooder runs at nice 19: it is to be another machine's, and here it shares the CPUs. Each flood
# is measured between two quiet times of its own round; the table has medians over the rounds.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
export BUILD=${BUILD:-$top/build} BATS_TEST_TMPDIR=/tmp
# shellcheck source=tests/system/helper.bash
. "$top/tests/system/helper.bash"
rounds=${1:-5}
kinds=("${@:2}")
[ "${#kinds[@]}" -gt 0 ] || kinds=(calls output cpu bodies)
work=$(mktemp -d /tmp/vireo-flood.XXXXXX)
trap 'daemon_clean; rm -rf "$work"' EXIT

daemon_start
for name in flooded neighbour; do
    "$VIREO" -q deploy "$FUNCTIONS/tool.c" --name "$name"
done
printf 'wrk.method = "POST"\nwrk.body = string.rep("x", 4000000)\n' >"$work/big.lua"

# p50 and p99 of the neighbour in microseconds.
neighbour() {
    wrk -t 1 -c 1 -d 2 --latency "$VIREO_SERVER/function/neighbour?calls" | awk '
        $1 == "50%" || $1 == "99%" {
            v = $2 + 0
            if ($2 ~ /ms$/) v *= 1000; else if ($2 !~ /us$/) v *= 1000000
            printf "%d ", v
        }'
}

flood() {
    case $1 in
    calls) exec nice -n 19 wrk -t 1 -c 64 -d 3 "$VIREO_SERVER/function/flooded?calls" ;;
    output) exec nice -n 19 wrk -t 1 -c 64 -d 3 "$VIREO_SERVER/function/flooded?log" ;;
    cpu) exec nice -n 19 wrk -t 1 -c 64 -d 3 "$VIREO_SERVER/function/flooded?loop" ;;
    bodies) exec nice -n 19 wrk -t 1 -c 4 -d 3 -s "$work/big.lua" "$VIREO_SERVER/function/flooded" ;;
    esac
}

neighbour >/dev/null
for _ in $(seq "$rounds"); do
    for kind in "${kinds[@]}"; do
        echo "$kind quiet $(neighbour)" >>"$work/all"
        (flood "$kind") >/dev/null 2>&1 &
        sleep 0.5
        echo "$kind flood $(neighbour)" >>"$work/all"
        wait $! || true
        # Calls that wait time out before the next quiet time.
        sleep 0.5
    done
done

printf '%s, kernel %s, %s CPUs, %s rounds\n\n' "$(awk -F': ' '/model name/ {print $2; exit}' \
    /proc/cpuinfo)" "$(uname -r)" "$(nproc)" "$rounds"
echo "| flood | quiet p50 µs | p50 µs | quiet p99 µs | p99 µs | p99 moved by |"
echo "| --- | --- | --- | --- | --- | --- |"
python3 - "$work/all" <<'EOF'
import statistics
import sys

values = {}
with open(sys.argv[1], encoding='utf-8') as file:
    for line in file:
        kind, when, p50, p99 = line.split()
        values.setdefault(kind, {}).setdefault(when, []).append((int(p50), int(p99)))
for kind, by in values.items():
    quiet, flood = ([statistics.median(pair[i] for pair in by[when]) for i in (0, 1)]
                    for when in ('quiet', 'flood'))
    print(f'| {kind} | {quiet[0]:.0f} | {flood[0]:.0f} | {quiet[1]:.0f} | {flood[1]:.0f} | '
          f'{100 * (flood[1] / quiet[1] - 1):+.0f}% |')
EOF
