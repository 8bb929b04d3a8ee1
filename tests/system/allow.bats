#!/usr/bin/env bats
# The allow-list at run time: what functions used and ran into, votes, demotion, and a record of
# decisions that can't be changed unseen.
load helper

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    HERE=$(mktemp -d /tmp/vireo-test-allow.XXXXXX)
    PORT=$(free_port)
    export HERE PORT
    python3 "$FUNCTIONS/web.py" "$PORT" "$HERE" 127.66.0.1 3>&- &
    export SERVER=$!
    eventually 15 curl -s -o /dev/null "http://127.66.0.1:$PORT/ready"
    config 1000
    daemon_start --config "$HERE/conf"
    mkdir "$HERE/user"
    cp "$FUNCTIONS/platform.c" "$HERE/user"
    printf 'name: user\nallow: [base, platform]\n' >"$HERE/user/vireo.yaml"
    "$VIREO" deploy "$HERE/user" >/dev/null
    daemon_stop
}

teardown_file() {
    daemon_clean
    [ -z "${SERVER-}" ] || kill "$SERVER"
    rm -rf "${HERE-}"
}

# Each test has a daemon on the same state: some start it again.
setup() {
    need_root
    daemon_start --config "$HERE/conf"
}

teardown() {
    daemon_stop
}

# config EVENTS [SECONDS]: ann, bob and eve vote, two decide; EVENTS of one function demote, and what
# nobody used for SECONDS is proposed to be removed (an hour: not while these tests run).
config() {
    {
        printf 'allow_layers: {platform: ["*"]}\n'
        printf 'allow_grants: {connect: ["127.66.0.1:%s"]}\n' "$PORT"
        printf 'allow_votes:\n  quorum: 2\n  demote_events: %s\n  demote_functions: 1\n  unused_seconds: %s\n  voters:\n' "$1" "${2:-3600}"
        for name in ann bob eve; do
            printf '    %s: %s\n' "$name" "$("$VIREO" allow key "$HERE/$name")"
        done
    } >"$HERE/conf"
}

ask() {
    call user --data-binary "$1"
    [ "$code" = 200 ] || {
        echo "status $code: $body" >&2
        return 1
    }
}

answers() {
    ask "$1" && [ "$body" = "$2" ]
}

# entry NAME MEMBER: of the list
entry() {
    "$VIREO" allow ls -o json | jq -r --arg name "$1" --arg member "$2" '.entries[] | select(.name == $name)[$member]'
}

entry_is() {
    [ "$(entry "$1" "$2")" = "$3" ]
}

# Voted for by two.
allow_again() {
    "$VIREO" allow propose "$1" --reason "it is mended"
    id=$("$VIREO" allow ls -o json | jq --arg e "$1" '.proposals[] | select(.state == "open" and .entry == $e).id')
    "$VIREO" allow vote "$id" yes --key "$HERE/ann" --reason "seen"
    "$VIREO" allow vote "$id" yes --key "$HERE/bob" --reason "seen"
    eventually 10 entry_is "$1" allowed true
}

event_is() {
    [ "$("$VIREO" allow ls -o json | jq -r --arg e "$1" --arg m "$2" '.events[] | select(.entry == $e)[$m]')" = "$3" ]
}

@test "uses, refusals, limits and traps are counted for each entry and function" {
    ask "put a one"
    ask "get a"
    ask "get a"
    ask "any GET http://127.66.0.1:$PORT/"
    [ "$body" = "Permission denied" ]
    call user --data-binary "trap"
    [ "$code" = 502 ]
    eventually 10 entry_is vireo_kv_get uses 2
    entry_is vireo_kv_put uses 1
    # What nobody counts is no 0.
    entry_is memcpy uses null
    "$VIREO" allow list | grep -Eq "^memcpy +base +allowed +- "
    entry_is vireo_kv_put functions 1
    entry_is vireo_http_any_raw denied 1
    eventually 10 event_is "(trap)" trapped 1
    # They outlive the daemon.
    daemon_stop
    daemon_start --config "$HERE/conf"
    entry_is vireo_kv_get uses 2
}

@test "an entry that the version does not have can't be put to the vote, nor one that is allowed" {
    for name in execve socket vireo_http vireo_kv_gets ""; do
        run "$VIREO" allow propose "$name" --reason "tools"
        echo "$output"
        [ "$status" -eq 3 ]
    done
    run "$VIREO" allow propose vireo_kv_get --reason "again"
    [ "$status" -eq 2 ]
    [[ $output == *"it is allowed"* ]]
    run "$VIREO" allow propose vireo_http_any_raw
    [ "$status" -eq 2 ]
    run "$VIREO" allow demote memcpy --reason "no"
    [ "$status" -eq 2 ]
}

@test "a risky entry is allowed when the quorum of voters says so, each once" {
    "$VIREO" allow propose vireo_http_any_raw --reason "crawlers need it"
    run "$VIREO" allow propose vireo_http_any_raw --reason "twice"
    [ "$status" -eq 2 ]
    "$VIREO" allow vote 1 yes --key "$HERE/ann" --reason "reviewed"
    entry_is vireo_http_any_raw allowed false
    run "$VIREO" allow vote 1 yes --key "$HERE/ann" --reason "once more"
    [ "$status" -eq 2 ]
    [[ $output == *"'ann' has voted"* ]]
    "$VIREO" allow vote 1 no --key "$HERE/eve" --reason "I would not"
    entry_is vireo_http_any_raw allowed false
    "$VIREO" allow vote 1 yes --key "$HERE/bob" --reason "reviewed, too"
    entry_is vireo_http_any_raw allowed true
    run "$VIREO" allow vote 1 no --key "$HERE/bob" --reason "too late"
    [ "$status" -eq 4 ]
    # At the next start of the function.
    "$VIREO" deploy "$HERE/user" --timeout 9s >/dev/null
    eventually 10 answers "any GET http://127.66.0.1:$PORT/any" "200 page /any "
}

# post PARAM...: a decision as it comes over the admin socket; sets code
post() {
    local args=()
    for pair; do
        args+=(--data-urlencode "param=$pair")
    done
    code=$(curl -s -G -X POST -o "$BATS_TEST_TMPDIR/answer" -w '%{http_code}' --unix-socket "$VIREO_STATE/admin.sock" \
        "${args[@]}" http://localhost/system/allow)
    cat "$BATS_TEST_TMPDIR/answer" >&2
}

@test "a quorum that no vote can reach is refused in the configuration" {
    sed 's/quorum: 2/quorum: 4/' "$HERE/conf" >"$BATS_TEST_TMPDIR/conf"
    run "$VIREO" serve --listen 127.0.0.1:1 --state "$BATS_TEST_TMPDIR" --config "$BATS_TEST_TMPDIR/conf"
    [ "$status" -ne 0 ]
    [[ $output == *"3 voters, so that its quorum of 4 is never met"* ]]
}

@test "forged and replayed votes are refused" {
    "$VIREO" allow remove vireo_http_any_raw --reason "nobody crawls"
    id=$("$VIREO" allow ls -o json | jq '.proposals[] | select(.state == "open").id')
    # A key that is nobody's.
    run "$VIREO" allow vote "$id" yes --key "$HERE/mallory" --reason "me"
    [ "$status" -eq 4 ]
    # Another's key with a signature of one's own.
    sum=$(printf '%0128d' 7)
    post action=vote "proposal=$id" vote=yes reason=x "key=$("$VIREO" allow key "$HERE/ann")" "signature=$sum"
    [ "$code" = 403 ]
    # What ann signed for the first proposal, from the record, for this one; and for the first again.
    signed=$(sqlite_of "SELECT signature FROM ballots WHERE proposal = 1 AND voter = 'ann'")
    [ "${#signed}" = 128 ]
    for number in "$id" 1; do
        post action=vote "proposal=$number" vote=yes reason=reviewed "key=$("$VIREO" allow key "$HERE/ann")" "signature=$signed"
        [ "$code" = 403 ]
    done
    # A vote of hers that was turned round.
    for vote in "vote=maybe" "vote=" "reason="; do
        post action=vote "proposal=$id" "$vote" reason=reviewed "key=$("$VIREO" allow key "$HERE/ann")" "signature=$signed"
        [[ $code == 400 || $code == 403 ]]
    done
    "$VIREO" allow ls -o json | jq -e --argjson id "$id" '.proposals[] | select(.id == $id).votes == []'
    entry_is vireo_http_any_raw allowed true
}

sqlite_of() {
    python3 -c 'import sqlite3, sys
c = sqlite3.connect(sys.argv[1])
for row in c.execute(sys.argv[2]): print(row[0])
c.commit()' "$VIREO_STATE/audit.db" "$1"
}

@test "a demoted entry is refused at the next start of who uses it, and describe says why" {
    ask "put d one"
    eventually 10 entry_is vireo_kv_put functions 1
    # What was proposed to take it away is in nobody's way afterwards.
    "$VIREO" allow remove vireo_kv_put --reason "there is a better one"
    "$VIREO" allow demote vireo_kv_put --reason "a flaw was found"
    "$VIREO" allow ls -o json | jq -e 'any(.proposals[]; .state == "open" and .entry == "vireo_kv_put") | not'
    entry_is vireo_kv_put allowed false
    [[ $(entry vireo_kv_put reason) == "demoted: by uid 0: a flaw was found" ]]
    call user --data-binary "get d"
    [ "$code" = 403 ]
    "$VIREO" describe -o json user | jq -e '.not_served | contains("vireo_kv_put") and contains("a flaw was found")'
    # So it is after the daemon's next start, too.
    daemon_stop
    daemon_start --config "$HERE/conf"
    call user --data-binary "get d"
    [ "$code" = 403 ]
    # Allowed again, it is served again.
    allow_again vireo_kv_put
    eventually 10 answers "get d" one
}

@test "proved code falls to its translated form when an entry that it calls is demoted, and climbs again" {
    cat >"$HERE/hits.c" <<'C'
#include <vireo/function.h>
#include <vireo/platform.h>
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    uint32_t hits = 0;
    int32_t n = vireo_kv_get("hits", 4, &hits, sizeof hits);
    hits = n == sizeof hits ? hits + 1 : 1;
    int failed = vireo_kv_put("hits", 4, &hits, sizeof hits) < 0;
    if (out_cap < 2)
        return 0;
    out[0] = failed ? '!' : '+';
    out[1] = '0' + (uint8_t)(hits % 10);
    return 2;
}
C
    "$VIREO" rm hits 2>/dev/null || true
    "$VIREO" rm strict 2>/dev/null || true
    entry_is vireo_kv_put allowed true || allow_again vireo_kv_put
    mkdir -p "$HERE/hits"
    mv "$HERE/hits.c" "$HERE/hits"
    printf 'name: hits\nallow: [base, platform]\n' >"$HERE/hits/vireo.yaml"
    "$VIREO" deploy -q "$HERE/hits"
    "$VIREO" describe -o json hits >"$BATS_TEST_TMPDIR/before"
    jq -e '.rung == "proved" and (.proof.calls | index("vireo_kv_put") != null)' "$BATS_TEST_TMPDIR/before"
    call hits
    [ "$body" = "+1" ]
    falls='^vireo_falls_total{rung="sfi",reason="demoted"} '
    admin GET /metrics | grep -q "${falls}0"
    "$VIREO" allow demote vireo_kv_put --reason "it forgets"
    # At its next start, with what it kept; the call itself is refused.
    eventually 10 rung_is hits sfi
    admin GET /metrics | grep -q "${falls}1"
    call hits
    [ "$code $body" = "200 !2" ]
    "$VIREO" describe hits | grep "^ladder *proved: left: it uses 'vireo_kv_put', which is not allowed any more (demoted: .*it forgets"
    # So it is after the daemon's next start, and after a deploy of the same source.
    daemon_stop
    daemon_start --config "$HERE/conf"
    rung_is hits sfi
    "$VIREO" deploy -q "$HERE/hits"
    rung_is hits sfi
    call hits
    [ "$code $body" = "200 !2" ]
    # Who requires a proof has nothing to fall to.
    sed 's/name: hits/name: strict/' "$HERE/hits/vireo.yaml" >"$HERE/strict.yaml"
    rm -rf "$HERE/strict"
    cp -r "$HERE/hits" "$HERE/strict"
    mv "$HERE/strict.yaml" "$HERE/strict/vireo.yaml"
    "$VIREO" deploy -q "$HERE/strict" --require proved
    call strict
    [ "$code" = 403 ]
    "$VIREO" describe -o json strict | jq -e '.not_served | contains("vireo_kv_put")'
    # Allowed again, all of them are what they were.
    allow_again vireo_kv_put
    eventually 10 rung_is hits proved
    call hits
    [ "$code $body" = "200 +2" ]
    eventually 10 strict_answers
    [ "$("$VIREO" describe -o json hits | jq -c '[.proof, .ladder]')" = "$(jq -c '[.proof, .ladder]' "$BATS_TEST_TMPDIR/before")" ]
    "$VIREO" rm hits
    "$VIREO" rm strict
}

strict_answers() {
    call strict
    [ "$code $body" = "200 +1" ]
}

rung_is() {
    [ "$("$VIREO" describe -o json "$1" | jq -r .rung)" = "$2" ]
}

@test "an entry whose events pass the threshold is demoted by itself" {
    config 5
    daemon_stop
    daemon_start --config "$HERE/conf"
    ask "sql SELECT 1"
    for _ in 1 2 3 4 5 6; do
        ask "sql ATTACH 'x' AS y"
        [ "$body" = "Permission denied" ]
    done
    eventually 10 entry_is vireo_sql_raw allowed false
    [[ $(entry vireo_sql_raw reason) == "demoted: "*"the threshold is 5 of 1" ]]
    eventually 10 is_refused
}

is_refused() {
    call user --data-binary "get d"
    [ "$code" = 403 ]
}

@test "the removal of what nobody uses is proposed, and ends at its deadline" {
    # It was allowed and used in tests before; the open proposal about it is decided first.
    id=$("$VIREO" allow ls -o json | jq '.proposals[] | select(.state == "open" and .entry == "vireo_http_any_raw").id')
    "$VIREO" allow vote "$id" no --key "$HERE/ann" --reason "keep"
    "$VIREO" allow vote "$id" no --key "$HERE/bob" --reason "keep"
    config 1000 2
    daemon_stop
    daemon_start --config "$HERE/conf"
    eventually 15 removal_is_proposed
}

removal_is_proposed() {
    "$VIREO" allow ls -o json | jq -e '.proposals[] | select(.state == "open" and .entry == "vireo_http_any_raw"
        and (.reason | startswith("nobody has used it"))) | .action == "remove"' >/dev/null
}

@test "every decision is in a chain that the log has the heads of" {
    run "$VIREO" audit --check
    [ "$status" -eq 0 ]
    [[ $output =~ ^([0-9]+)\ decisions ]]
    [ "${BASH_REMATCH[1]}" -ge 12 ]
    [ "$(grep -o 'audit head [0-9]*:[0-9a-f]\{64\}$' "$VIREO_STATE/daemon.log" | sort -u | wc -l)" = "${BASH_REMATCH[1]}" ]
    head=$(sed -n 's/.*audit head \([0-9]*:[0-9a-f]*\)$/\1/p' "$VIREO_STATE/daemon.log" | sed -n 3p)
    "$VIREO" audit --check --head "$head"
    "$VIREO" audit --check --heads "$VIREO_STATE/daemon.log"
    "$VIREO" audit --check --heads - <"$VIREO_STATE/daemon.log"
    run "$VIREO" audit --check --heads /dev/null
    [ "$status" -eq 1 ]
    run "$VIREO" audit --check --heads "$BATS_TEST_TMPDIR/nosuch"
    [ "$status" -eq 3 ]
    sed "s/audit head 3:./audit head 3:x/" "$VIREO_STATE/daemon.log" >"$BATS_TEST_TMPDIR/other"
    run "$VIREO" audit --check --heads "$BATS_TEST_TMPDIR/other"
    [ "$status" -eq 1 ]
    [[ $output == *"it has no decision 3:"*"removed or written anew"* ]]
    not sqlite_of "DELETE FROM decisions WHERE number = 2"
    not sqlite_of "UPDATE decisions SET detail = '' WHERE number = 2"
}

@test "an altered, a removed and a whole new record are found" {
    cp "$VIREO_STATE"/audit.db* "$HERE/"
    last=$(sed -n 's/.*audit head \([0-9]*:[0-9a-f]*\)$/\1/p' "$VIREO_STATE/daemon.log" | tail -n 1)
    # Who has the file can do without its triggers.
    sqlite_of "DROP TRIGGER decisions_are"
    sqlite_of "DROP TRIGGER decisions_stay"
    # Two that changed places, and back; the last one cut off.
    swap() {
        sqlite_of "UPDATE decisions SET number = -1 WHERE number = 2"
        sqlite_of "UPDATE decisions SET number = 2 WHERE number = 3"
        sqlite_of "UPDATE decisions SET number = 3 WHERE number = -1"
    }
    swap
    run "$VIREO" audit --check
    [ "$status" -eq 1 ]
    [[ $output == *"decision 2 was altered"* ]]
    swap
    run "$VIREO" audit --check --head "$last"
    [ "$status" -eq 0 ]
    sqlite_of "DELETE FROM decisions WHERE number = (SELECT max(number) FROM decisions)"
    run "$VIREO" audit --check --heads "$VIREO_STATE/daemon.log"
    [ "$status" -eq 1 ]
    [[ $output == *removed* ]]
    sqlite_of "UPDATE decisions SET detail = 'by uid 0: other words' WHERE number = 2"
    run "$VIREO" audit --check
    [ "$status" -eq 1 ]
    [[ $output == *"decision 2 was altered"* ]]
    sqlite_of "DELETE FROM decisions WHERE number = 2"
    run "$VIREO" audit --check
    [ "$status" -eq 1 ]
    [[ $output == *"decision 2 is missing"* ]]
    # Nothing is allowed by it, nor voted on, now or after the daemon's next start.
    entry_is vireo_http_any_raw allowed false
    [[ $(entry vireo_http_any_raw reason) == *"the record of decisions was altered"* ]]
    run "$VIREO" allow propose vireo_http_any_raw --reason "again"
    [ "$status" -ne 0 ]
    [[ $output == *"is not as it was written"* ]]
    daemon_stop
    daemon_start --config "$HERE/conf"
    entry_is vireo_http_any_raw allowed false
    # All of it cut off is a whole record, but not the journal's.
    sqlite_of "DROP TRIGGER decisions_stay"
    for table in decisions proposals ballots; do
        sqlite_of "DELETE FROM $table"
    done
    "$VIREO" audit --check
    for option in "--head $last" "--heads $VIREO_STATE/daemon.log"; do
        run "$VIREO" audit --check $option
        [ "$status" -eq 1 ]
        [[ $output == *"removed or written anew"* ]]
    done
}
