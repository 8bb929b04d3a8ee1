#!/usr/bin/env bats
# The layer platform: keys, SQL, messages and HTTP of functions, each with its own data and quotas.
load helper

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    CONF=$(mktemp /tmp/vireo-test-platform.XXXXXX)
    export CONF
    cat >"$CONF" <<END
allow_layers:
  platform: [shop, "shop-*"]
platform:
  bytes: 256KiB
  queue: 20
END
    daemon_start --config "$CONF"
}

teardown_file() {
    daemon_clean
    rm -f "${CONF-}"
}

setup() {
    need_root
}

# deploy_platform NAME [more of vireo.yaml]
deploy_platform() {
    local folder=$BATS_TEST_TMPDIR/$1
    mkdir -p "$folder"
    cp "$FUNCTIONS/platform.c" "$folder"
    printf 'name: %s\nallow: [base, platform]\n%s\n' "$1" "${2-}" >"$folder/vireo.yaml"
    "$VIREO" deploy "$folder"
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

# processes NAME: the pids of the daemon's processes of this name
processes() {
    local pid
    for pid in $(descendants "$VIREO_DAEMON"); do
        [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != "$1" ] || echo "$pid"
    done
}

@test "a function keeps keys, over instances and deploys; describe shows its layers" {
    deploy_platform shop "isolation: request"
    ask shop "delete a"
    ask shop "get a"
    [ "$body" = "No such file or directory" ]
    ask shop "put a one"
    [ "$body" = 0 ]
    ask shop "get a"
    [ "$body" = one ]
    deploy_platform shop "pool: {instances: 2}"
    ask shop "get a"
    [ "$body" = one ]
    ask shop "delete a"
    [ "$body" = 0 ]
    ask shop "delete a"
    [ "$body" = "No such file or directory" ]
    "$VIREO" describe -o json shop | jq -e '.allow == ["base", "platform"]'
    "$VIREO" describe -o json shop | jq -e '.syscalls.platform == ["readv", "writev"]'
}

@test "a layer that the operator does not allow is refused with exit code 4, by its name" {
    run deploy_platform other
    [ "$status" -eq 4 ]
    [[ $output == *"cannot deploy 'other': layer platform is not in the operator's allow_layers"* ]]
    # Without the layer the calls are there, and refuse.
    "$VIREO" deploy "$FUNCTIONS/platform.c" --name bare
    ask bare "get a"
    [ "$body" = "Permission denied" ]
    ask bare "sql SELECT 1"
    [ "$body" = "Permission denied" ]
}

@test "a function's SQL has its own tables, and values that are bound are no SQL" {
    ask shop "sql DROP TABLE IF EXISTS people"
    ask shop "sql CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT)"
    ask shop "bind ann INSERT INTO people (name) VALUES (?)"
    [ "$body" = "0 rows, 1 changed: " ]
    ask shop "bind x'),('y'),('z INSERT INTO people (name) VALUES (?)"
    [ "$body" = "0 rows, 1 changed: " ]
    ask shop "bind 1;DROP_TABLE_people SELECT id FROM people WHERE name = ?"
    [ "$body" = "0 rows, 0 changed: " ]
    ask shop "sql SELECT id, name, id / 2.0, NULL FROM people ORDER BY id"
    [ "$body" = "2 rows, 0 changed: 1 ann 0.5 NULL 2 x'),('y'),('z 1 NULL " ]
}

@test "SQL is one statement about its own tables: no other file, no setting, no second statement" {
    for statement in "ATTACH '/data/1/keys.db' AS other" "ATTACH ':memory:' AS other" "PRAGMA max_page_count = 100000" \
        "BEGIN" "SAVEPOINT a" "VACUUM INTO '/data/x'" "SELECT load_extension('/lib/x.so')" \
        "CREATE VIRTUAL TABLE v USING fts5(a)" "CREATE TEMP TABLE t (a)" "SELECT * FROM pragma_database_list"; do
        ask shop "sql $statement"
        echo "$statement: $body"
        [[ $body == "Permission denied" || $body == "Invalid argument" ]]
    done
    for statement in "SELECT 1; DROP TABLE people" "SELECT 1; -- more" "" "SELEC" "SELECT ?" \
        "INSERT INTO sqlite_master VALUES (1)"; do
        ask shop "sql $statement"
        echo "$statement: $body"
        [ "$body" = "Invalid argument" ]
    done
    ask shop "sql SELECT count(*) FROM people"
    [ "$body" = "1 rows, 0 changed: 2 " ]
}

@test "a statement that computes without end is ended, and one that wants much memory is refused" {
    ask shop "sql WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    [ "$body" = "Connection timed out" ] || [ "$body" = "Operation timed out" ]
    ask shop "sql SELECT hex(zeroblob(900000))"
    [[ $body == "Message too large" || $body == "Message too long" ]]
    ask shop "sql SELECT 1"
    [ "$body" = "1 rows, 0 changed: 1 " ]
}

@test "another function's keys and tables are not there" {
    deploy_platform shop-two
    ask shop "put secret mine"
    ask shop-two "get secret"
    [ "$body" = "No such file or directory" ]
    ask shop-two "sql SELECT * FROM people"
    [ "$body" = "Invalid argument" ]
}

@test "a quota bounds keys and tables, each function's own" {
    ask shop-two fill
    [[ $body == *": No space left on device" ]]
    [ "${body%%:*}" -ge 100 ]
    [ "${body%%:*}" -le 256 ]
    ask shop-two "sql CREATE TABLE t (a BLOB)"
    ask shop-two "sql WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 999) INSERT INTO t SELECT zeroblob(1000) FROM n"
    [ "$body" = "No space left on device" ]
    # What was refused changed nothing, and others have theirs.
    ask shop-two "sql SELECT count(*) FROM t"
    [ "$body" = "1 rows, 0 changed: 0 " ]
    ask shop "put b two"
    [ "$body" = 0 ]
    [ "$(du -sk "$VIREO_STATE/platform" | cut -f1)" -lt 8192 ]
}

@test "the platform's processes have no right, a uid of their own, and a worker sees one function's files" {
    ask shop "get b"
    [ "$(processes vireo-platform | wc -l)" -ge 3 ]
    for pid in $(processes vireo-platform); do
        grep -q '^CapEff:.0*$' "/proc/$pid/status"
        grep -q '^CapPrm:.0*$' "/proc/$pid/status"
        grep -q '^NoNewPrivs:.1$' "/proc/$pid/status"
        grep -q '^Seccomp:.2$' "/proc/$pid/status"
        [ "$(awk '/^Uid:/ {print $2}' "/proc/$pid/status")" -ge 1000 ]
    done
}

# The instance of a function: it alone has its uid and no child.
instance_of() {
    local pid uid
    uid=$("$VIREO" describe -o json "$1" | jq .uid)
    for pid in $(descendants "$VIREO_DAEMON"); do
        [ "$(awk '/^Uid:/ {print $2}' "/proc/$pid/status" 2>/dev/null)" = "$uid" ] || continue
        [ -n "$(cat /proc/"$pid"/task/*/children)" ] || echo "$pid"
    done | head -n 1
}

@test "an instance that lies to the platform gets errors or loses its socket, and harms nobody else" {
    deploy_platform shop-liar "pool: {instances: 1}"
    for lie in lengths overflow room beyond huge; do
        eventually 10 ask shop-liar "get liar"
        run timeout 30 python3 "$FUNCTIONS/platform_liar.py" "$(instance_of shop-liar)" "$lie"
        echo "$lie: $output"
        [ "$status" -eq 0 ]
        [[ $output == *ended ]]
        # The instance that it was has no platform any more.
        ask shop-liar "get liar"
        [[ $body == "I/O error" || $body == "Input/output error" ]]
        kill -KILL "$(instance_of shop-liar)"
        ask shop "get b"
        [ "$body" = two ]
    done
    grep -q "function 'shop-liar' sent the platform what is no request" "$VIREO_STATE/daemon.log"
}

@test "a worker that is killed costs the call that runs at most; the next is served" {
    ask shop "put c three"
    # The front is process 1 of its namespace; its children are the workers.
    for pid in $(processes vireo-platform); do
        [ "$(awk '/^NSpid:/ {print $NF}' "/proc/$pid/status" 2>/dev/null)" = 1 ] || kill -KILL "$pid" || true
    done
    eventually 15 answers shop "get c" three
}

@test "the platform killed is started again, and nothing that was kept is lost" {
    eventually 15 answers shop "get c" three
    front=$(processes vireo-platform | head -n 1)
    kill -KILL "$front"
    call shop --data-binary "get c"
    [[ $code == 200 || $code == 429 || $code == 502 || $code == 503 ]]
    eventually 15 answers shop "get c" three
    not alive "$front"
    grep -q "platform is started again" "$VIREO_STATE/daemon.log"
}

keys_files() {
    find "$VIREO_STATE/platform" -name keys.db | wc -l
}

fewer_keys_than() {
    [ "$(keys_files)" -lt "$1" ]
}

@test "what a function kept goes with it" {
    [ "$BATS_TEST_TRY_NUMBER" -eq 1 ] || { deploy_platform shop-two && ask shop-two "put fill1 again"; }
    ask shop-two "get fill1"
    before=$(keys_files)
    "$VIREO" rm shop-two
    eventually 10 fewer_keys_than "$before"
    deploy_platform shop-two
    ask shop-two "get fill1"
    [ "$body" = "No such file or directory" ]
}

front_is_alone() {
    [ "$(processes vireo-platform | wc -l)" = 1 ]
}

@test "a worker that has no instance and no message ends, and nothing of it stays" {
    for name in shop shop-two shop-liar; do
        "$VIREO" rm "$name" || true
    done
    eventually 30 front_is_alone
    deploy_platform shop "pool: {idle: 1s}"
    ask shop "put e five"
    not front_is_alone
    eventually 60 front_is_alone
    answers shop "get e" five
}

@test "a worker and its courier have a limit of memory" {
    local pid limited=0
    deploy_platform shop "isolation: request"
    ask shop "put memory kept"
    for pid in $(processes vireo-platform); do
        echo "$pid $(grep 'data size' "/proc/$pid/limits")"
        [ "$(awk '/^Max data size/ { print $4 }' "/proc/$pid/limits")" != 100663296 ] || limited=$((limited + 1))
    done
    [ "$limited" -ge 2 ]
}

@test "proved code keeps and asks, too, by contract" {
    mkdir "$BATS_TEST_TMPDIR/count"
    cat >"$BATS_TEST_TMPDIR/count/count.c" <<'C'
#include <vireo/function.h>
#include <vireo/platform.h>
static uint8_t rows[4096];
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    uint32_t hits = 0;
    struct vireo_sql_rows result;
    struct vireo_sql_cell cell;
    size_t n = 0;

    if (vireo_kv_get("hits", 4, &hits, sizeof hits) != sizeof hits)
        hits = 0;
    hits++;
    if (vireo_kv_put("hits", 4, &hits, sizeof hits) < 0)
        return -errno;
    if (in_len > 0 && in_len < 1024) {
        uint8_t space[2048];
        struct vireo_sql_params params = VIREO_SQL_PARAMS(space);
        vireo_sql_text(&params, (const char *)in, (uint32_t)in_len);
        vireo_sql("CREATE TABLE IF NOT EXISTS said (what TEXT)", NULL, rows, sizeof rows, &result);
        if (vireo_sql("INSERT INTO said VALUES (?)", &params, rows, sizeof rows, &result) < 0)
            return -errno;
    }
    if (n < out_cap)
        out[n++] = (uint8_t)('0' + hits % 10);
    if (vireo_sql("SELECT what FROM said", NULL, rows, sizeof rows, &result) < 0)
        return (int64_t)n;
    while (vireo_sql_cell(&result, &cell))
        for (uint32_t i = 0; i < cell.length && n < out_cap; i++)
            out[n++] = cell.bytes[i];
    return (int64_t)n;
}
C
    printf 'name: shop-count\nallow: [base, platform]\n' >"$BATS_TEST_TMPDIR/count/vireo.yaml"
    "$VIREO" deploy -q "$BATS_TEST_TMPDIR/count" --require proved
    call shop-count
    [ "$code $body" = "200 1" ]
    call shop-count -d one
    call shop-count -d two
    [ "$code $body" = "200 3onetwo" ]
    "$VIREO" describe -o json shop-count | jq -e '.rung == "proved"'
    # An entry for translated code alone, and more than a contract allows, are not proved.
    for change in 's/vireo_kv_put("hits", 4/vireo_kv_put("hits", 9/' 's/sizeof hits) != sizeof/8) != sizeof/'; do
        sed -i.bak "$change" "$BATS_TEST_TMPDIR/count/count.c"
        run "$VIREO" deploy -q "$BATS_TEST_TMPDIR/count" --require proved
        [ "$status" -eq 4 ]
        mv "$BATS_TEST_TMPDIR/count/count.c.bak" "$BATS_TEST_TMPDIR/count/count.c"
    done
    "$VIREO" rm shop-count
}
