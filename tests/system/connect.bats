#!/usr/bin/env bats
# Connections of functions: where the operator says, made by the connector, and nowhere else.
load helper

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    CONF=$(mktemp /tmp/vireo-test-connect.XXXXXX)
    PORT=$(free_port) CLOSED=$(free_port)
    export CONF PORT CLOSED
    # 127.66.0.1 is granted and 127.66.0.2 is not; `localhost` is a name that leads to neither.
    printf 'allow_grants:\n  connect: ["127.66.0.1:%s", "127.66.0.1:%s", "[::1]:%s", "localhost:*", "*.invalid:80", "*:443"]\n' \
        "$PORT" "$CLOSED" "$PORT" >"$CONF"
    python3 "$FUNCTIONS/answerer.py" "$PORT" 127.66.0.1 127.66.0.2 127.0.0.1 ::1 3>&- &
    export ANSWERER=$!
    daemon_start --config "$CONF"
}

teardown_file() {
    daemon_clean
    [ -z "${ANSWERER-}" ] || kill "$ANSWERER"
    rm -f "${CONF-}"
}

setup() {
    need_root
}

# deploy_connect NAME "'PLACE', 'PLACE'" [more of vireo.yaml]
deploy_connect() {
    local folder=$BATS_TEST_TMPDIR/$1
    mkdir -p "$folder"
    cp "$FUNCTIONS/connect.c" "$folder"
    printf 'name: %s\ngrants:\n  connect: [%s]\n%s\n' "$1" "$2" "${3-}" >"$folder/vireo.yaml"
    "$VIREO" deploy "$folder"
}

ask() {
    call "$1" --data-binary "$2"
    [ "$code" = 200 ] || {
        echo "status $code: $body" >&2
        return 1
    }
}

connector() {
    local pid
    for pid in $(descendants "$VIREO_DAEMON"); do
        [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != vireo-connector ] || echo "$pid"
    done
}

@test "a function has a connection to the place that it is granted" {
    deploy_connect one "'127.66.0.1:$PORT', 'localhost:$PORT', '127.66.0.1:$CLOSED', '[::1]:$PORT', 'none.invalid:80'" \
        "pool: {instances: 1}"
    ask one "127.66.0.1:$PORT sdrow"
    [ "$body" = words ]
    # Again, on the instance that is there, and over IPv6.
    ask one "127.66.0.1:$PORT niaga"
    [ "$body" = again ]
    ask one "[::1]:$PORT xis"
    [ "$body" = six ]
}

@test "describe prints the calls that the grant adds, and none makes, binds or connects a socket" {
    "$VIREO" describe -o json one | jq -e '.syscalls.connect | contains(["recvmsg", "recvfrom", "shutdown"])'
    "$VIREO" describe -o json one | jq -e '[.syscalls[][]] | any(IN("socket", "socketpair", "bind", "listen",
        "connect", "sendto", "sendmsg", "setsockopt", "accept4")) | not'
}

@test "a place that it has no grant for is refused, whoever else has it" {
    for place in "127.66.0.2:$PORT" "127.0.0.1:$PORT" "127.66.0.1:1" "8.8.8.8:443" "169.254.169.254:80" \
        "127.66.0.1:$PORT/" " " "" "127.66.0.1"; do
        ask one "$place words"
        [ "$body" = "connect: Permission denied" ]
    done
    "$VIREO" deploy "$BATS_TEST_DIRNAME/functions/connect.c" --name bare
    ask bare "127.66.0.1:$PORT words"
    [ "$body" = "connect: Permission denied" ]
}

@test "a name that leads to an address of the machine is refused, with a line in the log" {
    ask one "localhost:$PORT words"
    [ "$body" = "connect: Permission denied" ]
    grep -q "function 'one' may not connect to 'localhost:$PORT': it is 127.0.0.1, which the operator's" \
        "$VIREO_STATE/daemon.log"
}

@test "what can't be reached is said as it is" {
    ask one "127.66.0.1:$CLOSED words"
    [ "$body" = "connect: Connection refused" ]
    ask one "none.invalid:80 words"
    [ "$body" = "connect: Host is unreachable" ]
}

@test "a deploy that asks for more than the operator allows is refused with exit code 4, by its name" {
    for place in "127.66.0.2:$PORT" "127.66.0.1:22" "127.0.0.1:443" "10.0.0.1:443" "169.254.169.254:443" \
        "[::1]:443" "example.org:80" "invalid:80"; do
        run deploy_connect more "'$place'"
        [ "$status" -eq 4 ]
        [[ $output == *"connect '$place'"*"not in the operator's allow_grants"* ]]
    done
    run "$VIREO" describe more
    [ "$status" -eq 3 ]
    run deploy_connect more "'*:443'"
    [ "$status" -eq 2 ]
}

@test "connections are limited in number and in rate" {
    deploy_connect many "'127.66.0.1:$PORT'" "pool: {instances: 1}"
    ask many "many 127.66.0.1:$PORT"
    # 32 at once, and those of the time that they took.
    [[ $body == *": Resource temporarily unavailable" ]]
    [ "${body%%:*}" -ge 32 ]
    [ "${body%%:*}" -le 100 ]
    grep -q "function 'many' may not connect to '127.66.0.1:$PORT': too many connections" "$VIREO_STATE/daemon.log"
    # Nobody else has fewer.
    ask one "127.66.0.1:$PORT sdrow"
    [ "$body" = words ]
    for pid in $(descendants "$VIREO_DAEMON"); do
        [ "$(awk '/^Uid:/ {print $2}' "/proc/$pid/status" 2>/dev/null)" = "$("$VIREO" describe -o json many | jq .uid)" ] || continue
        [ "$(awk '/Max open files/ {print $5}' "/proc/$pid/limits")" = 256 ]
    done
}

@test "under isolation: request each call has its own, and none stays" {
    deploy_connect fresh "'127.66.0.1:$PORT'" "isolation: request"
    for word in one two; do
        ask fresh "127.66.0.1:$PORT $(rev <<<$word)"
        [ "$(tr -d '\n' <<<"$body")" = "$word" ]
    done
}

@test "the connector has no privilege, its own uid and filter, and sees no file of the machine's" {
    local pid
    pid=$(connector)
    [ "$(wc -w <<<"$pid")" -eq 1 ]
    [ "$(awk '/^CapPrm:|^CapEff:|^CapBnd:/ {printf "%s", $2}' "/proc/$pid/status")" = "$(printf '0%.0s' {1..48})" ]
    [ "$(awk '/^Seccomp:/ {print $2}' "/proc/$pid/status")" = 2 ]
    [ "$(awk '/^NoNewPrivs:/ {print $2}' "/proc/$pid/status")" = 1 ]
    [ "$(awk '/^Uid:/ {print $2}' "/proc/$pid/status")" -ge 1000 ]
    # In the machine's network; the supervisor, and so every pVM, is not.
    [ "$(readlink "/proc/$pid/ns/net")" = "$(readlink /proc/self/ns/net)" ]
    [ "$(readlink "/proc/$VIREO_DAEMON/ns/net")" != "$(readlink /proc/self/ns/net)" ] ||
        [ "$(readlink "/proc/$(pgrep -P "$VIREO_DAEMON" | head -n 1)/ns/net")" != "$(readlink /proc/self/ns/net)" ]
    [ ! -e "/proc/$pid/root/etc/shadow" ]
    [ ! -e "/proc/$pid/root$VIREO_STATE" ]
    [ ! -e "/proc/$pid/root/tmp" ]
}

@test "a connector that is killed is started again, and functions go on" {
    local before
    again() { [ -n "$(connector)" ] && [ "$(connector)" != "$before" ]; }
    # At once after its start, too.
    for _ in 1 2 3; do
        before=$(connector)
        kill -KILL "$before"
        eventually 5 again
    done
    grep -q "connector is started again in 400 ms" "$VIREO_STATE/daemon.log"
    # The instance that had a pair with the old one is gone.
    works() { call one --data-binary "127.66.0.1:$PORT sdrow" && [ "$body" = words ]; }
    eventually 5 works
}

@test "without a word of the operator there is no connector, and no connection" {
    (
        unset VIREO_STATE VIREO_PORT VIREO_DAEMON
        trap daemon_clean EXIT
        daemon_start
        [ -z "$(connector)" ]
        run deploy_connect none "'127.66.0.1:$PORT'"
        [ "$status" -eq 4 ]
    )
}

@test "a program with main() connects too, and its connections end with its call" {
    local folder=$BATS_TEST_TMPDIR/program
    mkdir -p "$folder"
    cat >"$folder/main.c" <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <vireo/net.h>
int main(void)
{
    int fd = vireo_connect(getenv("PLACE"));
    printf("%d", fd);
    return fd < 0;
}
END
    printf 'name: program\ngrants:\n  connect: ["127.66.0.1:%s"]\n  env: {PLACE: "127.66.0.1:%s"}\n' "$PORT" "$PORT" \
        >"$folder/vireo.yaml"
    "$VIREO" deploy "$folder"
    for _ in 1 2 3; do
        ask program x
        [ "$body" = 3 ]
    done
    run "$VIREO" run "$folder" </dev/null
    [ "$status" -eq 4 ]
    [[ $output == *"asks to connect to '127.66.0.1:$PORT'"* ]]
}

@test "an instance that lies to the connector gets nothing, and nobody else has less" {
    run timeout 60 python3 "$FUNCTIONS/liar.py" "$BUILD/vireo-connector" "$PORT"
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"function 'liar' may not connect: it has no grant number 1"* ]]
    [[ $output == *"function 'liar' may not connect: it sent what is no request"* ]]
}

@test "recycled pVMs of functions with other places: each has its own, in the other's place too" {
    local pvm
    deploy_connect lender "'127.66.0.1:$PORT'" $'recycle: reuse\napplication: both'
    deploy_connect borrower "'[::1]:$PORT'" $'recycle: reuse\napplication: both'
    ask lender "127.66.0.1:$PORT sdrow"
    [ "$body" = words ]
    pvm=$("$VIREO" ps -o json | jq -r '.[] | select(.function == "lender") | .id')
    "$VIREO" kill "$pvm"
    eventually 5 not sh -c '"$VIREO" ps -o json | jq -e ".[] | select(.function == \"lender\")"'
    ask borrower "127.66.0.1:$PORT sdrow"
    [ "$body" = "connect: Permission denied" ]
    ask borrower "[::1]:$PORT xis"
    [ "$body" = six ]
    [ "$("$VIREO" ps -o json | jq -r '.[] | select(.function == "borrower") | .start')" = recycled ]
    "$VIREO" rm lender borrower
}
