# What the tests with container engines share: a root file system of busybox, and engines that are
# started in a directory of their own and ended with it.
# shellcheck shell=bash

# Another runtime can be put to the same tests.
ENGINE_RUNTIME=${ENGINE_RUNTIME:-$BUILD/vireo-runtime}

engine_begin() {
    need_root
    local program
    for program in "$@"; do
        command -v "$program" >/dev/null || skip "$program is not installed (scripts/deps engines)"
    done
    # A UNIX socket's path has 107 bytes.
    ENGINE=$(mktemp -d /tmp/vireo-eng.XXXXXX)
    export ENGINE
    engine_groups >"$ENGINE/groups"
}

# What engines make below the control groups' roots and leave there.
engine_groups() {
    find /sys/fs/cgroup -maxdepth 2 -type d \( -name docker -o -name libpod_parent -o -name default -o -name k8s.io \) | sort
}

# engine_rootfs DIR: busybox and what it is called by.
engine_rootfs() {
    local applet
    mkdir -p "$1"/{bin,dev,etc,proc,root,run,sys,tmp}
    cp /bin/busybox "$1/bin/busybox"
    for applet in $(/bin/busybox --list); do
        [ "$applet" = busybox ] || ln -sf busybox "$1/bin/$applet"
    done
    echo 'root:x:0:0:root:/root:/bin/sh' >"$1/etc/passwd"
    echo 'root:x:0:' >"$1/etc/group"
}

# Ends process $1, and everything mounted below the directory of the engine.
engine_end() {
    local pid
    for pid in "$@"; do
        [ -n "$pid" ] || continue
        kill "$pid" 2>/dev/null || true
        eventually 15 not alive "$pid" || kill -KILL "$pid" 2>/dev/null || true
    done
    # What an engine left behind names the directory: shims and monitors.
    for pid in $(pgrep -f "$ENGINE" || true); do
        [ "$pid" = $$ ] || [ "$pid" = "$BASHPID" ] || kill -KILL "$pid" 2>/dev/null || true
    done
    awk -v at="$ENGINE/" 'index($5, at) == 1 {print $5}' /proc/self/mountinfo | sort -r |
        while read -r mounted; do umount -l "$mounted" || true; done
    engine_groups | comm -13 "$ENGINE/groups" - | while read -r group; do
        find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null || true
    done
    rm -rf "$ENGINE"
}
