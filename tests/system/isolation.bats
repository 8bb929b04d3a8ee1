#!/usr/bin/env bats
# What stands between functions, and between a function and the host.
load helper

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    daemon_start
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name shared
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name single --isolation request
    # One instance, so that every call meets the same.
    local folder=$BATS_FILE_TMPDIR/alone
    mkdir "$folder"
    cp "$FUNCTIONS/tool.c" "$folder"
    printf 'name: alone\npool: {instances: 1}\n' >"$folder/vireo.yaml"
    "$VIREO" deploy "$folder"
}

teardown_file() {
    daemon_clean
}

setup() {
    need_root
}

# Pids of the daemon's pVMs: descendants that run under none of the uids of its own parts.
pvm_pids() {
    local pid uid
    for pid in $(descendants "$VIREO_DAEMON"); do
        uid=$(awk '/^Uid:/ {print $2}' "/proc/$pid/status" 2>/dev/null) || continue
        grep -qx "$uid" <<<"$1" && echo "$pid"
    done
    return 0
}

uid_of() {
    "$VIREO" describe -o json "$1" | jq -r .uid
}

@test "isolation: request gives every call a fresh copy" {
    for _ in 1 2 3; do
        call "single?calls"
        [ "$code" = 200 ]
        [ "$body" = 1 ]
    done
}

@test "isolation: instance keeps what a call left for the next one" {
    call "alone?calls"
    [ "$code" = 200 ]
    before=$body
    for i in 1 2 3; do
        call "alone?calls"
        [ "$code" = 200 ]
        [ "$body" -eq $((before + i)) ]
    done
}

@test "pool.instances is kept to under isolation: request, too" {
    local folder=$BATS_TEST_TMPDIR/narrow requests=
    mkdir "$folder"
    cp "$FUNCTIONS/tool.c" "$folder"
    printf 'name: narrow\nisolation: request\npool: {instances: 1, queue: 1}\n' >"$folder/vireo.yaml"
    "$VIREO" deploy "$folder"
    # One runs and one waits; there is no second instance, and no place for another call. Again, where it was so late
    # that they had ended.
    third_is_refused() {
        requests=
        call narrow --data-binary x
        # Until it has ended it is the one instance.
        sleep 0.2
        for i in 1 2; do
            curl -s -o "$BATS_TEST_TMPDIR/slept$i" "$VIREO_SERVER/function/narrow?sleep" 3>&- &
            requests+=" $!"
            sleep 0.2
        done
        call narrow --data-binary y
        # shellcheck disable=SC2086
        wait $requests
        [ "$(cat "$BATS_TEST_TMPDIR/slept1" "$BATS_TEST_TMPDIR/slept2")" = sleptslept ] && refused_with 429 busy
    }
    eventually 10 third_is_refused
    # Nothing said: as many as there are calls, up to 32.
    [ "$("$VIREO" describe -o json single | jq -r .manifest | grep -o 'instances: [0-9]*')" = "instances: 32" ]
    [ "$("$VIREO" describe -o json shared | jq -r .manifest | grep -o 'instances: [0-9]*')" = "instances: 4" ]
}

@test "an instance that starts alone has all processors that its template began with" {
    # Its template was put on one of them: for that the start must come alone.
    local folder=$BATS_TEST_TMPDIR/near pid all
    mkdir "$folder"
    cp "$FUNCTIONS/tool.c" "$folder"
    printf 'name: near\npool: {idle: 1s}\n' >"$folder/vireo.yaml"
    "$VIREO" deploy "$folder"
    call near --data-binary x
    all=$(awk '/^Cpus_allowed:/ {print $2}' "/proc/$VIREO_DAEMON/status")
    found=
    for pid in $(pvm_pids "$(uid_of near)"); do
        grep -q '^Seccomp:.*2' "/proc/$pid/status" || continue
        found=yes
        [ "$(awk '/^Cpus_allowed:/ {print $2}' "/proc/$pid/status")" = "$all" ]
    done
    [ -n "$found" ]
    "$VIREO" rm near
}

@test "each function has a uid of its own, which is nobody's else" {
    a=$(uid_of shared)
    b=$(uid_of single)
    [ "$a" != "$b" ]
    [ "$a" -gt 65535 ]
    [ "$b" -gt 65535 ]
    not getent passwd "$a"
}

@test "an instance has none of the host's namespaces, capabilities or privileges" {
    call shared --data-binary x
    [ "$code" = 200 ]
    uid=$(uid_of shared)
    pids=$(pvm_pids "$uid")
    [ -n "$pids" ]
    found=
    for pid in $pids; do
        for kind in user mnt pid net ipc uts cgroup time; do
            [ "$(readlink "/proc/$pid/ns/$kind")" != "$(readlink "/proc/self/ns/$kind")" ]
        done
        # The template holds rights in its own user namespace; an instance holds none anywhere.
        grep -q '^Seccomp:.*2' "/proc/$pid/status" || continue
        found=yes
        grep -qx 'CapEff:.*0000000000000000' "/proc/$pid/status"
        grep -qx 'CapPrm:.*0000000000000000' "/proc/$pid/status"
        grep -qx 'CapBnd:.*0000000000000000' "/proc/$pid/status"
        grep -qx 'CapAmb:.*0000000000000000' "/proc/$pid/status"
        grep -qP '^NoNewPrivs:\t1$' "/proc/$pid/status"
        # No descriptor but those that are its own: nothing of the host's file systems.
        for fd in /proc/"$pid"/fd/*; do
            target=$(readlink "$fd" || true)
            [[ $target == anon_inode:* || $target == /memfd:* || $target == /dev/null || -z $target || $target == "/ (deleted)" || $target == / ]] || {
                echo "descriptor $fd is $target" >&2
                return 1
            }
        done
        # No page is writable and executable.
        not grep -q ' rwx' "/proc/$pid/maps"
        # An empty root.
        [ "$(find "/proc/$pid/root/" -mindepth 1 -maxdepth 1 \( -name etc -o -name usr -o -name home \) 2>/dev/null | wc -l)" -eq 0 ]
    done
    [ -n "$found" ]
}

@test "the gateway holds no capability and is not root" {
    found=
    for pid in $(descendants "$VIREO_DAEMON"); do
        [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = vireo-gateway ] || continue
        found=yes
        [ "$(awk '/^Uid:/ {print $2}' "/proc/$pid/status")" != 0 ]
        grep -qx 'CapEff:.*0000000000000000' "/proc/$pid/status"
        grep -qx 'CapPrm:.*0000000000000000' "/proc/$pid/status"
        grep -qP '^NoNewPrivs:\t1$' "/proc/$pid/status"
    done
    [ -n "$found" ]
}

@test "the signing key is the supervisor's alone" {
    [ "$(stat -c %a "$VIREO_STATE/key")" = 600 ]
    [ "$(stat -c %u "$VIREO_STATE/key")" = 0 ]
    # No descendant has it open.
    for pid in $(descendants "$VIREO_DAEMON"); do
        [ -z "$(find "/proc/$pid/fd" -lname "$VIREO_STATE/key" 2>/dev/null)" ]
    done
}

@test "a killed instance fails its own call only, and the function goes on" {
    uid=$(uid_of shared)
    # The call takes 0.7 s: it may have ended, or not begun.
    killed_in_a_call() {
        curl -s -o "$BATS_TEST_TMPDIR/killed" "$VIREO_SERVER/function/shared?sleep" 3>&- &
        request=$!
        sleep 0.3
        for pid in $(pvm_pids "$uid"); do
            grep -q '^Seccomp:.*2' "/proc/$pid/status" && kill -KILL "$pid"
        done
        wait "$request"
        [ "$(jq -r .cause "$BATS_TEST_TMPDIR/killed")" = crash ]
    }
    eventually 10 killed_in_a_call
    call shared --data-binary again
    [ "$body" = again ]
}
