#!/bin/sh
# The OCI runtime: `run` of a static program that ends at once, from one bundle, beside crun (Debian
# 12's and the newest of Debian 13) and runc. All run inside one mount namespace made once (crun 1.8
# refuses a hybrid layout of control groups), from the same posix_spawn loop without a wrapper; the
# time runs from the spawn to the end of the command, CPU is the command's and what it waited for.
# The limits are read back from inside. Usage: bench/run-oci.sh
# COUNT_ONE, COUNT_MANY and COUNT_SPACED say how many starts each line has; SHORT=1: one line each.
# PARTS names what is measured (all of it by default): floor one many spaced limits seccomp net gvisor
# podman docker idle read calls.
set -eu
. "$(dirname "$0")/lib.sh"

[ "$(id -u)" = 0 ] || { echo "cannot measure: only root can make the mount namespace" >&2; exit 2; }
if [ -z "${BENCH_IN_NAMESPACE-}" ]; then
    rm -rf "$bench_work"
    BENCH_IN_NAMESPACE=1 exec unshare -m --propagation private "$0" "$@"
fi
umount /sys/fs/cgroup/unified 2>/dev/null || :

one=${COUNT_ONE:-200}
many=${COUNT_MANY:-400}
spaced=${COUNT_SPACED:-40}
vireo_runtime=${VIREO_RUNTIME:-$bench_build/vireo-runtime}
bench_need gcc musl-gcc jq curl dpkg-deb python3 strace
gcc -std=gnu17 -O2 -o "$bench_work/rival_start" "$bench_root/bench/rival_start.c"

bundle=$bench_work/bundle
mkdir -p "$bundle/rootfs/bin" "$bundle/rootfs/proc" "$bundle/rootfs/dev" "$bundle/rootfs/sys"
echo 'int main(void) { return 0; }' | gcc -O2 -static -x c -o "$bundle/rootfs/bin/true" -
cp /bin/busybox "$bundle/rootfs/bin/busybox"

# Debian 13's crun wants a newer libc: both are unpacked here and nowhere else. The loader's path is
# written into the program itself, for it executes itself anew from a copy.
new_crun() {
    pool=http://deb.debian.org/debian/pool/main
    mkdir -p "$bench_work/new"
    for deb in c/crun/crun_1.21-1_amd64.deb g/glibc/libc6_2.41-12+deb13u1_amd64.deb; do
        curl -s -f --max-time 60 -o "$bench_work/deb" "$pool/$deb" || return 1
        dpkg-deb -x "$bench_work/deb" "$bench_work/new" || return 1
    done
    libraries=$bench_work/new/usr/lib/x86_64-linux-gnu
    short=$(mktemp -d /tmp/vb.XXXXXX)
    ln "$libraries/ld-linux-x86-64.so.2" "$short/ld" 2>/dev/null ||
        cp "$libraries/ld-linux-x86-64.so.2" "$short/ld"
    python3 - "$bench_work/new/usr/bin/crun" "$short/ld" <<'PY'
import sys
path, loader = sys.argv[1:]
data = open(path, "rb").read()
old = b"/lib64/ld-linux-x86-64.so.2\0"
assert data.count(old) == 1
open(path, "wb").write(data.replace(old, loader.encode().ljust(len(old), b"\0")))
PY
    # The other libraries are Debian 12's: they are old enough for both.
    new="env LD_LIBRARY_PATH=$libraries $bench_work/new/usr/bin/crun"
    LD_LIBRARY_PATH=$libraries "$bench_work/new/usr/bin/crun" --version >/dev/null
}

# Bundles' configurations, one a way to run: the same file for all runtimes.
"$vireo_runtime" spec -b "$bundle"
mv "$bundle/config.json" "$bench_work/base.json"
program='.ociVersion = "1.0.2" | .process.terminal = false | .process.args = ["/bin/true"]'
jq "$program | .linux.namespaces |= map(select(.type != \"network\"))" "$bench_work/base.json" >"$bench_work/plain.json"
jq "$program" "$bench_work/base.json" >"$bench_work/net.json"
limits='.linux.resources += {memory: {limit: 67108864}, cpu: {quota: 50000, period: 100000}, pids: {limit: 64}}'
jq "$limits" "$bench_work/plain.json" >"$bench_work/limits.json"
profile=/usr/share/containers/seccomp.json
[ -e "$profile" ] || profile=/etc/containers/seccomp.json
if [ -e "$profile" ]; then
    # podman's file is a template: its rules of this machine without further capabilities.
    jq --slurpfile p "$profile" '.linux.seccomp = {
        defaultAction: $p[0].defaultAction, defaultErrnoRet: ($p[0].defaultErrnoRet // 1),
        architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
        syscalls: [$p[0].syscalls[] | select((.includes.caps // []) == []
                and ((.includes.arches // ["amd64"]) | index("amd64"))
                and (((.excludes.arches // []) | index("amd64")) | not))
            | {names, action} + (if .errnoRet then {errnoRet} else {} end)
              + (if (.args // []) != [] then {args} else {} end)]}' \
        "$bench_work/plain.json" >"$bench_work/seccomp.json"
fi

runtimes="vireo"
crun_version() { "$@" --version | sed -n 's/^crun version //p'; }
name_vireo="vireo $("$vireo_runtime" --version | sed -n 's/^vireo-runtime version //p')"
path_vireo=$vireo_runtime
short=
if command -v crun >/dev/null 2>&1; then
    runtimes="$runtimes old"
    path_old=$(command -v crun)
    name_old="crun $(crun_version crun)"
fi
if new_crun; then
    runtimes="$runtimes new"
    path_new=$bench_work/new/usr/bin/crun
    # shellcheck disable=SC2086
    name_new="crun $(crun_version $new)"
else
    echo "the newest crun can't be had (network?): it is not measured" >&2
fi
if command -v runc >/dev/null 2>&1; then
    runtimes="$runtimes runc"
    path_runc=$(command -v runc)
    name_runc="runc $(runc --version | sed -n 's/^runc version //p')"
fi
trap '[ -z "$short" ] || rm -rf "$short"; bench_clean' EXIT

# measure WAY COUNT AT_ONCE PAUSE_MS: a row for each runtime, in turn.
measure() {
    cp "$bench_work/$1.json" "$bundle/config.json"
    for runtime in $runtimes; do
        eval "path=\$path_$runtime name=\$name_$runtime"
        library=
        [ "$runtime" != new ] || library=$libraries
        # shellcheck disable=SC2086 # the pause is a word or none
        figures=$(RIVAL_ENV=LD_LIBRARY_PATH=$library timeout 300 "$bench_work/rival_start" "$2" "$3" $4 -- "$path" \
            --root "$bench_work/state-$runtime" run --bundle "$bundle" "vb-$runtime-$1-$3-%" \
            2>"$bench_work/err") || echo "$name, $1: some failed: $(tail -n 1 "$bench_work/err" | cut -c 1-200)" >&2
        [ -n "$figures" ] || figures="- - - $2 -"
        # shellcheck disable=SC2086
        set_row "$1" "$3" "$4" "$name" "$2" $figures
    done
}
set_row() { # way at-once pause name n p50 p99 rate failed cpu
    echo "$1|$2|${3:-0}|$4|$5|$6|$7|$8|$9|${10}" >>"$bench_work/rows"
}

# Namespaces and the program alone.
floor() {
    musl-gcc -std=gnu17 -O2 -static -idirafter /usr/include -idirafter /usr/include/x86_64-linux-gnu \
        -o "$bench_work/oci_floor" "$bench_root/bench/oci_floor.c"
    # shellcheck disable=SC2046
    set_row plain 1 '' "(namespaces and the program alone)" "$one" \
        $("$bench_work/rival_start" "$one" 1 -- "$bench_work/oci_floor" "$bundle/rootfs/bin/true")
}

# What a container says of its limits, by each runtime.
read_back() {
    for runtime in $runtimes; do
        eval "path=\$path_$runtime name=\$name_$runtime"
        library=
        [ "$runtime" != new ] || library=$libraries
        jq '.process.args = ["/bin/busybox", "sleep", "60"]' "$bench_work/limits.json" >"$bundle/config.json"
        LD_LIBRARY_PATH=$library "$path" --root "$bench_work/state-$runtime" run -d --bundle "$bundle" vb-limits \
            </dev/null >/dev/null 2>&1 || { echo "$name: cannot run with limits" >&2; continue; }
        pid=$(LD_LIBRARY_PATH=$library "$path" --root "$bench_work/state-$runtime" state vb-limits | jq .pid)
        memory=$(awk -F: '$2 == "memory" {print $3}' "/proc/$pid/cgroup")
        pids=$(awk -F: '$2 == "pids" {print $3}' "/proc/$pid/cgroup")
        unified=$(awk -F: '$1 == 0 {print $3}' "/proc/$pid/cgroup")
        echo "$name: memory $(cat "/sys/fs/cgroup/memory$memory/memory.limit_in_bytes" 2>/dev/null ||
            cat "/sys/fs/cgroup$unified/memory.max"), pids $(cat "/sys/fs/cgroup/pids$pids/pids.max" 2>/dev/null ||
            cat "/sys/fs/cgroup$unified/pids.max")" >>"$bench_work/limits"
        LD_LIBRARY_PATH=$library "$path" --root "$bench_work/state-$runtime" delete -f vb-limits
    done
}

system_calls() {
    cp "$bench_work/plain.json" "$bundle/config.json"
    for runtime in $runtimes; do
        eval "path=\$path_$runtime name=\$name_$runtime"
        library=
        [ "$runtime" != new ] || library=$libraries
        timeout 60 strace -f -c -E "LD_LIBRARY_PATH=$library" -o "$bench_work/strace" "$path" \
            --root "$bench_work/state-$runtime" run --bundle "$bundle" vb-strace >/dev/null 2>&1 || :
        echo "$name: $(awk '$NF == "total" {print $(NF - 1) ~ /^[0-9]+$/ && NF == 6 ? $4 : $3}' "$bench_work/strace")" \
            >>"$bench_work/calls"
    done
}

# gVisor's runtime is another kind of wall; it is here because people weigh them against each other.
gvisor() {
    command -v runsc >/dev/null 2>&1 || return 0
    cp "$bench_work/plain.json" "$bundle/config.json"
    # shellcheck disable=SC2046
    set_row plain 1 '' "runsc (gVisor, ptrace)" 10 $(timeout 300 "$bench_work/rival_start" 10 1 -- runsc --root "$bench_work/state-runsc" \
        --platform=ptrace --network=none --ignore-cgroups run --bundle "$bundle" 'vb-runsc-%' 2>"$bench_work/err" ||
        echo "runsc: some failed: $(tail -n 1 "$bench_work/err")" >&2)
}

# podman from its command to its end, by each runtime.
podman_runs() {
    command -v podman >/dev/null 2>&1 || return 0
    for runtime in $runtimes; do
        [ "$runtime" != new ] || continue # its libraries would be podman's, too
        eval "path=\$path_$runtime name=\$name_$runtime"
        for at_once in 1 20; do
            # shellcheck disable=SC2046
            set_row "podman run" "$at_once" '' "$name" 20 $(timeout 300 "$bench_work/rival_start" 20 "$at_once" -- podman \
                --root "$bench_work/podman" --runroot "$bench_work/podman-run" --tmpdir "$bench_work/podman-tmp" \
                --storage-driver vfs --events-backend file --cgroup-manager cgroupfs --runtime "$path" run --rm --network none \
                --ulimit nofile=1024:1024 --ulimit nproc=4096:4096 --rootfs "$bundle/rootfs" /bin/true \
                2>"$bench_work/err" || echo "podman, $name: some failed: $(tail -n 1 "$bench_work/err")" >&2)
        done
    done
}

# docker from its command to its end, by each runtime, all of one dockerd in a directory of its own.
docker_runs() {
    command -v dockerd >/dev/null 2>&1 || return 0
    engine=$(mktemp -d /tmp/vb.XXXXXX) # a socket's path is short
    export DOCKER_HOST="unix://$engine/sock" DOCKER_CONFIG="$engine/config"
    dockerd --data-root "$engine/data" --exec-root "$engine/exec" -p "$engine/pid" -H "$DOCKER_HOST" --iptables=false \
        --ip6tables=false --bridge=none --storage-driver vfs --default-ulimit nofile=1024:1024 \
        --add-runtime "vireo=$vireo_runtime" --add-runtime "crun=$(command -v crun)" >"$bench_work/dockerd" 2>&1 &
    dockerd=$!
    for _ in $(seq 300); do
        docker info >/dev/null 2>&1 && break
        sleep 0.1
    done
    tar -C "$bundle/rootfs" -c . | docker import - box >/dev/null
    for runtime in vireo crun runc; do
        for at_once in 1 20; do
            # shellcheck disable=SC2046
            set_row "docker run" "$at_once" '' "$runtime" 20 $(timeout 300 "$bench_work/rival_start" 20 "$at_once" -- docker run \
                --rm --network none --runtime "$runtime" box /bin/true \
                2>"$bench_work/err" || echo "docker, $runtime: some failed: $(tail -n 1 "$bench_work/err")" >&2)
        done
    done
    kill "$dockerd"
    wait "$dockerd" 2>/dev/null || :
    unset DOCKER_HOST DOCKER_CONFIG
    rmdir /sys/fs/cgroup/*/docker 2>/dev/null || : # empty: dockerd leaves it
    rm -rf "$engine"
}

# What containers that sleep hold: the machine's free memory before and after, and the proportional
# share (Pss) of their processes, for each of COUNT_IDLE.
idle_memory() {
    idle=${COUNT_IDLE:-200}
    jq '.process.args = ["/bin/busybox", "sleep", "600"]' "$bench_work/plain.json" >"$bundle/config.json"
    for runtime in $runtimes; do
        eval "path=\$path_$runtime name=\$name_$runtime"
        library=
        [ "$runtime" != new ] || library=$libraries
        sync
        echo 3 >/proc/sys/vm/drop_caches 2>/dev/null || :
        before=$(awk '$1 == "MemAvailable:" {print $2}' /proc/meminfo)
        for i in $(seq "$idle"); do
            LD_LIBRARY_PATH=$library "$path" --root "$bench_work/state-$runtime" run -d --bundle "$bundle" \
                --pid-file "$bench_work/pid-$i" "vb-idle-$i" </dev/null >/dev/null 2>&1 ||
                { echo "$name: cannot run $i at once" >&2; break; }
        done
        echo 3 >/proc/sys/vm/drop_caches 2>/dev/null || :
        after=$(awk '$1 == "MemAvailable:" {print $2}' /proc/meminfo)
        pss=$(for i in $(seq "$idle"); do
            awk '$1 == "Pss:" {print $2}' "/proc/$(cat "$bench_work/pid-$i")/smaps_rollup" 2>/dev/null || :
        done | awk '{sum += $1} END {print sum}')
        echo "$name: $(((before - after) / idle)) KiB of the machine's memory and $((pss / idle)) KiB of Pss each" >>"$bench_work/idle"
        for i in $(seq "$idle"); do
            LD_LIBRARY_PATH=$library "$path" --root "$bench_work/state-$runtime" delete -f "vb-idle-$i" >/dev/null 2>&1 || :
        done
    done
}

parts=" ${PARTS:-floor one many spaced limits seccomp net gvisor podman docker idle read calls} "
[ -z "${SHORT-}" ] || parts=" one "
wants() { case $parts in *" $1 "*) return 0 ;; *) return 1 ;; esac }

load_before=$(bench_load)
: >"$bench_work/rows"
: >"$bench_work/limits"
: >"$bench_work/calls"
: >"$bench_work/idle"
if wants floor; then floor; fi
if wants one; then measure plain "$one" 1 ''; fi
if wants many; then
    measure plain "$many" 8 ''
    measure plain "$many" 32 ''
    measure plain "$many" 64 ''
fi
if wants spaced; then measure plain "$spaced" 1 100; fi
if wants limits; then measure limits "$one" 1 ''; fi
if wants seccomp && [ -e "$bench_work/seccomp.json" ]; then measure seccomp "$one" 1 ''; fi
if wants net; then measure net "$one" 1 ''; fi
if wants gvisor; then gvisor; fi
if wants podman; then podman_runs; fi
if wants docker; then docker_runs; fi
if wants idle; then idle_memory; fi
if wants read; then read_back; fi
if wants calls; then system_calls; fi

echo "## OCI runtimes"
echo
echo "$(bench_machine); load before: $load_before."
echo
echo "| way | at once | runtime | n | failed | p50 µs | p99 µs | CPU µs | starts a second |"
echo "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |"
awk -F'|' '{ way = $1 ($3 > 0 ? ", one every " $3 " ms" : "")
    printf "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", way, $2, $4, $5, $9, $6, $7, $10, $8 }' "$bench_work/rows"
echo
[ ! -s "$bench_work/limits" ] || { echo "Limits read back (memory 67108864, pids 64):"; cat "$bench_work/limits"; echo; }
[ ! -s "$bench_work/idle" ] || { echo "${COUNT_IDLE:-200} containers that sleep:"; cat "$bench_work/idle"; echo; }
[ ! -s "$bench_work/calls" ] || { echo "System calls of one run (strace -f -c):"; cat "$bench_work/calls"; }
