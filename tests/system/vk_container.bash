# What the tests of containers' virtual kernels share: a root file system of busybox, bundles made
# from one configuration and a jq filter, and a state root that is emptied after each test.
# shellcheck shell=bash

setup_file() {
    engine_begin busybox jq
    engine_rootfs "$ENGINE/rootfs"
}

teardown() {
    local id
    [ -n "${ENGINE-}" ] || return 0
    for id in $(runtime list -q); do
        runtime delete -f "$id" || true
    done
}

teardown_file() {
    [ -n "${ENGINE-}" ] || return 0
    engine_end
}

setup() {
    need_root
    [ -n "${ENGINE-}" ] || skip "busybox is not installed (scripts/deps engines)"
}

runtime() {
    timeout 60 "$ENGINE_RUNTIME" --root "$ENGINE/state" "$@" 3>&-
}

# bundle NAME FILTER COMMAND: a bundle whose config.json is changed by a jq filter.
bundle() {
    local at=$ENGINE/$1
    mkdir -p "$at"
    ln -sfn "$ENGINE/rootfs" "$at/rootfs"
    rm -f "$at/config.json"
    (cd "$at" && runtime spec)
    jq --arg command "$3" '.process.terminal = false | .root.path = "'"$ENGINE/rootfs"'"
        | .process.args = ["sh", "-c", $command] | '"$2" "$at/config.json" >"$at/config.new"
    mv "$at/config.new" "$at/config.json"
    echo "$at"
}

# once NAME FILTER COMMAND [FLAG...]: runs it to its end; output and status are run's.
once() {
    local at name=$1
    at=$(bundle "$1" "$2" "$3")
    shift 3
    run runtime "$@" run --bundle "$at" "$name" </dev/null
}

pid_of() {
    runtime state "$1" | jq .pid
}

# The scheduling policy of every thread below a process, one number a line.
policies_of() {
    local pid
    for pid in "$1" $(descendants "$1"); do
        awk '{sub(/^.*\) /, ""); print $39}' /proc/"$pid"/task/*/stat
    done | sort -u
}

# views NAME: the process that serves a container's files.
views() {
    local pid
    for pid in $(pgrep -x vireo-view); do
        # It is told whose it is.
        ! grep -qsz "^$1$" "/proc/$pid/cmdline" || [[ $(awk '/^State/ {print $2}' "/proc/$pid/status") == Z ]] || echo "$pid"
    done
}

# detached NAME FILTER COMMAND
detached() {
    local at
    at=$(bundle "$@")
    runtime run -d --bundle "$at" "$1" </dev/null >"$ENGINE/$1.out" 2>&1
}

# The brokers of this test's containers, by the directory that they hold open.
brokers() {
    local at
    for at in /proc/[0-9]*/fd/4; do
        [[ $(readlink "$at" 2>/dev/null) != "$ENGINE/state/"* ]] ||
            [ "$(cat "${at%/fd/4}/comm" 2>/dev/null)" != vireo-vkernel ] || basename "${at%/fd/4}"
    done
}

# lookers NAME: the processes that look at an adaptive container.
lookers() {
    local at
    for at in /proc/[0-9]*; do
        [ "$(cat "$at/comm" 2>/dev/null)" != vireo-adaptive ] ||
            [[ $(readlink "$at/fd/4" 2>/dev/null) != "$ENGINE/state/$1"* ]] || basename "$at"
    done
}
