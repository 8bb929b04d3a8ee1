#!/usr/bin/env bats
# bats file_tags=alone
# dockerd with vireo-runtime as further runtimes (daemon.json).

load helper
bats_require_minimum_version 1.5.0
load engines

setup_file() {
    engine_begin dockerd docker containerd busybox jq
    engine_rootfs "$ENGINE/rootfs"
    export DOCKER_HOST=unix://$ENGINE/sock DOCKER_CONFIG=$ENGINE/config
    printf '%s\n' sched.policy=fifo params.view=on 'syscalls.calls.mkdir=errno EROFS' >"$ENGINE/strict"
    jq -n --arg path "$ENGINE_RUNTIME" --arg file "@$ENGINE/strict" '{runtimes: {vireo: {path: $path},
        strict: {path: $path, runtimeArgs: ["--vkernel", $file, "--vkernel", "log.size=64KiB"]}}}' >"$ENGINE/daemon.json"
    setpriv --pdeathsig TERM dockerd --data-root "$ENGINE/data" --exec-root "$ENGINE/exec" -p "$ENGINE/pid" \
        -H "$DOCKER_HOST" --iptables=false --ip6tables=false --bridge=none --storage-driver vfs \
        --config-file "$ENGINE/daemon.json" --default-ulimit nofile=1024:1024 \
        >"$ENGINE/log" 2>&1 3>&- &
    export DOCKERD=$!
    eventually 60 docker info >/dev/null 2>&1 || { tail "$ENGINE/log" >&2; return 1; }
    tar -C "$ENGINE/rootfs" -c . | docker import - box >/dev/null
}

teardown_file() {
    [ -n "${ENGINE-}" ] || return 0
    local left
    left=$(timeout 20 docker ps -a -q 2>/dev/null || true)
    # shellcheck disable=SC2086
    [ -z "$left" ] || timeout 60 docker rm -f $left >/dev/null 2>&1 || true
    engine_end "${DOCKERD-}"
}

setup() {
    [ -n "${ENGINE-}" ] || skip "docker is not installed (scripts/deps engines)"
}

teardown() {
    # A second try begins as the first.
    docker rm -f life term again web side probe >/dev/null 2>&1 || true
}

docker() {
    timeout 60 docker "$@" 3>&-
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
    docker run -d --name "$name" --runtime vireo --network none ${options[@]+"${options[@]}"} box "$@"
}

@test "docker runs a container, and its output and exit status arrive" {
    run docker run --rm --runtime vireo --network none box sh -c 'echo out; echo err >&2; exit 7'
    [ "$status" = 7 ]
    [[ $output == *out* ]]
    [[ $output == *err* ]]
}

@test "docker tells a program that is not there (127) from one that can't be run (126)" {
    run -127 docker run --rm --runtime vireo --network none box no-such-program
    [ "$status" = 127 ]
    run docker run --rm --runtime vireo --network none box /etc/passwd
    [ "$status" = 126 ]
}

@test "docker runs and execs with a terminal" {
    run script -qec "docker run --rm -it --runtime vireo --network none box sh -c 'tty; exit 4'" /dev/null </dev/null
    [[ $output == */dev/* ]]
    start term -- sleep 60
    run script -qec "docker exec -it term sh -c 'tty; id -u'" /dev/null </dev/null
    [[ $output == */dev/pts/* ]]
    docker rm -f term
}

@test "docker execs, updates, shows figures, pauses and stops" {
    start life -- sh -c 'trap "exit 3" TERM; while :; do sleep 0.05; done'
    run docker exec life sh -c 'exit 5'
    [ "$status" = 5 ]
    run docker top life
    [[ $output == *trap* ]]
    docker update --memory 64m --memory-swap 64m life
    run docker stats --no-stream --format '{{.MemUsage}}' life
    [[ $output == *"/ 64MiB" ]]
    docker pause life
    [ "$(docker inspect --format '{{.State.Status}}' life)" = paused ]
    docker unpause life
    docker stop -t 20 life
    [ "$(docker inspect --format '{{.State.ExitCode}}' life)" = 3 ]
    docker rm life
}

restarted() {
    [ "$(docker inspect --format '{{.RestartCount}}' "$1")" -ge 2 ]
}

@test "docker: what the runtime's arguments say is the virtual kernel of all of its containers" {
    [[ $ENGINE_RUNTIME == *vireo-runtime ]] || skip "it is of vireo-runtime"
    docker run -d --name life --runtime strict --network none box sh -c 'echo said >/dev/kmsg; dmesg; mkdir /tmp/x 2>&1; cat /dev/vkernel/cpu.real_policy; sleep 60'
    eventually 10 sh -c 'docker logs life 2>&1 | grep -q fifo'
    run docker logs life
    echo "$output"
    [[ $output == *said* && $output == *"Read-only file system"* && $output == *fifo* ]]
    local id
    id=$(docker inspect --format '{{.Id}}' life)
    # The state is where this daemon keeps it.
    local root
    root=$(echo "$ENGINE"/exec/runtime-*/moby)
    run "$ENGINE_RUNTIME" --root "$root" vk get "$id"
    [ "$(jq -r '.keys["sched.policy"].value' <<<"$output")" = fifo ]
    "$ENGINE_RUNTIME" --root "$root" vk set "$id" sched.policy batch
    [ "$(docker exec life cat /dev/vkernel/cpu.real_policy)" = batch ]
    docker rm -f life
    run docker run --rm --runtime vireo --network none box sh -c 'ls /dev/vkernel 2>&1; mkdir /tmp/x && echo made'
    [[ $output == *made ]]
    [[ $output == *"No such file"* ]]
}

@test "docker's restart policy brings a container up again" {
    start again --restart on-failure:2 -- false
    eventually 30 restarted again
    docker rm -f again
}

@test "docker: a set of three containers, two in the namespaces of the first" {
    start web -- sh -c 'mkdir /w; echo hello >/w/i; ip link set lo up 2>/dev/null; exec httpd -f -p 127.0.0.1:8000 -h /w'
    docker run -d --name side --runtime vireo --network container:web --pid container:web box sleep 60
    docker run -d --name probe --runtime vireo --network container:web box sleep 60
    answered() { [ "$(docker exec probe wget -q -O - http://127.0.0.1:8000/i)" = hello ]; }
    eventually 20 answered
    run docker exec side ps
    [[ $output == *httpd* ]]
    docker rm -f probe side web
}
