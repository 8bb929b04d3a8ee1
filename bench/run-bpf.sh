#!/bin/bash
# eBPF from a WebAssembly module beside the same program loaded by libbpf in C: start to first event,
# events a second from ring buffer to callback with the processor time of each, and what is lost at 200,000 a second;
# operations a second on maps; memory of many of each, and with DIFFERENT of so many modules that are not the same (each is
# compiled and optimised: seconds).
# usage: bench/run-bpf.sh [SECONDS [STARTS [MANY [DIFFERENT]]]]     (as root; BUILD: where vireo is built)
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-3}
starts=${2:-21}
many=${3:-100}
different=${4:-0}
vireo=${BUILD:-build}/vireo
work=$(mktemp -d /tmp/vireo-bench-bpf.XXXXXX)
producer=
daemon=
waiting=
finish() {
    [ -z "$waiting" ] || memory_end
    [ -z "$daemon" ] || { kill "$daemon" && wait "$daemon" || true; } 2>/dev/null
    [ -z "$producer" ] || kill "$producer" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT

mkdir "$work/guest"
cp bench/bpf/rate.bpf.c bench/bpf/rate.h bench/bpf/main.c "$work/guest"
"$vireo" -q bpf build "$work/guest" -o "$work/rate.wasm"
"$vireo" -q bpf build bench/bpf/maps/guest -o "$work/maps.wasm"
skeleton() {
    "$vireo" -q bpf build "$1" -o "$work/$2.bpf.o"
    bpftool gen skeleton "$work/$2.bpf.o" name "$2_bpf" >"$work/$2.native.h"
}
skeleton bench/bpf/rate.bpf.c rate
skeleton bench/bpf/maps/guest/maps.bpf.c maps
gcc -O2 -I "$work" -I bench/bpf bench/bpf/native.c -o "$work/native" -lbpf
gcc -O2 -I "$work" -I bench/bpf/maps/guest bench/bpf/maps/native.c -o "$work/maps" -lbpf
gcc -O2 bench/bpf/produce.c -o "$work/produce"

guest() {
    "$vireo" run --grant bpf=host "$work/rate.wasm" "$@"
}
native() {
    "$work/native" "$@"
}
produce() {
    [ -z "$producer" ] || { kill "$producer"; wait "$producer" 2>/dev/null || true; }
    taskset -c 0 "$work/produce" "$1" &
    producer=$!
}
# Who takes samples has the last processor, who makes them the first.
consumer=$(($(nproc) - 1))
# Milliseconds from the start of the process to the line that it prints after the first event: p50 and p99.
starts_of() {
    local begin end line turn
    for turn in $(seq "$starts"); do
        sleep 0.2 # the kernel takes a tracepoint's programs away after their end
        begin=$(date +%s%N)
        exec 3< <("$1" 0)
        read -r line <&3
        end=$(date +%s%N)
        exec 3<&-
        wait "$!" || true
        [ -n "$line" ] && echo $(((end - begin) / 10000))
    done | sort -n | awk '{v[NR] = $1 / 100} END {printf "%.1f %.1f\n", v[int((NR + 1) / 2)], v[int(NR * 0.99 + 0.5)]}'
}
# The same of a module that nobody has translated: another one each time.
fresh() {
    "$vireo" run --grant bpf=host "$work/fresh-$turn.wasm" "$@"
}
# A section of no meaning makes it another module: fresh_module FILE NUMBER.
fresh_module() {
    cp "$work/rate.wasm" "$1"
    printf '\000\020\010nonsense%07d' "$2" >>"$1"
}
fresh_make() {
    local i
    for i in $(seq "$starts"); do
        fresh_module "$work/fresh-$i.wasm" "$i"
    done
}
# A deployed function from its call to its answer, which is the first event: its programs are loaded by each call.
port=$((20000 + RANDOM % 12000))
daemon_start() {
    printf 'allow_grants:\n  bpf: {host: true}\n' >"$work/config.yaml"
    mkdir "$work/rate"
    cp "$work/rate.wasm" "$work/rate/"
    printf 'name: rate\ngrants: {bpf: true}\nlimits: {timeout: 60s}\npool: {instances: 100}\nbpf: {host: true}\n' >"$work/rate/vireo.yaml"
    "$vireo" serve --listen "127.0.0.1:$port" --state "$work/state" --config "$work/config.yaml" >"$work/log" 2>&1 &
    daemon=$!
    for _ in $(seq 100); do
        curl -sf -o /dev/null "http://127.0.0.1:$port/readyz" && break
        sleep 0.1
    done
    "$vireo" --server "http://127.0.0.1:$port" --state "$work/state" -q deploy "$work/rate" >/dev/null
    # Many of it find a place at one tracepoint where each sees its own group.
    mkdir "$work/own"
    cp "$work/rate.wasm" "$work/own/"
    printf 'name: own\ngrants: {bpf: true}\nlimits: {timeout: 60s}\npool: {instances: 100}\n' >"$work/own/vireo.yaml"
    "$vireo" --server "http://127.0.0.1:$port" --state "$work/state" -q deploy "$work/own" >/dev/null
    # Optimised, as it stays: what is served until then is measured above, by itself.
    while "$vireo" --server "http://127.0.0.1:$port" --state "$work/state" describe rate -o json | jq -e .tier >/dev/null; do
        sleep 0.1
    done
}
called() {
    curl -sf -o /dev/null "${@:2}" "http://127.0.0.1:$port/function/rate?$1"
}
own() {
    curl -sf -o /dev/null "http://127.0.0.1:$port/function/own?$1"
}
# Functions d1 to dCOUNT, each of a module and a library of its own, optimised.
different_make() {
    local before i
    before=$(libraries)
    for i in $(seq "$1"); do
        mkdir "$work/d$i"
        fresh_module "$work/d$i/rate.wasm" $((1000000 + i))
        printf 'name: d%s\ngrants: {bpf: true}\nlimits: {timeout: 60s}\npool: {instances: 1}\n' "$i" >"$work/d$i/vireo.yaml"
        "$vireo" --server "http://127.0.0.1:$port" --state "$work/state" -q deploy "$work/d$i" >/dev/null
    done
    for i in $(seq "$1"); do
        while "$vireo" --server "http://127.0.0.1:$port" --state "$work/state" describe "d$i" -o json | jq -e .tier >/dev/null; do
            sleep 0.5
        done
    done
    [ $(($(libraries) - before)) -ge "$1" ] || echo "some modules have one library" >&2
}
libraries() {
    find "$work/state/store/lib" -name '*.so' | wc -l
}
# In memory_of, whose number is i.
own_different() {
    # shellcheck disable=SC2154
    curl -sf -o /dev/null "http://127.0.0.1:$port/function/d$i?$1"
}
# What the client's own start takes is not the call's.
calls_of() {
    local _
    for _ in $(seq "$starts"); do
        sleep 0.2
        called 0 -w '%{time_total}\n'
    done | sort -n | awk '{v[NR] = $1 * 1000} END {printf "%.1f %.1f\n", v[int((NR + 1) / 2)], v[int(NR * 0.99 + 0.5)]}'
}
# KiB of each of many, of the processes below one (proportional: what several share counts once) while
# they take samples; what the kernel has for their programs and maps is the same for both.
pss_below() {
    local pid
    for pid in $(pgrep -P "$1"); do
        pss_below "$pid"
    done
    awk '/^Pss:/ {print $2}' "/proc/$1/smaps_rollup" 2>/dev/null || true
}
sum_below() {
    pss_below "$1" | awk '{sum += $1} END {print sum}'
}
# below COUNT COMMAND...
memory_of() {
    local before below=$1 many=$2 i
    before=$(sum_below "$below")
    for i in $(seq "$many"); do
        "${@:3}" >/dev/null &
        waiting="$waiting $!"
    done
    for i in $(seq 300); do
        [ "$(bpftool prog show | grep -c 'name on_enter ')" -lt "$many" ] || break
        sleep 0.2
    done
    sleep 1
    each=$((($(sum_below "$below") - before) / many))
}
memory_end() {
    # shellcheck disable=SC2086 # a list of pids
    kill $waiting && wait $waiting || true
    waiting=
    # A call whose caller is gone goes on: what follows is not to be measured beside its programs.
    for i in $(seq 300); do
        ! bpftool prog show | grep -q 'name on_enter ' || sleep 0.2
    done
} 2>/dev/null

taking() {
    taskset -pc "$consumer" "$BASHPID" >/dev/null
    "$@"
}

# "rate taken lost out-of-order cpu-seconds"
flow_of() {
    local TIMEFORMAT='%U %S'
    { time (taking "$1" "$2") >"$work/out"; } 2>"$work/time"
    echo "$(cat "$work/out") $(tail -n 1 "$work/time" | awk '{print $1 + $2}')"
}

echo "machine: $(uname -r), $(nproc) processors, load $(cut -d' ' -f1 /proc/loadavg); module of $(stat -c %s "$work/rate.wasm") bytes"
produce 10000
guest 0 >/dev/null # translated once
printf '%-34s %12s %12s\n' "" module "libbpf in C"
read -r m50 m99 <<<"$(starts_of guest)"
read -r n50 n99 <<<"$(starts_of native)"
printf '%-34s %9s ms %9s ms   (n=%s)\n' "start to first event, p50" "$m50" "$n50" "$starts"
printf '%-34s %9s ms %9s ms\n' "the same, p99" "$m99" "$n99"
fresh_make
read -r f50 f99 <<<"$(starts_of fresh)"
printf '%-34s %9s ms %9s ms   (p50, p99)\n' "a module never seen before" "$f50" "$f99"
daemon_start
called 0 # the kernel's type information is parsed once
called 0
read -r d50 d99 <<<"$(calls_of)"
printf '%-34s %9s ms %9s ms   (p50, p99)\n' "call of a deployed one to event" "$d50" "$d99"
kill "$producer" && wait "$producer" 2>/dev/null || true
producer=
memory_of "$daemon" "$many" own 30
module_kib=$each
memory_end
# The kernel has 64 places at a tracepoint: programs of libbpf's have one each.
few=$((many < 60 ? many : 60))
memory_of $$ "$few" native 30
printf '%-34s %8s KiB %8s KiB   (each of %s, of %s)\n' "memory of its processes" "$module_kib" "$each" "$many" "$few"
memory_end
if [ "$different" -gt 0 ]; then
    different_make "$different"
    memory_of "$daemon" "$different" own_different 30
    printf '%-34s %8s KiB %12s   (each of %s modules that are not the same)\n' "memory of its processes" "$each" "" "$different"
    memory_end
fi
kill "$daemon" && wait "$daemon" 2>/dev/null || true
daemon=
read -r mone mmany mmapped <<<"$("$vireo" run --grant bpf=host "$work/maps.wasm" 1)"
read -r none nmany nmapped <<<"$("$work/maps" 1)"
printf '%-34s %12s %12s   (a second: updates and lookups)\n' "a map's elements, a call each" "$mone" "$none"
printf '%-34s %12s %12s\n' "1024 by one call" "$mmany" "$nmany"
printf '%-34s %12s %12s\n' "mapped" "$mmapped" "$nmapped"
produce 0
read -r mrate mtaken mlost morder mcpu <<<"$(flow_of guest "$seconds")"
read -r nrate ntaken nlost norder ncpu <<<"$(flow_of native "$seconds")"
printf '%-34s %12s %12s   (as many as can be made)\n' "events a second" "$mrate" "$nrate"
per() { awk -v cpu="$1" -v count="$2" 'BEGIN {printf "%.0f", cpu / (count ? count : 1) * 1e9}'; }
printf '%-34s %12s %12s   (of those that were made)\n' "lost" "$mlost" "$nlost"
printf '%-34s %9s ns %9s ns\n' "processor time of each" "$(per "$mcpu" "$mtaken")" "$(per "$ncpu" "$ntaken")"
printf '%-34s %12s %12s\n' "out of order or damaged" "$morder" "$norder"
produce 200000
read -r mrate mtaken mlost morder mcpu <<<"$(flow_of guest 10)"
read -r nrate ntaken nlost norder ncpu <<<"$(flow_of native 10)"
printf '%-34s %12s %12s   (200,000 a second are made, for 10 s)\n' "events a second" "$mrate" "$nrate"
printf '%-34s %12s %12s\n' "lost" "$mlost" "$nlost"
printf '%-34s %12s %12s\n' "out of order or damaged" "$morder" "$norder"
