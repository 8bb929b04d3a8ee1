#!/usr/bin/env bats
# Plain UNIX programs after the man pages, many small facts each: what they print here is what they
# print when gcc builds them. And what is not here says so when it is compiled.
load helper
load family

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    VIREO_STATE=$(mktemp -d /tmp/vireo-test-posix.XXXXXX)
    libraries_take
    printf 'allow_grants: {fork: true, ipc: true}\n' >"$VIREO_STATE/vireo.conf"
    daemon_start --config "$VIREO_STATE/vireo.conf"
}

teardown_file() {
    daemon_clean
}

setup() {
    need_root
}

# same NAME: a program of functions/posix, here twice in one instance.
same() {
    local folder=$BATS_TEST_TMPDIR/$1
    mkdir -p "$folder"
    cp "$FUNCTIONS/posix/$1.c" "$FUNCTIONS/posix/check.h" "$folder/"
    unix_says "$folder/$1.c"
    printf 'name: %s\nlimits: {timeout: 30s, pids: 16}\npool: {instances: 1}\ngrants: {fork: true, ipc: true, files: [{path: /tmp}]}\n' "$1" >"$folder/vireo.yaml"
    "$VIREO" deploy -q "$folder"
    as_unix "$1"
    "$VIREO" rm -q "$1"
}

@test "pipes: ends, capacity, atomic writes, signals, poll, copies" {
    same pipes
}

@test "fork: memory, descriptors, environment, generations" {
    same forks
}

@test "wait: statuses, signals, stops, groups, SIGCHLD, exit handlers, orphans" {
    same waits
}

@test "signals: masks, actions, who sent them, values, real time, timers" {
    same signalling
}

@test "message queues: names, order, types, limits, removal" {
    same queues
}

@test "shared memory: names, sizes, who has it attached, removal" {
    same segments
}

@test "semaphores: in shared memory, by name, with a time, killed while they are waited for" {
    same semaphores
}

@test "what a pVM has not says why when it is compiled" {
    local folder=$BATS_TEST_TMPDIR/lacks
    mkdir -p "$folder"
    # lacks CALL HEADER WORDS
    lacks() {
        printf '#include <%s>\n#include <time.h>\nint main(void) { return %s; }\n' "$2" "$1" >"$folder/main.c"
        run "$VIREO" build "$folder" -o "$BATS_TEST_TMPDIR/lacks.so"
        [ "$status" -ne 0 ] && [[ $output == *"$3"* ]] || {
            echo "exit $status: $output" >&2
            return 1
        }
    }
    lacks 'system("ls")' stdlib.h "a pVM has no shell and no programs to execute"
    lacks 'popen("ls", "r") != 0' stdio.h "a pVM has no shell and no programs to execute"
    lacks 'mkfifo("/tmp/f", 0600)' sys/stat.h "members of a family talk by pipe()"
    lacks 'socketpair(1, 1, 0, (int *)0)' sys/socket.h "a pVM makes no sockets: two pipe()s"
    lacks 'timer_create(CLOCK_REALTIME, 0, 0)' time.h "a pVM has one timer"
    lacks 'execv("/bin/ls", 0)' unistd.h "a pVM has no programs to execute"
}
