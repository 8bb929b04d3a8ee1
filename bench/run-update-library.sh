#!/bin/sh
# One native library of one pVM replaced (vireo update --pvm): 111 functions and 111 variables, which
# every call reads and checks while wrk calls without a pause; beside dlopen(3) and a copy by hand of
# the same library in a plain process. Root.
# With 1000 rounds: how the 1st, 100th and 1000th compare, in time and memory.
# Usage: bench/run-update-library.sh [ROUNDS]
set -eu
. "$(dirname "$0")/lib.sh"

rounds=${1:-100}
count=111
bench_need gcc wrk curl jq
load_before=$(bench_load)

. "$(dirname "$0")/update/sources.sh"

export VIREO_STATE="$bench_work/signer"
for version in 1 2; do
    mkdir "$bench_work/math$version"
    library $version >"$bench_work/math$version/math.c"
    printf 'name: math%s\nversion: "%s"\n' $version $version >"$bench_work/math$version/vireo.yaml"
    library $version | gcc -O2 -shared -fPIC -x c -o "$bench_work/$version.so" -
    key=$("$bench_vireo" build --json --native "$bench_work/math$version" -o "$bench_work/math$version.so" |
        jq -r .signed_by)
done
gcc -O2 -o "$bench_work/swap" "$bench_root/bench/update/swap.c" -ldl
"$bench_work/swap" "$bench_work/1.so" "$bench_work/2.so" $count "$rounds" >"$bench_work/rival"

mkdir "$bench_work/user"
{
    echo '#include <stdint.h>'
    echo '#include <stdio.h>'
    for i in $numbers; do echo "extern long v$i; long f$i(long);"; done
    handler ''
} >"$bench_work/user/user.c"
printf 'name: user\ngrants: {link: true}\npool: {instances: 1}\ndependencies: [{name: math1}]\n' \
    >"$bench_work/user/vireo.yaml"
"$bench_vireo" build -q --native "$bench_work/user" -o "$bench_work/user.so"
printf 'keys:\n  trusted: [%s]\nallow_grants: {link: true}\n' "$key" >"$bench_work/config.yaml"

port=$((20000 + $$ % 12000))
export VIREO_STATE="$bench_work/state" VIREO_SERVER="http://127.0.0.1:$port"
mkdir "$VIREO_STATE"
"$bench_vireo" serve --listen "127.0.0.1:$port" --state "$VIREO_STATE" --config "$bench_work/config.yaml" \
    >"$bench_work/log" 2>&1 &
daemon_pid=$!
bench_pids=$daemon_pid
until curl -fs "$VIREO_SERVER/readyz" >/dev/null 2>&1; do sleep 0.1; done
for version in 1 2; do
    "$bench_vireo" deploy -q "$bench_work/math$version.so" --name math$version >/dev/null
done
rm "$bench_work/user/user.c"
cp "$bench_work/user.so" "$bench_work/user/"
"$bench_vireo" deploy -q "$bench_work/user" >/dev/null
"$bench_vireo" invoke -q user --data x >/dev/null
pvm=$("$bench_vireo" ps -o json | jq -r '[.[] | select(.function == "user")][0].id')
# Both images are in the cache from here on.
"$bench_vireo" update -q --pvm "$pvm" math2 math1
"$bench_vireo" update -q --pvm "$pvm" math1 math2

wrk -t1 -c4 -d600s "$VIREO_SERVER/function/user" >"$bench_work/wrk" &
load_pid=$!
bench_pids="$daemon_pid $load_pid"
sleep 1
n=0
: >"$bench_work/updates"
while [ $n -lt "$rounds" ]; do
    "$bench_vireo" update -o json --pvm "$pvm" math$((2 - n % 2)) math$((1 + n % 2)) |
        jq -r '[.total_us, .link_us] | @tsv' >>"$bench_work/updates"
    n=$((n + 1))
    grown $n user
done
kill -INT $load_pid
wait $load_pid || :

column() { cut -f"$1" "$bench_work/updates"; }
lost=$(sed -n 's/.*Non-2xx or 3xx responses: //p; s/.*Socket errors: //p' "$bench_work/wrk" | tr '\n' ' ')
echo "A native library of $count functions and $count variables replaced $rounds times under load. $(bench_machine), load before $load_before"
echo
echo '| µs | median | p99 | target | by the median | by p99 |'
echo '| --- | --- | --- | --- | --- | --- |'
row() { # WORDS COLUMN [TARGET]
    p50=$(column "$2" | bench_percentile 50) p99=$(column "$2" | bench_percentile 99)
    echo "| $1 | $p50 | $p99 | ${3-} | ${3:+$(bench_verdict "$p50" "$3")} | ${3:+$(bench_verdict "$p99" "$3")} |"
}
row 'in all: asked, done, told' 1 1000
row 'the pVM stands still' 2 500
echo "| dlopen, dlsym, memcpy in a plain process | $(bench_percentile 50 <"$bench_work/rival") | $(bench_percentile 99 <"$bench_work/rival") | | | |"
growth
echo
echo "Calls meanwhile: $(sed -n 's/ *\([0-9]*\) requests in.*/\1/p' "$bench_work/wrk"), lost: ${lost:-none}"
