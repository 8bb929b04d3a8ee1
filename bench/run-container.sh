#!/bin/bash
# Functions in containers: a busybox shell function's time to the first byte, from nothing and from
# the warm pool, beside the program's own time and beside crun and vireo-runtime by themselves; of a
# function whose launcher does not run, with a generic container and without; from a pool that crun
# or runc makes; and what idle containers take of memory beside crun's.
# usage: bench/run-container.sh [ROUNDS [IDLE]]; BUILD says where vireo is
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
BUILD=${BUILD:-$top/build}
rounds=${1:-100}
idle=${2:-200}
port=$((20000 + RANDOM % 12000))
work=$(mktemp -d /tmp/vireo-bench.XXXXXX)
export VIREO_STATE=$work/state VIREO_SERVER=http://127.0.0.1:$port
daemon=
finish() {
    [ -z "$daemon" ] || { kill "$daemon" && wait "$daemon"; } 2>/dev/null || true
    [ ! -e "$work/ids" ] || while read -r id; do in_crun delete --force "$id"; done <"$work/ids" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT
# crun 1.8 refuses hybrid control groups.
in_crun() { unshare -m sh -c 'umount /sys/fs/cgroup/unified 2>/dev/null; exec crun --root "$0" "$@"' "$work/crun" "$@"; }

root=$work/bundle/rootfs
mkdir -p "$root"/{bin,dev,etc,proc,sys,tmp}
chmod 755 "$work"
cp /bin/busybox "$root/bin/"
for applet in sh echo cat sleep true; do ln -s busybox "$root/bin/$applet"; done

echo "machine: $(nproc) processors, Linux $(uname -r), load $(cut -d' ' -f1-3 /proc/loadavg); $rounds rounds, 50 ms apart"
# serve [OPTION...]: the daemon, anew where it runs.
serve() {
    [ -z "$daemon" ] || { kill "$daemon" && wait "$daemon"; } || true
    "$BUILD/vireo" serve --listen "127.0.0.1:$port" --state "$VIREO_STATE" "$@" >>"$work/log" 2>&1 &
    daemon=$!
    for _ in $(seq 100); do
        curl -fs -o /dev/null "$VIREO_SERVER/readyz" && break
        sleep 0.1
    done
}
serve
mkdir "$work/warm" "$work/idle"
ln -s "$root" "$work/warm/rootfs"
ln -s "$root" "$work/idle/rootfs"
printf 'pool:\n  spares: 4\n' >"$work/warm/vireo.yaml"
printf 'talk: lambda\npool:\n  instances: %s\n  spares: %s\n' "$idle" "$idle" >"$work/idle/vireo.yaml"
"$BUILD/vireo" deploy "$root" --name cold -q -- sh -c 'echo hello' >/dev/null
"$BUILD/vireo" deploy "$work/warm" --name warm -q -- sh -c 'echo hello' >/dev/null

figures() { sort -n | awk -v what="$1" '{a[NR] = $1 * 1e3} END {printf "%-44s %8.2f %8.2f %8.2f ms\n", what, a[1], a[int((NR + 1) / 2)], a[int(NR * 0.99 + 0.5)]}'; }
calls() {
    for _ in $(seq "$rounds"); do
        curl -s -o /dev/null -w '%{time_starttransfer}\n' -d x "$VIREO_SERVER/function/$1"
        sleep 0.05
    done
}
# first NAME ARG...: from posix_spawn to the first byte.
first() {
    python3 - "$rounds" "$@" <<'PYTHON'
import os, sys, time
for _ in range(int(sys.argv[1])):
    r, w = os.pipe()
    begin = time.perf_counter()
    pid = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, w, 1)])
    os.close(w)
    if not os.read(r, 1):
        sys.exit('it said nothing')
    print(time.perf_counter() - begin)
    os.close(r)
    os.waitpid(pid, 0)
    time.sleep(0.05)
PYTHON
}
printf '%-44s %8s %8s %8s\n' "to the first byte" min p50 p99
first /bin/busybox sh -c 'echo hello' | figures "the program by itself (posix_spawn)"
calls cold | figures "a call, no container ready"
curl -s -o /dev/null -d x "$VIREO_SERVER/function/warm"
sleep 1
calls warm | figures "a call, from the warm pool"
for i in $(seq 10); do "$BUILD/vireo" deploy "$root" --name "first-$i" -q -- sh -c 'echo hello' >/dev/null; done
for spares in 0 1; do
    printf 'containers:\n  spares: %s\n' "$spares" >"$work/config.yaml"
    serve --config "$work/config.yaml"
    curl -s -o /dev/null -d x "$VIREO_SERVER/function/first-10" # from the first one on there are generic ones
    for i in $(seq 9); do
        sleep 0.5
        curl -s -o /dev/null -w '%{time_starttransfer}\n' -d x "$VIREO_SERVER/function/first-$i"
    done | figures "a first call, $spares generic containers ready"
done
for runtime in crun runc; do
    command -v "$runtime" >/dev/null || continue
    printf 'containers:\n  runtime: %s\n' "$runtime" >"$work/config.yaml"
    serve --config "$work/config.yaml"
    curl -s -o /dev/null -d x "$VIREO_SERVER/function/warm"
    sleep 2
    calls warm | figures "a call, from a warm pool of $runtime's"
done
serve
"$BUILD/vireo-runtime" spec -b "$work/bundle"
# crun 1.8 knows no later version.
jq '.ociVersion = "1.0.2" | .process.terminal = false | .process.args = ["sh", "-c", "echo hello"]' "$work/bundle/config.json" >"$work/c" && mv "$work/c" "$work/bundle/config.json"
first "$BUILD/vireo-runtime" --root "$work/oci" run -b "$work/bundle" one | figures "vireo-runtime run"
cat >"$work/crun-loop" <<'LOOP'
umount /sys/fs/cgroup/unified 2>/dev/null || true
LOOP
export -f first figures
if command -v crun >/dev/null; then
    rounds=$rounds unshare -m bash -c '. "$0"; first /usr/bin/crun --root "$1" run -b "$2" one' "$work/crun-loop" "$work/crun" "$work/bundle" | figures "crun run"
fi

# Proportional memory of a process and all below it, in KiB.
pss() {
    local pid
    for pid in "$@"; do
        awk '/^Pss:/ {print $2}' "/proc/$pid/smaps_rollup" 2>/dev/null || true
        # shellcheck disable=SC2046
        pss $(cat /proc/"$pid"/task/*/children 2>/dev/null)
    done
}
sum() { awk '{n += $1} END {print n + 0}'; }
echo
echo "$idle idle containers: memory each, in KiB (Pss of all their processes)"
before=$(pss "$daemon" | sum)
"$BUILD/vireo" deploy "$work/idle" --name idle -q -- sleep 1000 >/dev/null
curl -s -m 1 -o /dev/null -d x "$VIREO_SERVER/function/idle" || true
for _ in $(seq 200); do
    count=$("$BUILD/vireo" ps -o json | jq '[.[] | select(.function == "idle" and .parent == null)] | length')
    [ "$count" -lt "$idle" ] || break
    sleep 0.2
done
sleep 2
echo "vireo ($count): $((($(pss "$daemon" | sum) - before) / count))"
if command -v crun >/dev/null; then
    jq '.process.args = ["sleep", "1000"]' "$work/bundle/config.json" >"$work/c" && mv "$work/c" "$work/bundle/config.json"
    seq -f 'vireo-bench-%g' "$idle" >"$work/ids"
    while read -r id; do in_crun run --detach -b "$work/bundle" "$id" </dev/null >/dev/null 2>"$work/said" || { cat "$work/said"; break; }; done <"$work/ids"
    pids=$(while read -r id; do in_crun state "$id" | jq .pid; done <"$work/ids")
    # shellcheck disable=SC2086
    echo "crun: $(($(pss $pids | sum) / idle))"
fi
