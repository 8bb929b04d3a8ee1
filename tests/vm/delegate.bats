#!/usr/bin/env bats
# Where groups are divided by somebody else: a service with Delegate=yes, and ordinary users with and
# without a group of their own. systemd is not here; its groups are, made as it makes them.
load vm

bats_require_minimum_version 1.5.0

USER_ID=65534

setup_file() {
    need_guest
    # An ordinary user's key and store.
    mkdir -p /tmp/home/.config/vireo /tmp/home/.cache
    cp -a "$PREPARED/state/key" /tmp/home/.config/vireo/
    cp -a "$PREPARED/state" /tmp/home/.cache/vireo
    chown -R "$USER_ID:$USER_ID" /tmp/home
    # enter GROUP COMMAND...; a program, so that what is started in the background is the command.
    printf '#!/bin/sh\necho $$ >"$1/cgroup.procs" && shift && exec "$@"\n' >/tmp/enter
    chmod 755 /tmp/enter
}

setup() {
    need_guest
}

teardown() {
    daemon_clean
    local group
    for group in $(find /sys/fs/cgroup/user.slice /sys/fs/cgroup/system.slice -depth -type d 2>/dev/null); do
        rmdir "$group" 2>/dev/null || true
    done
}

# The command that runs a program as the user; GROUP is entered first, if there is one.
run_as_user() {
    RUN=(setpriv --reuid "$USER_ID" --regid "$USER_ID" --clear-groups
        env -u VIREO_STATE -u XDG_CACHE_HOME -u XDG_CONFIG_HOME HOME=/tmp/home "$VIREO" run)
    [ $# -eq 0 ] || RUN=(/tmp/enter "$1" "${RUN[@]}")
}

# A slice that passes on all controllers, with a group in it.
slice() {
    local top=/sys/fs/cgroup/$1
    mkdir -p "$top"
    printf '+cpu +memory +pids +io' >"$top/cgroup.subtree_control"
    mkdir "$top/$2"
}

# The group is the user's: as systemd does for Delegate=yes with User=.
delegate() {
    slice user.slice user.scope
    SCOPE=/sys/fs/cgroup/user.slice/user.scope
    chown "$USER_ID:$USER_ID" "$SCOPE" "$SCOPE"/cgroup.{procs,threads,subtree_control}
}

@test "a service with a group of its own divides that, and leaves it empty" {
    need_v2
    slice system.slice vireo.service
    service=/sys/fs/cgroup/system.slice/vireo.service
    VIREO_STATE=$(mktemp -d /tmp/vireo-test.XXXXXX)
    cp -a "$PREPARED/state/." "$VIREO_STATE"
    # The first process of the service is the daemon.
    printf '#!/bin/sh\nexec /tmp/enter %s %s "$@"\n' "$service" "$VIREO" >/tmp/start
    chmod 755 /tmp/start
    VIREO=/tmp/start daemon_start
    prepared_deploy plain
    prepared_deploy native
    call plain --data-binary word
    [ "$code:$body" = 200:word ]
    grep -qx "$VIREO_DAEMON" "$service/supervisor/cgroup.procs"
    for pid in $(pvm_pids plain); do
        [[ $(group_of "$pid" memory) == "$service"/vireo/* ]]
    done
    call native --data-binary 'memory 400 map'
    refused_with 502 memory
    daemon_stop
    [ -z "$(find "$service" -mindepth 1 -type d)" ]
    [ -z "$(cat "$service/cgroup.subtree_control")" ]
}

@test "an ordinary user without a delegated group runs a program, and is told what is not limited" {
    run_as_user
    run --separate-stderr "${RUN[@]}" "$PREPARED/filter.so" <<<"some words"
    echo "$output $stderr"
    [ "$status" -eq 0 ]
    [ "$output" = "SOME WORDS" ]
    [[ $stderr == *"delegated"* ]]
    [ -z "$(groups_left)" ]
}

@test "an ordinary user with a delegated group has all limits, and leaves it empty" {
    need_v2
    delegate
    run_as_user "$SCOPE"
    run --separate-stderr "${RUN[@]}" --memory 16MiB --cpus 0.5 "$PREPARED/filter.so" \
        <<<"some words"
    echo "$output $stderr"
    [ "$status" -eq 0 ]
    [ "$output" = "SOME WORDS" ]
    [ -z "$stderr" ]
    [ -z "$(find "$SCOPE" -mindepth 1 -type d)" ]
}

@test "while it runs there, its group has the limits that were asked for" {
    need_v2
    delegate
    run_as_user "$SCOPE"
    mkfifo "$BATS_TEST_TMPDIR/in"
    "${RUN[@]}" --memory 16MiB --cpus 0.5 "$PREPARED/filter.so" \
        <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
    run=$!
    exec 9>"$BATS_TEST_TMPDIR/in"
    has_instance() {
        grep -q . "$SCOPE"/vireo/run-*/g*/cgroup.procs 2>/dev/null
    }
    eventually 20 has_instance
    group=$(echo "$SCOPE"/vireo/run-*/g*)
    [ "$(cat "$group/memory.max")" -ge $((16 << 20)) ]
    [ "$(cat "$group/cpu.max")" = '50000 100000' ]
    [ "$(cat "$group/pids.max")" -gt 0 ]
    echo words >&9
    exec 9>&-
    wait "$run"
    [ "$(cat "$BATS_TEST_TMPDIR/out")" = WORDS ]
    [ -z "$(find "$SCOPE" -mindepth 1 -type d)" ]
}

@test "killed in the middle, its group is removed by the next run" {
    need_v2
    delegate
    run_as_user "$SCOPE"
    mkfifo "$BATS_TEST_TMPDIR/in"
    "${RUN[@]}" "$PREPARED/filter.so" \
        <"$BATS_TEST_TMPDIR/in" >/dev/null 2>&1 3>&- &
    run=$!
    exec 9>"$BATS_TEST_TMPDIR/in"
    has_instance() {
        grep -q . "$SCOPE"/vireo/run-*/g*/cgroup.procs 2>/dev/null
    }
    eventually 20 has_instance
    kill -KILL "$run"
    wait "$run" || true
    exec 9>&-
    none_runs() {
        ! grep -q . "$SCOPE"/vireo/run-*/g*/cgroup.procs 2>/dev/null
    }
    eventually 5 none_runs
    [ -n "$(find "$SCOPE" -type d -name 'run-*')" ]
    # The scope passes controllers on now, so that only its leaf can be entered.
    run_as_user "$SCOPE/supervisor"
    run "${RUN[@]}" "$PREPARED/filter.so" <<<x
    echo "$output"
    [ "$status" -eq 0 ]
    [ -z "$(find "$SCOPE" -type d -name 'run-*')" ]
}
