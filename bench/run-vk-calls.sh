#!/bin/sh
# What single calls cost inside a virtual kernel: getpid, read, futex and openat in loops, in the same
# container without one, with its scheduling alone, with all of it, beside the host, docker's default
# (runc) and gVisor's runsc. In turns; the least of all. Root.
# Usage: bench/run-vk-calls.sh [ROUNDS]; PROBE_ROUNDS says how many rounds of calls a run has.
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/vk_lib.sh"

rounds=${1:-5}
probe=${PROBE_ROUNDS:-400}
bench_need jq python3 busybox gcc
gcc -std=gnu17 -O2 -static -pthread -o "$bench_work/vk_probe" "$bench_root/bench/vk_probe.c"
PATH=$bench_work:$PATH
vk_rootfs vk_probe
vk_bundle none .
vk_bundle sched '.annotations["io.vireo.vkernel.sched.policy"] = "fifo"'
vk_bundle unlisted "$vk_unlisted"
vk_bundle full "$vk_full"

take() { # ROW
    while read -r column value; do
        printf '%s\t%s\t%s\n' "$1" "$column" "$value" >>"$bench_work/rows"
    done
}

load_before=$(bench_load)
docker=
! vk_docker_begin || docker=yes
i=0
while [ $i -lt "$rounds" ]; do
    i=$((i + 1))
    vk_run none 'vk_probe calls '"$probe" | take 'container'
    vk_run none 'vk_probe allowed vk_probe calls '"$probe" | take 'a filter of one instruction'
    vk_run sched 'vk_probe calls '"$probe" | take 'its scheduling alone'
    vk_run unlisted 'vk_probe calls '"$probe" | take 'all but lists of files'
    vk_run full 'vk_probe calls '"$probe" | take 'all of it'
    vk_probe calls "$probe" | take 'host'
    [ -z "$docker" ] || vk_run_docker 'vk_probe calls '"$probe" | take "docker's default"
    [ $i -gt 1 ] || ! command -v runsc >/dev/null ||
        vk_run_runsc none 'vk_probe calls 40' 2>"$bench_work/runsc.err" | take 'runsc (ptrace)'
done

echo "## Virtual kernels: single calls"
echo
echo "$(bench_machine); load before: $load_before. ns a call, the least of $rounds runs of $probe rounds of 2000 calls," \
    "and over the container without a virtual kernel; runsc: one run of 40 rounds."
echo
python3 - "$bench_work/rows" <<'END'
import sys
values = {}
for line in open(sys.argv[1]):
    row, column, value = line.rstrip("\n").split("\t")
    found = values.setdefault(row, {})
    found[column] = min(float(value), found.get(column, 1e12))
columns = list(next(iter(values.values())))
print("| | " + " | ".join(columns) + " |\n|---" + "|---" * len(columns) + "|")
for row, found in values.items():
    print("| %s | %s |" % (row, " | ".join("%.0f (%+.0f)" % (found[c], found[c] - values["container"][c]) for c in columns)))
END
