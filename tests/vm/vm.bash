# What the guest's tests share, beside what all system tests do.
# shellcheck shell=bash
source "$(dirname "${BASH_SOURCE[0]}")/../system/helper.bash"

PREPARED=$BUILD/vm

# These change the machine: groups, users' files, what is mounted.
need_guest() {
    [ -n "${VM_CGROUP-}" ] || skip "for the guest alone: tests/vm/run"
}

need_v2() {
    [ "$VM_CGROUP" = v2 ] || skip "for control groups v2"
}

# A daemon that has the key and the libraries of tests/vm/prepare.
prepared_daemon() {
    VIREO_STATE=$(mktemp -d /tmp/vireo-test.XXXXXX)
    cp -a "$PREPARED/state/." "$VIREO_STATE"
    daemon_start "$@"
}

# prepared_deploy NAME: without a compiler, or not at all.
prepared_deploy() {
    local library
    library=$("$VIREO" deploy -v "$PREPARED/$1" 2>&1) || {
        echo "$library" >&2
        return 1
    }
    [[ $library != *compile:* && $library != *optimise:* ]]
}

# Every control group of ours, in all trees.
groups_left() {
    find /sys/fs/cgroup -mindepth 1 -type d \( -name 'vireo*' -o -path '*/vireo/*' \) ! -name 'vireo.service'
}

# Pids of a function's processes.
pvm_pids() {
    local uid pid
    uid=$("$VIREO" describe -o json "$1" | jq -r .uid)
    for pid in $(descendants "$VIREO_DAEMON"); do
        [ "$(awk '/^Uid:/ {print $2}' "/proc/$pid/status" 2>/dev/null)" != "$uid" ] || echo "$pid"
    done
}

# The directory of a process's group in the tree that has a controller.
group_of() {
    local tree=/sys/fs/cgroup path
    case $VM_CGROUP in
    v2) path=$(sed -n 's/^0:://p' "/proc/$1/cgroup") ;;
    *)
        path=$(sed -n "s/^[0-9]*:[^:]*\b$2\b[^:]*://p" "/proc/$1/cgroup")
        tree=$(echo /sys/fs/cgroup/*"$2"*)
        ;;
    esac
    echo "$tree$path"
}
