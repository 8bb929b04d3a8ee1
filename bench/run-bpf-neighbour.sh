#!/bin/bash
# What eBPF programs of functions cost their neighbours: the processor time of a system call of a process that has nothing to
# do with them, without any, with one function's program on every call of the machine, with 15 functions' four programs each
# (the kernel takes 64 at one tracepoint), and beside them the same by libbpf in C. Then what the neighbour gets done on all
# processors beside a function that does nothing but load what the verifier takes long for, in three instances, and beside
# three processes that do so by libbpf: in turns, three times. Then the same beside a function whose objects take the reader
# long; and how long the call of another function takes, to the answer of a program that it has hung on every system call,
# alone and beside a function that does nothing but attach and detach.
# usage: bench/run-bpf-neighbour.sh     (as root; BUILD: where vireo is built)
set -eu
cd "$(dirname "$0")/.."
vireo=${BUILD:-build}/vireo
work=$(mktemp -d /tmp/vireo-bench-bpf.XXXXXX)
port=$((20000 + RANDOM % 12000))
daemon=
natives=()
natives_end() {
    [ "${#natives[@]}" = 0 ] || kill "${natives[@]}"
    natives=()
}
finish() {
    natives_end
    [ -z "$daemon" ] || { kill "$daemon" && wait "$daemon" || true; } 2>/dev/null
    rm -rf "$work"
}
trap finish EXIT

mkdir "$work/source" "$work/hook"
cp bench/bpf/hook.bpf.c "$work/source"
cp bench/bpf/hook_guest.c "$work/source/main.c"
"$vireo" -q bpf build "$work/source" -o "$work/hook/hook.wasm"
bpftool btf dump file /sys/kernel/btf/vmlinux format c >"$work/vmlinux.h"
clang -g -O2 -target bpf -I "$work" -c bench/bpf/hook.bpf.c -o "$work/hook.bpf.o"
bpftool gen skeleton "$work/hook.bpf.o" name hook_bpf >"$work/hook.native.h"
gcc -O2 -I "$work" bench/bpf/hook_native.c -o "$work/native" -lbpf
gcc -O2 bench/bpf/neighbour.c -o "$work/neighbour"
mkdir "$work/loads" "$work/load"
cp bench/bpf/hook.bpf.c bench/bpf/load.h "$work/loads"
cp bench/bpf/load_guest.c "$work/loads/main.c"
"$vireo" -q bpf build "$work/loads" -o "$work/load/load.wasm"
gcc -O2 bench/bpf/load_native.c -o "$work/load_native" -lbpf
printf 'name: load\ngrants: {bpf: true}\nlimits: {timeout: 60s}\npool: {instances: 3}\n' >"$work/load/vireo.yaml"
mkdir "$work/read-source" "$work/read" "$work/attach-source" "$work/attach"
cp tests/system/functions/bpf_slow/* "$work/read-source"
cp bench/bpf/attach.bpf.c bench/bpf/load.h "$work/attach-source"
cp bench/bpf/attach_guest.c "$work/attach-source/main.c"
for each in read attach; do
    "$vireo" -q bpf build "$work/$each-source" -o "$work/$each/$each.wasm"
    printf 'name: %s\ngrants: {bpf: true}\nlimits: {timeout: 60s}\npool: {instances: 3}\n' "$each" >"$work/$each/vireo.yaml"
done
printf 'allow_grants:\n  bpf: true\n' >"$work/config.yaml"
printf 'name: hook\ngrants: {bpf: true}\npool: {instances: 16}\n' >"$work/hook/vireo.yaml"
"$vireo" serve --listen "127.0.0.1:$port" --state "$work/state" --config "$work/config.yaml" >"$work/log" 2>&1 &
daemon=$!
for _ in $(seq 100); do
    curl -sf -o /dev/null "http://127.0.0.1:$port/readyz" && break
    sleep 0.1
done
for folder in hook load read attach; do
    "$vireo" --server "http://127.0.0.1:$port" --state "$work/state" -q deploy "$work/$folder" >/dev/null
done

links() {
    bpftool prog show | grep -c 'name hook_' || true
}
# functions INSTANCES PROGRAMS: the neighbour's time meanwhile.
functions() {
    local calls=() i
    for i in $(seq "$1"); do
        curl -sf --data "$2" "http://127.0.0.1:$port/function/hook" >/dev/null &
        calls+=($!)
    done
    for _ in $(seq 50); do
        [ "$(links)" -ge $((4 * $1)) ] && break
        sleep 0.1
    done
    [ "$(links)" -ge $((4 * $1)) ] || echo "not all $1 are there" >&2
    sleep 0.5
    "$work/neighbour"
    wait "${calls[@]}" || true
}
libbpf() {
    local i line
    for i in $(seq "$1"); do
        "$work/native" "$2" >"$work/ready$i" 2>/dev/null &
        natives+=($!)
    done
    for _ in $(seq 100); do
        [ "$(cat "$work"/ready* | grep -c ready)" = "$1" ] && break
        sleep 0.1
    done
    "$work/neighbour"
    natives_end
    rm -f "$work"/ready*
    sleep 0.5
}
# The function's second at once is over when the neighbour begins: beside FUNCTION SECONDS COMMAND...
beside() {
    local calls=()
    for _ in 1 2 3; do
        curl -sf "http://127.0.0.1:$port/function/$1" >/dev/null &
        calls+=($!)
    done
    sleep "$2"
    "${@:3}"
    wait "${calls[@]}" || true
}
# Milliseconds of a call, median of 21.
calls_of() {
    local _
    for _ in $(seq 21); do
        curl -sf -o /dev/null -w '%{time_total}\n' --data '1 0' "http://127.0.0.1:$port/function/hook" || {
            echo "cannot measure: function 'hook' does not answer" >&2
            exit 1
        }
        sleep 0.05
    done >"$work/times"
    sort -n "$work/times" | awk '{v[NR] = $1 * 1000} END {printf "%.1f\n", v[11]}'
}
beside_libbpf() {
    for _ in 1 2 3; do
        "$work/load_native" &
        natives+=($!)
    done
    sleep 1
    "$work/neighbour" 5
    natives_end
}
# Median, least and most of three.
of_three() {
    sort -n "$1" | awk '{v[NR] = $1} END {print v[2], v[1], v[3]}'
}
rate_row() {
    printf '%-44s %8s thousand a second   (least %s, most %s)\n' "$@"
}
time_row() {
    printf '%-44s %8s ms   (least %s, most %s)\n' "$@"
}
row() {
    printf '%-44s %8s ns   (least %s, most %s)\n' "$@"
}

echo "machine: $(uname -r), $(nproc) processors, load $(cut -d' ' -f1 /proc/loadavg); a neighbour's getppid()"
# shellcheck disable=SC2046
{
    row "alone" $("$work/neighbour")
    row "a function with one program" $(functions 1 1)
    row "libbpf: one program" $(libbpf 1 1)
    row "16 functions with one program each" $(functions 16 1)
    row "libbpf: 16 programs" $(libbpf 16 1)
    row "15 functions with four programs each" $(functions 15 4)
    row "libbpf: 60 programs" $(libbpf 15 4)
    row "alone, afterwards" $("$work/neighbour")
}

for _ in 1 2 3; do
    "$work/neighbour" 5 >>"$work/alone"
    beside load 4 "$work/neighbour" 5 >>"$work/beside_loads"
    beside read 1 "$work/neighbour" 5 >>"$work/beside_reads"
    calls_of >>"$work/calls"
    beside attach 1 calls_of >>"$work/calls_beside"
    beside_libbpf >>"$work/beside_libbpf"
done
# shellcheck disable=SC2046
{
    rate_row "getppid() on all processors, alone" $(of_three "$work/alone")
    rate_row "beside a function that only loads" $(of_three "$work/beside_loads")
    rate_row "beside a function whose objects are long" $(of_three "$work/beside_reads")
    rate_row "beside three that load by libbpf" $(of_three "$work/beside_libbpf")
    time_row "call of a function with one program, alone" $(of_three "$work/calls")
    time_row "beside a function that only attaches" $(of_three "$work/calls_beside")
}
