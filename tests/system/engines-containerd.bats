#!/usr/bin/env bats
# bats file_tags=alone
# containerd, by ctr, with vireo-runtime as the runtime of its shim.

load helper
load engines

setup_file() {
    engine_begin containerd ctr busybox
    engine_rootfs "$ENGINE/rootfs"
    cat >"$ENGINE/config.toml" <<END2
version = 2
root = "$ENGINE/root"
state = "$ENGINE/state"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
address = "$ENGINE/sock"
[plugins."io.containerd.grpc.v1.cri"]
disable_tcp_service = true
# Where root may not lower it (a container in a container).
restrict_oom_score_adj = true
sandbox_image = "localhost/box:1"
[plugins."io.containerd.grpc.v1.cri".containerd]
default_runtime_name = "vireo"
snapshotter = "native"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.vireo]
runtime_type = "io.containerd.runc.v2"
pod_annotations = ["io.vireo.*"]
container_annotations = ["io.vireo.*"]
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.vireo.options]
BinaryName = "$ENGINE_RUNTIME"
END2
    setpriv --pdeathsig TERM containerd --config "$ENGINE/config.toml" >"$ENGINE/log" 2>&1 3>&- &
    export CONTAINERD=$!
    eventually 30 ctr version >/dev/null 2>&1 || { tail "$ENGINE/log" >&2; return 1; }
}

teardown_file() {
    [ -n "${ENGINE-}" ] || return 0
    local task
    for task in $(ctr task ls -q 2>/dev/null); do
        ctr task kill -s KILL "$task" 2>/dev/null || true
        ctr task rm -f "$task" >/dev/null 2>&1 || true
        ctr container rm "$task" 2>/dev/null || true
    done
    engine_end "${CONTAINERD-}"
}

setup() {
    [ -n "${ENGINE-}" ] || skip "containerd is not installed (scripts/deps engines)"
}

teardown() {
    # A second try begins as the first.
    ctr task rm -f life >/dev/null 2>&1 || true
    ctr container rm once life >/dev/null 2>&1 || true
}

ctr() {
    timeout 60 ctr -a "$ENGINE/sock" "$@" 3>&-
}

ctr_run() {
    ctr run --runc-binary "$ENGINE_RUNTIME" --rootfs "$@"
}

task_is() {
    [ "$(ctr task ls | awk -v id="$1" '$1 == id {print $3}')" = "$2" ]
}

@test "ctr runs a container, and its output and exit status arrive" {
    run ctr_run --rm "$ENGINE/rootfs" once /bin/sh -c 'echo out; exit 7'
    [ "$status" = 7 ]
    [[ $output == *out* ]]
}

@test "ctr execs, pauses, goes on, shows metrics and kills" {
    ctr_run -d "$ENGINE/rootfs" life /bin/sh -c 'trap "exit 3" TERM; while :; do sleep 0.05; done'
    run ctr task exec --exec-id e1 life /bin/sh -c 'echo inside; exit 5'
    [ "$status" = 5 ]
    [[ $output == *inside* ]]
    run ctr task ps life
    [[ ${#lines[@]} -ge 2 ]]
    ctr task pause life
    task_is life PAUSED
    ctr task resume life
    task_is life RUNNING
    run ctr task metrics life
    [ "$status" = 0 ]
    [[ $output == *memory* ]]
    ctr task kill -s TERM life
    eventually 20 task_is life STOPPED
    run ctr task rm life
    ctr container rm life
}

@test "ctr's annotations are the container's virtual kernel" {
    [[ $ENGINE_RUNTIME == *vireo-runtime ]] || skip "it is of vireo-runtime"
    local key=io.vireo.vkernel
    run ctr_run --rm --annotation "$key.params.view=on" --annotation "$key.sched.policy=batch" --annotation "$key.syscalls.calls.mkdir=errno EROFS" \
        "$ENGINE/rootfs" once /bin/sh -c 'cat /dev/vkernel/cpu.real_policy; mkdir /tmp/x 2>&1'
    echo "$output"
    [ "${lines[0]}" = batch ]
    [[ $output == *"Read-only file system"* ]]
}

@test "containerd's CRI plug-in has the runtime" {
    run ctr plugins ls
    [[ $output == *"io.containerd.grpc.v1"*cri*ok* ]]
    run grep -c 'invalid' "$ENGINE/log"
    [ "$output" = 0 ]
}

@test "a client of the CRI runs a pod: sandbox, container, exec, figures, stop" {
    /usr/bin/python3 -c 'import grpc' 2>/dev/null || skip "python3-grpcio is not installed (scripts/deps engines)"
    python3 "$TOP/tests/system/image_archive.py" "$ENGINE/rootfs" localhost/box:1 "$ENGINE/box.tar"
    ctr -n k8s.io images import --snapshotter native "$ENGINE/box.tar"
    run timeout 120 /usr/bin/python3 "$TOP/tests/system/cri_client.py" "$ENGINE/sock" vireo localhost/box:1
    [ "$status" = 0 ]
    [[ $output == *"sandbox ready vireo"* ]]
    [[ $output == *"container running"* ]]
    [[ $output == *"exec inside 5"* ]]
    [[ $ENGINE_RUNTIME != *vireo-runtime || $output == *"policy batch"* ]]
    [[ $output == *"stats memory"* ]]
    [[ $output == *"stopped 3"* ]]
    [[ $output == *"left 0"* ]]
}
