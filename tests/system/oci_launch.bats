#!/usr/bin/env bats
# What config.json asks for is what the container's process has: namespaces, ids, limits, hooks.

load helper
load oci_bundle

setup() {
    bundle_begin
}

teardown() {
    bundle_end
}

@test "a container has its own namespaces, ids, name and environment, and leaves nothing" {
    run contain '.hostname = "inside" | .domainname = "domain"
        | .process.user = {"uid": 1000, "gid": 1001, "additionalGids": [5, 6], "umask": 63}
        | .process.env += ["A=b"]' \
        sh -c 'echo $$; hostname; cat /proc/sys/kernel/domainname; id; umask; echo $A; pwd; echo $HOME'
    [ "$status" = 0 ]
    [ "${lines[0]}" = 1 ]
    [ "${lines[1]}" = inside ]
    [ "${lines[2]}" = domain ]
    [ "${lines[3]}" = "uid=1000 gid=1001 groups=5,6" ]
    [ "${lines[4]}" = 0077 ]
    [ "${lines[5]}" = b ]
    [ "${lines[6]}" = / ]
    [ "${lines[7]}" = / ]
    nothing_left
}

@test "HOME comes from the container's own passwd" {
    echo 'u:x:7:7::/home/of/u:/bin/sh' >"$ROOTFS/etc/passwd"
    run contain '.process.user = {"uid": 7, "gid": 7}' sh -c 'echo $HOME'
    [ "$output" = /home/of/u ]
}

@test "the exit status is the program's" {
    run contain . sh -c 'exit 37'
    [ "$status" = 37 ]
    nothing_left
}

@test "what cannot be executed is named when the container is made, and nothing is left" {
    run contain . no-such-program
    [ "$status" != 0 ]
    [[ $output == *"'no-such-program': executable file not found in \$PATH"* ]]
    run contain . /etc
    [[ $output == *"'/etc': "[Pp]"ermission denied"* ]]
    nothing_left
}

@test "all five sets of capabilities and no_new_privs" {
    run contain '.process.capabilities = {
        "bounding": ["CAP_KILL", "CAP_NET_RAW", "CAP_CHOWN"], "permitted": ["CAP_KILL", "CAP_NET_RAW"],
        "effective": ["CAP_KILL"], "inheritable": ["CAP_KILL", "CAP_NET_RAW"],
        "ambient": ["CAP_KILL", "CAP_NET_RAW"]} | .process.user = {"uid": 9, "gid": 9}
        | .process.noNewPrivileges = true' grep -E '^(Cap|NoNew)' /proc/self/status
    [ "${lines[0]}" = "CapInh:	0000000000002020" ]
    [ "${lines[1]}" = "CapPrm:	0000000000002020" ]
    [ "${lines[3]}" = "CapBnd:	0000000000002021" ]
    [ "${lines[4]}" = "CapAmb:	0000000000002020" ]
    [ "${lines[5]}" = "NoNewPrivs:	1" ]
    run contain 'del(.process.capabilities)' grep CapEff /proc/self/status
    [ "$output" = "CapEff:	0000000000000000" ]
}

@test "rlimits, out-of-memory score, scheduler, io priority and personality" {
    run contain '.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 77, "hard": 88}]
        | .process.oomScoreAdj = 500 | .process.scheduler = {"policy": "SCHED_BATCH", "nice": 5}
        | .process.ioPriority = {"class": "IOPRIO_CLASS_IDLE", "priority": 0}
        | .linux.personality = {"domain": "LINUX32"}' \
        sh -c 'ulimit -n; ulimit -Hn; cat /proc/self/oom_score_adj; uname -m
            set -- $(cat /proc/self/stat); echo ${19} ${41}'
    [ "${lines[0]}" = 77 ]
    [ "${lines[1]}" = 88 ]
    [ "${lines[2]}" = 500 ]
    [ "${lines[3]}" = i686 ]
    [ "${lines[4]}" = "5 3" ]
}

@test "a user namespace: the container's root is nobody on the host" {
    run contain "$USERS" sh -c 'id -u; cat /proc/self/uid_map; echo x >/dev/null && echo null
        grep -c " /dev/null " /proc/self/mountinfo; touch /owned 2>&1'
    [ "$status" != 0 ]
    [ "${lines[0]}" = 0 ]
    [[ ${lines[1]} =~ ^\ *0\ +100000\ +65536$ ]]
    [ "${lines[2]}" = null ]
    [ "${lines[3]}" = 1 ]
    [[ ${lines[4]} == *"Permission denied" ]]
    nothing_left
}

@test "namespaces by path: network, pid and user of others" {
    unshare --user --map-root-user --net --pid --fork --kill-child sleep 60 3>&- &
    local outer=$! inner
    # As sleep it has its users, too.
    eventually 20 pgrep -P $outer -x sleep
    inner=$(pgrep -P $outer -x sleep)
    joined() {
        bundle "del(.mounts[] | select(.type == \"devpts\")) | .linux.namespaces |= map(
            if .type == \"network\" then .path = \"/proc/$inner/ns/net\"
            elif .type == \"pid\" then .path = \"/proc/$inner/ns/pid\" else . end)
            + [{\"type\": \"user\", \"path\": \"/proc/$inner/ns/user\"}]" \
            sh -c 'for i in net pid user; do readlink /proc/self/ns/$i; done; echo $$'
        oci run -b "$DIR/bundle" "$ID"
    }
    run joined
    local net pid user
    net=$(readlink /proc/$inner/ns/net) pid=$(readlink /proc/$inner/ns/pid)
    user=$(readlink /proc/$inner/ns/user)
    kill -KILL $outer # it does not mind a SIGTERM
    echo "$output"
    [ "$status" = 0 ]
    [ "${lines[0]}" = "$net" ]
    [ "${lines[1]}" = "$pid" ]
    [ "${lines[2]}" = "$user" ]
    [ "${lines[3]}" -gt 1 ]
}

@test "a namespace that is not of the kind that is meant is an error" {
    run contain '.linux.namespaces |= map(if .type == "ipc" then .path = "/proc/1/ns/uts" else . end)' true
    [ "$status" != 0 ]
    [[ $output == *namespace* ]]
    nothing_left
}

@test "the clocks of a time namespace" {
    run contain '.linux.namespaces += [{"type": "time"}]
        | .linux.timeOffsets = {"boottime": {"secs": 1000000}, "monotonic": {"secs": 5, "nanosecs": 7}}' \
        sh -c 'cat /proc/uptime; cat /proc/self/timens_offsets'
    [ "$status" = 0 ]
    [ "${lines[0]%%.*}" -gt 1000000 ]
    [[ ${lines[1]} =~ ^monotonic\ +5\ +7$ ]]
}

@test "sysctl: of the container's namespaces; what is the host's is refused" {
    run contain '.linux.sysctl = {"net.ipv4.ip_forward": "1", "kernel.msgmax": "9999"}' \
        cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax
    [ "$output" = "1
9999" ]
    local before key
    before=$(cat /proc/sys/kernel/msgmax)
    for key in kernel.hostname vm.swappiness kernel.core_pattern kernel.foo ../kernel.msgmax; do
        run contain ".linux.sysctl = {\"$key\": \"1\"}" true
        [ "$status" != 0 ]
        [[ $output == *"cannot "*"$key"* ]]
    done
    run contain '.linux.sysctl = {"kernel.msgmax": "7777"}
        | .linux.namespaces |= map(select(.type != "ipc"))' true
    [ "$status" != 0 ]
    [ "$(cat /proc/sys/kernel/msgmax)" = "$before" ]
    run contain '.linux.sysctl = {"net.ipv4.ip_forward": "1"} | .linux.namespaces |=
        map(if .type == "network" then .path = "/proc/self/ns/net" else . end)' true
    [ "$status" != 0 ]
    nothing_left
}

@test "hooks inside: before the root is entered, and before the program; with the state" {
    run contain '.hooks = {
        "createContainer": [{"path": "/bin/sh", "args": ["sh", "-c",
            "cat >'"$DIR"'/created; grep -c '"$ROOTFS"'/proc /proc/self/mountinfo >'"$DIR"'/mounts"]}],
        "startContainer": [{"path": "/bin/sh", "args": ["sh", "-c", "cat >/started; pwd >>/started"],
            "env": ["PATH=/bin"]}]}' cat /started
    [ "$status" = 0 ]
    [[ $output == *'"id"'*"$ID"*'"status"'*'created'* ]]
    [[ $(cat "$DIR/created") == *"$ID"*creating* ]]
    [ "$(cat "$DIR/mounts")" -ge 1 ]
}

@test "hooks before the root is entered have the bundle as directory, with the mounts in it" {
    run contain '.hooks = {"createContainer": [{"path": "/bin/sh",
        "args": ["sh", "-c", "pwd; test -e rootfs/proc/self"]}]}' true
    [ "$status" = 0 ]
    [[ $output == *"$DIR/bundle"* ]]
}

@test "a hook of create that fails leads to the poststop hooks" {
    local kind
    for kind in prestart createRuntime createContainer; do
        run contain '.hooks = {"'$kind'": [{"path": "/bin/false"}],
            "poststop": [{"path": "/bin/touch", "args": ["touch", "'"$DIR/undone"'"]}]}' true
        [ "$status" = 1 ]
        [ -e "$DIR/undone" ]
        rm "$DIR/undone"
        nothing_left
    done
    # One whose environment could not be made had no hooks to undo.
    run contain '.hooks = {"poststop": [{"path": "/bin/touch", "args": ["touch", "'"$DIR/undone"'"]}]}
        | .mounts += [{"destination": "/mnt", "type": "bind", "source": "/no/such", "options": ["bind"]}]' true
    [ "$status" = 1 ]
    [ ! -e "$DIR/undone" ]
}

@test "a new network has its loopback up; a service manager's socket is there to be told" {
    run contain . cat /sys/class/net/lo/operstate
    [ "$output" = unknown ]
    python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).bind(sys.argv[1])' "$DIR/notify"
    # shellcheck disable=SC2016 # of the container's shell
    NOTIFY_SOCKET=$DIR/notify run contain . sh -c 'test -S "$NOTIFY_SOCKET" && echo "$NOTIFY_SOCKET"'
    [ "$output" = "$DIR/notify" ]
    # An engine that has its own says so in the environment.
    NOTIFY_SOCKET=$DIR/notify run contain '.process.env += ["NOTIFY_SOCKET=/other"]' \
        sh -c '! test -S "'"$DIR/notify"'"'
    [ "$status" = 0 ]
}

@test "a memory policy and an exec's CPUs are the process's; a wrong one is the kernel's to refuse" {
    run contain '.linux.memoryPolicy = {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]}' \
        head -n 1 /proc/self/numa_maps
    [[ $output == *" bind=static:0 "* ]]
    run contain '.linux.memoryPolicy = {"mode": "MPOL_INTERLEAVE"}' true
    [ "$status" = 1 ]
    [[ $output == *"cannot set linux.memoryPolicy: Invalid argument"* ]]
    nothing_left
    local cpus kind
    cpus=$(nproc)
    bundle '.process.execCPUAffinity = {"final": "0"}' sleep 100
    oci create -b "$DIR/bundle" "$ID"
    oci start "$ID"
    for kind in initial final; do
        jq --arg kind $kind '.process | .args = ["nproc"] | .execCPUAffinity = {($kind): "0"}' \
            "$bundle_config" >"$DIR/process.json"
        [ "$(oci exec --process "$DIR/process.json" "$ID")" = 1 ]
    done
    # Of config.json too it is of what comes later, not of the first process.
    [ "$(oci exec "$ID" nproc)" = 1 ]
    [ "$(taskset -cp "$(oci state "$ID" | jq .pid)" | grep -c '0$')" = "$([ "$cpus" = 1 ] && echo 1 || echo 0)" ]
}

@test "a hook that fails or takes too long ends the start, and leaves nothing" {
    run contain '.hooks = {"createContainer": [{"path": "/bin/false"}]}' true
    [ "$status" != 0 ]
    [[ $output == *"hook '/bin/false': exit status 1 (hooks.createContainer[0])"* ]]
    run contain '.hooks = {"startContainer": [{"path": "/bin/sleep", "args": ["sleep", "60"], "timeout": 1}]}' true
    [ "$status" != 0 ]
    [[ $output == *"timed out (hooks.startContainer[0])"* ]]
    eventually 20 nothing_left
}

@test "seccomp: errno, default errno, arguments; with and without no_new_privs" {
    local filter='.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": [{"names": ["mkdir", "no_such_call"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28},
            {"names": ["personality"], "action": "SCMP_ACT_ERRNO",
             "args": [{"index": 0, "value": 8, "op": "SCMP_CMP_EQ"}]}]}'
    run contain "$filter" sh -c 'mkdir /tmp/x; grep Seccomp: /proc/self/status'
    # A stricter rule that no filter can hold leaves the call to the default.
    [[ ${lines[0]} == *"warning: linux.seccomp.syscalls[0].names[1]: this call is not known here; it has defaultAction (SCMP_ACT_ALLOW), and so have 0 more" ]]
    [[ ${lines[1]} == *"No space left on device" ]]
    [ "${lines[2]}" = "Seccomp:	2" ]
    run contain "$filter | .process.noNewPrivileges = false" sh -c 'mkdir /tmp/x; grep NoNew /proc/self/status'
    [[ ${lines[1]} == *"No space left on device" ]]
    [ "${lines[2]}" = "NoNewPrivs:	0" ]
    # What no rule allows stays forbidden: engines' lists have calls of every kernel.
    run contain '.linux.seccomp = {"defaultAction": "SCMP_ACT_LOG", "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": [{"names": ["no_such_call"], "action": "SCMP_ACT_ALLOW"}]}' echo quiet
    [ "$output" = quiet ]
}

@test "seccomp: the agent gets the listener with the state, and decides" {
    cat >"$DIR/agent.py" <<'EOF'
import array, fcntl, json, os, socket, struct, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
open(sys.argv[2], 'w').close()
client = server.accept()[0]
text, control, _, _ = client.recvmsg(1 << 20, socket.CMSG_SPACE(4))
state = json.loads(text)
assert state['fds'] == ['seccompFd'] and state['metadata'] == 'meta "data"', state
assert state['pid'] == state['state']['pid'] > 1, state
listener = array.array('i', control[0][2])[0]
request = bytearray(80)
fcntl.ioctl(listener, 0xc0502100, request)
fcntl.ioctl(listener, 0xc0182101, request[:8] + struct.pack('qiI', 0, -122, 0))
EOF
    timeout 20 python3 "$DIR/agent.py" "$DIR/agent.sock" "$DIR/listens" &
    eventually 10 test -e "$DIR/listens"
    run contain '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "'"$DIR"'/agent.sock",
        "listenerMetadata": "meta \"data\"",
        "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]}' mkdir /tmp/x
    wait %1
    [ "$status" != 0 ]
    [[ $output == *"exceeded"* ]]
}

@test "seccomp: a listener that is named gets its descriptor, whether or not a rule asks it" {
    local agent='import json, socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
open(sys.argv[2], "w").close()
text, control, _, _ = server.accept()[0].recvmsg(1 << 20, socket.CMSG_SPACE(4))
assert json.loads(text)["state"]["status"] == "creating" and len(control) == 1, text'
    timeout 20 python3 -c "$agent" "$DIR/agent.sock" "$DIR/listens" &
    eventually 10 test -e "$DIR/listens"
    contain '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "'"$DIR"'/agent.sock"}' true
    wait %1
}

@test "exec: a further process in all of the container's namespaces and groups" {
    bundle "$USERS | .hostname = \"inside\"" sleep 100
    oci create -b "$DIR/bundle" "$ID"
    oci start "$ID"
    run oci exec --user 5:6 --cwd /tmp --env A=b "$ID" sh -c \
        'hostname; id; pwd; echo $A; ls -l /proc/self/ns; tr "\\0" " " </proc/1/cmdline; cat /proc/self/cgroup'
    [ "$status" = 0 ]
    [ "${lines[0]}" = inside ]
    [ "${lines[1]}" = "uid=5 gid=6" ]
    [ "${lines[2]}" = /tmp ]
    [ "${lines[3]}" = b ]
    [[ $output == *"sleep 100"* ]]
    local pid
    pid=$(oci state "$ID" | jq .pid)
    for kind in user pid mnt net ipc uts cgroup; do
        [[ $output == *"$(readlink "/proc/$pid/ns/$kind")"* ]]
    done
    run oci exec "$ID" no-such-program
    [ "$status" != 0 ]
    [[ $output == *"executable file not found"* ]]
    run oci exec "$ID" sh -c 'exit 9'
    [ "$status" = 9 ]
}

@test "a created container waits without its maker, and is started by another process" {
    bundle . sh -c 'echo ran >/ran; sleep 100'
    oci create -b "$DIR/bundle" "$ID"
    [ "$(oci state "$ID" | jq -r .status)" = created ]
    [ ! -e "$ROOTFS/ran" ]
    oci start "$ID"
    eventually 20 test -e "$ROOTFS/ran"
    [ "$(oci state "$ID" | jq -r .status)" = running ]
    run oci start "$ID"
    [ "$status" != 0 ]
    oci delete --force "$ID"
    nothing_left
}

@test "without root: ids mapped to one, the host's devices, no groups needed" {
    bundle "$USERS | .linux.uidMappings[0] |= (.hostID = 65000 | .size = 1)
        | .linux.gidMappings[0] |= (.hostID = 65000 | .size = 1)
        | (.mounts[] | select(.type == \"devpts\") | .options) -= [\"gid=5\"]
        | del(.linux.resources)" sh -c 'id -u; cat /proc/self/uid_map; echo x >/dev/null && echo null'
    mkdir -m 700 "$ROOT.user"
    chown 65000:65000 "$ROOT.user"
    run setpriv --reuid 65000 --regid 65000 --clear-groups \
        "$RUNTIME" --root "$ROOT.user" run -b "$DIR/bundle" "$ID" </dev/null
    echo "$output"
    [ "$status" = 0 ]
    [ "${lines[0]}" = 0 ]
    [[ ${lines[1]} =~ ^\ *0\ +65000\ +1$ ]]
    [ "${lines[2]}" = null ]
}
