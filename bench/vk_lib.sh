# Sourced by bench/run-vk-*.sh behind lib.sh: a root file system of this machine's programs, and one
# command in each kind of container. Root.

vk_runtime=${VIREO_RUNTIME:-$bench_build/vireo-runtime}
vk_root=$bench_work/rootfs
vk_docker=

# Everything that a virtual kernel can have but lists of files, under the policy that there is
# without one; and those lists too.
vk_unlisted='.annotations = {"io.vireo.vkernel.params.view": "on", "io.vireo.vkernel.log.size": "64KiB",
    "io.vireo.vkernel.syscalls.profile": "podman", "io.vireo.vkernel.sched.policy": "normal",
    "io.vireo.vkernel.memory.huge_pages": "madvise", "io.vireo.vkernel.caps.keep": "CAP_CHOWN,CAP_DAC_OVERRIDE,CAP_KILL,CAP_SETGID,CAP_SETUID,CAP_NET_BIND_SERVICE"}'
vk_full="$vk_unlisted"'
    | .annotations += {"io.vireo.vkernel.files.read": "/", "io.vireo.vkernel.files.list": "/",
    "io.vireo.vkernel.files.write": "/tmp:/dev:/proc", "io.vireo.vkernel.files.execute": "/bin:-/lib:-/lib64:-/usr"}'

vk_clean() {
    [ -z "$vk_docker" ] || DOCKER_HOST=$vk_docker docker ps -aq 2>/dev/null |
        DOCKER_HOST=$vk_docker xargs -r docker rm -f >/dev/null 2>&1 || :
    for id in $("$vk_runtime" --root "$bench_work/state" list -q 2>/dev/null); do
        "$vk_runtime" --root "$bench_work/state" delete -f "$id" || :
    done
    bench_clean
    awk -v at="$bench_work/" 'index($5, at) == 1 { print $5 }' /proc/self/mountinfo | sort -r |
        while read -r mounted; do umount -l "$mounted"; done
    rm -rf "$bench_work"
}
trap vk_clean EXIT
trap 'vk_clean; exit 130' INT TERM

# vk_rootfs PROGRAM...: with busybox, and the libraries of each.
vk_rootfs() {
    mkdir -p "$vk_root/bin" "$vk_root/dev" "$vk_root/proc" "$vk_root/sys" "$vk_root/tmp" "$vk_root/etc"
    cp "$(command -v busybox)" "$vk_root/bin/busybox"
    for applet in sh sleep cat time seq true; do
        ln -sf busybox "$vk_root/bin/$applet"
    done
    echo 'root:x:0:0:root:/:/bin/sh' >"$vk_root/etc/passwd"
    echo 'root:x:0:' >"$vk_root/etc/group"
    for program in "$@"; do
        path=$(command -v "$program")
        cp -L "$path" "$vk_root/bin/"
        ldd "$path" 2>/dev/null | grep -o '/[^ ]*' | while read -r library; do
            mkdir -p "$vk_root$(dirname "$library")"
            cp -L "$library" "$vk_root$library"
        done
    done
    mkdir -p "$bench_work/spec"
    (cd "$bench_work/spec" && "$vk_runtime" spec)
}

# vk_bundle NAME FILTER: a configuration by jq; crun 1.8 and runsc want version 1.0.
vk_bundle() {
    mkdir -p "$bench_work/$1"
    jq --arg root "$vk_root" '.ociVersion = "1.0.2" | .process.terminal = false | .root = {path: $root, readonly: true}
        | .process.rlimits = [] | .mounts += [{destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["nosuid", "nodev"]}]
        | '"$2" "$bench_work/spec/config.json" >"$bench_work/$1/base.json"
}

# vk_command BUNDLE COMMAND
vk_command() {
    jq --arg command "$2" '.process.args = ["sh", "-c", $command]' "$bench_work/$1/base.json" >"$bench_work/$1/config.json"
}

# vk_run BUNDLE COMMAND: to its end, by vireo-runtime.
vk_run() {
    vk_command "$1" "$2"
    "$vk_runtime" --root "$bench_work/state" run --bundle "$bench_work/$1" "vireo-bench-$$-$1" </dev/null
}

# The same, and goes on beside us.
vk_start() {
    vk_command "$1" "$2"
    "$vk_runtime" --root "$bench_work/state" run -d --bundle "$bench_work/$1" "vireo-bench-$$-$1" </dev/null >/dev/null 2>&1
}

vk_stop() {
    "$vk_runtime" --root "$bench_work/state" delete -f "vireo-bench-$$-$1"
}

# gVisor, by ptrace: what it takes where there is no /dev/kvm. It makes its standard input nobody's:
# that must not be the machine's /dev/null.
vk_run_runsc() { # BUNDLE COMMAND
    vk_command "$1" "$2"
    : >"$bench_work/empty"
    timeout 120 runsc --root "$bench_work/runsc" --platform=ptrace --network=none --ignore-cgroups run \
        --bundle "$bench_work/$1" "vireo-bench-$$" <"$bench_work/empty"
}

# A docker daemon of our own, with runc and its default profile; false where there is none.
vk_docker_begin() {
    for program in docker dockerd containerd runc; do
        command -v "$program" >/dev/null 2>&1 || return 1
    done
    # A UNIX socket's path is short.
    vk_docker=unix://$bench_work/docker.sock
    setpriv --pdeathsig TERM dockerd --data-root "$bench_work/docker" --exec-root "$bench_work/exec" \
        -p "$bench_work/docker.pid" -H "$vk_docker" --iptables=false --ip6tables=false --bridge=none \
        --storage-driver vfs >"$bench_work/docker.log" 2>&1 &
    bench_pids="$bench_pids $!"
    tries=0
    until DOCKER_HOST=$vk_docker docker info >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt 100 ] || return 1
        sleep 0.2
    done
    tar -C "$vk_root" -c . | DOCKER_HOST=$vk_docker docker import - box >/dev/null
}

vk_run_docker() { # COMMAND [OPTION...]
    command=$1
    shift
    DOCKER_HOST=$vk_docker docker run --rm --network none --tmpfs /tmp:exec "$@" box sh -c "$command" </dev/null
}

# Of lines "ROW COLUMN VALUE": each row's medians in Markdown, and by how much per cent they are over
# the row that is named, in the order in which they came. vk_table BASE COLUMN...
vk_table() {
    python3 -c '
import statistics, sys
base, columns = sys.argv[1], sys.argv[2:]
values = {}
for line in sys.stdin:
    row, column, value = line.rstrip("\n").split("\t")
    values.setdefault(row, {}).setdefault(column, []).append(float(value))
print("| | " + " | ".join(columns) + " |\n|---" + "|---" * len(columns) + "|")
for row, found in values.items():
    cells = []
    for column in columns:
        if column not in found:
            cells.append("–")
            continue
        middle, low, high = statistics.median(found[column]), min(found[column]), max(found[column])
        cell = "%.4g (%.4g–%.4g)" % (middle, low, high)
        if row != base and column in values.get(base, {}):
            cell += ", %+.1f%%" % (100 * (middle / statistics.median(values[base][column]) - 1))
        cells.append(cell)
    print("| %s | %s |" % (row, " | ".join(cells)))
' "$@"
}
