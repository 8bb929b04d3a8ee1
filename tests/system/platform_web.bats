#!/usr/bin/env bats
# HTTP and messages of functions: to places that are granted, by addresses that were checked. The
# daemon has a name server of its own here, in a mount namespace of its own.
load helper

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    WEB=$(mktemp -d /tmp/vireo-test-web.XXXXXX)
    PORT=$(free_port)
    export WEB PORT
    python3 "$FUNCTIONS/web.py" "$PORT" "$WEB" 127.66.0.1 127.66.0.2 127.0.0.1 3>&- &
    export SERVER=$!
    eventually 15 curl -s -o /dev/null "http://127.66.0.1:$PORT/ready"
    echo "nameserver 127.66.0.53" >"$WEB/resolv.conf"
    cat >"$WEB/conf" <<END
allow_layers:
  platform: ["*"]
allow_grants:
  connect: ["127.66.0.1:$PORT", "127.66.0.1:$PORT/udp", "*.test:$PORT", "*.test:$PORT/udp", "localhost:$PORT"]
  queue: [taker, nobody, ping, pong]
platform:
  queue: 5
END
    cat >"$WEB/vireo" <<END
#!/bin/sh
[ "\$1" = serve ] || exec "$VIREO" "\$@"
exec unshare -m sh -c 'mount --bind "$WEB/resolv.conf" "\$(realpath /etc/resolv.conf)" && exec "$VIREO" "\$@"' vireo "\$@"
END
    chmod +x "$WEB/vireo"
    VIREO=$WEB/vireo daemon_start --config "$WEB/conf"
    folder=$WEB/asker
    mkdir "$folder"
    cp "$FUNCTIONS/platform.c" "$folder"
    cat >"$folder/vireo.yaml" <<END
name: asker
allow: [base, platform]
grants:
  connect: ["127.66.0.1:$PORT", "flips.test:$PORT", "localhost:$PORT"]
  queue: [taker, nobody]
pool: {instances: 2}
END
    "$VIREO" deploy "$folder" >/dev/null
}

teardown_file() {
    daemon_clean
    [ -z "${SERVER-}" ] || kill "$SERVER"
    rm -rf "${WEB-}"
}

setup() {
    need_root
}

ask() {
    call asker --data-binary "$1"
    [ "$code" = 200 ] || {
        echo "status $code: $body" >&2
        return 1
    }
}

requests() {
    wc -l <"$WEB/requests"
}

@test "a place that is granted is asked, with the request's lines and body" {
    ask "http GET http://127.66.0.1:$PORT/a?b=c"
    [ "$body" = "200 page /a?b=c " ]
    grep -q "^127.66.0.1 GET /a?b=c yes$" "$WEB/requests"
    ask "http HEAD http://127.66.0.1:$PORT/head"
    [ "$body" = "200 " ]
}

@test "a place without a grant, another scheme, and what is no request are refused" {
    before=$(requests)
    for url in "http://127.66.0.2:$PORT/" "http://127.0.0.1:$PORT/" "http://169.254.169.254/" "http://127.66.0.1:1/" \
        "http://[::1]:$PORT/" "http://example.org/"; do
        ask "http GET $url"
        echo "$url: $body"
        [ "$body" = "Permission denied" ]
    done
    for request in "GET file:///etc/passwd" "GET gopher://127.66.0.1:$PORT/" "GET http://user@127.66.0.1:$PORT/" \
        "TRACE http://127.66.0.1:$PORT/" "GET" "GET /a"; do
        ask "http $request"
        echo "$request: $body"
        [ "$body" = "Invalid argument" ]
    done
    [ "$(requests)" = "$before" ]
}

@test "an address in disguise, two hosts in one URL, and lines within lines are refused" {
    before=$(requests)
    # Everything that some parser takes for 127.0.0.1 or 127.66.0.2, where the same server listens.
    for host in 2130706433 0x7f000001 0x7f.0.0.1 0177.0.0.1 017700000001 127.1 127.66.2 0 0.0.0.0 127.0.0.1. 127.66.0.2. \
        '[::ffff:127.0.0.1]' '[::ffff:7f00:1]' '[0:0:0:0:0:ffff:7f42:2]' '[::127.0.0.1]' '[::]' '[::1%25lo]' '[fe80::1%25lo]' \
        '[64:ff9b::7f00:1]' '[2002:7f00:1::]' LOCALHOST localhost. localhost.localdomain ip6-localhost \
        '１２７.０.０.１' '①②⑦.0.0.1' '127。0。0。1' 'loc%61lhost' '%31%32%37.0.0.1' xn--loclhost-8ya ''; do
        ask "http GET http://$host:$PORT/"
        echo "$host: $body"
        [[ $body == "Permission denied" || $body == "Invalid argument" || $body == "Host is unreachable" ]]
        ask "http GET http://127.66.0.1:$PORT/to/http://$host:$PORT/"
        echo "to $host: $body"
        [[ $body == "Permission denied" || $body == "Invalid argument" || $body == "Host is unreachable" || $body == 200* ]]
        # The redirection was asked for, and nothing after it.
        before=$((before + 1))
        [ "$(requests)" = "$before" ]
    done
    # Which of the two is the host? Whatever it is, nobody else is asked.
    for url in "http://127.66.0.1:$PORT@127.66.0.2:$PORT/" "http://127.66.0.2:$PORT\\@127.66.0.1:$PORT/" "http://127.66.0.2:$PORT#@127.66.0.1:$PORT/" \
        "http://127.66.0.2:$PORT?@127.66.0.1:$PORT/" "http://127.66.0.2:$PORT;127.66.0.1:$PORT/" "http://127.66.0.2:$PORT%2f@127.66.0.1:$PORT/" \
        "http:///127.66.0.2:$PORT/" "http:127.66.0.2:$PORT/" "//127.66.0.2:$PORT/" "http://127.66.0.1:$((PORT + 65536))/" "http://127.66.0.1:0$PORT@127.66.0.2:$PORT/" \
        "http://127.66.0.1:-1/" "http://127.66.0.1:/" "http://127.66.0.1 127.66.0.2:$PORT/" "http://127.66.0.1,127.66.0.2:$PORT/"; do
        ask "http GET $url"
        echo "$url: $body"
        [[ $body == "Permission denied" || $body == "Invalid argument" || $body == "Host is unreachable" || $body == "Protocol error" ]]
    done
    for request in "GET http://127.66.0.1:$PORT/"$'\r\nX-Split: yes' "GET http://127.66.0.1:$PORT/ HTTP/1.1"$'\r\nHost: x' "GET http://127.66.0.1:$PORT/a"$'\t'b \
        "GET http://127.66.0.1:$PORT/"$'\nHost: 127.66.0.2' "GET http://127.66.0.1:$PORT/"$'\nhost : x' "GET http://127.66.0.1:$PORT/"$'\nX: a\rHost: b' \
        "GET http://127.66.0.1:$PORT/"$'\nTransfer-Encoding: chunked' "GET http://127.66.0.1:$PORT/"$'\nContent-Length: 5' "GET http://127.66.0.1:$PORT/"$'\n no: name' \
        "GET http://127.66.0.1:$PORT/"$'\nProxy-Authorization: x' "GET"$'\t'"http://127.66.0.1:$PORT/" "CONNECT http://127.66.0.1:$PORT/"; do
        ask "http $request"
        printf '%q: %s\n' "$request" "$body"
        [ "$body" = "Invalid argument" ]
    done
    [ "$(requests)" = "$before" ]
}

@test "every redirection is checked again" {
    before=$(requests)
    for url in "http://127.0.0.1:$PORT/x" "http://169.254.169.254/latest/meta-data/" "http://127.66.0.2:$PORT/x" \
        "http://localhost:$PORT/x"; do
        ask "http GET http://127.66.0.1:$PORT/to/$url"
        echo "$url: $body"
        [ "$body" = "Permission denied" ]
    done
    [ "$(requests)" = "$((before + 4))" ]
    ask "http GET http://127.66.0.1:$PORT/to/file:///etc/passwd"
    [ "$body" = "Invalid argument" ]
    ask "http GET http://127.66.0.1:$PORT/hop/3"
    [ "$body" = "200 page /hop/0 " ]
    ask "http GET http://127.66.0.1:$PORT/hop/9"
    [ "$body" = "Symbolic link loop" ] || [ "$body" = "Too many levels of symbolic links" ]
}

# How many questions there were for a name.
asked_of() {
    cat "$WEB/questions.$1.test" 2>/dev/null || echo 0
}

@test "a name is resolved once, and one that turns to another address is refused" {
    local asked
    asked=$(asked_of flips)
    # A first try may have asked: the next answer is one that is not allowed.
    [ $((asked % 2)) = 0 ] || { ask "http GET http://flips.test:$PORT/flips" && asked=$(asked_of flips); }
    # The first answer is an address that is allowed, the second is not; then again.
    for round in 1 2; do
        ask "http GET http://flips.test:$PORT/flips"
        [ "$body" = "200 page /flips " ]
        [ "$(asked_of flips)" = $((asked + 2 * round - 1)) ]
        ask "http GET http://flips.test:$PORT/flips"
        [ "$body" = "Permission denied" ]
        [ "$(asked_of flips)" = $((asked + 2 * round)) ]
    done
    grep -q "may not ask 'flips.test:$PORT': it is 169.254.169.254, which the operator" "$VIREO_STATE/daemon.log"
    ask "http GET http://localhost:$PORT/"
    [ "$body" = "Permission denied" ]
}

# connects NAME PATH [/udp]: what the function got there
connects() {
    call caller --data-binary "$1:$PORT${3-} GET /$2 HTTP/1.0"$'\r\n\r\n'
    [ "$code" = 200 ]
}

@test "a connection is to an address that was checked, whatever the name server says next" {
    mkdir -p "$WEB/caller"
    cp "$FUNCTIONS/connect.c" "$WEB/caller"
    {
        printf 'name: caller\ngrants:\n  connect:\n'
        for name in turns both alias mapped nat loop; do
            printf '    - "%s.test:%s"\n' "$name" "$PORT"
        done
        printf '    - "swings.test:%s/udp"\n' "$PORT"
    } >"$WEB/caller/vireo.yaml"
    "$VIREO" deploy -q "$WEB/caller"
    local asked
    asked=$(asked_of turns)
    [ $((asked % 2)) = 0 ] || { connects turns.test never && asked=$(asked_of turns); }
    for round in 1 2; do
        connects turns.test "turn$round"
        [[ $body == *"page /turn$round"* ]]
        # One question a connection.
        [ "$(asked_of turns)" = $((asked + 2 * round - 1)) ]
        connects turns.test never
        [ "$body" = "connect: Permission denied" ]
        [ "$(asked_of turns)" = $((asked + 2 * round)) ]
    done
    # Of two addresses the one that is allowed; of others none, in whatever form.
    connects both.test both
    [[ $body == *"page /both"* ]]
    for name in alias mapped nat loop; do
        connects "$name.test" never
        echo "$name: $body"
        [ "$body" = "connect: Permission denied" ]
    done
    # Datagrams: sent to the first answer's address (nobody is there), refused for the second's.
    connects swings.test udp /udp
    [ "$body" != "connect: Permission denied" ]
    connects swings.test udp /udp
    [ "$body" = "connect: Permission denied" ]
    not grep never "$WEB/requests"
    for told in "turns.test:$PORT': it is 169.254.169.254" "alias.test:$PORT': it is 127.0.0.1" \
        "mapped.test:$PORT': it is 169.254.169.254" "nat.test:$PORT': it is 64:ff9b::a9fe:a9fe" "loop.test:$PORT': it is ::1"; do
        grep -q "function 'caller' may not connect to '$told" "$VIREO_STATE/daemon.log"
    done
}

@test "an answer that is too long is refused, and a server that is not there is told" {
    ask "http GET http://127.66.0.1:$PORT/large"
    [[ $body == "Message too large" || $body == "Message too long" ]]
    ask "http GET http://127.66.0.1:$PORT/small"
    [ "$body" = "200 page /small " ]
}

taken() {
    "$VIREO" logs taker 2>/dev/null | grep -c "taken: $1"
}

taken_is() {
    [ "$(taken "$1")" = "$2" ]
}

@test "a message has its function called, and is kept until it can be" {
    [ "$(taken .)" = 0 ]
    ask "push taker early"
    [ "$body" = 0 ]
    cat >"$WEB/taker.c" <<'END'
#include <stdio.h>
#include <vireo/function.h>
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    static int fails = 2;
    (void)out, (void)out_cap;
    if (in_len > 0 && in[0] == 'f' && fails-- > 0)
        return -1;
    fprintf(stderr, "taken: %.*s\n", (int)in_len, (const char *)in);
    return 0;
}
END
    # Nobody had this name: that message was given up, with a line in the log.
    eventually 10 grep -q "a message to 'taker' is given up" "$VIREO_STATE/daemon.log"
    "$VIREO" deploy "$WEB/taker.c" --name taker
    for word in one two three; do
        ask "push taker $word"
        [ "$body" = 0 ]
    done
    eventually 10 taken_is three 1
    [ "$(taken .)" = 3 ]
    # One that fails is sent again.
    ask "push taker fails"
    eventually 15 taken_is fails 1
}

@test "whom it may send messages to, the manifest and the operator say" {
    ask "push asker again"
    [ "$body" = "Permission denied" ]
    ask "push other text"
    [ "$body" = "Permission denied" ]
    mkdir -p "$WEB/more"
    cp "$FUNCTIONS/platform.c" "$WEB/more"
    printf 'name: more\nallow: [base, platform]\ngrants: {queue: [other]}\n' >"$WEB/more/vireo.yaml"
    run "$VIREO" deploy "$WEB/more"
    [ "$status" -eq 4 ]
    [[ $output == *"cannot grant queue 'other' to 'more'"* ]]
}

@test "functions that send each other ever more messages hold up nobody, and end with them" {
    for name in ping pong; do
        mkdir -p "$WEB/$name"
        cat >"$WEB/$name/f.c" <<'END'
#include <vireo/function.h>
#include <vireo/platform.h>
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    for (int i = 0; i < 3; i++) {
        vireo_queue_push("ping", "a", 1);
        vireo_queue_push("pong", "b", 1);
    }
    return 0;
}
END
        printf 'name: %s\nallow: [base, platform]\ngrants: {queue: [ping, pong]}\n' "$name" >"$WEB/$name/vireo.yaml"
        "$VIREO" deploy "$WEB/$name" -q
    done
    call ping -d x
    [ "$code" = 200 ]
    # As many wait as the operator allows, however many were pushed; the rest was refused and is counted.
    limited() {
        [ "$("$VIREO" allow ls -o json | jq -r '.entries[] | select(.name == "vireo_queue_push").limited')" -gt 20 ]
    }
    eventually 20 limited
    for word in one two three; do
        before=$(date +%s%N)
        ask "put loop $word"
        ask "get loop"
        [ "$body" = "$word" ]
        [ $((($(date +%s%N) - before) / 1000000)) -lt 5000 ]
    done
    quiet() {
        local first
        first=$(wc -c <"$VIREO_STATE/daemon.log")
        sleep 2
        [ "$(wc -c <"$VIREO_STATE/daemon.log")" = "$first" ]
    }
    not quiet
    # Both gone, nothing runs on.
    "$VIREO" rm ping
    "$VIREO" rm pong
    eventually 30 quiet
}

# The daemon ends with the test that starts it: this is the last one.
@test "messages wait over the end of the daemon, and their number is bounded" {
    VIREO=$WEB/vireo daemon_there --config "$WEB/conf"
    # A function whose calls can't run holds them up: the daemon goes on trying.
    "$VIREO" rm taker || true
    cat >"$WEB/taker.c" <<'END'
#include <vireo/function.h>
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    (void)in, (void)in_len, (void)out, (void)out_cap;
    return -1;
}
END
    "$VIREO" deploy "$WEB/taker.c" --name taker
    for i in 1 2 3 4 5; do
        ask "push taker wait$i"
    done
    ask "push taker wait6"
    [[ $body == "Resource temporarily unavailable" || $body == 0 ]]
    ask "push taker wait7"
    ask "push taker wait8"
    [ "$body" = "Resource temporarily unavailable" ]
    daemon_stop
    VIREO=$WEB/vireo daemon_start --config "$WEB/conf"
    sed -i 's/return -1;/fprintf(stderr, "taken: %.*s\\n", (int)in_len, (const char *)in); return 0;/; s/^#include/#include <stdio.h>\n#include/' "$WEB/taker.c"
    "$VIREO" deploy "$WEB/taker.c" --name taker
    # Without any call of the one that sent them.
    eventually 20 taken_is wait5 1
}
