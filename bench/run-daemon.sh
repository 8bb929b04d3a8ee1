#!/bin/sh
# The daemon's start with 1,000 functions deployed: from its exec to /readyz answering 200, and to the
# first answer of a function. One function is deployed; its registry row is copied under other names
# (a deploy each would only measure the compiler); it answers under its own, which its library's note
# has. Rivals have no such number to compare: an empty
# daemon stands beside it.
# Usage: bench/run-daemon.sh [ROUNDS] [FUNCTIONS]
set -eu
. "$(dirname "$0")/lib.sh"

rounds=${1:-9}
functions=${2:-1000}
port=${BENCH_PORT:-18090}
bench_need curl python3

start() { # STATE: prints ms to ready, ms to the first answer (NAME may be "")
    python3 - "$bench_vireo" "$1" "$port" "$2" <<'END'
import http.client, os, signal, subprocess, sys, time
vireo, state, port, name = sys.argv[1:]
port = int(port)
log = open(state + '/bench.log', 'ab')
begin = time.monotonic()
daemon = subprocess.Popen([vireo, 'serve', '--listen', f'127.0.0.1:{port}', '--state', state],
                          stdout=log, stderr=log)

def status(path, body=None):
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=5)
    try:
        connection.request('POST' if body else 'GET', path, body)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()

def wait(path, body=None):
    while status(path, body) != 200:
        if daemon.poll() is not None or time.monotonic() - begin > 30:
            sys.exit('cannot measure: the daemon is not ready')
        time.sleep(0.001)
    return (time.monotonic() - begin) * 1000

try:
    ready = wait('/readyz')
    first = wait('/function/' + name, b'x') if name else 0
    print(f'{ready:.1f} {first:.1f}')
finally:
    daemon.send_signal(signal.SIGTERM)
    daemon.wait(30)
END
}

load_before=$(bench_load)
mkdir "$bench_work/empty" "$bench_work/full"
"$bench_vireo" serve --listen "127.0.0.1:$port" --state "$bench_work/full" >"$bench_work/log" 2>&1 &
bench_pids=$!
n=0
until curl -fsS -o /dev/null "http://127.0.0.1:$port/readyz" 2>/dev/null; do
    n=$((n + 1))
    [ $n -lt 100 ] || { cat "$bench_work/log" >&2; exit 1; }
    sleep 0.1
done
"$bench_vireo" deploy "$bench_root/examples/echo" --name f0 --state "$bench_work/full" >/dev/null
kill "$bench_pids"
wait "$bench_pids" || :
bench_pids=
python3 - "$bench_work/full/registry.db" "$functions" <<'END'
import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.row_factory = sqlite3.Row
row = dict(database.execute("SELECT * FROM functions WHERE name = 'f0'").fetchone())
for i in range(1, int(sys.argv[2])):
    copy = dict(row, id=row['id'] + i, name=f'f{i}', uid=row['uid'] + i)
    database.execute(f"INSERT INTO functions ({','.join(copy)}) VALUES ({','.join('?' * len(copy))})",
                     list(copy.values()))
database.commit()
END

round=0
while [ $round -lt "$rounds" ]; do
    start "$bench_work/empty" "" >>"$bench_work/empty.ms"
    start "$bench_work/full" f0 >>"$bench_work/full.ms"
    round=$((round + 1))
done
figure() { awk -v f="$2" '{ print $f }' "$bench_work/$1.ms" | bench_percentile "$3"; }

echo "## Start of the daemon"
echo
echo "$(bench_machine); load before: $load_before; n = $rounds."
echo
echo "| daemon | ready, median ms | ready, worst ms | first answer, median ms |"
echo "| --- | ---: | ---: | ---: |"
echo "| no function | $(figure empty 1 50) | $(figure empty 1 100) | |"
echo "| $functions functions | $(figure full 1 50) | $(figure full 1 100) | $(figure full 2 50) |"
echo
echo "Target: ready in at most 1,000 ms with 1,000 functions."
echo
printf '{"bench":"daemon",%s,"n":%d,"functions":%d,"ready_empty_ms":%s,"ready_ms":%s,"ready_worst_ms":%s,"first_answer_ms":%s}\n' \
    "$(bench_machine_json)" "$rounds" "$functions" "$(figure empty 1 50)" "$(figure full 1 50)" \
    "$(figure full 1 100)" "$(figure full 2 50)"
