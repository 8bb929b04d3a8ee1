#!/usr/bin/env bats
# Keys of functions in Redis: behind the same calls, and Redis itself keeps functions apart.
load helper

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    HERE=$(mktemp -d /tmp/vireo-test-redis.XXXXXX)
    REDIS=$(free_port)
    export HERE REDIS
    redis_start
    (umask 077 && echo "a secret word" >"$HERE/password")
    cat >"$HERE/conf" <<END
allow_layers:
  platform: ["*"]
platform:
  bytes: 64KiB
  redis: 127.0.0.1:$REDIS
  redis_password: $HERE/password
END
    daemon_start --config "$HERE/conf"
    for name in one two; do
        mkdir "$HERE/$name"
        cp "$FUNCTIONS/platform.c" "$HERE/$name"
        printf 'name: %s\nallow: [base, platform]\n' "$name" >"$HERE/$name/vireo.yaml"
        "$VIREO" deploy "$HERE/$name" >/dev/null
    done
}

teardown_file() {
    daemon_clean
    [ ! -e "${HERE-}/pid" ] || kill "$(cat "$HERE/pid")"
    rm -rf "${HERE-}"
}

setup() {
    need_root
}

redis_start() {
    redis-server --port "$REDIS" --bind 127.0.0.1 --requirepass "a secret word" --save '' --daemonize yes \
        --pidfile "$HERE/pid" --logfile "$HERE/redis.log" --dir "$HERE" >/dev/null 3>&-
    eventually 10 redis ping >/dev/null
}

redis() {
    REDISCLI_AUTH="a secret word" redis-cli -p "$REDIS" "$@"
}

ask() {
    call "$1" --data-binary "$2"
    [ "$code" = 200 ] || {
        echo "status $code: $body" >&2
        return 1
    }
}

answers() {
    ask "$1" "$2" && [ "$body" = "$3" ]
}

id_of() {
    redis keys 'vireo:*:keys' | sed 's/[^0-9]//g' | while read -r id; do
        [ "$(redis hexists "vireo:$id:keys" "$1")" = 0 ] || echo "$id"
    done
}

@test "keys are in Redis, each function's in a hash of its own" {
    answers one "put mine first" 0
    answers one "get mine" first
    answers one "put mine second" 0
    answers one "get mine" second
    answers two "get mine" "No such file or directory"
    answers two "put other third" 0
    [ "$(redis hget "vireo:$(id_of mine):keys" mine)" = second ]
    [ ! -e "$VIREO_STATE/platform/$(id_of mine)/keys.db" ]
    answers two "delete other" 0
    answers two "delete other" "No such file or directory"
}

@test "a function's user of Redis reaches its own keys and nothing else" {
    user=vireo-$(id_of mine)
    answers two "put other third" 0
    other=$(id_of other)
    redis acl getuser "$user" | grep -q "~vireo:$(id_of mine):\*"
    [ "$(redis acl dryrun "$user" hget "vireo:$(id_of mine):keys" a)" = OK ]
    for command in "hget vireo:$other:keys other" "get anything" "keys *" "flushall" "config get *" "acl list" \
        "eval return(1) 0" "del vireo:$(id_of mine):keys"; do
        # shellcheck disable=SC2086
        run redis acl dryrun "$user" $command
        echo "$command: $output"
        [ "$output" != OK ]
    done
}

@test "the quota holds in Redis, too, and what is removed is given back" {
    ask one fill
    [[ $body == *": No space left on device" ]]
    [ "${body%%:*}" -ge 50 ]
    [ "${body%%:*}" -le 64 ]
    answers one "delete fill0" 0
    answers one "put again small" 0
    # Setting a key anew does not count it twice.
    for i in $(seq 20); do
        answers one "put again small$i" 0
    done
    answers two "put more room" 0
}

@test "Redis gone is an error for the caller; when it is back it is used again" {
    [ ! -e "$HERE/pid" ] || kill "$(cat "$HERE/pid")"
    eventually 10 not redis ping
    ask two "get more"
    [[ $body == "I/O error" || $body == "Input/output error" ]]
    redis_start
    # It kept nothing: this one has no disk.
    eventually 10 answers two "put more again" 0
    answers two "get more" again
}

gone() {
    [ -z "$(id_of more)" ]
}

user_gone() {
    not grep -q "$1 " <<<"$(redis acl list)"
}

@test "a function that is removed leaves nothing in Redis" {
    # It is there again at a second try.
    [ "$BATS_TEST_TRY_NUMBER" -eq 1 ] || { "$VIREO" deploy -q "$HERE/two" && eventually 10 answers two "put more again" 0; }
    id=$(id_of more)
    [ -n "$id" ]
    "$VIREO" rm two
    eventually 10 gone
    [ -z "$(redis keys "vireo:$id:*")" ]
    eventually 10 user_gone "vireo-$id"
}
