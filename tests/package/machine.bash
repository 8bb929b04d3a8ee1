# A machine for the package: a bare Debian 12 with systemd as its PID 1, in systemd-nspawn. What
# happens in it is gone when it stops.
# shellcheck shell=bash

MACHINE_CACHE=${VIREO_TEST_CACHE:-/var/cache/vireo-test}

# machine_root PACKAGE...: prints the directory of a root with these packages; made once (half a
# minute, 700 MB), and again when the list changes.
machine_root() {
    local list root key
    list=$(printf '%s\n' "$@" | sort -u | paste -sd,)
    key=$(printf '%s' "$list" | sha256sum | cut -c -16)
    root=$MACHINE_CACHE/root-$key
    if [ ! -d "$root" ]; then
        mkdir -p "$MACHINE_CACHE"
        # Roots of other lists are of no use any more.
        rm -rf "$MACHINE_CACHE"/root-*
        mmdebstrap --quiet --variant=minbase --aptopt='Acquire::Languages "none"' \
            --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
            --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*' \
            --include="$list" bookworm "$root.new" >"$MACHINE_CACHE/log" 2>&1 || {
            tail -n 20 "$MACHINE_CACHE/log" >&2
            rm -rf "$root.new"
            return 1
        }
        mv "$root.new" "$root"
    fi
    echo "$root"
}

# The control group trees of this machine: a directory a line.
machine_trees() {
    awk '$3 == "cgroup" || $3 == "cgroup2" {print $2}' /proc/self/mounts
}

# machine_start ROOT: boots it. Sets MACHINE, MACHINE_PID (of nspawn) and MACHINE_INIT.
machine_start() {
    local tree
    MACHINE=vireo-test-$$
    for tree in $(machine_trees); do
        mkdir -p "$tree/$MACHINE" || return 1
        # Without them no process may enter.
        if [ -f "$tree/$MACHINE/cpuset.cpus" ] && [ -f "$tree/$MACHINE/tasks" ]; then
            cat "$tree/cpuset.cpus" >"$tree/$MACHINE/cpuset.cpus"
            cat "$tree/cpuset.mems" >"$tree/$MACHINE/cpuset.mems"
        fi
    done
    # In groups of its own in every tree, so that its systemd sees and changes nothing else; in a
    # mount namespace of its own, so that no mount stays. A network of its own: loopback.
    (
        for tree in $(machine_trees); do
            echo "$BASHPID" >"$tree/$MACHINE/cgroup.procs"
        done
        exec env SYSTEMD_SECCOMP=0 SYSTEMD_NSPAWN_API_VFS_WRITABLE=1 unshare --mount --propagation private \
            systemd-nspawn --quiet --directory="$1" --volatile=overlay --machine="$MACHINE" \
            --register=no --keep-unit --private-network --link-journal=no --capability=all \
            --console=pipe --boot --resolv-conf=off --timezone=off
    ) >"$BATS_FILE_TMPDIR/machine.log" 2>&1 </dev/null 3>&- &
    MACHINE_PID=$!
    export MACHINE MACHINE_PID MACHINE_INIT
    eventually 10 machine_init && eventually 30 machine_booted && machine_unlock || {
        tail -n 20 "$BATS_FILE_TMPDIR/machine.log" >&2
        return 1
    }
}

machine_init() {
    MACHINE_INIT=$(cat "/proc/$MACHINE_PID/task/$MACHINE_PID/children" 2>/dev/null)
    MACHINE_INIT=${MACHINE_INIT%% *}
    [ -n "$MACHINE_INIT" ] && [ "$(cat "/proc/$MACHINE_INIT/comm")" = systemd ]
}

# Units of the bare root that this kernel has no use for may fail: only ours matter.
machine_booted() {
    case $(machine_run systemctl is-system-running 2>/dev/null) in
    running | degraded) ;;
    *) return 1 ;;
    esac
}

# nspawn mounts the v1 trees read only.
machine_unlock() {
    # shellcheck disable=SC2016 # for the machine's shell
    machine_run sh -c 'awk "\$3 == \"cgroup\" {print \$2}" /proc/self/mounts |
        xargs -r -n 1 mount -o remount,bind,rw'
}

# machine_run COMMAND...: in the machine, as root, with a clean environment.
machine_run() {
    nsenter --target "$MACHINE_INIT" --mount --uts --ipc --net --pid --cgroup --root --wdns=/ \
        env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive "$@"
}

# machine_copy FILE PLACE: into the machine.
machine_copy() {
    machine_run sh -c 'cat >"$1"' sh "$2" <"$1"
}

# Ends it and all that it had: for teardown_file.
machine_stop() {
    local tree
    [ -n "${MACHINE-}" ] || return 0
    # nspawn asks its systemd to halt; what hangs is killed with its PID 1.
    kill -TERM "$MACHINE_PID" 2>/dev/null || true
    if ! eventually 15 not alive "$MACHINE_PID"; then
        kill -KILL "$MACHINE_INIT" "$MACHINE_PID" 2>/dev/null || true
    fi
    for tree in $(machine_trees); do
        find "$tree/$MACHINE" -depth -type d -exec rmdir {} + 2>/dev/null || true
    done
    rmdir "/run/systemd/nspawn/propagate/$MACHINE" 2>/dev/null || true
    rm -f "/run/systemd/nspawn/locks/"*"$MACHINE"*
    unset MACHINE
}
