#!/usr/bin/env bats
# The layer io for proved code: files below the folders that it is granted, connections to the places that it names,
# and in its filter no call that it does not need for that.
load helper

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    WORK=$(mktemp -d /tmp/vireo-test-io.XXXXXX)
    PORT=$(free_port)
    export WORK PORT
    printf 'allow_grants:\n  connect: ["127.66.1.1:%s", "127.66.1.1:%s/udp", "localhost:*", "localhost:*/udp"]\n  files: [%s/host]\n' \
        "$PORT" "$PORT" "$WORK" >"$WORK/conf"
    mkdir -m 777 "$WORK/host"
    python3 "$FUNCTIONS/answerer.py" "$PORT" 127.66.1.1 127.66.1.2 127.0.0.1 3>&- &
    export ANSWERER=$!
    daemon_start --config "$WORK/conf"
    deploy_proved files proved_files.c "grants: {files: [{path: /tmp, size: 64KiB}, {path: /deep/er, size: 64KiB}]}"
}

teardown_file() {
    daemon_clean
    [ -z "${ANSWERER-}" ] || kill "$ANSWERER"
    rm -rf "${WORK:?}"
}

setup() {
    need_root
}

# deploy_proved NAME SOURCE [more of vireo.yaml]
deploy_proved() {
    local folder=$WORK/$1
    mkdir -p "$folder"
    cp "$FUNCTIONS/$2" "$folder"
    printf 'name: %s\n%s\n' "$1" "${3-}" >"$folder/vireo.yaml"
    "$VIREO" deploy -q "$folder" --require proved
}

# does LETTER PATH ERROR [NUMBER]: what proved_files.c says of it, the error's number first.
does() {
    local got
    call files --data-binary "$1$2"
    read -ra got < <(od -An -td4 "$BODY")
    [ "$code" = 200 ] && [ "${got[*]}" = "$3 ${4-0}" ] || {
        echo "$1 $2: status $code, ${got[*]}, not $3 ${4-0}" >&2
        return 1
    }
}

# fails FUNCTION BODY ERRNO: the handler gave this number, negative.
fails() {
    call "$1" --data-binary "$2"
    [ "$code" = 502 ] && [[ $body == *"returned -$3"* ]] && return
    echo "$2: status $code: $body" >&2
    return 1
}

@test "proved code keeps files in its folders, by names that it computes" {
    does w /tmp/a 0
    call files --data-binary r/tmp/a
    [ "$body" = kept ]
    does n /tmp/a 0
    call files --data-binary r/tmp/a
    call files --data-binary r//tmp/./moved
    [ "$body" = kept ]
    does m /tmp/folder 0
    does N tmp/folder/b 0
    does d /tmp/folder 39
    does u /tmp/folder/b 0
    does d /tmp/folder 0
    does w /deep/er/c 0
    does u /deep/er/c 0
}

@test "the sandbox has the calls that the proof needs, and no other of the grant's" {
    "$VIREO" describe -o json files >"$BATS_TEST_TMPDIR/json"
    jq -e '.rung == "proved" and (.proof.calls | contains(["open", "rename", "pread"]))' "$BATS_TEST_TMPDIR/json"
    jq -e '.syscalls.files | contains(["openat2", "renameat2", "preadv"]) and (any(IN("linkat", "symlinkat", "read",
        "getdents64", "fallocate", "utimensat", "fcntl", "ppoll")) | not)' "$BATS_TEST_TMPDIR/json"
    # What does not open a file has no call for files, whatever its manifest grants; nor a socket to ask.
    printf '%s\n' '#include <stddef.h>' '#include <stdint.h>' \
        'int64_t handler(const uint8_t *in, size_t n, uint8_t *out, size_t room) { return 0; }' >"$BATS_TEST_TMPDIR/nothing.c"
    mkdir -p "$WORK/nothing"
    mv "$BATS_TEST_TMPDIR/nothing.c" "$WORK/nothing"
    printf 'name: nothing\ngrants: {files: [{path: /tmp}], connect: ["127.66.1.1:%s"]}\n' "$PORT" >"$WORK/nothing/vireo.yaml"
    "$VIREO" deploy -q "$WORK/nothing" --require proved
    call nothing
    [ "$code" = 200 ]
    "$VIREO" describe -o json nothing | jq -e '.proof.destinations == [] and (.syscalls | keys == ["base"]) and (.syscalls.base | length == 7)'
}

@test "no name leads out of the folders: climbs, absolute names, links" {
    for path in /etc/passwd /tmp/../etc/passwd ../etc/passwd /tmp/.. /proc/self/maps / "" /tmpx/a /deep/a; do
        call files --data-binary "r$path"
        [ "$code" = 502 ]
        not does w "$path" 0
        not does u "$path" 0
    done
    does w /tmp/keep 0
    does n /tmp/keep 0
    does N /tmp/../keep 1
    does N /etc/keep 2
    does u /tmp/moved 0
}

@test "links that others left in a granted folder are not followed out of it" {
    deploy_proved granted proved_files.c "grants: {files: [{path: /tmp, host: $WORK/host, writable: true}]}"
    echo secret >"$WORK/outside"
    ln -sfn ../outside "$WORK/host/up"
    ln -sfn "$WORK/outside" "$WORK/host/absolute"
    ln -sfn /proc/self "$WORK/host/magic"
    ln -sfn .. "$WORK/host/parent"
    echo inside >"$WORK/host/file"
    ln -sfn file "$WORK/host/near"
    call granted --data-binary r/tmp/near
    [ "$body" = inside ]
    for path in up absolute magic/status parent/outside parent/host/file; do
        call granted --data-binary "r/tmp/$path"
        [ "$code" = 502 ]
        call granted --data-binary "w/tmp/$path"
    done
    [ "$(cat "$WORK/outside")" = secret ]
}

@test "files have a quota, descriptors a number; the next call has both again" {
    for path in /tmp/large /tmp/one; do
        call files --data-binary "u$path"
    done
    does f /tmp/large 28 65536
    does u /tmp/large 0
    does f /tmp/large 28 65536
    does u /tmp/large 0
    does w /tmp/one 0
    call files --data-binary o/tmp/one
    [ "$(od -An -tu4 "$BODY" | awk '{print $1}')" = 24 ] # EMFILE
    [ "$(od -An -tu4 "$BODY" | awk '{print $2}')" -ge 900 ]
    first=$(od -An -tu4 "$BODY")
    call files --data-binary o/tmp/one
    [ "$(od -An -tu4 "$BODY")" = "$first" ]
}

@test "descriptors that it did not open are nobody's: folders, sockets, the kernel's own" {
    # 0: the body; 1 and 2: the log. What comes behind is a table of its own, not the kernel's.
    for fd in 3 4 5 6 7; do
        does a "$fd" 0 15
    done
    does w /tmp/still 0
}

@test "proved code has the connections that its manifest names, and no other" {
    deploy_proved talks proved_connect.c "grants: {connect: ['127.66.1.1:$PORT', 'localhost:$PORT']}"
    call talks --data-binary "s127.66.1.1:$PORT words"
    [ "$body" = sdrow ]
    for place in "127.66.1.2:$PORT" "127.0.0.1:$PORT" "127.66.1.1:1" "169.254.169.254:80" "10.0.0.1:80" "" "localhost:$PORT"; do
        fails talks "s$place words" 13
    done
    "$VIREO" describe -o json talks | jq -e '(.proof.destinations | length == 2) and (.proof.calls | index("vireo_connect")) and
        (.syscalls.connect | contains(["recvmsg"]) and (any(IN("connect", "socket", "sendto", "sendmsg", "bind", "read")) | not))'
}

@test "datagrams go to the place that is named and come from there; proved or translated" {
    # Turns round what comes, and has another socket answer first, which is not the peer.
    python3 - "$PORT" "$BATS_TEST_TMPDIR/bound" 3>&- <<'END' &
import socket, sys
there = socket.socket(type=socket.SOCK_DGRAM)
there.bind(("127.66.1.1", int(sys.argv[1])))
other = socket.socket(type=socket.SOCK_DGRAM)
there.settimeout(60)
open(sys.argv[2], "w").close()
while True:
    data, peer = there.recvfrom(4096)
    other.sendto(b"forged", peer)
    there.sendto(data[::-1], peer)
END
    local answers=$!
    eventually 10 test -e "$BATS_TEST_TMPDIR/bound"
    deploy_proved datagrams proved_connect.c "grants: {connect: ['127.66.1.1:$PORT/udp', 'localhost:$PORT/udp']}"
    mkdir -p "$WORK/moved"
    sed 's/size_t place = 1;/volatile size_t place = 1;/' "$FUNCTIONS/proved_connect.c" >"$WORK/moved/f.c"
    sed 's/name: datagrams/name: moved/' "$WORK/datagrams/vireo.yaml" >"$WORK/moved/vireo.yaml"
    "$VIREO" deploy -q "$WORK/moved"
    [ "$("$VIREO" describe -o json moved | jq -r .rung)" = sfi ]
    for function in datagrams moved; do
        call "$function" --data-binary "d127.66.1.1:$PORT/udp words"
        [ "$body" = sdrow ]
    done
    kill "$answers"
    # Nor is it the place without "/udp", nor a name for the machine's own addresses.
    for place in "127.66.1.1:$PORT" "127.66.1.2:$PORT/udp" "localhost:$PORT/udp" "127.66.1.1:53/udp"; do
        fails datagrams "d$place words" 13
    done
    grep -q "function 'datagrams' may not connect to 'localhost:$PORT/udp': it is 127.0.0.1, which" "$VIREO_STATE/daemon.log"
    # A port for streams is none for datagrams.
    run deploy_proved more proved_connect.c "grants: {connect: ['127.66.1.1:1/udp']}"
    refused 4 "not in the operator's allow_grants"
    run deploy_proved more proved_connect.c "grants: {connect: ['127.66.1.1:$PORT/sctp']}"
    refused 2 "its port is no number"
}

@test "connections are counted for each function, those that were refused among them" {
    counted() {
        "$VIREO" allow ls -o json | jq -e '.events | any(.function == "talks" and .entry == "vireo_connect" and
            .uses >= 2 and .denied >= 1 and .uses > .denied)' &&
            "$VIREO" allow ls -o json | jq -e '.entries | any(.name == "vireo_connect" and .allowed)'
    }
    eventually 10 counted
}
