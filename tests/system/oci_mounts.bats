#!/usr/bin/env bats
# Mounts, devices and paths of a container are what config.json says, with all options.

load helper
load oci_bundle

setup() {
    bundle_begin
    mkdir -p "$DIR/source/below"
    echo host >"$DIR/source/file"
}

teardown() {
    mountpoint -q "$DIR/source/below" && umount "$DIR/source/below"
    while mountpoint -q "$DIR/a hidden"; do umount "$DIR/a hidden"; done
    bundle_end
}

# mounted JSON... -- ARG...: with these mounts besides the usual ones.
mounted() {
    local list=
    while [ "$1" != -- ]; do
        list+="${list:+,}$1"
        shift
    done
    shift
    contain ".mounts += [$list]" "$@"
}

@test "bind: of a file and a directory, read-only, without programs; its source is not changed" {
    run mounted '{"destination": "/b", "type": "bind", "source": "'"$DIR"'/source", "options": ["rbind", "ro", "noexec", "nosuid", "nodev"]}' \
        '{"destination": "/etc/one", "source": "'"$DIR"'/source/file", "options": ["bind"]}' \
        -- sh -c 'cat /b/file /etc/one; touch /b/x; grep " /b " /proc/self/mountinfo; echo in >/etc/one'
    [ "$status" = 0 ]
    [ "${lines[0]}${lines[1]}" = hosthost ]
    [[ ${lines[2]} == *"Read-only file system" ]]
    [[ ${lines[3]} == *" /b ro,nosuid,nodev,noexec,"* ]]
    [ "$(cat "$DIR/source/file")" = in ]
    not grep -q "$DIR/source" /proc/self/mountinfo
}

@test "rbind brings what is mounted below; rro makes that read-only too, ro does not" {
    mount -t tmpfs tmpfs "$DIR/source/below"
    local way
    for way in ro rro; do
        run mounted '{"destination": "/b", "type": "bind", "source": "'"$DIR"'/source", "options": ["rbind", "'$way'"]}' \
            -- sh -c 'touch /b/x; touch /b/below/'$way' && echo wrote'
        [[ $output == *"/b/x: Read-only"* ]]
        if [ $way = ro ]; then
            [[ $output == *wrote* ]]
        else
            [[ $output == *"/b/below/rro: Read-only"* ]]
        fi
    done
    run mounted '{"destination": "/b", "type": "bind", "source": "'"$DIR"'/source", "options": ["bind"]}' \
        -- ls /b/below
    [ "$status" = 0 ]
    [ -z "$output" ]
}

@test "propagation: private unless it is asked for; shared, slave and unbindable" {
    run mounted '{"destination": "/s", "type": "tmpfs", "source": "tmpfs", "options": ["shared"]}' \
        '{"destination": "/u", "type": "tmpfs", "source": "tmpfs", "options": ["unbindable"]}' \
        '{"destination": "/p", "type": "bind", "source": "'"$DIR"'/source", "options": ["rbind"]}' \
        -- cat /proc/self/mountinfo
    [[ $output == *" /s "*"shared:"* ]]
    [[ $(grep ' /u ' <<<"$output") == *" unbindable "* ]]
    [[ $(grep ' /p ' <<<"$output") != *shared:* ]]
    run contain '.linux.rootfsPropagation = "shared"' head -n 1 /proc/self/mountinfo
    [[ $output == *" / / "*"shared:"* || $output == *" / "*"shared:"* ]]
    run contain '.linux.rootfsPropagation = "unbindable"' head -n 1 /proc/self/mountinfo
    [[ $output == *unbindable* ]]
}

@test "tmpfs: size, mode, the covered directory's own mode and content" {
    chmod 1731 "$ROOTFS/mnt"
    run mounted '{"destination": "/t", "type": "tmpfs", "source": "tmpfs", "options": ["size=64k", "mode=0711", "noexec"]}' \
        '{"destination": "/mnt", "type": "tmpfs", "source": "tmpfs"}' \
        '{"destination": "/bin", "type": "tmpfs", "source": "tmpfs", "options": ["tmpcopyup", "ro"]}' \
        -- sh -c 'stat -c %a /t /mnt; dd if=/dev/zero of=/t/x bs=1k count=100 2>&1 | head -1; touch /bin/x'
    [ "${lines[0]}" = 711 ]
    [ "${lines[1]}" = 1731 ]
    [[ ${lines[2]} == *"No space left"* ]]
    [[ ${lines[3]} == *"Read-only"* ]]
}

@test "overlay, mqueue, devpts, sysfs, proc with options; sync and the time stamps" {
    mkdir "$DIR/upper" "$DIR/work"
    run mounted '{"destination": "/o", "type": "overlay", "source": "overlay", "options": ["lowerdir='"$DIR"'/source", "upperdir='"$DIR"'/upper", "workdir='"$DIR"'/work"]}' \
        '{"destination": "/y", "type": "tmpfs", "source": "tmpfs", "options": ["sync", "dirsync", "noatime", "nodiratime"]}' \
        '{"destination": "/z", "type": "tmpfs", "source": "tmpfs", "options": ["strictatime", "nosymfollow"]}' \
        -- sh -c 'cat /o/file; echo new >/o/file; ls -d /dev/pts/ptmx /dev/mqueue /sys/kernel; grep -E " /[yz] " /proc/self/mountinfo'
    [ "${lines[0]}" = host ]
    [ "$(cat "$DIR/upper/file")" = new ]
    [[ $output == *" /y rw,noatime,nodiratime "*"dirsync"* ]]
    [[ $(grep ' /z ' <<<"$output") == *nosymfollow* ]]
    [[ $(grep ' /z ' <<<"$output") != *relatime* ]]
}

@test "ids of a bind are mapped by its own table or by the container's" {
    chmod 755 "$DIR/source"
    run mounted '{"destination": "/b", "type": "bind", "source": "'"$DIR"'/source", "options": ["rbind"],
        "uidMappings": [{"containerID": 0, "hostID": 7000, "size": 10}],
        "gidMappings": [{"containerID": 0, "hostID": 8000, "size": 10}]}' -- stat -c %u:%g /b/file
    [ "$output" = 7000:8000 ]
    mkdir -p "$ROOTFS/b"
    run contain "$USERS"' | .mounts += [{"destination": "/b", "type": "bind",
        "source": "'"$DIR"'/source", "options": ["bind", "idmap"]}]' \
        sh -c 'stat -c %u:%g /b/file; echo more >/b/new'
    [ "$status" = 0 ]
    [ "$output" = 0:0 ]
    [ "$(stat -c %u "$DIR/source/new")" = 0 ]
}

# A user namespace for others to join, its first id 100000: sets `other`.
other_users() {
    unshare --user sleep 60 3>&- &
    other=$!
    differs() { [ "$(readlink /proc/$other/ns/user)" != "$(readlink /proc/self/ns/user)" ]; }
    eventually 10 differs
    echo "0 100000 65536" >/proc/$other/uid_map
    echo "0 100000 65536" >/proc/$other/gid_map
}

@test "ids of a bind are mapped by a user namespace that is joined" {
    local other
    chmod 755 "$DIR/source"
    mkdir -p "$ROOTFS/b"
    other_users
    run contain '.linux.namespaces += [{"type": "user", "path": "/proc/'$other'/ns/user"}]
        | .mounts += [{"destination": "/b", "type": "bind", "source": "'"$DIR"'/source", "options": ["bind", "idmap"]}]' \
        sh -c 'stat -c %u:%g /b/file; echo more >/b/new'
    kill $other
    echo "$output"
    [ "$status" = 0 ]
    [ "$output" = 0:0 ]
    [ "$(stat -c %u "$DIR/source/new")" = 0 ]
}

@test "what a mount cannot be is an error with the kernel's own words, and leaves nothing" {
    local mount
    for mount in '{"destination": "/t", "type": "tmpfs", "source": "tmpfs", "options": ["nonsense"]}' \
        '{"destination": "/t", "type": "no-such-fs", "source": "x"}' \
        '{"destination": "/t", "type": "bind", "source": "/no/such/source", "options": ["bind"]}' \
        '{"destination": "/t", "type": "bind", "source": "/tmp", "options": ["bind", "nonsense"]}' \
        '{"destination": "/bin/sh/t", "type": "tmpfs", "source": "tmpfs"}'; do
        run mounted "$mount" -- true
        [ "$status" != 0 ]
        [[ $output == *"cannot "*mount*" (mounts[7])" ]]
        [ "${#lines[@]}" = 1 ]
        nothing_left
    done
    run mounted "$mount" -- true
    run mounted '{"destination": "/t", "type": "tmpfs", "source": "tmpfs", "options": ["nonsense"]}' -- true
    [[ $output == *"Unknown parameter 'nonsense'"* ]]
    run mounted '{"destination": "/t", "type": "tmpfs", "options": ["'"$(printf 'x%.0s' {1..4000})"'"]}' -- true
    [[ $output == *" (mounts[7])" ]]
}

@test "devices: the usual ones, their links, and those of config.json with mode and owner" {
    run contain '.linux.devices = [
        {"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 416, "uid": 5, "gid": 6},
        {"path": "/dev/deep/er", "type": "b", "major": 7, "minor": 0}, {"path": "/dev/p", "type": "p"}]' \
        sh -c 'stat -c "%a %u %g %t %T" /dev/fuse /dev/deep/er; test -p /dev/p && echo pipe
            ls /dev; echo x >/dev/null; readlink /dev/ptmx; head -c 3 /dev/zero | wc -c'
    [ "${lines[0]}" = "640 5 6 a e5" ]
    [ "${lines[1]}" = "666 0 0 7 0" ]
    [ "${lines[2]}" = pipe ]
    for node in fd full null ptmx pts random stderr stdin stdout tty urandom zero; do
        [[ $'\n'$output$'\n' == *$'\n'$node$'\n'* ]]
    done
    [[ $output == *pts/ptmx*3* ]]
}

@test "a user namespace has devices of config.json with their mode and owner" {
    local none='.linux.namespaces += [{"type": "user"}]' users other joined
    other_users
    joined='.linux.namespaces += [{"type": "user", "path": "/proc/'$other'/ns/user"}]'
    for users in "$USERS" "$none" "$joined"; do
        run contain "$users"' | .linux.devices = [{"path": "/dev/own", "type": "c", "major": 1, "minor": 5,
            "fileMode": 292, "uid": 5, "gid": 6}]' \
            sh -c 'stat -c "%a %u %g" /dev/own; head -c 3 /dev/own | wc -c'
        echo "$output"
        [ "$status" = 0 ]
        [ "${lines[0]}" = "444 5 6" ]
        [ "${lines[1]}" = 3 ]
    done
    kill $other
}

@test "a mount on the root is the root; a link may be copied instead of mounted" {
    mkdir "$DIR/other"
    cp -a "$ROOTFS/." "$DIR/other"
    echo other >"$DIR/other/mark"
    ln -s points/nowhere "$DIR/source/link"
    run contain '.mounts = [{"destination": "/", "type": "bind", "source": "'"$DIR"'/other", "options": ["rbind"]}]
        + .mounts + [{"destination": "/a/sym/link", "type": "bind", "source": "'"$DIR"'/source/link",
            "options": ["rbind", "copy-symlink"]}]' sh -c 'cat /mark; readlink /a/sym/link; ls /dev/null'
    echo "$output"
    [ "${lines[0]}" = other ]
    [ "${lines[1]}" = points/nowhere ]
    [ "${lines[2]}" = /dev/null ]
    run contain '.mounts = [{"destination": "/", "type": "tmpfs", "source": "tmpfs", "options": ["tmpcopyup"]}]
        + .mounts' sh -c 'echo x >/new; ls /bin/sh'
    [ "$status" = 0 ]
    [ ! -e "$ROOTFS/new" ]
}

@test "links as source and as target, when they are not to be followed" {
    ln -s file "$DIR/source/link"
    ln -sfn point/nowhere "$ROOTFS/target"
    run mounted '{"destination": "/target", "type": "bind", "source": "'"$DIR"'/source/link",
        "options": ["bind", "src-nofollow", "dest-nofollow"]}' -- readlink /target
    [ "$output" = file ]
    run mounted '{"destination": "/target", "type": "bind", "source": "'"$DIR"'/source/link",
        "options": ["bind", "dest-nofollow"]}' -- cat /target
    [ "$output" = host ]
    run mounted '{"destination": "/proc/self", "type": "bind", "source": "'"$DIR"'/source/link",
        "options": ["bind", "src-nofollow", "dest-nofollow"]}' -- readlink /proc/self
    [ "$status" != 0 ]
}

@test "mounts beside each other, whose directory is a link, whose names are links, and which cover it" {
    mkdir -p "$DIR/bundle/rootfs/real/a" "$DIR/bundle/rootfs/elsewhere"
    ln -s /real "$DIR/bundle/rootfs/link"
    ln -s /elsewhere "$DIR/bundle/rootfs/real/out"
    ln -s ../../../../real "$DIR/bundle/rootfs/real/self"
    small() { echo '{"destination": "'"$1"'", "type": "tmpfs", "source": "'"$2"'", "options": ["mode=755", "size=64k"]}'; }
    run mounted "$(small /link/a one)" "$(small /link/out two)" "$(small /link/new three)" \
        "$(small /link/self four)" "$(small /link/late five)" "$(small /real six)" "$(small /link/last seven)" \
        -- sh -c 'awk "\$1 ~ /^(one|two|three|four|five|six|seven)\$/ {print \$1, \$2}" /proc/mounts; ls /real'
    [ "$status" = 0 ]
    [ "$output" = "one /real/a
two /elsewhere
three /real/new
four /real
five /real/late
six /real
seven /real/last
last" ]
    [ ! -e "$DIR/bundle/rootfs/real/late" ]
}

@test "a mount namespace by path is joined, and the root made in it" {
    unshare --mount --propagation private sleep 60 3>&- &
    local other=$!
    differs() { [ "$(readlink /proc/$other/ns/mnt)" != "$(readlink /proc/self/ns/mnt)" ]; }
    eventually 20 differs
    local there
    there=$(readlink /proc/$other/ns/mnt)
    run contain '.linux.namespaces |= map(if .type == "mount" then .path = "/proc/'$other'/ns/mnt" else . end)' \
        readlink /proc/self/ns/mnt
    kill $other
    echo "$output"
    [ "$output" = "$there" ]
    nothing_left
}

@test "without a mount namespace the runtime's is the container's: its root is held, and leaves no mount" {
    local shared='.linux.namespaces |= map(select(.type != "mount"))' here pid
    here=$(readlink /proc/self/ns/mnt)
    bundle "$shared | .root.readonly = true | .mounts += [{\"destination\": \"/mnt\", \"type\": \"bind\",
        \"source\": \"$DIR/source\", \"options\": [\"rbind\"]}]" sleep 100
    oci create -b "$DIR/bundle" "$ID" 3>&- >"$DIR/out" 2>&1
    oci start "$ID"
    pid=$(oci state "$ID" | jq .pid)
    [ "$(readlink "/proc/$pid/ns/mnt")" = "$here" ]
    # The last of a path's mounts is what holds; nothing of it is the host's peer.
    grep -q " $ROOTFS ro,.* - " /proc/self/mountinfo
    not grep -q " $ROOTFS.* shared:" /proc/self/mountinfo
    run oci exec "$ID" sh -c 'ls /; cat /mnt/file; touch /x; ls /home; cat /proc/kcore'
    [[ $output == bin$'\n'* && $output == *$'\n'host$'\n'* && $output == *"/x: Read-only"* ]]
    [[ $output == *"/home: No such file"* ]]
    oci delete --force "$ID"
    nothing_left
    run contain "$shared | .mounts += [{\"destination\": \"/mnt\", \"type\": \"no-such-type\"}]" true
    [ "$status" != 0 ]
    nothing_left
    run contain "$shared"' | .mounts = [] | del(.linux.maskedPaths, .linux.readonlyPaths)' ls /
    [[ $output == bin$'\n'* && $output != *home* ]]
    run contain '.linux.namespaces |= map(if .type == "mount" then .path = "/proc/self/ns/mnt" else . end)' \
        sh -c 'readlink /proc/self/ns/mnt; ls /'
    [[ $output == "$here"$'\n'bin$'\n'* ]]
    nothing_left
    # A runtime that is killed at whatever moment leaves what a delete takes away.
    bundle "$shared" sleep 100
    for pause in 02 04 06 08 10 12 14 17 20; do
        "$RUNTIME" --root "$ROOT" create -b "$DIR/bundle" "$ID" </dev/null >/dev/null 2>&1 3>&- &
        sleep "0.0$pause"
        kill -9 $! || true
        wait $! || true
        oci delete --force "$ID"
    done
    nothing_left
}

@test "what a bind cannot be told is left out with a warning if it is data of a file system, else refused" {
    run mounted '{"destination": "/b", "source": "'"$DIR"'/source", "options": ["size=1k", "mode=755", "bind"]}' -- cat /b/file
    [ "$status" = 0 ]
    [[ ${lines[0]} == *"warning: mounts["*"].options[0]: a bind takes its file system as it is"* ]]
    [ "${lines[2]}" = host ]
    for option in no-such-flag 'context="system_u:object_r:x_t:s0"'; do
        run mounted "$(jq -nc --arg o "$option" --arg s "$DIR/source" '{destination: "/b", source: $s, options: ["bind", $o]}')" -- true
        [ "$status" = 1 ]
        [[ $output == *"a bind knows no option"* ]]
    done
}

@test "an option that could only be left out is refused by its place, and what engines write is not" {
    local case mount
    # What is mounted, and what the refusal says.
    while IFS='|' read -r mount case; do
        run contain ".mounts |= map(select(.type != \"cgroup\")) + [$mount]" true
        echo "$output"
        [ "$status" = 1 ]
        [ "${#lines[@]}" = 1 ]
        [[ $output == *"mounts[6]"* && $output == *"$case"* ]]
        nothing_left
    done <<'END'
{"destination": "/b", "type": "bind", "source": "/tmp", "options": ["bind", "idmap=uids=0-1-10;gids=0-1-10"]}|options[1]
{"destination": "/b", "type": "bind", "source": "/tmp", "options": ["ridmap=uids=0-1-10", "bind"]}|options[0]
{"destination": "/b", "type": "bind", "source": "/tmp", "options": ["bind", "idmap"]}|'idmap'
{"destination": "/b", "type": "bind", "source": "/tmp", "options": ["rbind", "ridmap"]}|'idmap'
{"destination": "/b", "type": "tmpfs", "source": "x", "options": ["idmap=uids=0-1-10"]}|options[0]
{"destination": "/dev", "options": ["remount", "size=1m"]}|'size=1m'
{"destination": "/dev", "options": ["remount", "nosuchoption"]}|'nosuchoption'
{"destination": "/dev", "options": ["remount", "idmap"]}|'idmap'
{"destination": "/dev", "options": ["remount", "tmpcopyup"]}|'tmpcopyup'
{"destination": "/dev", "options": ["remount", "copy-symlink"]}|'copy-symlink'
{"destination": "/dev", "options": ["remount", "src-nofollow"]}|'src-nofollow'
{"destination": "/b", "type": "bind", "source": "/tmp", "options": ["bind", "tmpcopyup"]}|'tmpcopyup'
{"destination": "/b", "type": "tmpfs", "source": "x", "options": ["copy-symlink"]}|'copy-symlink'
{"destination": "/b", "type": "tmpfs", "source": "x", "options": ["src-nofollow"]}|'src-nofollow'
{"destination": "/c", "type": "cgroup", "source": "x", "options": ["src-nofollow"]}|'src-nofollow'
{"destination": "/c", "type": "cgroup2", "source": "x", "options": ["copy-symlink"]}|'copy-symlink'
{"destination": "/c", "type": "cgroup", "source": "x", "options": ["nosuchoption"]}|'nosuchoption'
{"destination": "/c", "type": "cgroup", "source": "x", "options": ["idmap"]}|'idmap'
{"destination": "/c", "type": "cgroup2", "source": "x", "options": ["shared"]}|shared
{"destination": "/c", "type": "cgroup", "source": "x", "options": ["rslave"]}|slave
{"destination": "/c", "type": "cgroup3", "source": "x"}|'cgroup3'
{"destination": "/c", "type": "cgroupx", "source": "x"}|'cgroupx'
END
    run mounted '{"destination": "/dev/shm", "options": ["remount", "ro", "noexec", "private"]}' -- sh -c 'touch /dev/shm/x; grep " /dev/shm " /proc/self/mountinfo'
    [ "$status" = 0 ]
    [[ ${lines[0]} == *"/dev/shm/x: Read-only"* && ${lines[1]} == *" /dev/shm ro,"*noexec* ]]
    run contain '(.mounts[] | select(.type == "cgroup") | .options) = ["rprivate", "nosuid", "noexec", "nodev", "relatime", "rro"]' \
        sh -c 'for i in /sys/fs/cgroup/memory /sys/fs/cgroup; do [ -e $i/cgroup.procs ] && mkdir $i/x; done; true'
    [ "$status" = 0 ]
    [[ $output == *"Read-only"* ]]
}

@test "a device that is there already is as config.json says, or refused" {
    mknod -m 640 "$ROOTFS/node" c 1 3
    chown 5:6 "$ROOTFS/node"
    touch "$ROOTFS/plain"
    local fits
    for fits in '' ', "fileMode": 416' ', "fileMode": 8608, "uid": 5, "gid": 6'; do
        run contain '.linux.devices = [{"path": "/node", "type": "c", "major": 1, "minor": 3'"$fits"'}]' stat -c '%a %u %g' /node
        echo "$output"
        [ "$output" = "640 5 6" ]
    done
    while IFS='|' read -r fits case; do
        run contain '.linux.devices = [{"type": "c", "major": 1, "minor": 3} + '"$fits"']' true
        echo "$output"
        [ "$status" = 1 ]
        [[ $output == *"cannot make device"*"$case"*"(linux.devices[0])"* ]]
        nothing_left
    done <<'END'
{"path": "/node", "fileMode": 438}|mode or owner
{"path": "/node", "uid": 0}|mode or owner
{"path": "/node", "gid": 0}|mode or owner
{"path": "/node", "minor": 5}|type or number
{"path": "/node", "type": "b"}|type or number
{"path": "/plain"}|type or number
END
    [ "$(stat -c '%a %u %g' "$ROOTFS/node")" = "640 5 6" ]
    [ -f "$ROOTFS/plain" ]
}

@test "thousands of binds and devices in a user namespace are one container, or a refusal, and never an end by a signal" {
    bundle "$USERS | .mounts += [range(3900) | {destination: \"/mnt\", type: \"bind\", source: \"$DIR/source\", options: [\"bind\"]}]
        | .linux.devices = [range(3900) | {path: \"/dev/d\\(.)\", type: \"c\", major: 1, minor: 3}]" sh -c 'cat /mnt/file; ls /dev | grep -c "^d[0-9]"'
    run bash -c 'ulimit -n 20000 && exec "$@"' - "$RUNTIME" --root "$ROOT" run -b "$DIR/bundle" "$ID" </dev/null
    echo "$output"
    [ "$status" = 0 ]
    [ "$output" = $'host\n3900' ]
    nothing_left
}

# As root of a user namespace that somebody else made, with mounts that it got from the host.
as_engine() {
    unshare --user --map-root-user --mount --propagation private \
        "$RUNTIME" --root "$ROOT.engine" --cgroup-manager disabled "$@" </dev/null
}

@test "inside of an engine's user namespace: a bind's attributes are those of all that comes along, the host's node is told" {
    mount -t tmpfs tmpfs "$DIR/source/below"
    chmod 777 "$DIR/source/below"
    bundle 'del(.linux.resources) | .linux.devices = [{"path": "/dev/null", "type": "c", "major": 1, "minor": 3, "fileMode": 256}]
        | .mounts |= map(select(.type | IN("proc", "sysfs", "mqueue", "devpts", "cgroup") | not))
        | .mounts += [{"destination": "/b", "type": "bind", "source": "'"$DIR"'/source", "options": ["bind", "ro"]}]' \
        sh -c 'touch /b/x; touch /b/below/x; echo end'
    run as_engine run -b "$DIR/bundle" "$ID"
    echo "$output"
    [ "$status" = 0 ]
    [[ $output == *"warning: linux.devices[0].fileMode: '/dev/null' can't be made here: the host's own is mounted, with mode 666 "* ]]
    [[ $output == *"/b/x: Read-only"*"/b/below/x: Read-only"*end ]]
}

@test "inside of an engine's user namespace the host's procfs takes no options, and is refused for them" {
    bundle 'del(.linux.resources) | .linux.namespaces |= map(select(.type != "pid"))
        | .mounts = [{"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "hidepid=2"]}]' true
    run as_engine run -b "$DIR/bundle" "$ID"
    echo "$output"
    [ "$status" = 1 ]
    [[ $output == *"cannot mount 'proc' on '/proc': "*"takes no option 'hidepid'"*"(mounts[0])" ]]
    jq '.mounts[0].options = ["nosuid"]' "$DIR/bundle/config.json" >"$DIR/plain"
    cp "$DIR/plain" "$DIR/bundle/config.json"
    run as_engine run -b "$DIR/bundle" "$ID"
    echo "$output"
    [ "$status" = 0 ]
}

@test "devices that the rules do not allow cannot be used" {
    run contain '.linux.devices = [{"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229}]' \
        sh -c 'cat </dev/fuse; dd if=/dev/null of=/dev/null count=0 2>/dev/null && echo null'
    [[ ${lines[0]} == *"Operation not permitted"* ]]
    [ "${lines[1]}" = null ]
    run contain '.linux.devices = [{"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229}]
        | .linux.resources.devices += [{"allow": true, "type": "c", "major": 10, "minor": 229, "access": "rw"}]' \
        sh -c 'exec 3</dev/fuse && echo opened'
    [ "$output" = opened ]
}

@test "masked and read-only paths, and a read-only root" {
    echo secret >"$ROOTFS/etc/secret"
    mkdir "$ROOTFS/etc/private" && echo more >"$ROOTFS/etc/private/file"
    run contain '.root.readonly = true | .linux.maskedPaths += ["/etc/secret", "/etc/private", "/no/such"]
        | .linux.readonlyPaths += ["/tmp", "/also/not/there"]' \
        sh -c 'cat /etc/secret; ls /etc/private; touch /etc/private/x; touch /x; touch /proc/sys/kernel/msgmax
            echo 1 >/proc/sys/kernel/msgmax; echo end'
    [[ $output != *secret$'\n'* && $output != *more* ]]
    [[ ${lines[0]} == *"/etc/private/x: Read-only"* ]]
    [[ ${lines[1]} == *"/x: Read-only"* ]]
    [[ $output == *"/proc/sys/kernel/msgmax: Read-only"* ]]
    run contain '.linux.readonlyPaths += ["/tmp"]' sh -c 'touch /x && echo root; touch /tmp/x'
    [ "${lines[0]}" = root ]
    [[ ${lines[1]} == *"/tmp/x: Read-only"* ]]
}

@test "--no-pivot enters the root another way; the host is not to be seen" {
    bundle . sh -c 'ls /; ls /..; wc -l </proc/self/mountinfo'
    run oci run --no-pivot -b "$DIR/bundle" "$ID"
    [ "$status" = 0 ]
    [[ $output != *home* ]]
}

@test "--no-pivot leaves nothing of the host's below: no procfs or sysfs without masks, no mount less on the host" {
    local filter before mine
    ln -s busybox "$ROOTFS/bin/unshare"
    # The host itself has them whole; the container's have their masks.
    unshare --user --map-root-user --mount --pid --fork mount -t proc proc "$ROOTFS/mnt" ||
        skip "no user namespace may mount a procfs here"
    mount -t proc proc "$DIR/source/below"
    mkdir "$DIR/a hidden"
    mount -t proc proc "$DIR/a hidden"
    mount -t tmpfs tmpfs "$DIR/a hidden"
    before=$(grep -c "" /proc/self/mountinfo)
    for filter in . '.linux.rootfsPropagation = "shared"' "$USERS"; do
        bundle "$filter | .process.user = {uid: 1000, gid: 1000}" sh -c 'for kind in proc sysfs; do
            unshare -Urmnpf sh -c "mount -t $kind none /mnt && echo $kind is whole"; done; ls / /proc/self/fd; echo end'
        run oci run --no-pivot -b "$DIR/bundle" "$ID"
        mine=$(grep -c "" /proc/self/mountinfo)
        echo "$output"
        [ "$status" = 0 ]
        [ "$(grep -c "^mount: permission denied" <<<"$output")" = 2 ]
        [[ $output != *whole* && $output == *end ]]
        [ "$mine" = "$before" ]
    done
    # Where the host's mounts are shared, neither the move nor the end of the old ones reaches them.
    for filter in . '.linux.rootfsPropagation = "shared"'; do
        bundle "$filter" true
        run unshare --mount --propagation shared sh -c 'cut -d " " -f 5 /proc/self/mountinfo >"$1/before"; "$2" --root "$1/state" run --no-pivot -b "$1/bundle" "$3" </dev/null
            code=$?; cut -d " " -f 5 /proc/self/mountinfo >"$1/after"; exit $code' - "$DIR" "$RUNTIME" "$ID"
        echo "$output"
        [ "$status" = 0 ]
        [ -s "$DIR/before" ]
        # What a shared root has of its own the host sees below it.
        diff "$DIR/before" <(grep -v "^$ROOTFS/" "$DIR/after")
    done
    umount "$DIR/a hidden" "$DIR/a hidden" "$DIR/source/below"
    nothing_left
}

@test "control groups: the container's own of every tree, and their names" {
    run contain '(.mounts[] | select(.type == "cgroup") | .options) |= . ' \
        sh -c 'ls /sys/fs/cgroup; for i in /sys/fs/cgroup/memory /sys/fs/cgroup; do
            cat $i/cgroup.procs 2>/dev/null; done; cat /proc/self/cgroup'
    [ "$status" = 0 ]
    if [ -e /sys/fs/cgroup/memory ]; then
        [[ $output == *memory* && $output == *pids* ]]
    fi
    [[ $output == *$'\n'1$'\n'* ]]
}

@test "the terminal: sent to the console socket, of the size that was asked for, controlled" {
    cat >"$DIR/console.py" <<'EOF'
import array, os, select, socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
open(sys.argv[2], 'w').close()
client = server.accept()[0]
name, control, _, _ = client.recvmsg(4096, socket.CMSG_SPACE(4))
master = array.array('i', control[0][2])[0]
text = b''
try:
    while True:
        part = os.read(master, 4096)
        if not part:
            break
        text += part
except OSError:
    pass
sys.stdout.write(text.decode())
EOF
    timeout 20 python3 "$DIR/console.py" "$DIR/console" "$DIR/ready" >"$DIR/said" &
    eventually 10 test -e "$DIR/ready"
    bundle '.process.terminal = true | .process.consoleSize = {"height": 33, "width": 77}
        | .process.user = {"uid": 5, "gid": 5}' \
        sh -c 'stty size; test -t 0 && echo terminal; echo hi >/dev/tty; stat -c %u /dev/pts/0; ls -l /dev/console'
    oci create --console-socket "$DIR/console" -b "$DIR/bundle" "$ID"
    oci start "$ID"
    wait %1
    cat "$DIR/said"
    grep -q '^33 77' "$DIR/said"
    grep -q '^terminal' "$DIR/said"
    grep -q '^hi' "$DIR/said"
    grep -q '^5' "$DIR/said"
    grep -q '136, *0' "$DIR/said"
}

@test "a label for mounts or of a process is refused where SELinux is not in use" {
    [ ! -e /sys/fs/selinux/enforce ] || skip "SELinux is in use"
    run contain '.linux.mountLabel = "system_u:object_r:container_file_t:s0"' true
    [ "$status" -ne 0 ]
    [[ $output == *"cannot label mounts 'system_u:object_r:container_file_t:s0' (linux.mountLabel): SELinux is not in use here"* ]]
    run contain '.process.selinuxLabel = "system_u:system_r:container_t:s0"' true
    [ "$status" -ne 0 ]
    [[ $output == *"cannot set label 'system_u:system_r:container_t:s0' (process.selinuxLabel): SELinux is not in use here"* ]]
    # As engines write none.
    contain '.linux.mountLabel = "" | .process.selinuxLabel = "" | .process.apparmorProfile = ""' true
    nothing_left
}
