#!/usr/bin/env bash
# What one function's flood does to another: times of a neighbour's calls at a fixed rate of 250 a
# second (bench/open_loop.c), alone, beside the same flood of a stranger's server (bare libmicrohttpd
# on this machine: what the CPUs and the generator alone do to it), and during a flood of calls, of
# output, of CPU and of large bodies of another function.
# usage: bench/run-flood.sh [ROUNDS [KIND...]]     (5; calls output cpu bodies)
#
# The flooder runs at nice 19 and the neighbour's caller at nice -20: both are to be other machines,
# and here they share the CPUs. The table has medians over the rounds.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
export BUILD=${BUILD:-$top/build} BATS_TEST_TMPDIR=/tmp
# shellcheck source=tests/system/helper.bash
. "$top/tests/system/helper.bash"
rounds=${1:-5}
kinds=("${@:2}")
[ "${#kinds[@]}" -gt 0 ] || kinds=(calls output cpu bodies)
work=$(mktemp -d /tmp/vireo-flood.XXXXXX)
stranger=
trap 'daemon_clean; [ -z "$stranger" ] || kill "$stranger"; rm -rf "$work"' EXIT

daemon_start
for name in flooded neighbour; do
    "$VIREO" -q deploy "$FUNCTIONS/tool.c" --name "$name"
done
# Its calls never end: a time limit keeps them out of what is measured next.
mkdir "$work/spinner"
cp "$FUNCTIONS/tool.c" "$work/spinner"
printf 'name: spinner\nlimits: {timeout: 500ms}\n' >"$work/spinner/vireo.yaml"
"$VIREO" -q deploy "$work/spinner"
printf 'wrk.method = "POST"\nwrk.body = string.rep("x", 4000000)\n' >"$work/big.lua"

gcc -std=gnu17 -D_GNU_SOURCE -O2 -o "$work/open_loop" "$top/bench/open_loop.c"
gcc -std=gnu17 -O2 -o "$work/mhd_echo" "$top/bench/mhd_echo.c" -lmicrohttpd
stranger_port=$(free_port)
"$work/mhd_echo" "$stranger_port" >/dev/null 2>&1 3>&- &
stranger=$!

# p50, p90 and p99 of the neighbour in microseconds.
neighbour() {
    nice -n -20 "$work/open_loop" "$VIREO_PORT" "/function/neighbour?calls" 250 3 | cut -d' ' -f1-3
}

flood() { # KIND URL
    case $1 in
    calls) exec nice -n 19 wrk -t 1 -c 64 -d 4 "$2?calls" ;;
    output) exec nice -n 19 wrk -t 1 -c 64 -d 4 "$2?log" ;;
    cpu) exec nice -n 19 wrk -t 1 -c 64 -d 4 "$2?loop" ;;
    bodies) exec nice -n 19 wrk -t 1 -c 4 -d 4 -s "$work/big.lua" "$2" ;;
    esac
}

beside() { # KIND WHEN URL
    (flood "$1" "$3") >/dev/null 2>&1 3>&- &
    sleep 0.5
    echo "$1 $2 $(neighbour)" >>"$work/all"
    wait $! || true
    # Calls that wait or run time out before the next time.
    sleep 1
}

neighbour >/dev/null
for _ in $(seq "$rounds"); do
    for kind in "${kinds[@]}"; do
        echo "$kind alone $(neighbour)" >>"$work/all"
        beside "$kind" stranger "http://127.0.0.1:$stranger_port/"
        flooded=flooded
        [ "$kind" != cpu ] || flooded=spinner
        beside "$kind" flood "$VIREO_SERVER/function/$flooded"
    done
done

printf '%s, kernel %s, %s CPUs, %s rounds\n\n' "$(awk -F': ' '/model name/ {print $2; exit}' \
    /proc/cpuinfo)" "$(uname -r)" "$(nproc)" "$rounds"
echo "| flood | alone: p50, p90, p99 µs | beside a stranger's | of another function | p99 moved by, of a stranger's by |"
echo "| --- | --- | --- | --- | --- |"
python3 - "$work/all" <<'EOF'
import statistics
import sys

values = {}
with open(sys.argv[1], encoding='utf-8') as file:
    for line in file:
        kind, when, *times = line.split()
        values.setdefault(kind, {}).setdefault(when, []).append([int(t) for t in times])
for kind, by in values.items():
    alone, stranger, flood = ([statistics.median(row[i] for row in by[when]) for i in range(3)]
                              for when in ('alone', 'stranger', 'flood'))
    columns = ' | '.join(', '.join(f'{t:.0f}' for t in row) for row in (alone, stranger, flood))
    print(f'| {kind} | {columns} | {100 * (flood[2] / alone[2] - 1):+.0f}%, '
          f'{100 * (stranger[2] / alone[2] - 1):+.0f}% |')
EOF
