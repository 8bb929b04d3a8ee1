#!/bin/sh
# Functions in containers: a busybox shell function's time to its answer's first byte, from nothing, from
# a generic container, from a launcher and from the warm pool, beside the program by itself and beside
# crun (Debian 12's and its newest), runc and vireo-runtime; from pools that crun and runc make; a Python
# function by warm fork; 8 and 32 calls at once beside as many runs at once; and what idle containers take of
# memory beside crun's.
# All in one mount namespace made once (crun 1.8 refuses a hybrid layout of control groups), turn and turn
# about from one process, with the same spawn loop for all.
# Usage: bench/run-container.sh [ROUNDS [FIRST_ROUNDS [IDLE]]]
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
chmod 755 "$bench_work"
bench_need python3 jq apt-get dpkg-deb patchelf
. "$bench_root/bench/crun.sh"

root=$bench_work/bundle/rootfs
mkdir -p "$root/bin" "$root/dev" "$root/etc" "$root/proc" "$root/sys" "$root/tmp"
cp /bin/busybox "$root/bin/"
for applet in sh echo cat sleep true; do ln -s busybox "$root/bin/$applet"; done
"$bench_build/vireo-runtime" spec -b "$bench_work/bundle"
# crun 1.8 knows no later version.
jq '.ociVersion = "1.0.2" | .process.terminal = false | .process.args = ["sh", "-c", "echo hello"]' \
    "$bench_work/bundle/config.json" >"$bench_work/config" && mv "$bench_work/config" "$bench_work/bundle/config.json"

set -- "$bench_build" "$bench_work" "$bench_root" "${1:-100}" "${2:-3}" "${3:-200}" "vireo-runtime=$bench_build/vireo-runtime"
short=
trap '[ -z "$short" ] || rm -rf "$short"; bench_clean' EXIT
! command -v crun >/dev/null || set -- "$@" "crun $(crun_version crun)=$(command -v crun)"
if new_crun; then
    set -- "$@" "crun $(crun_version "$short/crun") ($suite)=$short/crun"
else
    echo "the newest crun can't be had (network?): it is not measured" >&2
fi
! command -v runc >/dev/null || set -- "$@" "runc $(runc --version | sed -n 's/^runc version //p')=$(command -v runc)"
echo "Functions in containers: $(bench_machine)"
echo
python3 "$bench_root/bench/container/turns.py" "$@"
echo
echo "load at the end: $(bench_load)"
