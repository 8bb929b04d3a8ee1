#!/bin/sh
# A systemd and its bus as process 1 of their own namespaces, with the groups below ours as theirs:
#     systemd_bed.sh DIR          (as root; DIR has room for units; ends with the process)
# Only what is needed is started: nothing of the machine's units, nothing that cleans or logs.
set -eu
dir=$1
if [ -z "${SYSTEMD_BED-}" ]; then
    SYSTEMD_BED=1 exec unshare --pid --mount --cgroup --uts --ipc --fork --kill-child "$0" "$dir"
fi
# The machine's parameters are not this systemd's to raise.
mount -t proc proc /proc
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mount -t tmpfs tmpfs /run
# On v2 a group with processes passes no controllers on: our parent has to be gone from it first.
tries=0
until [ -e "$dir/alone" ] || [ "$tries" = 200 ]; do
    sleep 0.05
    tries=$((tries + 1))
done
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    # Not on itself, which the kernel refuses.
    mount -t tmpfs tmpfs /sys/fs/cgroup
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
else
    trees=$(cd /sys/fs/cgroup && find . -mindepth 1 -maxdepth 1 -type d -printf '%f ')
    mount -t tmpfs tmpfs /sys/fs/cgroup
    for tree in $trees; do
        mkdir "/sys/fs/cgroup/$tree"
        case $tree in
            unified) mount -t cgroup2 cgroup2 "/sys/fs/cgroup/$tree" ;;
            systemd) mount -t cgroup -o none,name=systemd cgroup "/sys/fs/cgroup/$tree" ;;
            *) mount -t cgroup -o "$tree" cgroup "/sys/fs/cgroup/$tree" ;;
        esac
    done
fi
mkdir -p "$dir/units"
cat >"$dir/units/basic.target" <<'END'
[Unit]
Description=the bus
Requires=dbus.service
After=dbus.service
END
cat >"$dir/units/dbus.socket" <<'END'
[Unit]
DefaultDependencies=no
[Socket]
ListenStream=/run/dbus/system_bus_socket
END
cat >"$dir/units/dbus.service" <<'END'
[Unit]
DefaultDependencies=no
Requires=dbus.socket
[Service]
Type=notify
NotifyAccess=main
ExecStart=/usr/bin/dbus-daemon --system --address=systemd: --nofork --nopidfile --systemd-activation --syslog-only
END
# A user's own manager with a bus of its own, as logind starts them: started by name, user@NAME.service.
mkdir -p "$dir/user"
chmod 755 "$dir" "$dir/units" "$dir/user"
cat >"$dir/units/user@.service" <<END
[Unit]
DefaultDependencies=no
After=dbus.service
[Service]
Type=notify
User=%i
Delegate=pids memory cpu
RuntimeDirectory=user/%i
RuntimeDirectoryMode=0700
Environment=XDG_RUNTIME_DIR=/run/user/%i HOME=/run/user/%i SYSTEMD_UNIT_PATH=/run/user/%i/systemd/transient:$dir/user
ExecStart=/lib/systemd/systemd --user --unit=basic.target --log-target=console
KillMode=mixed
TimeoutStopSec=2
END
cp "$dir/units/basic.target" "$dir/user/"
cat >"$dir/user/dbus.socket" <<'END'
[Unit]
DefaultDependencies=no
[Socket]
ListenStream=%t/bus
END
sed -e 's/--system /--session /' "$dir/units/dbus.service" >"$dir/user/dbus.service"
run=/run/systemd
exec env -i container=vireo PATH="$PATH" \
    SYSTEMD_UNIT_PATH="$run/transient:$run/system.control:$run/control:$dir/units" \
    /lib/systemd/systemd --system --unit=basic.target --log-target=console --show-status=no
