#!/usr/bin/env bats
# The daemon's life: what it keeps, how it stops, what it leaves behind.
load helper

setup() {
    need_root
    unset VIREO_STATE VIREO_PORT VIREO_DAEMON
}

teardown() {
    daemon_clean
}

@test "what was deployed is there after a restart" {
    daemon_start
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name kept --memory 24MiB
    before=$("$VIREO" describe -o json kept | jq -S '{name, version, library, source, uid, memory_bytes, created_at}')
    daemon_stop
    daemon_start
    [ "$("$VIREO" describe -o json kept | jq -S '{name, version, library, source, uid, memory_bytes, created_at}')" = "$before" ]
    call kept --data-binary again
    [ "$body" = again ]
}

@test "what was acknowledged survives kill -9, and nothing of the daemon does" {
    daemon_start
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name kept
    call kept --data-binary x
    [ "$code" = 200 ]
    daemon_kill
    daemon_start
    call kept --data-binary again
    [ "$body" = again ]
}

@test "a removed function stays removed" {
    daemon_start
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name gone
    "$VIREO" rm gone
    daemon_stop
    daemon_start
    call gone
    refused_with 404 not-found
}

@test "a graceful stop finishes the calls that run, and exits 0" {
    daemon_start
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name slow
    call slow --data-binary warm
    curl -s -o "$BATS_TEST_TMPDIR/answer" "$VIREO_SERVER/function/slow?sleep" 3>&- &
    request=$!
    runs() { "$VIREO" ps -o json | jq -e '.[] | select(.function == "slow" and .state == "running")' || [ -s "$BATS_TEST_TMPDIR/answer" ]; }
    eventually 10 runs
    daemon_stop
    wait "$request"
    [ "$(cat "$BATS_TEST_TMPDIR/answer")" = slept ]
    # The port is free again.
    run curl -s --max-time 2 "$VIREO_SERVER/healthz"
    [ "$status" -eq 7 ]
}

@test "who follows a log when the daemon stops is told so" {
    local code=0
    daemon_start
    "$VIREO" deploy "$FUNCTIONS/burn.c" --name burn
    call "burn?say"
    "$VIREO" logs -f burn >"$BATS_TEST_TMPDIR/log" 2>"$BATS_TEST_TMPDIR/words" 3>&- &
    follower=$!
    eventually 5 grep -q second "$BATS_TEST_TMPDIR/log"
    daemon_stop
    wait "$follower" || code=$?
    [ "$code" -eq 6 ]
    grep -q "^vireo: cannot finish the request to '.*': the daemon ended the connection$" "$BATS_TEST_TMPDIR/words"
}

@test "a stop leaves no process, control group or mount" {
    daemon_start
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name brief
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name brief-too --isolation request
    call brief --data-binary x
    call brief-too --data-binary x
    family=$(descendants "$VIREO_DAEMON")
    some daemon_groups
    daemon_stop
    for pid in $family; do
        eventually 2 not alive "$pid"
    done
    not grep -F "$VIREO_STATE" /proc/self/mountinfo
    none daemon_groups
    [ ! -e "$VIREO_STATE/admin.sock" ]
}

@test "a second daemon on the same state is refused" {
    daemon_start
    run timeout 10 "$VIREO" serve --listen "127.0.0.1:$(free_port)" --state "$VIREO_STATE"
    [ "$status" -ne 0 ]
    [ "$status" -ne 124 ]
    [[ $output == *"cannot "* ]]
    curl -s -f "$VIREO_SERVER/healthz"
}

@test "a port that is taken is refused by its name" {
    daemon_start
    other=$(mktemp -d "$BATS_TEST_TMPDIR/s.XXXX")
    run timeout 10 "$VIREO" serve --listen "127.0.0.1:$VIREO_PORT" --state "$other"
    [ "$status" -ne 0 ]
    [ "$status" -ne 124 ]
    [[ $output == *"$VIREO_PORT"* ]]
}

@test "a template that is killed is replaced at the next call" {
    daemon_start
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name kept
    call kept --data-binary x
    [ "$code" = 200 ]
    for pid in $(pgrep -P "$VIREO_DAEMON" -x vireo-guest); do
        kill -KILL "$pid"
    done
    served() { call kept --data-binary again && [ "$body" = again ]; }
    eventually 3 served
}

@test "a gateway that is killed is started again, and functions are called as before" {
    daemon_start
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name kept
    call kept --data-binary x
    gateway=$(pgrep -P "$VIREO_DAEMON" -f 'vireo-gateway calls')
    kill -KILL "$gateway"
    served() { call kept --data-binary again && [ "$body" = again ]; }
    eventually 3 served
    [ "$(pgrep -P "$VIREO_DAEMON" -f 'vireo-gateway calls')" != "$gateway" ]
    "$VIREO" ls | grep -q kept
}

@test "a gateway that keeps ending is started ever later, and the other one goes on" {
    daemon_start
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name kept
    gateway() { pgrep -P "$VIREO_DAEMON" -f 'vireo-gateway calls'; }
    local i one killed=
    is_another() { one=$(gateway) && [ "$one" != "$killed" ]; }
    for i in 1 2 3 4 5 6; do
        eventually 5 is_another
        kill -KILL "$one"
        killed=$one
        "$VIREO" ls | grep -q kept
    done
    alive "$VIREO_DAEMON"
    # The first may have run for a second; not one of the others did.
    grep -q "calls gateway is started again in 100 ms" "$VIREO_STATE/daemon.log"
    grep -q "calls gateway is started again in 800 ms" "$VIREO_STATE/daemon.log"
    curl -s --unix-socket "$VIREO_STATE/admin.sock" http://localhost/metrics |
        grep -q '^vireo_gateway_restarts_total{gateway="calls"} 6$'
    served() { call kept --data-binary again && [ "$body" = again ]; }
    eventually 8 served
}

@test "a daemon stops though its gateway is not there" {
    daemon_start
    local i one
    for i in 1 2 3 4 5; do
        eventually 5 pgrep -P "$VIREO_DAEMON" -f 'vireo-gateway calls'
        one=$(pgrep -P "$VIREO_DAEMON" -f 'vireo-gateway calls')
        kill -KILL "$one"
        eventually 3 not alive "$one"
    done
    SECONDS=0
    kill -TERM "$VIREO_DAEMON"
    wait "$VIREO_DAEMON"
    # It would wait for 30 s.
    [ "$SECONDS" -lt 15 ]
}

@test "deploys, removals and calls of one name at once leave what was acknowledged last" {
    daemon_start
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name busy
    (for _ in $(seq 40); do curl -s -o /dev/null "$VIREO_SERVER/function/busy" -d x; done) 3>&- &
    calls=$!
    for _ in 1 2 3 4 5; do
        "$VIREO" deploy "$FUNCTIONS/tool.c" --name busy
        "$VIREO" rm busy
    done
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name busy --isolation request
    wait "$calls"
    call busy --data-binary last
    [ "$body" = last ]
    before=$("$VIREO" describe -o json busy | jq -r .uid)
    daemon_stop
    daemon_start
    [ "$("$VIREO" describe -o json busy | jq -r '.uid, .isolation' | tr '\n' ' ')" = "$before request " ]
}

@test "what a killed run left in the control groups is removed by the next one" {
    VIREO_STATE=$(mktemp -d /tmp/vireo-test.XXXXXX)
    export VIREO_STATE
    echo 'int main(void) { for (volatile int i = 0;; i++); }' >"$BATS_TEST_TMPDIR/loop.c"
    "$VIREO" run -q "$BATS_TEST_TMPDIR/loop.c" </dev/null >/dev/null 2>&1 3>&- &
    run_pid=$!
    groups_of_run() { find /sys/fs/cgroup -type d -path "*/vireo/run-$run_pid" | grep .; }
    inside() { find /sys/fs/cgroup -path "*/vireo/run-$run_pid/*/cgroup.procs" -exec cat {} + | grep .; }
    eventually 20 inside
    looping=$(inside | sort -u)
    kill -KILL "$run_pid"
    wait "$run_pid" || true
    for pid in $looping; do
        eventually 2 not alive "$pid"
    done
    # A process that was killed cleans nothing up.
    groups_of_run
    echo x | "$VIREO" run -q "$FUNCTIONS/filter.c"
    not groups_of_run
}

@test "two daemons have uids of their own, and one that comes back ends nothing of the other" {
    daemon_start
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name mine
    call mine --data-binary x
    [ "$code" = 200 ]
    uid=$("$VIREO" describe -o json mine | jq .uid)
    instances=$(descendants "$VIREO_DAEMON" | sort)
    (
        unset VIREO_STATE VIREO_PORT VIREO_DAEMON
        trap daemon_clean EXIT
        daemon_start
        "$VIREO" deploy "$FUNCTIONS/tool.c" --name theirs
        [ "$("$VIREO" describe -o json theirs | jq .uid)" -ne "$uid" ]
        "$VIREO" rm theirs
        kill -KILL "$VIREO_DAEMON"
        wait "$VIREO_DAEMON" 2>/dev/null || true
        daemon_start
        daemon_stop
    )
    [ "$(descendants "$VIREO_DAEMON" | sort)" = "$instances" ]
    call mine --data-binary y
    [ "$body" = y ]
    [ "$(header x-vireo-start)" = warm ]
}

@test "two daemons whose state directories are given by one relative name end nothing of each other" {
    mkdir -p "$BATS_TEST_TMPDIR/one/state" "$BATS_TEST_TMPDIR/two/state"
    cd "$BATS_TEST_TMPDIR/one"
    export VIREO_STATE=state
    daemon_start
    "$VIREO" deploy "$FUNCTIONS/tool.c" --name mine
    call mine --data-binary x
    [ "$code" = 200 ]
    instances=$(descendants "$VIREO_DAEMON" | sort)
    (
        cd "$BATS_TEST_TMPDIR/two"
        unset VIREO_PORT VIREO_DAEMON
        trap daemon_clean EXIT
        daemon_start
    )
    [ "$(descendants "$VIREO_DAEMON" | sort)" = "$instances" ]
    call mine --data-binary y
    [ "$body" = y ]
    [ "$(header x-vireo-start)" = warm ]
    daemon_stop
}

@test "a state directory may be a link, and is refused when others can write to it" {
    local state=$BATS_TEST_TMPDIR/state mode
    mkdir "$state"
    ln -s "$state" "$BATS_TEST_TMPDIR/link"
    export VIREO_STATE=$BATS_TEST_TMPDIR/link
    daemon_start
    "$VIREO" ls
    daemon_stop
    [ -e "$state/registry.db" ]
    for mode in 0777 0770 0702; do
        chmod "$mode" "$state"
        run timeout 10 "$VIREO" serve --listen 127.0.0.1:0 --state "$state" 3>&-
        [ "$status" -eq 4 ]
        [ "$output" = "vireo: cannot use '$state': its mode is $mode, others may write there (chmod go-w)" ]
    done
    chmod 0755 "$state"
    chown 65534 "$state"
    run timeout 10 "$VIREO" serve --listen 127.0.0.1:0 --state "$state" 3>&-
    [ "$status" -eq 4 ]
    [ "$output" = "vireo: cannot use '$state': it belongs to uid 65534 (chown root)" ]
    run timeout 10 "$VIREO" serve --listen 127.0.0.1:0 --state "$state/registry.db" 3>&-
    [ "$status" -eq 2 ]
}
