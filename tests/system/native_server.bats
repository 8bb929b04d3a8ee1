#!/usr/bin/env bats
# Servers of native code that an operator's key has signed: they accept, wait and answer by the
# names of UNIX, and get a new version at their own update points, as translated ones do.
load helper
load points

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    local key
    WORK=$(mktemp -d /tmp/vireo-native-server.XXXXXX) PORT=$(free_port) KV_PORT=$(free_port) WEB_PORT=$(free_port)
    export WORK PORT KV_PORT WEB_PORT
    mkdir "$WORK/any"
    mkdir -m 777 "$WORK/data"
    echo 'int main(void) { return 0; }' >"$WORK/any/any.c"
    key=$(VIREO_STATE=$WORK/signer "$VIREO" build --json --native "$WORK/any" -o "$WORK/any.so" | jq -r .signed_by)
    printf 'keys: {trusted: [%s]}\nallow_grants: {fork: true, link: true, files: ["%s"], listen: ["127.0.0.1:%s", "127.0.0.1:%s", "127.0.0.1:%s"]}\n' \
        "$key" "$WORK/data" "$PORT" "$KV_PORT" "$WEB_PORT" >"$WORK/config.yaml"
    daemon_start --config "$WORK/config.yaml"
    version one ''
    version two 's,/\*version\*/ one,two,; s/return n + 1;/return n + 10;/; s/^static int answers;/static int added = 7;\nstatic int answers;/; s/%u\\n", answers/%u %d\\n", answers/; s/vireo_updates());/vireo_updates(), added++);/'
    "$VIREO" deploy -q "$WORK/one"
    eventually 10 answers "one 1 first 0"
}

teardown_file() {
    daemon_clean
    [ -z "${WORK-}" ] || rm -rf "$WORK"
}

setup() {
    need_root
    cd "$WORK" || return 1
    again "$WORK/one"
}

# version FOLDER SED: the server, changed so, built and signed.
version() {
    local name=$1
    mkdir -p "$WORK/source-$name" "$WORK/$name"
    sed -e "$2" "$FUNCTIONS/points.c" >"$WORK/source-$name/points.c"
    printf 'name: points\nversion: "%s"\nlimits: {pids: 8}\nupdate: {slack: 4KiB}\ngrants: {fork: true, link: true, listen: ["127.0.0.1:%s"]}\n' "$name" "$PORT" |
        tee "$WORK/source-$name/vireo.yaml" >"$WORK/$name/vireo.yaml"
    VIREO_STATE=$WORK/signer "$VIREO" build -q --native "$WORK/source-$name" -o "$WORK/$name/points.so"
}

# refused_update FOLDER WORDS: the update is refused so, and the same pVM goes on with its state.
refused_update() {
    local before last now
    before=$(pvm) last=$(count)
    run "$VIREO" update points "$1"
    [ "$status" -eq 4 ] && [[ $output == *"$2"* ]] || {
        echo "$status: $output"
        return 1
    }
    now=$(count)
    [ "$now" = $((last + 1)) ]
    [ "$(pvm)" = "$before" ]
}

@test "a server of native code gets a new version in place: connections, variables, the heap and its listening socket stay" {
    local before line n
    before=$(pvm) n=$(count)
    exec 5<>"/dev/tcp/127.0.0.1/$PORT"
    echo x >&5
    read -r -t 10 line <&5
    [[ $line == *"one $((n + 1)) first 0" ]]
    # It sleeps in poll(): the update wakes it.
    run "$VIREO" update points two
    [ "$status" -eq 0 ] || { echo "$output"; return 1; }
    [[ $output == *"1 pVM goes on with it"* ]]
    echo x >&5
    read -r -t 10 line <&5
    [ "$line" = "two $((n + 11)) first 1 7" ]
    [ "$(ask)" = "two $((n + 21)) first 1 8" ]
    [ "$(pvm)" = "$before" ]
    "$VIREO" rollback -q points
    echo x >&5
    read -r -t 10 line <&5
    [[ $line == *"one $((n + 22)) first 2" ]]
    exec 5>&-
    [ "$(pvm)" = "$before" ]
    # Each phase by itself: no file is mapped in less than half a microsecond.
    "$VIREO" update -o json points two | jq -e '.update | .load_us > 0 and .stopped_us + 4 >= .load_us + .tables_us + .functions_us + .variables_us'
    "$VIREO" rollback -q points
}

@test "a version that traps, or ends, at its start is taken back: the server goes on with its state" {
    version trap 's,/\*start\*/,if (vireo_updates()) abort();,'
    refused_update trap "pVM $(pvm): it trapped at its start: abort() was called in 'main'"
    version ends 's,/\*start\*/,if (answers) return 3;,'
    refused_update ends "it ended at its start: exit status 3"
    # What it did to the variables of both by then stays: they go back as they came.
    version counts 's,/\*start\*/,answers += 100; if (vireo_updates()) exit(4);,'
    local last
    last=$(count)
    run "$VIREO" update points counts
    [ "$status" -eq 4 ]
    [ "$(count)" = $((last + 101)) ]
}

@test "a version that lacks a variable or has another type of one, or a handler, is refused by name" {
    version other 's/^static int answers;/static long answers;/'
    refused_update other "variable 'answers' changed"
    version gone 's/static int one(int n)/static int uno(int n)/; s/= one;/= uno;/'
    refused_update gone "'one'"
    # Something points to it: the text is no variable, and the new version has none of these words.
    version text 's/"first"/"other"/'
    refused_update text 'a constant that is pointed to is gone: "first"'
    version handles 's/int main(void)/int64_t handler(const uint8_t *in, size_t n, uint8_t *out, size_t m)/'
    run "$VIREO" update points handles
    refused 2 "a grant to listen is for a program with main(), and this is a handler"
}

@test "a server of native code that does not come to its point is not forced" {
    local before last
    before=$(pvm) last=$(count)
    ask busy >/dev/null &
    eventually 4 sh -c '"$VIREO" ps -o json | jq -e ".[] | select(.function == \"points\") | .state == \"running\""'
    run "$VIREO" update points two
    [ "$status" -eq 4 ] || { echo "$output"; return 1; }
    [[ $output == *"pVM $before: it is busy: it did not come to vireo_update_point() in 2 s, and is never forced"* ]] || { echo "$output"; return 1; }
    wait
    [ "$(count)" = $((last + 2)) ]
}

# Mappings and descriptors of the server's pVM and its template.
held() {
    local pid
    for pid in $(descendants "$VIREO_DAEMON"); do
        [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = vireo-guest ] || continue
        wc -l <"/proc/$pid/maps"
        find "/proc/$pid/fd" -mindepth 1 | wc -l
    done | sort -n | paste -s -d ' '
}

@test "fifty updates in a row: nothing of a version that was replaced stays" {
    local i before version
    turn() {
        for version in step one; do
            "$VIREO" update -q points "$version"
        done
    }
    version step 's/return n + 1;/return n + 2;/'
    turn
    before=$(held)
    for ((i = 0; i < 25; i++)); do
        turn
    done
    # A template of a former version may be about to end.
    eventually 10 eval '[ "$(held)" = "'"$before"'" ]' || { echo "$before: $(held)"; return 1; }
    count
}

@test "a library is linked with a server of native code that sleeps; replaced alone it is not" {
    local name
    for name in extra extra2; do
        mkdir -p "source-$name"
        echo '__attribute__((visibility("default"))) int extra(int n) { return n + 5; }' >"source-$name/$name.c"
        printf 'name: %s\nversion: 1.0.0\n' "$name" >"source-$name/vireo.yaml"
        VIREO_STATE=$WORK/signer "$VIREO" build -q --native "source-$name" -o "$name.so"
        "$VIREO" deploy -q "$name.so" --name "$name"
    done
    version calls 's,/\*start\*/,extern int extra(int); if (answers) answers = extra(answers);,'
    local last
    last=$(count)
    "$VIREO" link -q "$(pvm)" extra
    run "$VIREO" update --pvm "$(pvm)" extra2 extra
    [ "$status" -eq 4 ] || { echo "$status: $output"; return 1; }
    [[ $output == *"a server of native code is updated as a whole: no library of it alone"* ]] || { echo "$output"; return 1; }
    "$VIREO" update -q points calls
    [ "$(count)" = $((last + 6)) ]
    "$VIREO" update -q points one
}

@test "a version that never comes to its own update point is refused; the server is started anew" {
    version never 's,/\*start\*/,for (;;) if (vireo_updates()) sleep(1); else break;,'
    run "$VIREO" update points never
    [ "$status" -eq 4 ] || { echo "$output"; return 1; }
    [[ $output == *"did not come to vireo_update_point() in 2 s: it is started anew"* ]] || { echo "$output"; return 1; }
    eventually 10 answers "one 1 first 0"
}

@test "a version that faults at its start ends the pVM: refused, and the version before is started anew" {
    version faults 's,/\*start\*/,if (vireo_updates()) *(volatile int *)8 = 1;,'
    run "$VIREO" update points faults
    [ "$status" -eq 4 ] && [[ $output == "vireo: cannot update 'points' in place: pVM "*": it ended with the new version" ]] || { echo "$status: $output"; return 1; }
    eventually 10 eval '[[ "$(ask)" == "one "* ]]'
}

kv() {
    redis-cli -p "$KV_PORT" "$@"
}

# kv_version FOLDER [SED]: examples/kv as it stands, or changed so, as native code.
kv_version() {
    local own=$WORK/$1 source=$WORK/source-$1
    rm -rf "$own" "$source"
    mkdir "$own"
    cp -r "$TOP/examples/kv" "$source"
    sed -i -e "s/127.0.0.1:6380/127.0.0.1:$KV_PORT/" -e 's/memory: 512MiB/memory: 128MiB/' -e 's/^version: .*/version: "1.1"/' \
        -e "s|size: 64MiB|{host: $WORK/data}|; s|{host: \(.*\)}|host: \1\n      writable: true|" "$source/vireo.yaml"
    sed -i -e "${2-}" "$source/command_server.c"
    sed '/^sources/,/]/d' "$source/vireo.yaml" >"$own/vireo.yaml"
    VIREO_STATE=$WORK/signer "$VIREO" build -q --native "$source" -o "$own/kv.so"
}

@test "examples/kv as native code: redis-benchmark, a child that saves, a new version under load, no key lost" {
    command -v redis-cli >/dev/null || skip "redis-cli is missing (redis-tools)"
    local load i
    "$VIREO" rm -q kv || true
    kv_version kv
    kv_version kv2 's/server_name:vireo-kv/server_name:two/'
    "$VIREO" deploy -q "$WORK/kv"
    eventually 10 eval '[ "$(kv ping 2>/dev/null)" = PONG ]'
    for i in $(seq 500); do echo "SET every:$i value-$i"; done | kv >"$BATS_TEST_TMPDIR/set"
    [ "$(grep -c OK "$BATS_TEST_TMPDIR/set")" = 500 ]
    [[ $(kv info) == *server_name:vireo-kv* ]]
    redis-benchmark -p "$KV_PORT" -t set,get,incr -n 20000 -c 50 -P 4 -r 1000 -q >"$BATS_TEST_TMPDIR/out" 2>&1 &
    load=$!
    # Its table of commands is a variable there, which may not grow.
    kv_version kv3 's/^const struct command server_commands.*/&\n    {"PONG", -1, 0},/'
    run "$VIREO" update kv "$WORK/kv3"
    [ "$status" -eq 4 ] && [[ $output == *"the size of variable 'server_commands' changed"* ]] || { echo "$status: $output"; return 1; }
    run "$VIREO" update kv "$WORK/kv2"
    [ "$status" -eq 0 ] && [[ $output == *"1 pVM goes on with it"* ]] || { echo "$status: $output"; return 1; }
    [[ $(kv info) == *server_name:two* ]]
    [ "$(kv bgsave)" = "Background saving started" ]
    wait "$load"
    [ "$(grep -c 'requests per second' "$BATS_TEST_TMPDIR/out")" -ge 3 ]
    not grep -i error "$BATS_TEST_TMPDIR/out"
    eventually 20 eval '[[ $(kv info) == *rdb_bgsave_in_progress:0*rdb_last_bgsave_status:ok* ]]'
    diff <(for i in $(seq 500); do echo "GET every:$i"; done | kv) <(seq -f 'value-%.0f' 500)
    # Its end takes nothing that was saved.
    "$VIREO" kill "$("$VIREO" ps -o json | jq -r '.[] | select(.function == "kv" and .parent == null).id')"
    eventually 20 eval '[ "$(kv get every:500 2>/dev/null)" = value-500 ]'
    "$VIREO" rm -q kv
}

@test "examples/web as native code: files, ranges, dates, wrk, forked workers" {
    local own=$WORK/web source=$WORK/source-web root=$WORK/data/www
    rm -rf "$own" "$source" "$root"
    mkdir -p "$own" "$root/sub"
    cp -r "$TOP/examples/web" "$source"
    sed -i -e "s|/var/www/html|$root|; s/127.0.0.1:8081/127.0.0.1:$WEB_PORT/" "$source/vireo.yaml"
    sed '/^sources/d' "$source/vireo.yaml" >"$own/vireo.yaml"
    echo '<h1>here</h1>' >"$root/index.html"
    echo '<p>below</p>' >"$root/sub/index.html"
    head -c 300000 /dev/urandom >"$root/large.bin"
    touch -d '1994-11-06 08:49:37 UTC' "$root/index.html"
    chmod -R a+rX "$root"
    echo secret >"$WORK/data/secret"
    VIREO_STATE=$WORK/signer "$VIREO" build -q --native "$source" -o "$own/web.so"
    "$VIREO" deploy -q "$own"
    web() {
        curl -s --path-as-is --max-time 20 "http://127.0.0.1:$WEB_PORT/$1" "${@:2}"
    }
    eventually 20 eval '[ "$(web "")" = "<h1>here</h1>" ]' || { "$VIREO" logs web | tail -n 5; return 1; }
    eventually 10 eval '"$VIREO" ps -o json | jq -e "[.[] | select(.function == \"web\")] | length == 3"'
    [ "$("$VIREO" ls -o json | jq -r '.[] | select(.name == "web").safety')" = native ]
    [ "$(web sub/)" = '<p>below</p>' ]
    web large.bin | cmp - "$root/large.bin"
    web large.bin -H 'Range: bytes=100000-299998' | cmp - <(tail -c +100001 "$root/large.bin" | head -c 199999)
    [ "$(web index.html -o /dev/null -w '%header{last-modified}')" = "Sun, 06 Nov 1994 08:49:37 GMT" ]
    [ "$(web ../secret -o /dev/null -w '%{http_code}')" = 400 ]
    # A link in the folder does not lead out of it.
    ln -s ../secret "$root/link"
    [ "$(web link -o /dev/null -w '%{http_code}')" = 404 ]
    command -v wrk >/dev/null || skip "wrk is missing"
    wrk -t 1 -c 32 -d 2s --timeout 20s "http://127.0.0.1:$WEB_PORT/" >"$BATS_TEST_TMPDIR/wrk"
    not grep -E 'Non-2xx|Socket errors' "$BATS_TEST_TMPDIR/wrk"
    grep -q '^Requests/sec' "$BATS_TEST_TMPDIR/wrk"
    "$VIREO" rm -q web
}
