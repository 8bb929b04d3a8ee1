#!/bin/sh
# 1,000 idle instances of one function, each of which has answered once: what memory one takes, by
# the difference of MemAvailable (median of the rounds), and how often the daemon and its instances
# wake in ten seconds in which nobody calls. Root.
# Usage: bench/run-idle.sh [ROUNDS] [INSTANCES]
set -eu
. "$(dirname "$0")/lib.sh"

rounds=${1:-3}
instances=${2:-1000}
port=${BENCH_PORT:-18091}
bench_need python3

load_before=$(bench_load)
mkdir "$bench_work/held" "$bench_work/state"
cp "$bench_root/bench/held.c" "$bench_work/held"
cat >"$bench_work/held/vireo.yaml" <<EOF
name: held
version: "1"
sources: [held.c]
limits: {memory: 16MiB, timeout: 60s}
pool: {instances: $instances, queue: $instances, idle: 10m}
EOF
python3 "$bench_root/bench/idle.py" "$bench_vireo" "$port" "$bench_work" "$rounds" "$instances" \
    >"$bench_work/rounds"

# figure NAME [PERCENTILE]: of the rounds.
figure() { sed -n "s/.*\"$1\":\\([-0-9.]*\\).*/\\1/p" "$bench_work/rounds" | bench_percentile "${2:-50}"; }

echo "## Idle instances"
echo
echo "$(bench_machine); load before: $load_before; $instances instances of one function, each" \
    "having answered once; medians of $rounds rounds, KiB an instance."
echo
echo "| what | KiB |"
echo "| --- | ---: |"
echo "| **difference of MemAvailable** | **$(figure available)** (worst $(figure available 100)) |"
echo "| of it, as the kernel counts: anonymous pages | $(figure anonymous) |"
echo "| – private pages of the instance itself | $(figure private) |"
echo "| shared memory (channels) | $(figure shared) |"
echo "| page tables | $(figure tables) |"
echo "| – of the instance itself | $(figure own_tables) |"
echo "| kernel stacks | $(figure stacks) |"
echo "| slab: groups, processes, descriptors | $(figure slab) |"
echo "| – an empty memory group as this kernel makes it now | $(figure group) |"
echo "| – of that, for file systems that were mounted at once since the boot, by anybody | $(figure mounts) |"
echo "| per-CPU: groups | $(figure percpu) |"
echo "| **the difference without those file systems** | **$(figure without)** |"
echo
echo "All $instances started and answered in $(figure ready_ms) ms (each call holds its instance for 6,000 ms)."
echo "Wake-ups in 10 s of nothing, all $(figure threads) threads of the daemon and its instances:" \
    "$(figure wakes) (worst $(figure wakes 100))."
echo
echo "Targets: at most 250 KiB; no wake-up."
echo
printf '{"bench":"idle",%s,"n":%d,"instances":%d,"kib":%s,"kib_worst":%s,"kib_without_mounts":%s,"wakes":%s,"wakes_worst":%s}\n' \
    "$(bench_machine_json)" "$rounds" "$instances" "$(figure available)" \
    "$(figure available 100)" "$(figure without)" "$(figure wakes)" "$(figure wakes 100)"
