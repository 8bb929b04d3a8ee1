#!/usr/bin/env bats
# What a process is given besides its program: schedulers, flags of its filter, descriptors and
# terminals of an exec; each as the kernel then has it.

load helper
load oci_bundle

setup() {
    bundle_begin
}

teardown() {
    bundle_end
}

# scheduled JSON: the policy, priority and nice value of a container's process in our own groups.
scheduled() {
    bundle "del(.linux.resources) | .process.scheduler = $1" cat /proc/self/stat
    "$RUNTIME" --root "$ROOT" --cgroup-manager disabled run -b "$DIR/bundle" "$ID" </dev/null |
        awk '{ print $41, $40, $19 }'
    return "${PIPESTATUS[0]}"
}

@test "every policy of process.scheduler is the process's, or the kernel's refusal is told" {
    command -v chrt >/dev/null || skip "chrt (util-linux) is not installed"
    local policy json wanted
    # Policy, its word for chrt, the configuration, what the kernel then says.
    while IFS='|' read -r policy words json wanted; do
        run scheduled "{\"policy\": \"$policy\"$json}"
        echo "$policy: $output"
        # shellcheck disable=SC2086
        if chrt $words true; then
            [ "$status" = 0 ]
            # All but the first two have the caller's.
            [ "$output" = "${wanted/NICE/$(nice)}" ]
        else
            [ "$status" = 1 ]
            [[ $output == *"cannot set process.scheduler: Operation not permitted"* ]]
        fi
        nothing_left
    done <<'END'
SCHED_OTHER|-o 0|, "nice": 3|0 0 3
SCHED_BATCH|-b 0|, "nice": -2|3 0 -2
SCHED_IDLE|-i 0||5 0 NICE
SCHED_FIFO|-f 7|, "priority": 7|1 7 NICE
SCHED_RR|-r 9|, "priority": 9|2 9 NICE
SCHED_DEADLINE|-d --sched-runtime 1000000 --sched-deadline 10000000 --sched-period 20000000 0|, "runtime": 1000000, "deadline": 10000000, "period": 20000000|6 0 NICE
END
    # What a policy has not is refused by its path.
    run scheduled '{"policy": "SCHED_FIFO"}'
    [ "$status" = 1 ]
    run scheduled '{"policy": "SCHED_BATCH", "priority": 3}'
    [ "$status" = 1 ]
    [[ $output == *"process.scheduler: a priority is of SCHED_FIFO and SCHED_RR alone"* ]]
    local other
    for other in '"SCHED_FIFO", "priority": 7' '"SCHED_RR", "priority": 7' '"SCHED_DEADLINE", "runtime": 1000000, "deadline": 10000000'; do
        run scheduled '{"policy": '"$other"', "nice": 3}'
        [ "$status" = 1 ]
        [[ $output == *"process.scheduler.nice: a nice value is of SCHED_OTHER"* ]]
    done
    nothing_left
}

@test "the flags of seccomp are given to the kernel, and one that it has not is refused" {
    command -v strace >/dev/null || skip "strace is not installed"
    local flag
    # TSYNC is for the other threads of who asks, and here is none: taken, and left out.
    contain '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_TSYNC"]}' true
    for flag in LOG SPEC_ALLOW; do
        bundle '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_'$flag'"],
            "syscalls": [{"names": ["swapon"], "action": "SCMP_ACT_ERRNO"}]}' true
        strace -f -qq -e trace=seccomp -o "$DIR/trace" "$RUNTIME" --root "$ROOT" run -b "$DIR/bundle" "$ID" </dev/null
        cat "$DIR/trace"
        grep -E "seccomp\(SECCOMP_SET_MODE_FILTER, [A-Z_|]*SECCOMP_FILTER_FLAG_$flag.*= 0" "$DIR/trace"
    done
    run contain '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_NONE"]}' true
    [ "$status" = 1 ]
    [[ $output == *"linux.seccomp.flags[0]: there is no 'SECCOMP_FILTER_FLAG_NONE' here"* ]]
}

# What takes `umask` of a container with those flags, sends its caller a signal that it handles, and
# says whether it was still asked afterwards ("asked") or the call had ended ("ended"); then lets it go on.
asked_after_signal() {
    cat >"$DIR/agent.py" <<'EOF'
import array, errno, fcntl, os, socket, struct, sys, time
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
open(sys.argv[2], 'w').close()
_, control, _, _ = server.accept()[0].recvmsg(1 << 20, socket.CMSG_SPACE(4))
listener = array.array('i', control[0][2])[0]
request = bytearray(80)
fcntl.ioctl(listener, 0xc0502100, request)
os.kill(struct.unpack_from('I', request, 8)[0], 10)
end, said = time.monotonic() + float(sys.argv[3]), 'asked'
while said == 'asked' and time.monotonic() < end:
    time.sleep(0.05)
    try:
        fcntl.ioctl(listener, 0x40082102, bytes(request[:8]))
    except OSError as error:
        assert error.errno == errno.ENOENT, error
        said = 'ended'
if said == 'asked':
    fcntl.ioctl(listener, 0xc0182101, request[:8] + struct.pack('qiI', 0, 0, 1))
print(said)
EOF
    rm -f "$DIR/agent.sock" "$DIR/listens"
    timeout 60 python3 "$DIR/agent.py" "$DIR/agent.sock" "$DIR/listens" "$2" >"$DIR/said" &
    eventually 10 test -e "$DIR/listens"
    contain '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "flags": ['"$1"'], "listenerPath": "'"$DIR"'/agent.sock",
        "syscalls": [{"names": ["umask"], "action": "SCMP_ACT_NOTIFY"}]}' sh -c 'trap : USR1; umask 22; true'
    wait $!
    cat "$DIR/said"
}

@test "seccomp: a call that the listener has taken goes on for a signal that is not fatal, where the flags say so" {
    [ "$(asked_after_signal '' 30)" = ended ]
    [ "$(asked_after_signal '"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"' 1)" = asked ]
}

started() {
    bundle . sleep 100
    oci create -b "$DIR/bundle" "$ID"
    oci start "$ID"
}

@test "an exec keeps the descriptors that it is told to keep, and no other" {
    started
    echo first >"$DIR/first"
    echo second >"$DIR/second"
    run bash -c 'exec "$@" 3<"$0/first" 4<"$0/second" 5<"$0"' "$DIR" \
        "$RUNTIME" --root "$ROOT" exec --preserve-fds 2 "$ID" sh -c 'cat <&3; cat <&4; readlink /proc/$$/fd/5 || echo none' </dev/null
    echo "$output"
    [ "$status" = 0 ]
    [ "${lines[0]}" = first ]
    [ "${lines[1]}" = second ]
    [ "${lines[2]}" = none ]
    run "$RUNTIME" --root "$ROOT" exec --preserve-fds -1 "$ID" true </dev/null
    [ "$status" = 1 ]
}

@test "an exec with a terminal sends it to the console socket" {
    cat >"$DIR/console.py" <<'END'
import os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
open(sys.argv[2], 'w').close()
_, fds, _, _ = socket.recv_fds(server.accept()[0], 4096, 1)
text = b''
try:
    while part := os.read(fds[0], 4096):
        text += part
except OSError:
    pass
sys.stdout.write(text.decode())
END
    started
    timeout 60 python3 "$DIR/console.py" "$DIR/console" "$DIR/ready" >"$DIR/said" 3>&- &
    local reader=$!
    eventually 20 test -e "$DIR/ready"
    oci exec --tty --detach --console-socket "$DIR/console" "$ID" sh -c 'test -t 0 && test -t 1 && echo terminal; tty; exit'
    wait $reader
    cat "$DIR/said"
    grep -q '^terminal' "$DIR/said"
    grep -q '^/dev/pts/0' "$DIR/said"
    # Without one, and nobody to serve it here, it is refused.
    run oci exec --tty --detach "$ID" true
    echo "$output"
    [ "$status" = 1 ]
    [[ $output == *console-socket* ]]
}

@test "a bus of systemd's that does not answer is an error within seconds" {
    [ -x /usr/bin/busctl ] || skip "busctl (systemd) is not installed"
    python3 -c 'import socket, sys, time
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
time.sleep(100)' "$DIR/deaf" 3>&- &
    local deaf=$!
    eventually 20 test -S "$DIR/deaf"
    bundle . true
    SECONDS=0
    DBUS_SYSTEM_BUS_ADDRESS=unix:path=$DIR/deaf run timeout 60 "$RUNTIME" --root "$ROOT" --systemd-cgroup \
        run -b "$DIR/bundle" "$ID" </dev/null
    kill $deaf
    echo "$output"
    [ "$status" = 1 ]
    [[ $output == *"cannot start scope 'vireo-$ID.scope': systemd's bus does not answer"* ]]
    [ "$SECONDS" -lt 40 ]
    nothing_left
}

@test "an ambient capability that is not permitted and inheritable is left out with a warning by its place" {
    local all='["CAP_KILL", "CAP_CHOWN", "CAP_NET_RAW"]'
    run contain ".process.capabilities = {bounding: $all, effective: $all, permitted: $all,
        inheritable: [\"CAP_KILL\"], ambient: $all}" grep CapAmb /proc/self/status
    echo "$output"
    [ "${#lines[@]}" = 3 ]
    [[ ${lines[0]} == *"warning: process.capabilities.ambient[1]: it is not permitted and inheritable; it is left out" ]]
    [[ ${lines[1]} == *"warning: process.capabilities.ambient[2]: "* ]]
    [ "${lines[2]}" = "CapAmb:	0000000000000020" ]
    # With a log the container's standard error, which is this one, has its own lines alone.
    run "$RUNTIME" --root "$ROOT" --log "$DIR/log" --log-format json run -b "$DIR/bundle" "$ID" </dev/null
    [ "$output" = "CapAmb:	0000000000000020" ]
    [ "$(jq -r .level "$DIR/log")" = $'warning\nwarning' ]
}

@test "what an exec is given beside a file of its process is left out with a warning, and so is a capability that is not known" {
    bundle . sleep 100
    oci run --detach -b "$DIR/bundle" "$ID"
    run oci exec --cap CAP_OF_TOMORROW "$ID" echo done
    [ "$status" = 0 ]
    [ "$output" = $'vireo-runtime: warning: --cap CAP_OF_TOMORROW: this capability is not known here; it is left out\ndone' ]
    jq '.process | .args = ["sh", "-c", "pwd; id -u"] | .capabilities.bounding += ["CAP_OF_TOMORROW"]' \
        "$DIR/bundle/config.json" >"$DIR/process.json"
    run oci exec --process "$DIR/process.json" --cwd /tmp --user 7 --env A=B --cap CAP_KILL --additional-gids 5 \
        --no-new-privs --apparmor a --process-label b "$ID"
    echo "$output"
    [ "$status" = 0 ]
    local flag
    for flag in cwd user env cap additional-gids no-new-privs apparmor process-label; do
        [[ $output == *"warning: --$flag is left out: --process says it"* ]]
    done
    [[ $output == *"warning: capabilities.bounding["*"]: this capability is not known here; it is left out"* ]]
    [[ $output == *$'\n/\n0' ]]
}

@test "the group of an exec is one of the container's, or the exec is refused" {
    bundle 'del(.linux.resources)' sleep 100
    "$RUNTIME" --root "$ROOT" --cgroup-manager disabled run --detach -b "$DIR/bundle" "$ID" </dev/null
    run oci exec --cgroup sub "$ID" true
    [ "$status" = 1 ]
    [[ $output == *"cannot use control group 'sub': the container has no control groups" ]]
    oci delete --force "$ID"
    bundle ".linux.cgroupsPath = \"/$ID\"" sleep 100
    oci run --detach -b "$DIR/bundle" "$ID"
    run oci exec --cgroup sub "$ID" true
    [ "$status" = 1 ]
    find /sys/fs/cgroup -maxdepth 2 -type d -name "$ID" -exec mkdir {}/sub \;
    run oci exec --cgroup sub "$ID" cat /proc/self/cgroup
    echo "$output"
    [ "$status" = 0 ]
    [[ $output == *"/sub"* ]]
    oci delete --force "$ID"
    nothing_left
}

@test "an exec by flags can gain privileges unless it is told not to, one by a file is as the file says" {
    bundle '.process.noNewPrivileges = true' sleep 100
    oci run --detach -b "$DIR/bundle" "$ID"
    [ "$(oci exec "$ID" grep NoNewPrivs /proc/self/status)" = "NoNewPrivs:	0" ]
    [ "$(oci exec --no-new-privs "$ID" grep NoNewPrivs /proc/self/status)" = "NoNewPrivs:	1" ]
    jq '.process | .args = ["grep", "NoNewPrivs", "/proc/self/status"]' "$DIR/bundle/config.json" >"$DIR/process.json"
    [ "$(oci exec --process "$DIR/process.json" "$ID")" = "NoNewPrivs:	1" ]
}
