#!/usr/bin/env bats
# examples/kv under the real redis-cli and redis-benchmark.
load helper

setup_file() {
    [ "$(id -u)" = 0 ] && command -v redis-cli >/dev/null || return 0
    VIREO_STATE=$(mktemp -d /tmp/vireo-test-kv.XXXXXX)
    libraries_take
    PORT=$(free_port) DATA=$VIREO_STATE/data
    mkdir -m 777 "$DATA"
    export PORT DATA
    cat >"$VIREO_STATE/vireo.conf" <<END
allow_grants:
  fork: true
  files: ["$VIREO_STATE"]
  listen: ["127.0.0.1:$PORT"]
END
    daemon_start --config "$VIREO_STATE/vireo.conf"
    cp -r "$TOP/examples/kv" "$BATS_FILE_TMPDIR/kv"
    sed -i -e "s/127.0.0.1:6380/127.0.0.1:$PORT/" -e 's/memory: 512MiB/memory: 128MiB/' \
        -e "s|size: 64MiB|{host: $DATA}|; s|{host: \(.*\)}|host: \1\n      writable: true|" \
        "$BATS_FILE_TMPDIR/kv/vireo.yaml"
    "$VIREO" deploy "$BATS_FILE_TMPDIR/kv"
    eventually 10 ready
}

teardown_file() {
    daemon_clean
}

setup() {
    need_root
    command -v redis-cli >/dev/null || skip "redis-cli is missing (redis-tools)"
}

kv() {
    redis-cli -p "$PORT" "$@"
}

ready() {
    [ "$(kv ping 2>/dev/null)" = PONG ]
}

without_version() {
    [[ $(kv version 2>/dev/null) == "ERR unknown command"* ]]
}

saved() {
    [[ $(kv info) == *rdb_bgsave_in_progress:0* ]]
}

@test "redis-cli sets, gets, counts, expires" {
    kv flushall
    [ "$(kv set greeting 'hello, world')" = OK ]
    [ "$(kv get greeting)" = "hello, world" ]
    [ "$(kv incr n)" = 1 ]
    [ "$(kv incrby n 41)" = 42 ]
    [ "$(kv incr greeting)" = "ERR value is not an integer or out of range" ]
    [ "$(kv rpush row a b c)" = 3 ]
    [ "$(kv lrange row 0 -1)" = $'a\nb\nc' ]
    [[ $(kv get row) == WRONGTYPE* ]]
    [ "$(kv set short x px 150)" = OK ]
    [ "$(kv expire greeting 100)" = 1 ]
    [[ $(kv ttl greeting) == @(99|100) ]]
    [ "$(kv persist greeting)" = 1 ]
    eventually 5 eval '[ "$(kv exists short)" = 0 ]'
    # Nobody asks for it: the sweep finds it.
    kv set unseen x px 50
    eventually 20 eval '[ "$(kv dbsize)" = 3 ]'
    [ "$(kv del greeting row none)" = 2 ]
    [ "$(kv keys '?')" = n ]
    kv info | grep -q '^server_name:vireo-kv'
    [[ $(kv nonsense) == "ERR unknown command 'nonsense'" ]]
}

@test "what is no request ends its connection and nobody else's" {
    local line
    for line in '*1\r\nx\r\n' '*1\r\n$-1\r\n' '*1\r\n$99999999\r\n' '*99999999\r\n' '*1\r\n$3\r\nabcd\r\n'; do
        exec 4<>"/dev/tcp/127.0.0.1/$PORT"
        # shellcheck disable=SC2059
        printf "$line" >&4
        # An answer that is an error, and the end.
        [[ $(timeout 5 cat <&4) == -ERR* ]]
        exec 4>&-
    done
    ready
}

@test "redis-benchmark ends without an error while children save what the parent changes" {
    kv flushall
    kv mset a 1 b 2 c 3
    redis-benchmark -p "$PORT" -t set,get,incr,lpush,lpop,mset,ping -n 20000 -c 50 -P 4 -r 1000 -q \
        >"$BATS_TEST_TMPDIR/out" 2>&1 &
    local load=$! i
    for i in 1 2 3 4 5; do
        kv bgsave
        eventually 20 saved
    done
    wait "$load"
    [ "$(grep -c 'requests per second' "$BATS_TEST_TMPDIR/out")" -ge 7 ]
    not grep -i error "$BATS_TEST_TMPDIR/out"
    [[ $(kv info) == *rdb_last_bgsave_status:ok* ]]
    [ "$(head -c 10 "$DATA/dump.kv")" = "vireo-kv 1" ]
}

@test "redis-benchmark with 500 clients, pipelines and threads; redis-cli --pipe; lines and large values" {
    local i
    redis-benchmark -p "$PORT" -t ping,set,get,incr,lpush,rpush,lpop,rpop -n 20000 -c 500 -P 16 -q >"$BATS_TEST_TMPDIR/out" 2>&1
    redis-benchmark -p "$PORT" -t set,get,incr -n 10000 -c 50 --threads 2 -q >>"$BATS_TEST_TMPDIR/out" 2>&1
    [ "$(grep -c 'requests per second' "$BATS_TEST_TMPDIR/out")" -ge 12 ]
    not grep -i error "$BATS_TEST_TMPDIR/out"
    kv flushall
    for i in $(seq 2000); do
        printf '*3\r\n$3\r\nSET\r\n$5\r\np%04d\r\n$3\r\nabc\r\n' "$i"
    done | kv --pipe | grep -q 'errors: 0, replies: 2000'
    [ "$(kv dbsize)" = 2000 ]
    exec 4<>"/dev/tcp/127.0.0.1/$PORT"
    printf 'SET line 5\r\nGET line\r\n' >&4
    for i in +OK '$1' 5; do
        read -r -t 5 -u 4 line
        [ "${line%$'\r'}" = "$i" ]
    done
    exec 4>&-
    # The largest value is 1 MiB.
    head -c 1048576 /dev/zero | tr '\0' x | kv -x set large
    [ "$(kv get large | wc -c)" = 1048577 ]
}

@test "as many connections as a pVM has descriptors for are served, who comes then is told that it is full" {
    [ "$(kv ping)" = PONG ]
    # The one before may not have gone yet.
    eventually 10 eval '[ "$(python3 "$BATS_TEST_DIRNAME/crowd.py" "$PORT" 1000 ping)" = "960 answered, 960 again, 40 told that it is full" ]'
    # They went, and there is room.
    eventually 10 eval '[ "$(python3 "$BATS_TEST_DIRNAME/crowd.py" "$PORT" 960 ping)" = "960 answered, 960 again, 0 told that it is full" ]'
}

# Begins to save, and stops the child that saves: true, and its name in `saver`.
saver_stops() {
    [ "$(kv bgsave)" = "Background saving started" ] || return 1
    saver=$("$VIREO" ps -o json | jq -r '.[] | select(.function == "kv" and .parent != null).id')
    [ -n "$saver" ] && "$VIREO" kill -s STOP "$saver" && [[ $(kv info) == *rdb_bgsave_in_progress:1* ]]
}

@test "a child saves what there was when it was forked, while the parent serves and changes it" {
    local saver
    # Enough that the child is seen.
    redis-benchmark -p "$PORT" -t set -n 100000 -c 10 -P 16 -r 100000 -d 300 -q
    kv set moment before
    # It may be quicker than who looks for it.
    eventually 40 saver_stops
    # It is stopped: all that is answered now the parent answers, and what it writes is not saved.
    [ "$(kv set moment after)" = OK ]
    [ "$(kv get moment)" = after ]
    [[ $(kv bgsave) == ERR*progress* ]]
    [[ $(kv info) == *rdb_bgsave_in_progress:1* ]]
    "$VIREO" kill -s CONT "$saver"
    eventually 20 saved
    [[ $(kv info) == *rdb_last_bgsave_status:ok* ]]
    "$VIREO" kill "${saver%.*}"
    eventually 20 eval '[ "$(kv get moment 2>/dev/null)" = before ]'
}

@test "a server that was killed comes back with its last snapshot" {
    kv flushall
    kv set kept 'over the end'
    kv save
    kv set lost x
    "$VIREO" kill "$("$VIREO" ps -o json | jq -r '.[] | select(.function == "kv" and .parent == null).id')"
    eventually 20 ready
    [ "$(kv get kept)" = "over the end" ]
    [ "$(kv exists lost)" = 0 ]
}

@test "a new version comes while redis-benchmark runs: no error, no lost connection, no lost key" {
    local pvm load
    # Without the command that a first try may have left.
    [ "$BATS_TEST_TRY_NUMBER" -eq 1 ] || { "$VIREO" deploy -q "$BATS_FILE_TMPDIR/kv" && eventually 20 without_version; }
    pvm=$("$VIREO" ps -o json | jq -r '.[] | select(.function == "kv" and .parent == null).id')
    kv set kept 'over the update'
    for i in $(seq 2000); do echo "SET every:$i value-$i"; done | kv >"$BATS_TEST_TMPDIR/set"
    [ "$(grep -c OK "$BATS_TEST_TMPDIR/set")" = 2000 ]
    cd "$BATS_TEST_TMPDIR"
    cp -r "$BATS_FILE_TMPDIR/kv" next
    # A command more.
    sed -i 's/^const struct command server_commands.*/static void version(const struct call *call)\n{\n    answer_simple(call->out, "two");\n}\n\n&\n    {"VERSION", 1, version},/' \
        next/command_server.c
    without_version
    # Built before, so that the load lasts for the updates themselves.
    "$VIREO" update kv next
    [ "$(kv version)" = two ]
    redis-benchmark -p "$PORT" -t set,get,incr -n 40000 -c 50 -r 1000 -q >"$BATS_TEST_TMPDIR/out" 2>&1 &
    load=$!
    while alive "$load"; do
        "$VIREO" rollback -q kv
        "$VIREO" update -q kv next
    done
    wait "$load"
    [ "$(grep -c 'requests per second' "$BATS_TEST_TMPDIR/out")" -ge 3 ]
    not grep -i error "$BATS_TEST_TMPDIR/out"
    [ "$(kv get kept)" = "over the update" ]
    diff <(for i in $(seq 2000); do echo "GET every:$i"; done | kv) <(seq -f 'value-%.0f' 2000)
    [ "$("$VIREO" ps -o json | jq -r '.[] | select(.function == "kv" and .parent == null).id')" = "$pvm" ]
    kv set later x
    kv save
}
