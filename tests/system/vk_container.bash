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
    [ -f "$at/config.json" ] || (cd "$at" && runtime spec)
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
