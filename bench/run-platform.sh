#!/bin/sh
# What a call of the layer platform costs a function: keys (100 bytes) in SQLite and in Redis, a SQL
# statement; beside one redis-benchmark client on the same Redis, and SQLite in a process of Python's.
# Medians of so many rounds, turn and turn about. Root. Usage: bench/run-platform.sh [ROUNDS] [CALLS]
set -eu
. "$(dirname "$0")/lib.sh"

rounds=${1:-7}
calls=${2:-2000}
redis_port=${BENCH_PORT:-16399}
bench_need redis-benchmark redis-server redis-cli python3 curl
load_before=$(bench_load)

redis-server --port "$redis_port" --save '' --bind 127.0.0.1 >"$bench_work/redis.log" 2>&1 &
bench_pids="$bench_pids $!"

# daemon NAME PORT [more of the configuration]
daemon() {
    mkdir "$bench_work/$1"
    printf 'allow_layers: {platform: ["*"]}\nplatform:\n  bytes: 64MiB\n%b' "${3-}" >"$bench_work/$1.conf"
    "$bench_vireo" serve --listen "127.0.0.1:$2" --state "$bench_work/$1" --config "$bench_work/$1.conf" \
        >"$bench_work/$1.log" 2>&1 &
    bench_pids="$bench_pids $!"
    n=0
    until "$bench_vireo" --state "$bench_work/$1" ls >/dev/null 2>&1; do
        n=$((n + 1))
        [ $n -lt 100 ] || exit 1
        sleep 0.1
    done
    "$bench_vireo" --state "$bench_work/$1" deploy -q "$bench_work/calls" >/dev/null
}

mkdir "$bench_work/calls"
cp "$bench_root/bench/platform/calls.c" "$bench_work/calls"
printf 'name: calls\nallow: [base, platform]\nlimits: {timeout: 60s}\npool: {instances: 1}\n' >"$bench_work/calls/vireo.yaml"
sqlite_port=$((redis_port + 1))
kept_port=$((redis_port + 2))
daemon sqlite "$sqlite_port"
daemon redis "$kept_port" "  redis: 127.0.0.1:$redis_port\n"

vireo_us() { # PORT WHAT
    curl -s --max-time 90 --data "$2 $calls" "http://127.0.0.1:$1/function/calls"
    echo
}
redis_us() { # get|set
    redis-benchmark -h 127.0.0.1 -p "$redis_port" -c 1 -n "$calls" -d 100 -t "$1" --csv |
        sed -n '2s/^"[A-Z]*","\([0-9.]*\)".*/\1/p' | awk '{ printf "%.2f\n", 1e6 / $1 }'
}
python_us() {
    python3 -c 'import sqlite3, sys, time
n, c = int(sys.argv[1]), sqlite3.connect(":memory:")
at = time.monotonic()
for i in range(n): c.execute("SELECT ? + 1", (i % 1000,)).fetchall()
print("%.2f" % ((time.monotonic() - at) / n * 1e6))' "$calls"
}

i=0
while [ $i -lt "$rounds" ]; do
    for what in put get sql; do
        vireo_us "$sqlite_port" $what >>"$bench_work/sqlite-$what"
        [ $what = sql ] || vireo_us "$kept_port" $what >>"$bench_work/redis-$what"
    done
    redis_us set >>"$bench_work/rival-put"
    redis_us get >>"$bench_work/rival-get"
    python_us >>"$bench_work/rival-sql"
    i=$((i + 1))
done

median() { bench_percentile 50 <"$bench_work/$1"; }

echo "## The platform's calls"
echo
echo "$(bench_machine); load before: $load_before. Microseconds of one call from a function, $calls in a row; medians of $rounds rounds."
echo
echo "| call | vireo, SQLite | vireo, Redis | rival |"
echo "| --- | ---: | ---: | --- |"
echo "| put a value of 100 bytes | $(median sqlite-put) | $(median redis-put) | $(median rival-put), redis-benchmark, one client, SET |"
echo "| get it | $(median sqlite-get) | $(median redis-get) | $(median rival-get), redis-benchmark, one client, GET |"
echo "| \`SELECT ? + 1\` | $(median sqlite-sql) | – | $(median rival-sql), SQLite inside of Python |"
