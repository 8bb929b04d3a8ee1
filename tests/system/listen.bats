#!/usr/bin/env bats
# Servers: functions that the operator lets listen.
load helper

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    CONF=$(mktemp /tmp/vireo-test-listen.XXXXXX)
    export CONF
    P1=$(free_port) P2=$(free_port) P3=$(free_port) OUTSIDE=$(free_port)
    export P1 P2 P3 OUTSIDE
    printf 'allow_grants:\n  listen: ["127.0.0.1:%s", "127.0.0.1:%s", "127.0.0.1:%s", "127.0.0.0/8:900", "[::1]:%s"]\n' \
        "$P1" "$P2" "$P3" "$P1" >"$CONF"
    daemon_start --config "$CONF"
}

teardown_file() {
    daemon_clean
    rm -f "${CONF-}"
}

setup() {
    need_root
}

# deploy_server NAME 'ADDRESS, ADDRESS' [more of vireo.yaml]
deploy_server() {
    local folder=$BATS_TEST_TMPDIR/$1
    mkdir -p "$folder"
    cp "$FUNCTIONS/server.c" "$folder"
    printf 'name: %s\ngrants:\n  listen: [%s]\n%s\n' "$1" "$2" "${3-}" >"$folder/vireo.yaml"
    "$VIREO" deploy "$folder"
}

# tell PORT LINE...: the answers to lines sent over one connection, until the server closes it.
tell() {
    local port=$1
    shift
    # `quit` is no verb: the server closes.
    printf '%s\n' "$@" quit | timeout 5 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0" && cat >&3 && cat <&3' "$port" 2>/dev/null
}

closed() {
    ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

answers() {
    [ "$(tell "$1" "echo $2")" = "$2" ]
}

state() {
    "$VIREO" describe -o json "$1" | jq -r .server.state
}

@test "a function that is granted an address answers there, in its sandbox" {
    deploy_server one "'127.0.0.1:$P1'"
    eventually 5 answers "$P1" words
    [ "$(tell "$P1" "echo a" "echo b" "env LISTEN_FDS")" = $'a\nb\n1' ]
    [ "$(state one)" = running ]
    "$VIREO" describe one | grep -q "127.0.0.1:$P1"
}

@test "describe prints the calls that the grant adds, and none makes, binds or connects a socket" {
    "$VIREO" describe -o json one | jq -e '.syscalls.listen | contains(["accept4", "recvfrom", "shutdown"])'
    "$VIREO" describe -o json one | jq -e '[.syscalls[][]] | any(IN("socket", "socketpair", "bind", "listen",
        "connect", "sendto", "sendmsg", "setsockopt")) | not'
}

@test "its output is in its log, as of any function" {
    [ "$(tell "$P1" "out some words of its own")" = ok ]
    logged() { "$VIREO" logs one | grep -q "$1"; }
    eventually 5 logged "some words of its own"
    "$VIREO" logs one | grep -q "ready with 1"
}

@test "a server that floods its log waits, and the daemon answers others" {
    "$VIREO" deploy "$FUNCTIONS/env.c" --name beside
    tell "$P1" flood >/dev/null &
    for _ in 1 2 3 4 5; do
        call beside --data-binary NONE
        [ "$code" = 200 ]
    done
    wait
    eventually 10 answers "$P1" after
}

@test "what a listening socket is not for is refused" {
    run tell "$P1" abuse
    # EBADF 8, EINVAL 28, ENOTCONN 53, ENOTSOCK 57, ESPIPE 70, of WASI.
    [ "${lines[0]}" = "read -1 53" ] || [ "${lines[0]}" = "read -1 28" ]
    [ "${lines[1]}" = "write -1 8" ]
    [ "${lines[2]}" = "shutdown -1 53" ]
    [ "${lines[3]}" = "seek -1 70" ]
    [ "${lines[4]}" = "accept -1 57" ]
    [ "${lines[5]}" = "recv -1 57" ]
    answers "$P1" still
}

@test "a server that ends is started again, and its port never closes" {
    local before
    before=$("$VIREO" describe -o json one | jq .server.starts)
    tell "$P1" "exit 3" || true
    # Held by the daemon: a connection waits for the next instance.
    not closed "$P1"
    eventually 5 answers "$P1" again
    [ "$("$VIREO" describe -o json one | jq .server.starts)" -gt "$before" ]
    [ "$("$VIREO" describe -o json one | jq -r .server.last_end)" = "exit status 3" ]
    tell "$P1" trap || true
    eventually 5 answers "$P1" again
    "$VIREO" logs one | grep -q "trap"
    tell "$P1" memory || true
    eventually 10 answers "$P1" again
}

@test "one that always ends is started ever later, not in a loop" {
    local folder=$BATS_TEST_TMPDIR/ends
    mkdir -p "$folder"
    echo 'int main(void) { return 7; }' >"$folder/main.c"
    printf 'name: ends\ngrants: {listen: ["127.0.0.1:%s"]}\n' "$P3" >"$folder/vireo.yaml"
    "$VIREO" deploy "$folder"
    sleep 1.2
    # 0.1 + 0.2 + 0.4 + 0.8 s
    [ "$("$VIREO" describe -o json ends | jq .server.starts)" -le 5 ]
    [ "$("$VIREO" describe -o json ends | jq .server.starts)" -ge 2 ]
    [ "$(state ends)" = waiting ]
    # While it waits the daemon sleeps: what was its output is not looked at again and again.
    local supervisor before after
    supervisor=$VIREO_DAEMON
    [ "$(cat "/proc/$supervisor/comm")" = vireo-superviso ]
    before=$(awk '{print $14 + $15}' "/proc/$supervisor/stat")
    sleep 0.5
    after=$(awk '{print $14 + $15}' "/proc/$supervisor/stat")
    [ $((after - before)) -le 15 ]
    "$VIREO" rm ends
    closed "$P3"
}

@test "calls over HTTP are refused by name" {
    call one --data-binary x
    refused_with 409 server
    [[ $body == *"it is a server"*"127.0.0.1:$P1"* ]]
    # And it is not disturbed by them.
    answers "$P1" words
}

@test "an address outside of allow_grants is refused with exit code 4, by its name" {
    for address in "127.0.0.1:$OUTSIDE" "127.0.0.2:$P1" "0.0.0.0:$P1" "[::]:$P1" "127.0.0.1:901"; do
        run deploy_server outside "'$address'"
        [ "$status" -eq 4 ]
        [[ $output == *"listen '$address'"*"not in the operator's allow_grants"* ]]
    done
    run "$VIREO" describe outside
    [ "$status" -eq 3 ]
    closed "$OUTSIDE"
}

@test "a port below 1024 is served when the operator says so" {
    deploy_server low "'127.77.0.1:900'"
    low() { [ "$(printf 'echo low\nquit\n' | timeout 5 bash -c 'exec 3<>/dev/tcp/127.77.0.1/900 && cat >&3 && cat <&3')" = low ]; }
    eventually 5 low
    "$VIREO" rm low
}

@test "a port in use is said at once, with exit code 5, and nothing is deployed" {
    run deploy_server two "'127.0.0.1:$P1'"
    [ "$status" -eq 5 ]
    [[ $output == *"cannot listen on '127.0.0.1:$P1' for 'two': function 'one' listens there"* ]]
    # By somebody else.
    python3 -c "import socket, time
s = socket.create_server(('127.0.0.1', $P2))
time.sleep(60)" 3>&- &
    local other=$!
    eventually 5 not closed "$P2"
    run deploy_server two "'127.0.0.1:$P2'"
    kill "$other"
    [ "$status" -eq 5 ]
    [[ $output == *"cannot listen on '127.0.0.1:$P2' for 'two': Address already in use"* ]]
    run "$VIREO" describe two
    [ "$status" -eq 3 ]
}

@test "several addresses, of both families, are one server's" {
    deploy_server several "'127.0.0.1:$P2', '[::1]:$P1'"
    eventually 5 answers "$P2" here
    six() { [ "$(printf 'env LISTEN_FDS\nquit\n' | timeout 5 bash -c "exec 3<>/dev/tcp/::1/$P1 && cat >&3 && cat <&3")" = 2 ]; }
    eventually 5 six
    "$VIREO" rm several
    closed "$P2"
    eventually 5 answers "$P1" words
}

@test "a new version takes the same port, another one closes the old" {
    deploy_server moves "'127.0.0.1:$P2'" 'version: "1"'
    eventually 5 answers "$P2" one
    deploy_server moves "'127.0.0.1:$P2'" 'version: "2"'
    # No moment without: who connects now is answered by the new one.
    not closed "$P2"
    eventually 5 answers "$P2" two
    deploy_server moves "'127.0.0.1:$P3'" 'version: "3"'
    closed "$P2"
    eventually 5 answers "$P3" three
    # Without the grant it is a function like any other.
    "$VIREO" deploy "$FUNCTIONS/env.c" --name moves
    closed "$P3"
    call moves --data-binary NONE
    [ "$code" = 200 ]
    "$VIREO" rm moves
}

@test "rm closes the port and leaves no process" {
    deploy_server leaves "'127.0.0.1:$P2'"
    eventually 5 answers "$P2" here
    local uid
    uid=$("$VIREO" describe -o json leaves | jq .uid)
    # Of this daemon's: another one's function may have the same uid. A descendant may end meanwhile.
    of_uid() {
        local pid
        for pid in $(descendants "$VIREO_DAEMON"); do
            [ "$(awk '/^Uid:/ {print $2}' "/proc/$pid/status" 2>/dev/null)" != "$uid" ] || return 0
        done
        return 1
    }
    of_uid
    "$VIREO" rm leaves
    closed "$P2"
    eventually 5 not of_uid
}

@test "a handler, and isolation: request, are refused" {
    local folder=$BATS_TEST_TMPDIR/handler
    mkdir -p "$folder"
    cp "$FUNCTIONS/env.c" "$folder"
    printf 'name: handler\ngrants: {listen: ["127.0.0.1:%s"]}\n' "$P2" >"$folder/vireo.yaml"
    run "$VIREO" deploy "$folder"
    [ "$status" -eq 2 ]
    [[ $output == *"for a program with main()"* ]]
    closed "$P2"
    run deploy_server request "'127.0.0.1:$P2'" "isolation: request"
    [ "$status" -eq 2 ]
    run "$VIREO" run "$folder" </dev/null
    [ "$status" -eq 4 ]
    [[ $output == *"asks to listen on '127.0.0.1:$P2'"* ]]
}

@test "a server is there after a restart of the daemon, and its port is closed when that is killed" {
    # The daemon of this test: a killed one leaves another state to every other test.
    (
        unset VIREO_STATE VIREO_PORT VIREO_DAEMON
        trap daemon_clean EXIT
        daemon_start --config "$CONF"
        deploy_server stays "'127.0.0.1:$P2'"
        eventually 5 answers "$P2" here
        kill -KILL "$(pgrep -P "$VIREO_DAEMON" -f vireo-supervisor || echo "$VIREO_DAEMON")"
        eventually 3 closed "$P2"
        daemon_stop || true
        daemon_start --config "$CONF"
        eventually 5 answers "$P2" here
        daemon_stop
        closed "$P2"
        # The operator's word counts at each start.
        daemon_start
        closed "$P2"
        "$VIREO" describe -o json stays | jq -r .not_served | grep -q "not in the operator's allow_grants"
    )
}
