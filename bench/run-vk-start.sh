#!/bin/sh
# What a virtual kernel adds to the start of a container: `vireo-runtime run` of /bin/true with none,
# with the table of one, its lists of files, its parameters, its log, and with everything; then the
# same while another container has everything (the program that tells whose a message is is in the
# kernel then); crun beside it, in a mount namespace without the v2 tree, which it refuses beside v1
# ones; ours have it. Both are made once, and each start enters one. In turns, in one run. Root.
# Usage: bench/run-vk-start.sh [ROUNDS]
set -eu
. "$(dirname "$0")/lib.sh"

rounds=${1:-30}
# Where engines have their runtimes keep it: in memory.
state=$(mktemp -d /run/vireo-bench.XXXXXX)
clean() {
    bench_clean
    rm -rf "$state"
}
trap clean EXIT
trap 'clean; exit 130' INT TERM
bench_need jq python3 busybox crun
runtime=$bench_build/vireo-runtime
root=$bench_work/rootfs
mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys"
cp "$(command -v busybox)" "$root/bin/true"
(cd "$bench_work" && "$runtime" spec)

bundle() {
    mkdir -p "$bench_work/$1"
    jq --arg root "$root" '.ociVersion = "1.0.2" | .process.terminal = false | .root.path = $root
        | .process.args = ["/bin/true"] | '"$2" "$bench_work/config.json" >"$bench_work/$1/config.json"
}
view='.annotations["io.vireo.vkernel.params.view"] = "on"'
log='.annotations["io.vireo.vkernel.log.size"] = "64KiB"'
table='.annotations["io.vireo.vkernel.syscalls.profile"] = "podman"'
bundle none .
bundle table "$table"
bundle params "$view"
bundle log "$log"
lists='.annotations["io.vireo.vkernel.files.write"] = "/dev:/proc" | .annotations["io.vireo.vkernel.files.execute"] = "/bin"'
bundle lists "$lists"
bundle all "$view | $log | $table | $lists"' | .annotations["io.vireo.vkernel.sched.policy"] = "fifo"
    | .annotations["io.vireo.vkernel.memory.huge_pages"] = "never" | .annotations["io.vireo.vkernel.caps.keep"] = "CAP_KILL"'

mkdir -p "$bench_work/other"
jq '.process.args = ["sleep", "1000"]' "$bench_work/all/config.json" >"$bench_work/other/config.json"
cp "$root/bin/true" "$root/bin/sleep"

load_before=$(bench_load)
python3 - "$rounds" "$runtime" "$bench_work" "$state" <<'END' >"$bench_work/rows"
import ctypes, os, statistics, subprocess, sys, time
rounds, runtime, work, kept = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
ours = [runtime, "--root", kept + "/state", "run", "--bundle"]
libc = ctypes.CDLL(None, use_errno=True)

def namespace(command):
    """A mount namespace in which that was run: what a start calls to enter it, and who holds it."""
    holder = subprocess.Popen(["unshare", "-m", "--propagation", "private", "sh", "-c", command + "; echo; exec cat"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    holder.stdout.readline()
    fd = os.open("/proc/%d/ns/mnt" % holder.pid, os.O_RDONLY)
    return lambda: libc.setns(fd, 0) == 0 or os._exit(127)

crun = (["crun", "--root", kept + "/crun", "run", "--bundle"], namespace("umount /sys/fs/cgroup/unified 2>/dev/null"))
ours = (ours, namespace(":"))
rows = [(name, ours, name) for name in ("none", "table", "lists", "params", "log", "all")] + [("crun, none", crun, "none")]
times = {name: [] for name, _, _ in rows}

def measure(rows):
    for i in range(rounds):
        for name, (command, enter), bundle in rows:
            begin = time.perf_counter()
            subprocess.run(command + [work + "/" + bundle, "vireo-bench-vk-%d" % i], stdin=subprocess.DEVNULL, check=True, preexec_fn=enter)
            times[name].append((time.perf_counter() - begin) * 1000)

measure(rows)
state = [runtime, "--root", kept + "/state"]
subprocess.run(state + ["run", "-d", "--bundle", work + "/other", "vireo-bench-vk-other"], stdin=subprocess.DEVNULL, check=True, preexec_fn=ours[1])
beside = [(name + ", not the first", ours, name) for name in ("none", "log", "all")]
times.update({name: [] for name, _, _ in beside})
try:
    measure(beside)
finally:
    subprocess.run(state + ["delete", "-f", "vireo-bench-vk-other"], check=True, preexec_fn=ours[1])
rows += beside
print("| virtual kernel | least ms | p50 ms | p99 ms | least over none |\n|---|---|---|---|---|")
for name, _, _ in rows:
    t = sorted(times[name])
    print("| %s | %.1f | %.1f | %.1f | %+.1f |" % (name, t[0], statistics.median(t), t[int(len(t) * 0.99)], t[0] - min(times["none"])))
END

echo "## Virtual kernels: the start of a container"
echo
echo "$(bench_machine); load before: $load_before. $rounds starts of each in turns; whole lives of /bin/true."
echo
cat "$bench_work/rows"
echo
awk -F' *[|] *' '/^\| (none|table|lists|params|log|all|crun)/ {
        rows = rows comma sprintf("{\"kernel\":\"%s\",\"least_ms\":%s,\"p50_ms\":%s,\"p99_ms\":%s}", $2, $3, $4, $5)
        comma = "," }
    END { printf "%s", rows }' "$bench_work/rows" >"$bench_work/json"
printf '{"bench":"vk-start",%s,"rows":[%s]}\n' "$(bench_machine_json)" "$(cat "$bench_work/json")"
