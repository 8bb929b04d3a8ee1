#!/bin/sh
# Update in place of a generated math library: 111 functions and 111 variables, which every call
# reads and checks while wrk calls without a pause; beside dlopen(3) and a copy by hand of the same
# library in a plain process. Root.
# With 1000 rounds: how the 1st, 100th and 1000th compare, in time and memory.
# Usage: bench/run-update.sh [ROUNDS]
set -eu
. "$(dirname "$0")/lib.sh"

rounds=${1:-100}
count=111
bench_need gcc wrk curl jq
load_before=$(bench_load)

. "$(dirname "$0")/update/sources.sh"

for version in 1 2; do
    {
        echo '#include <stdio.h>'
        echo '#include <vireo/function.h>'
        library $version
        handler "version $version "
    } >"$bench_work/$version.c"
    library $version | gcc -O2 -shared -fPIC -x c -o "$bench_work/$version.so" -
done
gcc -O2 -o "$bench_work/swap" "$bench_root/bench/update/swap.c" -ldl
"$bench_work/swap" "$bench_work/1.so" "$bench_work/2.so" $count "$rounds" >"$bench_work/rival"

port=$((20000 + $$ % 20000))
export VIREO_STATE="$bench_work/state" VIREO_SERVER="http://127.0.0.1:$port"
mkdir "$VIREO_STATE"
"$bench_vireo" serve --listen "127.0.0.1:$port" --state "$VIREO_STATE" >"$bench_work/log" 2>&1 &
daemon_pid=$!
bench_pids=$daemon_pid
until curl -fs "$VIREO_SERVER/readyz" >/dev/null 2>&1; do sleep 0.1; done
mkdir "$bench_work/math"
printf 'name: math\nupdate:\n  slack: 16KiB\npool:\n  instances: 1\n' >"$bench_work/math/vireo.yaml"
cp "$bench_work/1.c" "$bench_work/math/math.c"
"$bench_vireo" deploy -q "$bench_work/math" >/dev/null
# Both are built before: what is timed is the update.
for version in 2 1; do
    cp "$bench_work/$version.c" "$bench_work/math/math.c"
    "$bench_vireo" update -q math "$bench_work/math"
done

wrk -t1 -c4 -d600s "$VIREO_SERVER/function/math" >"$bench_work/wrk" &
load_pid=$!
bench_pids="$daemon_pid $load_pid"
sleep 1
n=0
: >"$bench_work/updates"
while [ $n -lt "$rounds" ]; do
    cp "$bench_work/$((2 - n % 2)).c" "$bench_work/math/math.c"
    "$bench_vireo" update -o json math "$bench_work/math" |
        jq -r '.update | [.total_us, .stopped_us, .load_us, .tables_us, .functions_us, .variables_us, .pvms] | @tsv' \
            >>"$bench_work/updates"
    n=$((n + 1))
    grown $n math
done
kill -INT $load_pid
wait $load_pid || :

column() { cut -f"$1" "$bench_work/updates"; }
lost=$(sed -n 's/.*Non-2xx or 3xx responses: //p; s/.*Socket errors: //p' "$bench_work/wrk" | tr '\n' ' ')
echo "Update of $count functions and $count variables, $rounds times under load. $(bench_machine), load before $load_before"
echo
echo '| µs | median | p99 | target | by the median | by p99 |'
echo '| --- | --- | --- | --- | --- | --- |'
row() { # WORDS COLUMN [TARGET]
    p50=$(column "$2" | bench_percentile 50) p99=$(column "$2" | bench_percentile 99)
    echo "| $1 | $p50 | $p99 | ${3-} | ${3:+$(bench_verdict "$p50" "$3")} | ${3:+$(bench_verdict "$p99" "$3")} |"
}
row 'in all: asked, done, told' 1 1000
row 'the pVM stands still' 2 500
row '– load and share' 3
row '– tables' 4
row '– functions' 5
row '– variables' 6
echo "| dlopen, dlsym, memcpy in a plain process | $(bench_percentile 50 <"$bench_work/rival") | $(bench_percentile 99 <"$bench_work/rival") | | | |"
growth
echo
echo "Updated in place: $(awk '$7 == 1' "$bench_work/updates" | wc -l) of $rounds."
echo "Calls meanwhile: $(sed -n 's/ *\([0-9]*\) requests in.*/\1/p' "$bench_work/wrk"), lost: ${lost:-none}"
