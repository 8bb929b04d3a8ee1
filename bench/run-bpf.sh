#!/bin/bash
# eBPF from a WebAssembly module beside the same program loaded by libbpf in C: start to first event,
# events a second from ring buffer to callback with the processor time of each, and what is lost at 200,000 a second.
# usage: bench/run-bpf.sh [SECONDS [STARTS]]     (as root; BUILD: where vireo is built)
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-3}
starts=${2:-21}
vireo=${BUILD:-build}/vireo
work=$(mktemp -d /tmp/vireo-bench-bpf.XXXXXX)
producer=
daemon=
finish() {
    [ -z "$daemon" ] || { kill "$daemon" && wait "$daemon" || true; } 2>/dev/null
    [ -z "$producer" ] || kill "$producer" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT

mkdir "$work/guest"
cp bench/bpf/rate.bpf.c bench/bpf/rate.h bench/bpf/main.c "$work/guest"
"$vireo" -q bpf build "$work/guest" -o "$work/rate.wasm"
bpftool btf dump file /sys/kernel/btf/vmlinux format c >"$work/vmlinux.h"
clang -g -O2 -target bpf -D__TARGET_ARCH_x86 -I "$work" -c bench/bpf/rate.bpf.c -o "$work/rate.bpf.o"
llvm-strip -g "$work/rate.bpf.o"
bpftool gen skeleton "$work/rate.bpf.o" name rate_bpf >"$work/rate.native.h"
gcc -O2 -I "$work" -I bench/bpf bench/bpf/native.c -o "$work/native" -lbpf
gcc -O2 bench/bpf/produce.c -o "$work/produce"

guest() {
    "$vireo" run --grant bpf=host "$work/rate.wasm" "$@"
}
native() {
    "$work/native" "$@"
}
produce() {
    [ -z "$producer" ] || { kill "$producer"; wait "$producer" 2>/dev/null || true; }
    "$work/produce" "$1" &
    producer=$!
}
# Milliseconds from the start of the process to the line that it prints after the first event: p50 and p99.
starts_of() {
    local begin end line
    for _ in $(seq "$starts"); do
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
# A deployed function from its call to its answer, which is the first event: its programs are loaded by each call.
port=$((20000 + RANDOM % 12000))
daemon_start() {
    printf 'allow_grants:\n  bpf: {host: true}\n' >"$work/config.yaml"
    mkdir "$work/rate"
    cp "$work/rate.wasm" "$work/rate/"
    printf 'name: rate\ngrants: {bpf: true}\nbpf: {host: true}\n' >"$work/rate/vireo.yaml"
    "$vireo" serve --listen "127.0.0.1:$port" --state "$work/state" --config "$work/config.yaml" >"$work/log" 2>&1 &
    daemon=$!
    for _ in $(seq 100); do
        curl -sf -o /dev/null "http://127.0.0.1:$port/readyz" && break
        sleep 0.1
    done
    "$vireo" --server "http://127.0.0.1:$port" --state "$work/state" -q deploy "$work/rate" >/dev/null
}
called() {
    curl -sf "http://127.0.0.1:$port/function/rate"
}

# "rate taken lost out-of-order cpu-seconds"
flow_of() {
    local TIMEFORMAT='%U %S'
    { time "$1" "$2" >"$work/out"; } 2>"$work/time"
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
daemon_start
called >/dev/null # the kernel's type information is parsed once
called >/dev/null
read -r d50 d99 <<<"$(starts_of called)"
printf '%-34s %9s ms %9s ms   (p50, p99; with curl)\n' "call of a deployed one to event" "$d50" "$d99"
kill "$daemon" && wait "$daemon" 2>/dev/null || true
daemon=
produce 0
read -r mrate mtaken mlost morder mcpu <<<"$(flow_of guest "$seconds")"
read -r nrate ntaken nlost norder ncpu <<<"$(flow_of native "$seconds")"
printf '%-34s %12s %12s   (as many as can be made)\n' "events a second" "$mrate" "$nrate"
per() { awk -v cpu="$1" -v count="$2" 'BEGIN {printf "%.0f", cpu / (count ? count : 1) * 1e9}'; }
printf '%-34s %9s ns %9s ns\n' "processor time of each" "$(per "$mcpu" "$mtaken")" "$(per "$ncpu" "$ntaken")"
printf '%-34s %12s %12s\n' "out of order or damaged" "$morder" "$norder"
produce 200000
read -r mrate mtaken mlost morder mcpu <<<"$(flow_of guest 10)"
read -r nrate ntaken nlost norder ncpu <<<"$(flow_of native 10)"
printf '%-34s %12s %12s   (200,000 a second are made, for 10 s)\n' "events a second" "$mrate" "$nrate"
printf '%-34s %12s %12s\n' "lost" "$mlost" "$nlost"
printf '%-34s %12s %12s\n' "out of order or damaged" "$morder" "$norder"
