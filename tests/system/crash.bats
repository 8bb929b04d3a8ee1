#!/usr/bin/env bats
# bats file_tags=alone
# What is killed, and what is broken: nothing acknowledged is lost, nothing half-done stays, and
# what can be served is served. tests/crash/run kills at random moments; here are the known ones.
load helper

setup() {
    need_root
    unset VIREO_STATE VIREO_PORT VIREO_DAEMON
}

teardown() {
    local pid
    for pid in ${HELPERS-}; do
        kill -KILL "$pid" 2>/dev/null || true
    done
    daemon_clean
}

# A statement on the registry of a daemon that does not run.
registry_sql() {
    python3 - "$VIREO_STATE/registry.db" "$1" <<'PYTHON'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
for row in db.execute(sys.argv[2]):
    print(*row)
db.commit()
PYTHON
}

library_of() {
    "$VIREO" describe -o json "$1" | jq -r .library
}

libraries() {
    (cd "$VIREO_STATE/store/lib" && ls -A)
}

# A program like tool.c whose library is another one.
variant() {
    sed "1i /* $1 */ static const char variant[] __attribute__((used)) = \"$1\";" \
        "$FUNCTIONS/tool.c" >"$BATS_TEST_TMPDIR/$1.c"
    echo "$BATS_TEST_TMPDIR/$1.c"
}

@test "the store keeps what is registered, and what nobody has had for a day goes" {
    daemon_start
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name kept
    "$VIREO" deploy "$(variant gone)" --name gone
    kept=$(library_of kept) gone=$(library_of gone)
    [ "$kept" != "$gone" ]
    "$VIREO" rm gone
    daemon_stop
    # A clean start leaves what was used a moment ago, for it may be deployed again.
    daemon_start
    call kept --data-binary x
    [ "$code" = 200 ]
    [ -e "$VIREO_STATE/store/lib/$gone.so" ]
    daemon_stop
    # Two days later. With it a file that a killed writer left.
    touch -d '2 days ago' "$VIREO_STATE"/store/lib/*
    : >"$VIREO_STATE/store/lib/$gone.so.4194305.7.tmp"
    daemon_start
    only_kept() { [ "$(libraries)" = "$kept.so" ]; }
    eventually 5 only_kept
    [ "$(ls -A "$VIREO_STATE/store/built" | wc -l)" -eq 1 ]
    call kept --data-binary still
    [ "$body" = still ]
    # As long as nothing is registered nothing goes: the registry may be put back.
    daemon_stop
    mkdir "$VIREO_STATE/away"
    mv "$VIREO_STATE"/registry.db* "$VIREO_STATE/away"
    touch -d '2 days ago' "$VIREO_STATE"/store/lib/*
    daemon_start
    [ "$("$VIREO" ls -o json | jq length)" -eq 0 ]
    daemon_stop
    only_kept
    rm -f "$VIREO_STATE"/registry.db*
    mv "$VIREO_STATE"/away/* "$VIREO_STATE"
    daemon_start
    call kept --data-binary back
    [ "$body" = back ]
}

@test "a uid that a killed daemon did not free is freed at the next start, with what runs as it" {
    daemon_start
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name kept
    uid=$("$VIREO" describe -o json kept | jq .uid)
    daemon_stop
    # Of two functions whose removal was committed, and then the daemon was killed; one of them may
    # own files.
    free=$((uid + 1)) owner=$((uid + 2))
    registry_sql "INSERT INTO uids_waiting VALUES ($free, 0), ($owner, 1)"
    setpriv --reuid "$free" --regid "$free" --clear-groups sleep 100 3>&- &
    HELPERS=$!
    eventually 2 pgrep -u "$free" sleep
    daemon_start
    not alive "$HELPERS"
    grep -q 'freed 1 uids' "$VIREO_STATE/daemon.log"
    daemon_stop
    [ "$(registry_sql 'SELECT uid FROM uids_waiting')" = "$owner" ]
    [ "$(registry_sql 'SELECT uid FROM functions')" = "$uid" ]
}

@test "a uid that could write to the host is not given to another, whatever was deployed last" {
    mkdir "$BATS_TEST_TMPDIR/data" "$BATS_TEST_TMPDIR/source"
    chmod 0755 "$BATS_TEST_TMPDIR"
    cp "$FUNCTIONS/tool.c" "$BATS_TEST_TMPDIR/source"
    printf 'allow_grants:\n  files: [%s]\n' "$BATS_TEST_TMPDIR/data" >"$BATS_TEST_TMPDIR/config"
    printf 'grants:\n  files:\n    - {path: /data, host: %s, writable: true}\n' \
        "$BATS_TEST_TMPDIR/data" >"$BATS_TEST_TMPDIR/source/vireo.yaml"
    daemon_start --config "$BATS_TEST_TMPDIR/config"
    "$VIREO" deploy "$BATS_TEST_TMPDIR/source" --name writer
    uid=$("$VIREO" describe -o json writer | jq .uid)
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name writer
    "$VIREO" rm writer
    daemon_stop
    daemon_start --config "$BATS_TEST_TMPDIR/config"
    daemon_stop
    [ "$(registry_sql 'SELECT uid, owns_files FROM uids_waiting')" = "$uid 1" ]
}

@test "killed at random moments, it loses nothing acknowledged and leaves nothing half-done" {
    rounds=20
    [ -z "${VIREO_TEST_LONG-}" ] || rounds=500
    run "$TOP/tests/crash/run" --rounds "$rounds"
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"rounds $rounds "* ]]
}
