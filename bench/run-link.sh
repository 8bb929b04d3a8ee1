#!/bin/sh
# Linking: a library into a pVM that runs (the supervisor's time from the decision to the pVM's
# answer), with the verdict cached and cold, which is a library that this daemon has not looked at
# yet, or any by a daemon that has just begun; a call's first answer from a blank that is linked for
# it, beside a fork of the function's own template, by HTTP and by the supervisor's own functions
# without it (bench/start_bench.c); and, without a daemon, the guest's linker beside dlopen(3). What
# pVMs with shared and private libraries take of memory measures bench/run-memory.sh.
# Usage: bench/run-link.sh [SAMPLES]
set -eu
. "$(dirname "$0")/lib.sh"

samples=${1:-100}
bench_need jq curl

# A library of a hundred functions and variables, and a function that is linked with it.
mkdir "$bench_work/maths" "$bench_work/user" "$bench_work/each" "$bench_work/plain"
for i in $(seq 100); do
    echo "__attribute__((visibility(\"default\"))) int maths_v$i = $i;"
    echo "__attribute__((visibility(\"default\"))) int maths_f$i(int x) { return x * $i + maths_v$i; }"
done >"$bench_work/maths/maths.c"
printf 'name: maths\nversion: "1"\n' >"$bench_work/maths/vireo.yaml"
cat >"$bench_work/user/user.c" <<'END'
#include <stddef.h>
#include <stdint.h>
int maths_f7(int x);
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    (void)in;
    out[0] = (uint8_t)(in_len > 1 ? maths_f7(1) : 'x');
    return out_cap > 0;
}
END
printf 'name: user\ngrants: {link: true}\npool: {instances: 1}\n' >"$bench_work/user/vireo.yaml"
export VIREO_STATE="$bench_work/signer"
key=$("$bench_vireo" build --json --native "$bench_work/maths" -o "$bench_work/maths.so" | jq -r .signed_by)
"$bench_vireo" build -q --native "$bench_work/user" -o "$bench_work/user/user.so"
rm "$bench_work/user/user.c"
for kind in each plain; do
    recycle=$([ $kind = each ] && echo blank || echo none)
    cat >"$bench_work/$kind/f.c" <<'END'
#include <stddef.h>
#include <stdint.h>
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    out[0] = (uint8_t)(in_len ? in[0] : 'x');
    return out_cap > 0;
}
END
    printf 'name: %s\nrecycle: %s\nisolation: request\n' $kind "$recycle" >"$bench_work/$kind/vireo.yaml"
done
printf 'keys:\n  trusted: [%s]\nallow_grants: {link: true}\n' "$key" >"$bench_work/config.yaml"

port=$((20000 + $$ % 12000))
export VIREO_STATE="$bench_work/state" VIREO_SERVER="http://127.0.0.1:$port"
daemon() {
    "$bench_vireo" serve --listen "127.0.0.1:$port" --state "$VIREO_STATE" \
        --config "$bench_work/config.yaml" >>"$bench_work/log" 2>&1 &
    daemon_pid=$!
    bench_pids=$daemon_pid
    until curl -sf -o /dev/null "$VIREO_SERVER/readyz"; do sleep 0.05; done
}
restart() {
    kill "$daemon_pid"
    wait "$daemon_pid" || :
    daemon
}
daemon
"$bench_vireo" deploy -q "$bench_work/maths.so" --name maths >/dev/null
for name in user each plain; do
    "$bench_vireo" deploy -q "$bench_work/$name" >/dev/null
done
# Others of the same size, each its own bytes.
mkdir "$bench_work/other"
for i in $(seq "$samples"); do
    sed "s/maths_v1 = 1;/maths_v1 = $i$i;/" "$bench_work/maths/maths.c" >"$bench_work/other/maths.c"
    printf 'name: maths%d\nversion: "1"\n' "$i" >"$bench_work/other/vireo.yaml"
    (VIREO_STATE="$bench_work/signer" "$bench_vireo" build -q --native "$bench_work/other" -o "$bench_work/other.so")
    "$bench_vireo" deploy -q "$bench_work/other.so" --name "maths$i" >/dev/null
done
restart

# One pVM, linked with a library; its figures.
one() { # [LIBRARY]
    "$bench_vireo" invoke -q user --data y >/dev/null
    pvm=$("$bench_vireo" ps -o json | jq -r '[.[] | select(.function == "user")][0].id')
    "$bench_vireo" link -o json "$pvm" "${1:-maths}"
    "$bench_vireo" kill "$pvm"
    while "$bench_vireo" ps -o json | jq -e --arg id "$pvm" 'any(.[]; .id == $id)' >/dev/null; do
        sleep 0.02
    done
}
load_before=$(bench_load)
one >/dev/null
for _ in $(seq "$samples"); do
    one >>"$bench_work/cached"
done
for i in $(seq "$samples"); do
    one "maths$i" >>"$bench_work/cold"
done
for _ in $(seq "$samples"); do
    restart
    one >>"$bench_work/first"
done
kib=$(($(stat -c %s "$bench_work/maths.so") / 1024))

# First answers: each request is a new pVM. In turn, over one connection each.
for kind in each plain; do
    for _ in $(seq 20); do curl -s -o /dev/null -d x "$VIREO_SERVER/function/$kind"; done
    seq $((samples * 5)) | sed "s|.*|url = \"$VIREO_SERVER/function/$kind\"\ndata = x\noutput = /dev/null|" |
        curl -s -w '%{time_starttransfer}\n' -K - | awk '{ print $1 * 1000000 }' >"$bench_work/first-$kind"
done

# The same from the decision to the answer, without HTTP.
start() { # LABEL OPTION...
    label=$1
    shift
    "$bench_build/start_bench" --guest "$bench_build/vireo-guest" --library "$bench_work/each.so" \
        --uid "${BENCH_UID:-1879048191}" --seconds 5 --json --label "$label" "$@" >"$bench_work/start"
    jq -r '[.n, .p50_us, .p99_us] | @tsv' "$bench_work/start" | {
        read -r n p50 p99
        case $label in
        *blank*) echo "| $label | $n | | $p50 | $p99 | 400 | $(bench_verdict "$p50" 400) |" ;;
        *) echo "| $label | $n | | $p50 | $p99 | | |" ;;
        esac
    }
}
"$bench_vireo" build -q "$bench_work/each" -o "$bench_work/each.so"
{
    start "a blank linked for the call, without HTTP, one after another" --blank
    start "a blank likewise, one every 50 ms" --blank --every 50
    start "a fork of its own template, without HTTP, one after another"
    start "a fork likewise, one every 50 ms" --every 50
} >"$bench_work/starts"

"$bench_build/link_bench" "$bench_work/maths.so" maths_f7 >"$bench_work/alone"
alone() { awk -v what="$1" '$1 == what { print $2 }' "$bench_work/alone"; }

echo "## Linking"
echo
echo "$(bench_machine); load before: $load_before; library of $kib KiB with 100 functions and 100 variables. Targets are judged by the median."
echo
echo "| | n | least µs | p50 µs | p99 µs | target | |"
echo "| --- | ---: | ---: | ---: | ---: | ---: | --- |"
row() { # LABEL FILE TARGET
    p50=$(bench_percentile 50 <"$2")
    echo "| $1 | $(wc -l <"$2") | $(sort -g "$2" | head -n 1) | $p50 | $(bench_percentile 99 <"$2") | $3 |" \
        "${3:+$(bench_verdict "$p50" "$3")} |"
}
figures() { jq -r ".$2" "$bench_work/$1" >"$bench_work/$1-$2"; }
for figure in "cached total_us" "cached link_us" "cold total_us" "first total_us"; do
    # shellcheck disable=SC2086
    figures $figure
done
row "link into a pVM, verdict cached" "$bench_work/cached-total_us" 100
row "of that in the pVM" "$bench_work/cached-link_us" ""
row "link into a pVM, cold" "$bench_work/cold-total_us" $((100 + 3 * kib))
row "the first link of a daemon that has just begun" "$bench_work/first-total_us" ""
row "first answer of a blank linked for the call, HTTP around it" "$bench_work/first-each" ""
row "first answer of a fork of its own template, likewise" "$bench_work/first-plain" ""
cat "$bench_work/starts"
echo "| the guest's linker, by itself | 2000 | | $(alone link) | | | |"
echo "| dlopen(3) of the same file | 2000 | | $(alone dlopen) | | | |"
