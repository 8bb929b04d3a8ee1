#!/usr/bin/env bats
# What a machine may run out of, and what may be damaged: one clear line, what can be served is
# served, and all is well when the cause is gone.
load helper

setup() {
    need_root
    unset VIREO_STATE VIREO_PORT VIREO_DAEMON
    HELPERS=()
}

teardown() {
    # libfaketime leaves its shared memory behind when the process that made it becomes another.
    rm -f "/dev/shm/faketime_shm_${FAKETIME_PID-}" "/dev/shm/sem.faketime_sem_${FAKETIME_PID-}"
    local pid
    for pid in "${HELPERS[@]}"; do
        kill -KILL "$pid" 2>/dev/null || true
    done
    daemon_clean
}

# One line of stderr, with these words in it.
one_line() {
    local line
    line=$(grep -c . <<<"$output")
    [ "$line" -eq 1 ] || {
        echo "$line lines: $output" >&2
        return 1
    }
    said "$@"
}

said() {
    local word
    for word; do
        [[ $output == *"$word"* ]] || {
            echo "no '$word' in: $output" >&2
            return 1
        }
    done
}

variant() {
    sed "1i /* $1 */ static const char variant[] __attribute__((used)) = \"$1\";" \
        "$FUNCTIONS/tool.c" >"$BATS_TEST_TMPDIR/$1.c"
    echo "$BATS_TEST_TMPDIR/$1.c"
}

names() {
    "$VIREO" ls -o json | jq -r '.[].name' | paste -s -d ' '
}

# daemon_start, by way of a command that ends in executing its arguments.
daemon_start_by() {
    local real=$VIREO
    printf '#!/bin/sh\nexec %s %s "$@"\n' "$*" "$real" >"$BATS_TEST_TMPDIR/vireo"
    chmod +x "$BATS_TEST_TMPDIR/vireo"
    VIREO=$BATS_TEST_TMPDIR/vireo
    daemon_start || {
        VIREO=$real
        return 1
    }
    VIREO=$real
}

# A start that fails at once; its words are in $output.
refused_start() {
    run timeout 60 "$VIREO" serve --listen "127.0.0.1:$(free_port)" --state "$VIREO_STATE"
    [ "$status" -ne 0 ] && [ "$status" -ne 124 ]
}

call_is() {
    call "$1" --data-binary "$2"
    [ "$code" = 200 ] && [ "$body" = "$2" ] || {
        echo "'$1' answered $code: $body"
        return 1
    }
}

# ---- the disk ----

@test "a full disk: a deploy says so, what is there answers, and with room all is as before" {
    VIREO_STATE=$(mktemp -d /tmp/vireo-test.XXXXXX)
    export VIREO_STATE
    # The state is on a small file system that only the daemon sees.
    cat >"$BATS_TEST_TMPDIR/small" <<SH
#!/bin/sh
exec unshare -m sh -c 'mount -t tmpfs -o size=2m,mode=700 none $VIREO_STATE && exec "\$@"' sh "\$@"
SH
    chmod +x "$BATS_TEST_TMPDIR/small"
    daemon_start_by "$BATS_TEST_TMPDIR/small"
    inside() { nsenter -m -t "$VIREO_DAEMON" "$@"; }
    inside "$VIREO" deploy "$FUNCTIONS/tool.c" --name there
    inside "$VIREO" deploy "$FUNCTIONS/tool.c" --name other
    inside sh -c "cat /dev/zero >$VIREO_STATE/fill" 2>/dev/null || true

    # No room for a library.
    run inside "$VIREO" deploy -q "$(variant another)" --name another
    [ "$status" -eq 5 ]
    one_line "cannot deploy 'another'" "No space left on device"
    # The library is there, and no room for the registry's row.
    run inside "$VIREO" deploy -q "$FUNCTIONS/tool.c" --name there --isolation request
    [ "$status" -eq 5 ]
    one_line "cannot deploy 'there'" "full"
    run inside "$VIREO" rm other
    [ "$status" -eq 5 ]
    one_line "cannot remove 'other'" "full"
    call_is there still
    call_is other still
    call another
    refused_with 404 not-found
    [ "$(inside "$VIREO" ls -o json | jq -r '.[].name' | paste -s -d ' ')" = "other there" ]
    [ -z "$(inside find "$VIREO_STATE" -name '*.tmp')" ]

    inside rm "$VIREO_STATE/fill"
    inside "$VIREO" deploy -q "$(variant another)" --name another
    inside "$VIREO" deploy -q "$FUNCTIONS/tool.c" --name there --isolation request
    inside "$VIREO" rm other
    call_is another now
    call_is there now
    call other
    refused_with 404 not-found
}

# ---- the registry ----

@test "a registry that another process has locked: the start says so, and goes when it is free" {
    daemon_start
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name kept
    # While the daemon runs nobody else gets in, and nobody disturbs it.
    python3 - "$VIREO_STATE/registry.db" <<'PYTHON'
import sqlite3, sys
try:
    sqlite3.connect(sys.argv[1], timeout=0.2).execute("UPDATE functions SET name = 'x'")
    sys.exit("somebody else changed the registry")
except sqlite3.OperationalError as error:
    assert "locked" in str(error), error
PYTHON
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name second
    daemon_stop
    python3 - "$VIREO_STATE/registry.db" "$BATS_TEST_TMPDIR/locked" <<'PYTHON' 3>&- &
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN EXCLUSIVE")
open(sys.argv[2], "w").close()
time.sleep(60)
PYTHON
    HELPERS+=($!)
    eventually 20 test -e "$BATS_TEST_TMPDIR/locked"
    refused_start
    one_line "cannot open registry '$VIREO_STATE/registry.db'" "another process holds it"
    kill -KILL "${HELPERS[@]}"
    daemon_start
    call_is kept x
    call_is second x
}

@test "a registry that is garbage, cut or overwritten: the start says where it is and what to do" {
    daemon_start
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name kept
    daemon_stop
    cp "$VIREO_STATE/registry.db" "$BATS_TEST_TMPDIR/copy"
    damaged() {
        refused_start
        one_line "cannot use registry '$VIREO_STATE/registry.db'" damaged "move it away" \
            "restore a copy"
    }
    head -c 20000 /dev/urandom >"$VIREO_STATE/registry.db"
    damaged
    cp "$BATS_TEST_TMPDIR/copy" "$VIREO_STATE/registry.db"
    truncate -s 5000 "$VIREO_STATE/registry.db"
    damaged
    # A page in the middle.
    cp "$BATS_TEST_TMPDIR/copy" "$VIREO_STATE/registry.db"
    dd if=/dev/urandom of="$VIREO_STATE/registry.db" bs=4096 seek=1 count=1 conv=notrunc status=none
    damaged
    # Emptied: that is a new one to SQLite.
    : >"$VIREO_STATE/registry.db"
    daemon_start
    [ "$("$VIREO" ls -o json | jq length)" = 0 ]
    daemon_stop
    grep -q "registry '$VIREO_STATE/registry.db' was missing or empty" "$VIREO_STATE/daemon.log"
    # What it says helps: a copy is put back, and its function with it.
    cp "$BATS_TEST_TMPDIR/copy" "$VIREO_STATE/registry.db"
    daemon_start
    call_is kept back
}

@test "a damaged write-ahead log costs what stands in its damaged part, and nothing before it" {
    daemon_start
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name before
    daemon_stop
    daemon_start
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name first
    size=$(stat -c %s "$VIREO_STATE/registry.db-wal")
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name second
    kill -KILL "$VIREO_DAEMON"
    wait "$VIREO_DAEMON" || true
    unset VIREO_DAEMON
    [ "$(stat -c %s "$VIREO_STATE/registry.db-wal")" -gt "$size" ]
    head -c 64 /dev/urandom |
        dd of="$VIREO_STATE/registry.db-wal" bs=1 seek=$((size + 100)) conv=notrunc status=none
    daemon_start
    [ "$(names)" = "before first" ]
    grep -q "registry.db': the last [0-9]* of [0-9]* frames of its write-ahead log were dropped" "$VIREO_STATE/daemon.log"
    call_is before x
    call_is first x
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name second
    daemon_stop
    head -c 4000 /dev/urandom >"$VIREO_STATE/registry.db-wal"
    daemon_start
    [ "$(names)" = "before first second" ]
    grep -q "registry.db': nothing of its write-ahead log could be read" "$VIREO_STATE/daemon.log"
    # A log that is whole is nothing to speak of.
    "$VIREO" rm second
    kill -KILL "$VIREO_DAEMON"
    wait "$VIREO_DAEMON" || true
    unset VIREO_DAEMON
    daemon_start
    [ "$(names)" = "before first" ]
    [ "$(grep -c "write-ahead log" "$VIREO_STATE/daemon.log")" -eq 2 ]
}

# ---- the store ----

@test "a library that is damaged or gone: its function says so, others answer, a deploy mends it" {
    daemon_start
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name whole
    "$VIREO" deploy "$(variant broken)" --name broken
    library=$VIREO_STATE/store/lib/$("$VIREO" describe -o json broken | jq -r .library).so
    daemon_stop
    dd if=/dev/urandom of="$library" bs=1 seek=5000 count=16 conv=notrunc status=none
    daemon_start
    call broken
    refused_with 502 start
    [[ $body == *"its file is damaged"* ]]
    call_is whole x
    rm "$library"
    call broken
    refused_with 502 start
    [[ $body == *"cannot find library"* ]]
    call_is whole x
    "$VIREO" deploy "$(variant broken)" --name broken
    call_is broken mended
}

# ---- the clock ----

@test "a clock that jumps by years, forward and back, ends no call and loses no function" {
    [ -e /usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1 ] ||
        skip "faketime is not installed: scripts/deps test"
    # CLOCK_REALTIME of the supervisor is what this file says; monotonic time is left alone.
    echo +0 >"$BATS_TEST_TMPDIR/clock"
    daemon_start_by env LD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1 \
        FAKETIME_TIMESTAMP_FILE="$BATS_TEST_TMPDIR/clock" FAKETIME_NO_CACHE=1 \
        FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1
    FAKETIME_PID=$VIREO_DAEMON
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name kept
    [ "$("$VIREO" describe -o json kept | jq -r .updated_at | cut -c 1-4)" = "$(date -u +%Y)" ]
    for jump in +3000d -9000d +1d; do
        echo "$jump" >"$BATS_TEST_TMPDIR/clock"
        call_is kept "$jump"
        call "kept?sleep"
        [ "$body" = slept ]
        "$VIREO" deploy -q "$(variant "at$((RANDOM))")" --name other
        call_is other "$jump"
        "$VIREO" deploy -q "$FUNCTIONS/tool.c" --name kept --isolation request
        year=$("$VIREO" describe -o json kept | jq -r .updated_at | cut -c 1-4)
        [ "$year" = "$(date -u -d "now ${jump/d/ days}" +%Y)" ]
        call_is kept "$jump again"
    done
}

# ---- descriptors, uids, processes ----

@test "out of descriptors: refused with a cause, no process dies, and later all is served" {
    # (The calls gateway takes its limit from the supervisor, as it was started.)
    daemon_start_by prlimit --nofile=400:400
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name tool --isolation request
    call_is tool x
    before=$(descendants "$VIREO_DAEMON" | wc -l)
    gateways=$(pgrep -P "$VIREO_DAEMON" -f vireo-gateway | sort)
    # The gateway's, by connections that do nothing.
    python3 - "$VIREO_PORT" "$BATS_TEST_TMPDIR/connected" <<'PYTHON' 3>&- &
import socket, sys, time
open_ones = []
for _ in range(700):
    one = socket.socket()
    one.settimeout(0.2)
    try:
        one.connect(("127.0.0.1", int(sys.argv[1])))
    except OSError:
        break
    open_ones.append(one)
open(sys.argv[2], "w").close()
time.sleep(60)
PYTHON
    HELPERS+=($!)
    eventually 20 test -e "$BATS_TEST_TMPDIR/connected"
    # Administration goes on meanwhile.
    "$VIREO" ls >/dev/null
    kill -KILL "${HELPERS[@]}"
    eventually 10 call_is tool y
    # The supervisor's: lowered to what it has now, so that nothing new can be opened.
    used=$(($(find "/proc/$VIREO_DAEMON/fd" -type l -printf '%f\n' | sort -n | tail -1) + 1))
    prlimit --pid "$VIREO_DAEMON" --nofile="$used:400"
    for _ in 1 2 3; do
        call tool --data-binary x
        [ "$code" = 200 ] || refused_with 429 busy
        run "$VIREO" deploy -q "$(variant "more$RANDOM")" --name more
        [ "$status" -eq 5 ]
        said "cannot deploy 'more'" "Too many open files"
    done
    prlimit --pid "$VIREO_DAEMON" --nofile=400:400
    "$VIREO" deploy -q "$(variant more)" --name more
    call_is more z
    call_is tool z
    [ "$(pgrep -P "$VIREO_DAEMON" -f vireo-gateway | sort)" = "$gateways" ]
}

@test "out of uids: a deploy says so, what is there answers, and a removal makes room" {
    daemon_start
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name first
    uid=$("$VIREO" describe -o json first | jq .uid)
    daemon_stop
    # All of the range but two wait for a purge that never comes.
    python3 - "$VIREO_STATE/registry.db" "$uid" <<'PYTHON'
import sqlite3, sys
db, uid = sqlite3.connect(sys.argv[1]), int(sys.argv[2])
db.executemany("INSERT INTO uids_waiting VALUES (?, 1)",
               [(u,) for u in range(uid - 70000, uid + 70000) if u > 0 and u not in (uid, uid + 5)])
db.commit()
PYTHON
    daemon_start
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name second
    [ "$("$VIREO" describe -o json second | jq .uid)" -eq $((uid + 5)) ]
    run "$VIREO" deploy -q "$FUNCTIONS/tool.c" --name third
    [ "$status" -eq 5 ]
    one_line "cannot deploy 'third'" "in use or wait for their purge"
    # One that has a uid can be deployed anew.
    "$VIREO" deploy -q "$(variant again)" --name second
    call_is first x
    call_is second x
    "$VIREO" rm first
    freed() { "$VIREO" deploy -q "$FUNCTIONS/tool.c" --name third; }
    eventually 20 freed
    [ "$("$VIREO" describe -o json third | jq .uid)" -eq "$uid" ]
    call_is third x
}

@test "out of uids for builds: 429 at once, and later the same deploy succeeds" {
    # Locks of its own: other builds of this machine are not disturbed.
    mkdir -p /run/vireo
    daemon_start_by "unshare -m sh -c 'mount -t tmpfs -o mode=755 none /run/vireo && exec \"\$@\"' sh"
    nsenter -m -t "$VIREO_DAEMON" python3 - "$BATS_TEST_TMPDIR/locked" <<'PYTHON' 3>&- &
import fcntl, os, sys, time
os.makedirs("/run/vireo/uid", 0o700, exist_ok=True)
first = [line.split(":") for line in open("/etc/subuid") if line.startswith("vireo:")][0]
end = int(first[1]) + int(first[2])
held = []
for uid in range(end - 1024, end):
    held.append(open(f"/run/vireo/uid/{uid}", "w"))
    fcntl.flock(held[-1], fcntl.LOCK_EX)
open(sys.argv[1], "w").close()
time.sleep(60)
PYTHON
    HELPERS+=($!)
    eventually 10 test -e "$BATS_TEST_TMPDIR/locked"
    run "$VIREO" deploy -q "$FUNCTIONS/tool.c" --name tool
    [ "$status" -eq 5 ]
    said "cannot deploy 'tool'" "all 1024 for one-shot sandboxes are in use"
    kill -KILL "${HELPERS[@]}"
    "$VIREO" deploy -q "$FUNCTIONS/tool.c" --name tool
    call_is tool x
}

@test "no process can be forked: 429 with the cause, and instances come back when one can" {
    daemon_start
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name tool --isolation request
    "$VIREO" deploy "$(variant other)" --name other
    call_is tool x
    call_is other x
    uid=$("$VIREO" describe -o json tool | jq .uid)
    template=$(pgrep -P "$VIREO_DAEMON" -U "$uid" vireo-guest)
    [ -n "$template" ]
    prlimit --pid "$template" --nproc=1:
    for _ in 1 2 3; do
        call tool --data-binary x
        refused_with 429 busy
        [[ $body == *"cannot fork the template: Resource temporarily unavailable"* ]]
        call_is other meanwhile
    done
    alive "$template"
    prlimit --pid "$template" --nproc=1000:
    call_is tool again
    [ "$(pgrep -P "$VIREO_DAEMON" -U "$uid" vireo-guest)" = "$template" ]
}
