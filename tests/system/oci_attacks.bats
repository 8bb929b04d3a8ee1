#!/usr/bin/env bats
# What images and containers have done to runtimes: each ends inside of the container, or in an error.

load helper
load oci_bundle

setup() {
    bundle_begin
    mkdir "$DIR/outside"
    echo untouched >"$DIR/outside/file"
}

teardown() {
    [ -z "${flipper-}" ] || kill "$flipper" 2>/dev/null || true
    bundle_end
}

# shellcheck disable=SC2016 # jq's
EVERYTHING='.process.capabilities |= (["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE", "CAP_SYS_ADMIN", "CAP_KILL", "CAP_SETUID"]
    | {bounding: ., effective: ., permitted: ., inheritable: ., ambient: .}) | .process.noNewPrivileges = false'

@test "no process in the container has the runtime's file, and what it has can't be written" {
    local before
    before=$(sha256sum <"$RUNTIME")
    # Looks at whoever enters, as fast as it can, with the right to look into everybody.
    bundle "$EVERYTHING" sh -c 'while :; do for p in /proc/[0-9]*; do
        readlink $p/exe >>/seen; echo evil 2>/dev/null >$p/exe && echo $p >>/wrote; done; done 2>/dev/null'
    oci create -b "$DIR/bundle" "$ID"
    local pid
    pid=$(oci state "$ID" | jq .pid)
    [[ $(readlink "/proc/$pid/exe") == "/memfd:vireo-container-init"* ]]
    oci start "$ID"
    for _ in 1 2 3 4 5 6; do
        oci exec "$ID" true
    done
    eventually 10 test -s "$ROOTFS/seen"
    oci delete --force "$ID"
    [ "$(sha256sum <"$RUNTIME")" = "$before" ]
    [ ! -e "$ROOTFS/wrote" ]
    not grep -q vireo-runtime "$ROOTFS/seen"
}

@test "a program whose interpreter is /proc/self/exe gets nothing to run" {
    printf '#!/proc/self/exe\n' >"$ROOTFS/bin/evil"
    chmod 755 "$ROOTFS/bin/evil"
    run contain "$EVERYTHING" evil
    [ "$status" = 125 ]
    bundle . sleep 100
    oci create -b "$DIR/bundle" "$ID"
    oci start "$ID"
    run oci exec "$ID" evil
    [ "$status" = 125 ]
}

@test "root of a user namespace cannot look into a process on its way in" {
    chmod 777 "$ROOTFS"
    bundle "$USERS | $EVERYTHING" sh -c 'while :; do for p in /proc/[0-9]*; do
        readlink $p/exe >>/seen; done; done 2>/dev/null'
    oci create -b "$DIR/bundle" "$ID"
    oci start "$ID"
    for _ in 1 2 3 4 5 6 7 8; do
        oci exec "$ID" true
    done
    eventually 10 grep -q busybox "$ROOTFS/seen"
    oci delete --force "$ID"
    not grep -q vireo "$ROOTFS/seen"
}

@test "no descriptor of the host's goes in: not the runtime's, not its caller's" {
    exec 7</ 9<"$DIR"
    run contain . sh -c 'ls /proc/self/fd | wc -l; for i in /proc/self/fd/*; do echo $(readlink $i); done'
    [ "${lines[0]}" = 4 ] # 0, 1, 2 and that of ls
    [[ $output != *"$DIR"* ]]
    bundle . sleep 100
    oci create -b "$DIR/bundle" "$ID"
    oci start "$ID"
    run oci exec "$ID" sh -c 'ls /proc/self/fd | wc -l'
    exec 7<&- 9<&-
    [ "$output" = 4 ]
}

@test "descriptors to keep are kept, and a number that is closed is nobody's" {
    bundle . sh -c 'cat <&3; ls /proc/self/fd'
    # bats has a descriptor 3 of its own.
    run "$RUNTIME" --root "$ROOT" run --preserve-fds 1 -b "$DIR/bundle" "$ID" </dev/null \
        3<"$DIR/outside/file"
    [ "${lines[0]}" = untouched ]
    bundle . sh -c 'for i in 3 4 5 6; do readlink /proc/self/fd/$i; done; echo end'
    run bash -c 'exec 3<&- 4<&- 5<&- </dev/null; LISTEN_FDS=3 exec "$@"' - \
        "$RUNTIME" --root "$ROOT" run -b "$DIR/bundle" "$ID"
    [[ $output != *vireo* && $output != *socket:* && $output != *"$DIR"* ]]
}

@test "links in the image lead nowhere but into the container" {
    ln -s "$DIR/outside" "$ROOTFS/absolute"
    ln -s ../../../../../../../../../..${DIR}/outside "$ROOTFS/climbs"
    ln -s /proc/1/root "$ROOTFS/magic"
    run contain '.mounts += [
        {"destination": "/absolute/one", "type": "tmpfs", "source": "tmpfs"},
        {"destination": "/climbs/two", "type": "bind", "source": "/etc", "options": ["bind", "ro"]},
        {"destination": "/mnt/three", "type": "tmpfs", "source": "tmpfs"}]' \
        sh -c "ls -d $DIR/outside/one $DIR/outside/two/passwd /mnt/three"
    [ "$status" = 0 ]
    [ "$(ls "$DIR/outside")" = file ]
    run contain '.mounts += [{"destination": "/magic/x", "type": "tmpfs", "source": "tmpfs"}]' true
    [ "$status" != 0 ]
    nothing_left
}

@test "a target that turns into a link while it is mounted on stays inside" {
    mkdir "$DIR/volume"
    cat >"$DIR/flipper.py" <<'END'
import contextlib, os, sys
path, outside, flips = sys.argv[1] + "/volume/x", sys.argv[1] + "/outside", 0
while True:
    for make, remove in ((os.mkdir, os.rmdir), (lambda p: os.symlink(outside, p), os.unlink),
                         (lambda p: os.symlink("/../../../../../../../.." + outside, p), os.unlink)):
        with contextlib.suppress(OSError):
            make(path)
        with contextlib.suppress(OSError):
            remove(path)
    flips += 1
    if flips % 10 == 0:
        with open(sys.argv[1] + "/flips.new", "w") as file:
            file.write(str(flips))
        os.rename(sys.argv[1] + "/flips.new", sys.argv[1] + "/flips")
END
    python3 "$DIR/flipper.py" "$DIR" 3>&- &
    flipper=$!
    eventually 20 test -s "$DIR/flips"
    bundle '.mounts += [
        {"destination": "/volume", "type": "bind", "source": "'"$DIR"'/volume", "options": ["rbind"]},
        {"destination": "/volume/x", "type": "tmpfs", "source": "tmpfs"}]' sh -c 'echo evil >/volume/x/file; true'
    # Mounted inside, or refused by name: nothing else.
    local i before
    before=$(cat "$DIR/flips")
    for i in 1 2 3 4 5 6 7 8; do
        run timeout 20 "$RUNTIME" --root "$ROOT" run -b "$DIR/bundle" "$ID-$i" </dev/null
        echo "$output"
        [ "$status" = 0 ] || [[ $status = 1 && $output == "vireo-runtime: cannot mount 'tmpfs' on '/volume/x': "* ]]
    done
    alive "$flipper"
    [ "$(cat "$DIR/flips")" -gt $((before + 8)) ]
    kill $flipper
    wait $flipper || true
    [ "$(ls "$DIR/outside")" = file ]
    [ "$(cat "$DIR/outside/file")" = untouched ]
    not grep -q "$DIR/outside" /proc/self/mountinfo
}

@test "/dev/null of the image may be anything: masks and devices are the real one" {
    local kind
    for kind in link file pipe; do
        rm -rf "$ROOTFS/dev/null"
        case $kind in
        link) ln -s "$DIR/outside/file" "$ROOTFS/dev/null" ;;
        file) echo evil >"$ROOTFS/dev/null" ;;
        pipe) mkfifo "$ROOTFS/dev/null" ;;
        esac
        echo secret >"$ROOTFS/etc/secret"
        run contain 'del(.mounts[] | select(.destination | startswith("/dev")))
            | .linux.maskedPaths += ["/etc/secret"]' \
            sh -c 'stat -c "%F %t:%T" /dev/null /etc/secret; cat /etc/secret; echo x >/dev/null'
        [ "$status" = 0 ]
        [ "${lines[0]}" = "character special file 1:3" ]
        [ "${lines[1]}" = "character special file 1:3" ]
        [ "${#lines[@]}" = 2 ]
        [ "$(cat "$DIR/outside/file")" = untouched ]
    done
}

@test "proc and sys on a link are refused, and so is a mount inside of proc" {
    rm -rf "$ROOTFS/proc"
    ln -s tmp "$ROOTFS/proc"
    run contain . true
    [ "$status" != 0 ]
    [[ $output == *"cannot mount 'proc' on '/proc': it must be a directory, not a link"* ]]
    rm "$ROOTFS/proc"
    mkdir "$ROOTFS/proc"
    run contain '.mounts += [{"destination": "/proc/self/attr", "type": "tmpfs", "source": "tmpfs"}]' true
    [ "$status" != 0 ]
    ln -s /proc/sys "$ROOTFS/hidden"
    run contain '.mounts += [{"destination": "/hidden", "type": "tmpfs", "source": "tmpfs"}]' true
    [ "$status" != 0 ]
    [[ $output == *"inside of procfs"* ]]
    nothing_left
}

@test "a masked path that is a link masks what it means inside, and a magic one is an error" {
    echo secret >"$ROOTFS/etc/secret"
    ln -s /etc/secret "$ROOTFS/etc/link"
    ln -s "$DIR/outside/file" "$ROOTFS/etc/out"
    run contain '.linux.maskedPaths += ["/etc/link", "/etc/out"]' cat /etc/secret
    [ "$status" = 0 ]
    [ -z "$output" ]
    [ "$(cat "$DIR/outside/file")" = untouched ]
    ln -s /proc/self/fd/1 "$ROOTFS/etc/magic"
    run contain '.linux.maskedPaths += ["/etc/magic"]' true
    [ "$status" != 0 ]
}

@test "a label of an exec is written to the kernel, never to a file that the image has there" {
    local kind
    local -A refused=([apparmor]="'/proc' there is no procfs" [process-label]="SELinux is not in use here")
    [ ! -e /sys/fs/selinux/enforce ] || refused[process-label]=${refused[apparmor]}
    mkdir -p "$ROOTFS/proc/self/attr/apparmor"
    for kind in attr/exec attr/apparmor/exec; do : >"$ROOTFS/proc/self/$kind"; done
    # /proc is the image's own directory: as when an image has a volume there.
    bundle 'del(.mounts[] | select(.destination == "/proc")) | del(.linux.maskedPaths) | del(.linux.readonlyPaths)' \
        sleep 100
    oci create -b "$DIR/bundle" "$ID"
    oci start "$ID"
    for kind in apparmor process-label; do
        run oci exec --$kind some-label "$ID" true
        [ "$status" = 1 ]
        [[ $output == *"cannot set label 'some-label'"*"${refused[$kind]}"* ]]
    done
    [ ! -s "$ROOTFS/proc/self/attr/exec" ]
    [ ! -s "$ROOTFS/proc/self/attr/apparmor/exec" ]
    oci exec "$ID" true
}

@test "no working directory leads out of the container" {
    exec 8<"$DIR/outside"
    ln -s /proc/self/fd/8 "$ROOTFS/way"
    bundle . sleep 100
    oci create -b "$DIR/bundle" "$ID"
    oci start "$ID"
    local cwd
    for cwd in /proc/self/fd/{3..12} /way /proc/1/cwd/../../..; do
        run oci exec --cwd "$cwd" "$ID" ls ../outside/file ./file
        [[ $output != *$'\n'../outside/file* && $output != *./file$'\n'* && $status != 0 ]]
        bundle ".process.cwd = \"$cwd\"" ls ../outside/file ./file
        run "$RUNTIME" --root "$ROOT" run -b "$DIR/bundle" "$ID-b" </dev/null
        [ "$status" != 0 ]
    done
    exec 8<&-
}

@test "a terminal is mounted on no link that the image has for /dev/console" {
    cat >"$DIR/console.py" <<'END'
import socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
client = server.accept()[0]
client.recvmsg(4096, socket.CMSG_SPACE(4))
client.recv(1)
END
    mkdir -p "$ROOTFS/dev/pts" "$ROOTFS/tmp"
    echo untouched >"$ROOTFS/tmp/victim"
    ln -sf ../tmp/victim "$ROOTFS/dev/console"
    bundle '.process.terminal = true | del(.mounts[] | select(.destination | startswith("/dev") and . != "/dev/pts"))' \
        sh -c 'cat /tmp/victim >/tmp/seen; stat -c "%F %t" /dev/console >>/tmp/seen'
    timeout 20 python3 "$DIR/console.py" "$DIR/console" 3>&- &
    eventually 10 test -S "$DIR/console"
    oci create --console-socket "$DIR/console" -b "$DIR/bundle" "$ID"
    oci start "$ID"
    eventually 10 grep -q 'character special file 88' "$ROOTFS/tmp/seen"
    [ "$(head -n 1 "$ROOTFS/tmp/seen")" = untouched ]
    oci delete -f "$ID"
    rm "$ROOTFS/dev/console"
}

@test "a mount namespace that is joined has no say in where a sysctl is written" {
    # Its /proc/sys/net leads to a file that whoever made it would like to be written.
    mkdir -p "$DIR/fake/ipv4"
    : >"$DIR/fake/ipv4/ip_forward"
    unshare --mount --propagation private sh -c 'mount --bind "$0/fake" /proc/sys/net && touch "$0/made" && exec sleep 60' "$DIR" 3>&- &
    local other=$!
    eventually 10 test -e "$DIR/made"
    bundle '.linux.sysctl = {"net.ipv4.ip_forward": "1"}
        | .linux.namespaces |= (map(select(.type != "mount" and .type != "network")) + [{type: "network"}, {type: "mount", path: "/proc/'$other'/ns/mnt"}])' true
    run "$RUNTIME" --root "$ROOT" run -b "$DIR/bundle" "$ID" </dev/null
    kill "$other"
    echo "$output"
    [ "$status" = 1 ]
    [[ $output == *"cannot set sysctl 'net/ipv4/ip_forward': '/proc' there is no procfs, or something is mounted on it"* ]]
    [ ! -s "$DIR/fake/ipv4/ip_forward" ]
}
