#!/usr/bin/env bats
# bats file_tags=alone
# podman with vireo-runtime as its runtime.

load helper
bats_require_minimum_version 1.5.0
load engines

setup_file() {
    engine_begin podman conmon busybox
    engine_rootfs "$ENGINE/rootfs"
    cat >"$ENGINE/containers.conf" <<END2
[engine]
events_logger = "file"
cgroup_manager = "cgroupfs"
runtime = "it"
runtime_supports_json = ["it"]
runtime_supports_nocgroup = ["it"]
[engine.runtimes]
it = ["$ENGINE_RUNTIME"]
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
netns = "none"
END2
    export CONTAINERS_CONF=$ENGINE/containers.conf
}

teardown_file() {
    [ -n "${ENGINE-}" ] || return 0
    podman rm -a -f -t 0 >/dev/null 2>&1 || true
    rootless_end
    engine_end
}

setup() {
    [ -n "${ENGINE-}" ] || skip "podman is not installed (scripts/deps engines)"
}

teardown() {
    # A second try begins as the first.
    podman rm -f -t 0 -i life tty limits healthy noted >/dev/null 2>&1 || true
}

podman() {
    timeout 60 podman --root "$ENGINE/storage" --runroot "$ENGINE/run" --tmpdir "$ENGINE/tmp" \
        --storage-driver vfs "$@" 3>&-
}

# start NAME [OPTION...] -- COMMAND...
start() {
    local name=$1 options=()
    shift
    while [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    shift
    podman run -d --name "$name" ${options[@]+"${options[@]}"} --rootfs "$ENGINE/rootfs" "$@"
}

status_is() {
    [ "$(podman inspect --format '{{.State.Status}}' "$1")" = "$2" ]
}

@test "podman runs a container, and its output and exit status arrive" {
    run podman run --rm --rootfs "$ENGINE/rootfs" sh -c 'echo out; echo err >&2; exit 7'
    [ "$status" = 7 ]
    [[ $output == *out* ]]
    [[ $output == *err* ]]
}

@test "podman tells a program that is not there (127) from one that can't be run (126)" {
    run -127 podman run --rm --rootfs "$ENGINE/rootfs" no-such-program
    [ "$status" = 127 ]
    run podman run --rm --rootfs "$ENGINE/rootfs" /etc/passwd
    [ "$status" = 126 ]
}

@test "podman's containers have no groups where it says so, and their log no line of the runtime's" {
    run podman run --rm --cgroups=disabled --rootfs "$ENGINE/rootfs" grep -c libpod /proc/self/cgroup
    [ "${lines[-1]}" = 0 ]
    podman run --name noted --privileged --rootfs "$ENGINE/rootfs" sh -c 'echo own >&2'
    [ "$(podman logs noted 2>&1)" = own ]
    podman rm noted
}

@test "podman execs, pauses, goes on, stops and shows the log" {
    start life -- sh -c 'echo begun; trap "exit 3" TERM; while :; do sleep 0.05; done'
    run podman exec life sh -c 'cat /proc/1/cmdline | tr "\0" " "; exit 5'
    [ "$status" = 5 ]
    [[ $output == *"trap"* ]]
    podman pause life
    status_is life paused
    podman unpause life
    status_is life running
    podman stop -t 20 life
    [ "$(podman inspect --format '{{.State.ExitCode}}' life)" = 3 ]
    [ "$(podman logs life)" = begun ]
    podman start life
    status_is life running
    podman rm -f -t 0 life
}

@test "podman execs with a terminal" {
    start tty -- sleep 60
    run script -qec "podman --root $ENGINE/storage --runroot $ENGINE/run --tmpdir $ENGINE/tmp \
        --storage-driver vfs exec -it tty sh -c 'tty; stty size'" /dev/null </dev/null
    [[ $output == */dev/pts/0* ]]
    podman rm -f -t 0 tty
}

@test "podman's limits arrive in the container's groups" {
    start limits --memory 64m --cpus 0.5 --pids-limit 33 -- sleep 60
    local pid group
    pid=$(podman inspect --format '{{.State.Pid}}' limits)
    group() { # controller
        awk -F: -v c="$1" '$2 ~ "(^|,)" c "(,|$)" {print $3}' "/proc/$pid/cgroup"
    }
    if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
        group=/sys/fs/cgroup$(awk -F: '$1 == 0 {print $3}' "/proc/$pid/cgroup")
        [ "$(cat "$group/memory.max")" = $((64 << 20)) ]
        [ "$(cat "$group/pids.max")" = 33 ]
        [ "$(cat "$group/cpu.max")" = "50000 100000" ]
    else
        [ "$(cat "/sys/fs/cgroup/memory$(group memory)/memory.limit_in_bytes")" = $((64 << 20)) ]
        [ "$(cat "/sys/fs/cgroup/pids$(group pids)/pids.max")" = 33 ]
        [ "$(cat "/sys/fs/cgroup/cpu$(group cpu)/cpu.cfs_quota_us")" = 50000 ]
    fi
    podman rm -f -t 0 limits
}

@test "podman's health checks run in the container" {
    rm -f "$ENGINE/rootfs/tmp/well" # of a first try
    start healthy --health-cmd 'test -e /tmp/well' --health-interval disable -- \
        sh -c 'sleep 60'
    run podman healthcheck run healthy
    [ "$status" != 0 ]
    podman exec healthy touch /tmp/well
    podman healthcheck run healthy
    podman rm -f -t 0 healthy
}

@test "podman's annotations are the container's virtual kernel" {
    [[ $ENGINE_RUNTIME == *vireo-runtime ]] || skip "it is of vireo-runtime"
    local key=io.vireo.vkernel id
    run podman run --rm --annotation "$key.params.view=on" --annotation "$key.log.size=64KiB" --annotation "$key.sched.policy=fifo" \
        --annotation "$key.syscalls.calls.mkdir=errno EROFS" --rootfs "$ENGINE/rootfs" sh -c 'cat /dev/vkernel/cpu.real_policy
        cat /proc/sys/kernel/sched_wakeup_granularity_ns; echo said >/dev/kmsg; dmesg; mkdir /tmp/x 2>&1 || echo 150000 >/proc/sys/kernel/sched_wakeup_granularity_ns'
    echo "$output"
    # The rest of /proc/sys podman mounts read-only.
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = fifo ]
    [ "${lines[1]}" = 100000000 ]
    [[ ${lines[2]} == *said ]]
    [[ $output == *"mkdir: can't create directory '/tmp/x': Read-only file system"* ]]
    run podman run --rm --annotation "$key.nothing=1" --rootfs "$ENGINE/rootfs" true
    [ "$status" -ne 0 ]
    [[ $output == *"annotation $key"*nothing* ]]
}

@test "podman: many at once start, and none leaves a process or a state" {
    local i pid pids=()
    for i in 1 2 3 4 5 6; do
        podman run --rm --rootfs "$ENGINE/rootfs" sh -c "echo number $i" >"$BATS_TEST_TMPDIR/$i" 2>&1 &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do
        wait "$pid"
    done
    for i in 1 2 3 4 5 6; do
        [ "$(cat "$BATS_TEST_TMPDIR/$i")" = "number $i" ]
    done
    [ -z "$(podman ps -a -q)" ]
}

# rootless ARG...: podman as a user who is not root and has nothing but its home.
rootless() {
    timeout 60 setpriv --reuid 65534 --regid 65534 --clear-groups env -i PATH="$PATH" HOME="$ENGINE/home" \
        XDG_RUNTIME_DIR="$ENGINE/home/run" CONTAINERS_CONF="$CONTAINERS_CONF" \
        podman --root "$ENGINE/home/storage" --runroot "$ENGINE/home/run/podman" --storage-driver vfs "$@" 3>&-
}

# podman's process that keeps the user's namespaces.
rootless_end() {
    local pause
    pause=$(cat "$ENGINE"/home/run/libpod/tmp/pause.pid 2>/dev/null || true)
    [ -z "$pause" ] || kill "$pause" 2>/dev/null || true
}

@test "podman without root runs, execs and stops a container" {
    mkdir -p "$ENGINE/home/run"
    rm -rf "$ENGINE/home/rootfs"
    cp -r "$ENGINE/rootfs" "$ENGINE/home/rootfs"
    chmod 755 "$ENGINE"
    chown -R 65534:65534 "$ENGINE/home"
    run rootless run --rm --rootfs "$ENGINE/home/rootfs" sh -c 'id -u; exit 7'
    rootless_end
    [ "$status" = 7 ]
    [[ ${lines[-1]} == 0 ]]
    rootless rm -f -t 0 -i own # of a first try
    rootless run -d --name own --rootfs "$ENGINE/home/rootfs" sh -c 'trap "exit 3" TERM; while :; do sleep 0.05; done'
    run rootless exec own sh -c 'exit 5'
    [ "$status" = 5 ]
    rootless stop -t 20 own
    [ "$(rootless inspect --format '{{.State.ExitCode}}' own)" = 3 ]
    rootless rm own
    rootless_end
}
