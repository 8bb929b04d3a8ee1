#!/bin/sh
# The OCI runtime: `run` of a static program that ends at once, from one bundle, beside crun (Debian
# 12's and the newest that Debian has) and runc. All run inside one mount namespace made once (crun 1.8
# refuses a hybrid layout of control groups), from the same posix_spawn loop without a wrapper; the
# time runs from the spawn to the end of the command, CPU is the command's and what it waited for.
# The limits are read back. The exit code is 1 where they differ, or where a stage's system calls are
# over their budget (src/oci/budget.h). Usage: bench/run-oci.sh
# COUNT_ONE, COUNT_MANY, COUNT_SPACED and COUNT_ENGINE say how many starts each line has; SHORT=1: one line each.
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
# Runtimes give their standard streams to the container's user: not the machine's /dev/null.
mknod -m 666 "$bench_work/null" c 1 3
mount --bind "$bench_work/null" /dev/null

one=${COUNT_ONE:-200}
many=${COUNT_MANY:-400}
spaced=${COUNT_SPACED:-40}
engine_count=${COUNT_ENGINE:-20}
vireo_runtime=${VIREO_RUNTIME:-$bench_build/vireo-runtime}
bench_need gcc musl-gcc jq apt-get dpkg-deb patchelf strace
gcc -std=gnu17 -O2 -o "$bench_work/rival_start" "$bench_root/bench/rival_start.c"

bundle=$bench_work/bundle
mkdir -p "$bundle/rootfs/bin" "$bundle/rootfs/proc" "$bundle/rootfs/dev" "$bundle/rootfs/sys"
echo 'int main(void) { return 0; }' | gcc -O2 -static -x c -o "$bundle/rootfs/bin/true" -
cp /bin/busybox "$bundle/rootfs/bin/busybox"

. "$bench_root/bench/crun.sh"

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
name_vireo="vireo $("$vireo_runtime" --version | sed -n 's/^vireo-runtime version //p')"
path_vireo=$vireo_runtime
short=
if command -v crun >/dev/null 2>&1; then
    runtimes="$runtimes old"
    path_old=$(command -v crun)
    name_old="crun $(crun_version crun)"
fi
newest=${name_old:+old}
if new_crun; then
    runtimes="$runtimes new"
    newest=new
    path_new=$short/crun
    name_new="crun $(crun_version "$path_new") ($suite)"
else
    echo "the newest crun can't be had (network?): it is not measured" >&2
fi
if command -v runc >/dev/null 2>&1; then
    runtimes="$runtimes runc"
    path_runc=$(command -v runc)
    name_runc="runc $(runc --version | sed -n 's/^runc version //p')"
fi
trap '[ -z "$short" ] || rm -rf "$short"; bench_clean' EXIT

# command_of RUNTIME WAY NUMBER: the words to be spawned, in $@ of the caller by eval.
command_of() {
    eval "path=\$path_$1"
    flags=
    [ "$1" != gvisor ] || for flag in $gvisor_flags; do flags="$flags --runtime-flag=$flag"; done
    case $2 in
    "podman run")
        echo podman --root '"$bench_work/podman"' --runroot '"$bench_work/podman-run"' --tmpdir '"$bench_work/podman-tmp"' \
            --storage-driver vfs --events-backend file --cgroup-manager cgroupfs --runtime "'$path'" "$flags" run --rm --network none \
            --ulimit nofile=1024:1024 --ulimit nproc=4096:4096 --rootfs '"$bundle/rootfs"' /bin/true
        ;;
    "docker run") echo docker run --rm --network none --runtime "'$1'" box /bin/true ;;
    *) echo "'$path'" --root "'$bench_work/state-$1'" run --bundle '"$bundle"' "'vb-$1-$2-$3-%'" ;;
    esac
}

# measure WAY COUNT AT_ONCE [PAUSE_MS]: a row for each runtime. They come in turns, each other turn
# the other way round: up to ten turns, none of fewer starts than two for each that runs at once
# (one, for an engine's, which are few).
measure() {
    way=$1 count=$2 at_once=$3 pause=${4-}
    [ ! -e "$bench_work/$way.json" ] || cp "$bench_work/$way.json" "$bundle/config.json"
    each=$(((count + 9) / 10)) least=$((at_once * 2))
    case $way in *" run") each=$(((count + 1) / 2)) least=$at_once ;; esac
    [ "$at_once" -eq 1 ] || [ "$each" -ge "$least" ] || each=$least
    turns=$(((count + each - 1) / each)) load=$(bench_load)
    backwards=
    for runtime in $runtimes; do backwards="$runtime $backwards"; done
    rm -f "$bench_work"/samples-*
    for turn in $(seq "$turns"); do
        order=$runtimes
        [ $((turn % 2)) = 1 ] || order=$backwards
        for runtime in $order; do
            eval "name=\$name_$runtime"
            eval "set -- $(command_of "$runtime" "$way" "$turn")"
            # shellcheck disable=SC2086 # the pause is a word or none
            RIVAL_SAMPLES=$bench_work/samples-$runtime timeout 300 "$bench_work/rival_start" "$each" "$at_once" $pause -- "$@" \
                >/dev/null 2>"$bench_work/err" ||
                echo "$name, $way: some failed: $(tail -n 1 "$bench_work/err" | cut -c 1-200)" >&2
        done
    done
    for runtime in $runtimes; do
        eval "name=\$name_$runtime"
        [ -e "$bench_work/samples-$runtime" ] || continue
        grep -v '^=' "$bench_work/samples-$runtime" >"$bench_work/times"
        # shellcheck disable=SC2046
        set_row "$way" "$at_once" "$pause" "$name" $(awk '$1 == "=" {n += $2; s += $3; f += $4; c += $5}
            END {printf "%d %.1f %d %.0f\n", n, n / s, f, c / n * 1e6}' "$bench_work/samples-$runtime") \
            "$(bench_percentile 50 <"$bench_work/times")" "$(bench_percentile 99 <"$bench_work/times")" "$runtime" "$load, $turns turns"
    done
}
set_row() { # way at-once pause name n rate failed cpu p50 p99 runtime load
    echo "$1|$2|${3:-0}|$4|$5|$6|$7|$8|$9|${10}|${11}|${12}" >>"$bench_work/rows"
}

# A program that is measured alone, not in turns: set_alone NAME N AT_ONCE COMMAND...
set_alone() {
    name=$1 count=$2 load=$(bench_load)
    shift 2
    figures=$(timeout 300 "$bench_work/rival_start" "$count" 1 -- "$@" 2>"$bench_work/err") ||
        echo "$name: some failed: $(tail -n 1 "$bench_work/err")" >&2
    [ -n "$figures" ] || return 0
    # shellcheck disable=SC2086
    set -- $figures
    set_row "$name" 1 '' "-" "$count" "$3" "$4" "$5" "$1" "$2" "" "$load, alone"
}

# Namespaces and the program alone.
floor() {
    musl-gcc -std=gnu17 -O2 -static -idirafter /usr/include -idirafter /usr/include/x86_64-linux-gnu \
        -o "$bench_work/oci_floor" "$bench_root/bench/oci_floor.c"
    set_alone "namespaces and the program alone" "$one" "$bench_work/oci_floor" "$bundle/rootfs/bin/true"
}

# limit_of CONTROLLER FILE_V1 FILE_V2: what the group of $pid has; "max" of v2 stands for no limit.
limit_of() {
    group=$(awk -F: -v c="$1" '$2 == c || index("," $2 ",", "," c ",") {print $3}' "/proc/$pid/cgroup")
    unified=$(awk -F: '$1 == 0 {print $3}' "/proc/$pid/cgroup")
    { [ -n "$group" ] && cat "/sys/fs/cgroup/$1$group/$2" 2>/dev/null; } || cat "/sys/fs/cgroup$unified/$3" 2>/dev/null || echo none
}

# What the kernel says of a container's limits, by each runtime, beside what was asked for.
read_back() {
    asked="memory 67108864, cpu 50000/100000, pids 64"
    echo "asked for: $asked" >>"$bench_work/limits"
    for runtime in $runtimes; do
        eval "path=\$path_$runtime name=\$name_$runtime"
        jq '.process.args = ["/bin/busybox", "sleep", "60"]' "$bench_work/limits.json" >"$bundle/config.json"
        "$path" --root "$bench_work/state-$runtime" run -d --bundle "$bundle" vb-limits \
            </dev/null >/dev/null 2>&1 || { wrong "$name: cannot run with limits"; continue; }
        pid=$("$path" --root "$bench_work/state-$runtime" state vb-limits | jq .pid)
        quota=$(limit_of cpu cpu.cfs_quota_us cpu.max)
        case $quota in
        *" "*) quota="${quota% *}/${quota#* }" ;;
        *) quota=$quota/$(limit_of cpu cpu.cfs_period_us cpu.max) ;;
        esac
        said="memory $(limit_of memory memory.limit_in_bytes memory.max), cpu $quota, pids $(limit_of pids pids.max pids.max)"
        "$path" --root "$bench_work/state-$runtime" delete -f vb-limits
        if [ "$said" = "$asked" ]; then
            echo "$name: the same" >>"$bench_work/limits"
        else
            echo "$name: differs: $said" >>"$bench_work/limits"
            wrong "$name: limits differ: $said"
        fi
    done
}

# stage NAME CALLS: beside its budget in src/oci/budget.h.
stage() {
    budget=$(sed -n "s/^#define OCI_CALLS_$1 \([0-9]*\)\$/\1/p" "$bench_root/src/oci/budget.h")
    if [ "$2" -le "${budget:-0}" ]; then
        echo "$1: $2 of $budget" >>"$bench_work/stages"
    else
        echo "$1: $2: over budget (${budget:-none})" >>"$bench_work/stages"
        wrong "$1 makes $2 system calls: over budget (${budget:-none})"
    fi
}

# Calls of a trace (strace -f -o): calls_of FILE [AWK CONDITION]; one that was interrupted by another
# process's line counts once.
calls_of() {
    awk 'NR == 1 {first = $1} $1 == first && /\+\+\+ exited/ {ended = 1}
        !/ resumed>/ && !/\+\+\+/ && !/ --- SIG/ && ('"${2:-1}"') {n++} END {print n + 0}' "$1"
}

system_calls() {
    cp "$bench_work/plain.json" "$bundle/config.json"
    for runtime in $runtimes; do
        eval "path=\$path_$runtime name=\$name_$runtime"
        timeout 60 strace -f -o "$bench_work/trace" "$path" \
            --root "$bench_work/state-$runtime" run --bundle "$bundle" vb-strace >/dev/null 2>&1 || :
        echo "$name: $(calls_of "$bench_work/trace")" >>"$bench_work/calls"
        [ "$runtime" != vireo ] || stage RUN "$(calls_of "$bench_work/trace")"
    done
    # Our stages: create's command with what the init does meanwhile; what it does after, with the
    # program; the commands start and delete.
    ours="$path_vireo --root $bench_work/state-vireo"
    # shellcheck disable=SC2086
    timeout 60 strace -f -o "$bench_work/trace" $ours create --bundle "$bundle" vb-stages >/dev/null 2>&1 </dev/null &
    tracer=$!
    for _ in $(seq 100); do
        # shellcheck disable=SC2086
        [ "$($ours state vb-stages 2>/dev/null | jq -r .status)" != created ] || break
        sleep 0.1
    done
    sleep 0.5 # the command's own end
    # shellcheck disable=SC2086
    timeout 60 strace -f -o "$bench_work/trace-start" $ours start vb-stages >/dev/null 2>&1 || :
    wait "$tracer" || :
    # shellcheck disable=SC2086
    timeout 60 strace -f -o "$bench_work/trace-delete" $ours delete vb-stages >/dev/null 2>&1 || :
    stage CREATE "$(calls_of "$bench_work/trace" '!ended')"
    stage PROGRAM "$(calls_of "$bench_work/trace" ended)"
    stage START "$(calls_of "$bench_work/trace-start")"
    stage DELETE "$(calls_of "$bench_work/trace-delete")"
}

# gVisor's runtime is another kind of wall; it is here because people weigh them against each other.
# It refuses hybrid control groups, and this kernel has no KVM for it.
gvisor_flags="platform=ptrace network=none ignore-cgroups"
gvisor() {
    command -v runsc >/dev/null 2>&1 || return 0
    cp "$bench_work/plain.json" "$bundle/config.json"
    set_alone "plain, runsc (gVisor: ptrace, no network, no control groups)" 10 runsc --root "$bench_work/state-runsc" \
        --platform=ptrace --network=none --ignore-cgroups run --bundle "$bundle" 'vb-runsc-%'
}
# Below an engine it is one more.
path_gvisor=$(command -v runsc || :) name_gvisor="runsc (gVisor: ptrace, no network, no control groups)"
engine_runtimes="$runtimes${path_gvisor:+ gvisor}"

# Engines, from their command to its end, by each runtime.
podman_runs() {
    command -v podman >/dev/null 2>&1 || return 0
    runtimes_alone=$runtimes runtimes=$engine_runtimes
    measure "podman run" "$engine_count" 1
    measure "podman run" "$engine_count" "$engine_count"
    runtimes=$runtimes_alone
}

# All of one dockerd in a directory of its own.
docker_runs() {
    command -v dockerd >/dev/null 2>&1 || return 0
    engine=$(mktemp -d /tmp/vb.XXXXXX) # a socket's path is short
    export DOCKER_HOST="unix://$engine/sock" DOCKER_CONFIG="$engine/config"
    for runtime in $engine_runtimes; do # runc is the one that dockerd has
        eval "path=\$path_$runtime"
        [ "$runtime" = runc ] || jq -n --arg name "$runtime" --arg path "$path" \
            --arg flags "$([ "$runtime" != gvisor ] || echo "$gvisor_flags")" \
            '{($name): {path: $path, runtimeArgs: ($flags | split(" ") | map("--" + .))}}'
    done | jq -s '{runtimes: add}' >"$engine/daemon.json"
    dockerd --config-file "$engine/daemon.json" --data-root "$engine/data" --exec-root "$engine/exec" -p "$engine/pid" -H "$DOCKER_HOST" --iptables=false \
        --ip6tables=false --bridge=none --storage-driver vfs --default-ulimit nofile=1024:1024 \
        >"$bench_work/dockerd" 2>&1 &
    dockerd=$!
    for _ in $(seq 300); do
        docker info >/dev/null 2>&1 && break
        sleep 0.1
    done
    tar -C "$bundle/rootfs" -c . | docker import - box >/dev/null
    runtimes_alone=$runtimes runtimes=$engine_runtimes
    measure "docker run" "$engine_count" 1
    measure "docker run" "$engine_count" "$engine_count"
    runtimes=$runtimes_alone
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
        sync
        echo 3 >/proc/sys/vm/drop_caches 2>/dev/null || :
        before=$(awk '$1 == "MemAvailable:" {print $2}' /proc/meminfo)
        for i in $(seq "$idle"); do
            "$path" --root "$bench_work/state-$runtime" run -d --bundle "$bundle" \
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
            "$path" --root "$bench_work/state-$runtime" delete -f "vb-idle-$i" >/dev/null 2>&1 || :
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
: >"$bench_work/stages"
: >"$bench_work/wrong"
wrong() { echo "$1" | tee -a "$bench_work/wrong" >&2; }
if wants floor; then floor; fi
if wants one; then measure plain "$one" 1; fi
if wants many; then
    measure plain "$many" 8
    measure plain "$many" 32
    measure plain "$many" 64
fi
if wants spaced; then measure plain "$spaced" 1 100; fi
if wants limits; then measure limits "$one" 1; fi
if wants seccomp && [ -e "$bench_work/seccomp.json" ]; then measure seccomp "$one" 1; fi
if wants net; then measure net "$one" 1; fi
if wants gvisor; then gvisor; fi
if wants podman; then podman_runs; fi
if wants docker; then docker_runs; fi
if wants idle; then idle_memory; fi
if wants read; then read_back; fi
if wants calls; then system_calls; fi

echo "## OCI runtimes"
echo
echo "$(bench_machine); load before: $load_before. The runtimes of a table come in turns."
awk -F'|' '{ way = $1 ($3 > 0 ? ", one every " $3 " ms" : "") ", " $2 " at once"
    if (way != last) {
        printf "\n**%s** (load before %s)\n\n", way, $12
        print "| runtime | n | failed | p50 µs | p99 µs | CPU µs | starts a second |"
        print "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    }
    last = way
    printf "| %s | %s | %s | %.0f | %.0f | %s | %s |\n", $4, $5, $7, $9, $10, $8, $6 }' "$bench_work/rows"
echo
# The aims, for each way: of the newest crun's time and processor time, or its starts a second and
# runc's.
eval "newest_name=\${name_$newest-}"
echo "Aims, beside $newest_name:"
echo
echo "| way | at once | time / 0.4 | p99 | CPU / 0.35 | starts / 3 | of runc's / 8 |"
echo "| --- | ---: | --- | ---: | --- | --- | --- |"
awk -F'|' -v newest="$newest" '
    function at_most(a, b, aim) { return b > 0 ? sprintf("%.2f %s", a / b, a / b <= aim ? "met" : "missed") : "-" }
    function at_least(a, b, aim) { return b > 0 ? sprintf("%.1f %s", a / b, a / b >= aim ? "met" : "missed") : "-" }
    $1 !~ / run$/ && $11 != "" && newest != "" {
        way = $1 ($3 > 0 ? ", one every " $3 " ms" : "") "|" $2
        if (!(way in seen)) { seen[way] = 1; order[++n] = way }
        rate[way, $11] = $6; cpu[way, $11] = $8; p50[way, $11] = $9; p99[way, $11] = $10
        failed[way] += $11 == "vireo" ? $7 : 0 }
    END { for (i = 1; i <= n; i++) {
        w = order[i]; split(w, part, "|")
        one = part[2] == 1
        if (w ~ /every/) { # its aim is that nothing stalls
            printf "| %s | %s | %.2f | %s | %.2f | | |\n", part[1], part[2], p50[w, "vireo"] / p50[w, newest],
                (p99[w, "vireo"] - p50[w, "vireo"] < 10000 ? "no stall of 10 ms: met" : "a stall of 10 ms: missed"),
                cpu[w, "vireo"] / cpu[w, newest]
            continue
        }
        printf "| %s | %s | %s | %s | %s | %s | %s |\n", part[1] (failed[w] ? " (" failed[w] " failed: missed)" : ""), part[2],
            (one ? at_most(p50[w, "vireo"], p50[w, newest], 0.4) : ""),
            (p99[w, newest] > 0 ? sprintf("%.2f", p99[w, "vireo"] / p99[w, newest]) : "-"),
            at_most(cpu[w, "vireo"], cpu[w, newest], 0.35),
            (one ? "" : at_least(rate[w, "vireo"], rate[w, newest], 3)),
            (one ? "" : at_least(rate[w, "vireo"], rate[w, "runc"], 8)) } }' "$bench_work/rows"
echo
[ ! -s "$bench_work/limits" ] || { echo "Limits read back:"; cat "$bench_work/limits"; echo; }
[ ! -s "$bench_work/idle" ] || { echo "${COUNT_IDLE:-200} containers that sleep:"; cat "$bench_work/idle"; echo; }
[ ! -s "$bench_work/calls" ] || { echo "System calls of one run (strace -f):"; cat "$bench_work/calls"; echo; }
[ ! -s "$bench_work/stages" ] || { echo "Ours by stage, of the budget in src/oci/budget.h:"; cat "$bench_work/stages"; }
[ ! -s "$bench_work/wrong" ]
