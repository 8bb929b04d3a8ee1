#!/bin/sh
# A Python function of json, re and sqlite3 by warm fork, beside its cold start, a bare interpreter that
# does nothing, one that imports the same, and one that calls the same handler once.
# vireo's times are those of a client: from the request over a kept connection to the whole answer; a
# rival's run from posix_spawn to the end of the process. All from one process, turn and turn about.
# Usage: bench/run-python.sh [ROUNDS [COLD_ROUNDS]]
set -eu
. "$(dirname "$0")/lib.sh"

rounds=${1:-300}
cold_rounds=${2:-30}
port=${PORT:-28461}
bench_need python3 curl jq
[ -x "$bench_vireo" ] || {
    echo "cannot measure: '$bench_vireo' is not built (ninja -C build)" >&2
    exit 2
}
load_before=$(bench_load)
export VIREO_STATE=$bench_work/state VIREO_SERVER=http://127.0.0.1:$port
"$bench_vireo" serve --listen "127.0.0.1:$port" --state "$VIREO_STATE" >"$bench_work/log" 2>&1 &
bench_pids=$!
n=0
until curl -s -f -o /dev/null "$VIREO_SERVER/readyz"; do
    n=$((n + 1))
    [ $n -lt 100 ] || {
        cat "$bench_work/log" >&2
        exit 1
    }
    sleep 0.1
done
mkdir "$bench_work/function"
cp "$bench_root/bench/python/app.py" "$bench_work/function"
printf 'runtime: python\nimports: [json, re, sqlite3]\n' >"$bench_work/function/vireo.yaml"
"$bench_vireo" deploy -q "$bench_work/function" --name fork --isolation request >/dev/null
"$bench_vireo" deploy -q "$bench_work/function" --name cold --isolation request >/dev/null
"$bench_vireo" deploy -q "$bench_work/function" --name warm >/dev/null
printf 'pool: {spares: 2}\n' >>"$bench_work/function/vireo.yaml"
"$bench_vireo" deploy -q "$bench_work/function" --name spare --isolation request >/dev/null
uid=$("$bench_vireo" describe cold -o json | jq .uid)

python3 "$bench_root/bench/python/measure.py" "$rounds" "$cold_rounds" "$port" "$uid" >"$bench_work/rows"

echo "## Python: warm fork beside an interpreter's start"
echo
bench_machine
echo
echo "Load before: $load_before. $(/usr/bin/python3 --version), from Debian's package."
echo
echo "| | n | p50 ms | p99 ms |"
echo "| --- | --- | --- | --- |"
sed -e 's/|/ | /g' -e 's/^/| /' -e 's/$/ |/' "$bench_work/rows"
