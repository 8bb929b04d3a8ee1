#!/bin/sh
# examples/kv under redis-benchmark beside Debian's redis-server: SET and GET, 50 clients, pipeline 1
# and 16, turn and turn about; then 1 to 8 servers of each at once, each with its own benchmark.
# Usage: bench/run-kv.sh [ROUNDS] [REQUESTS]
set -eu
. "$(dirname "$0")/lib.sh"

rounds=${1:-3}
requests=${2:-50000}
port=${BENCH_PORT:-16380} # kv: this and the seven above; redis-server: the eight behind
servers=8
bench_need redis-benchmark redis-server redis-cli jq
[ -x "$bench_vireo" ] || {
    echo "cannot measure: '$bench_vireo' is not built (ninja -C build)" >&2
    exit 2
}

answers() { # PORT
    n=0
    until [ "$(redis-cli -p "$1" ping 2>/dev/null)" = PONG ]; do
        n=$((n + 1))
        [ $n -lt 100 ] || {
            echo "cannot measure: nobody answers on port $1" >&2
            tail -n 5 "$bench_work"/*.log >&2
            exit 1
        }
        sleep 0.1
    done
}

export VIREO_STATE="$bench_work/state"
mkdir "$VIREO_STATE"
ports=$(seq -f '"127.0.0.1:%.0f"' -s , "$port" $((port + servers - 1)))
printf 'allow_grants:\n  fork: true\n  listen: [%s]\n' "$ports" >"$bench_work/conf"
"$bench_vireo" serve --listen 127.0.0.1:0 --config "$bench_work/conf" >"$bench_work/vireo.log" 2>&1 &
bench_pids="$bench_pids $!"
n=0
until "$bench_vireo" ls >/dev/null 2>&1; do
    n=$((n + 1))
    [ $n -lt 100 ] || exit 1
    sleep 0.1
done
for i in $(seq 0 $((servers - 1))); do
    mkdir "$bench_work/kv$i"
    cp "$bench_root"/examples/kv/*.[ch] "$bench_work/kv$i"
    sed "s/127.0.0.1:6380/127.0.0.1:$((port + i))/; s/^name: kv/name: kv$i/" \
        "$bench_root/examples/kv/vireo.yaml" >"$bench_work/kv$i/vireo.yaml"
    "$bench_vireo" deploy -q "$bench_work/kv$i" >/dev/null
    redis-server --port $((port + servers + i)) --save '' --bind 127.0.0.1 >"$bench_work/redis$i.log" 2>&1 &
    bench_pids="$bench_pids $!"
    [ "$i" -gt 0 ] || redis_pid=$!
    answers $((port + i))
    answers $((port + servers + i))
done

# Requests a second of one benchmark: PORT COMMAND PIPELINE
measure() {
    redis-benchmark -h 127.0.0.1 -p "$1" -t "$2" -n $((requests * ($3 > 1 ? 8 : 1))) -c 50 -P "$3" -r 10000 --csv |
        sed -n "s/^\"$(echo "$2" | tr '[:lower:]' '[:upper:]')\",\"\([0-9.]*\)\".*/\1/p"
}

# The one process of kv0's uid that has no child: its template has.
uid=$("$bench_vireo" describe -o json kv0 | jq .uid)
kv_pid=
for status in /proc/[0-9]*/status; do
    pid=${status#/proc/} pid=${pid%/status}
    if [ "$(stat -c %u "/proc/$pid" 2>/dev/null)" = "$uid" ] &&
        [ -z "$(cat "/proc/$pid/task/$pid/children" 2>/dev/null)" ]; then
        kv_pid=$pid
    fi
done

# CPU time so far of a process, microseconds.
cpu_us() { # PID
    sed 's/.*) //' "/proc/$1/stat" | awk '{print ($12 + $13) * 10000}'
}

# measure(), and into FILE.cpu what a request cost the server: PID FILE PORT COMMAND PIPELINE
weigh() {
    before=$(cpu_us "$1")
    measure "$3" "$4" "$5" >>"$2"
    awk -v a="$before" -v b="$(cpu_us "$1")" -v n=$((requests * ($5 > 1 ? 8 : 1))) 'BEGIN {print (b - a) / n}' >>"$2.cpu"
}

median() { # FILE
    bench_percentile 50 <"$1" | awk '{printf "%.0f", $1}'
}

# All servers of a kind at once; the sum of what they do.
together() { # FIRST-PORT COUNT
    rm -f "$bench_work"/part.*
    parts=
    for i in $(seq 0 $(($2 - 1))); do
        measure $(($1 + i)) get 1 >"$bench_work/part.$i" &
        parts="$parts $!"
    done
    for part in $parts; do
        wait "$part"
    done
    cat "$bench_work"/part.* | awk '{sum += $1} END {printf "%.0f\n", sum}'
}

load_before=$(bench_load)
for _ in $(seq "$rounds"); do
    for pipeline in 1 16; do
        for command in set get; do
            weigh "$kv_pid" "$bench_work/kv.$command.$pipeline" "$port" $command $pipeline
            weigh "$redis_pid" "$bench_work/redis.$command.$pipeline" $((port + servers)) $command $pipeline
        done
    done
    for count in $(seq $servers); do
        together "$port" "$count" >>"$bench_work/kv.$count"
        together $((port + servers)) "$count" >>"$bench_work/redis.$count"
    done
done

rates() { # NAME: both, and kv's part of redis'
    ratio=$(bench_ratio "$(median "$bench_work/kv.$1")" "$(median "$bench_work/redis.$1")")
    echo "$(bench_spread 0 <"$bench_work/kv.$1") | $(bench_spread 0 <"$bench_work/redis.$1") | $ratio"
}

echo "## A key-value server"
echo
echo "$(bench_machine); load before: $load_before."
echo
echo "redis-benchmark, 50 clients, 10,000 keys, values of 3 bytes; $rounds rounds in turns, requests/s: median (least–most),"
echo "and the server's own CPU time for each, µs. Target: at least 0.70."
echo
echo "| | kv in a pVM | redis-server $(redis-server --version | sed 's/.*v=\([0-9.]*\).*/\1/') | kv / redis | | kv, µs | redis, µs |"
echo "| --- | --- | --- | --- | --- | --- | --- |"
for pipeline in 1 16; do
    for command in set get; do
        row=$(rates $command.$pipeline)
        echo "| $(echo $command | tr '[:lower:]' '[:upper:]'), pipeline $pipeline | $row | $(bench_verdict_least "${row##*| }" 0.7) |" \
            "$(bench_spread 2 <"$bench_work/kv.$command.$pipeline.cpu") | $(bench_spread 2 <"$bench_work/redis.$command.$pipeline.cpu") |"
    done
done
echo
echo "GET, pipeline 1, so many servers at once, each with a benchmark of 50 clients beside it; sums, likewise."
echo
echo "| servers | kv in pVMs | redis-server | kv / redis |"
echo "| --- | --- | --- | --- |"
for count in $(seq $servers); do
    echo "| $count | $(rates "$count") |"
done
