#!/usr/bin/env bats
# A new version of a server while it serves; and of anything, when it can't be committed.
load helper
load points

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    CONF=$(mktemp /tmp/vireo-test-points.XXXXXX) PORT=$(free_port)
    export CONF PORT
    printf 'allow_grants:\n  listen: ["127.0.0.1:%s"]\n' "$PORT" >"$CONF"
    daemon_start --config "$CONF"
    cd "$BATS_FILE_TMPDIR"
    version one ''
    version two 's,/\*version\*/ one,two,; s/return n + 1;/return n + 10;/; s/"first"/"other"/; s/^static int answers;/static int added = 7;\nstatic int answers;/; s/%u\\n", answers/%u %d\\n", answers/; s/vireo_updates());/vireo_updates(), added++);/'
    "$VIREO" deploy one
    eventually 10 answers "one 1 first 0"
}

teardown_file() {
    daemon_clean
    rm -f "${CONF-}"
}

teardown() {
    [ -z "${OWN_DAEMON-}" ] || daemon_clean
}

setup() {
    need_root
    cd "$BATS_FILE_TMPDIR" || return 1
    again one
}

# version FOLDER SED...: the server, changed so.
version() {
    mkdir -p "$1"
    sed -e "$2" "$FUNCTIONS/points.c" >"$1/points.c"
    printf 'name: points\nupdate:\n  slack: 16KiB\ngrants:\n  listen: ["127.0.0.1:%s"]\n' "$PORT" >"$1/vireo.yaml"
}

@test "a server gets a new version in place: connections, variables, the heap and its listening socket stay" {
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
    "$VIREO" rollback points
    echo x >&5
    read -r -t 10 line <&5
    [[ $line == *"one $((n + 22)) first 2" ]]
    exec 5>&-
    [ "$(pvm)" = "$before" ]
}

@test "a version that traps, or ends, at its start is taken back: the server goes on with its state" {
    local before last
    before=$(pvm) last=$(count)
    version trap 's,/\*start\*/,__builtin_trap();,'
    run "$VIREO" update points trap
    [ "$status" -eq 4 ] || { echo "$output"; return 1; }
    [[ $output == *"pVM $before: it trapped at its start: unreachable in '__original_main'"* ]] || { echo "$output"; return 1; }
    [ "$(count)" = $((last + 1)) ]
    version ends 's,/\*start\*/,if (answers) return 3;,'
    run "$VIREO" update points ends
    [ "$status" -eq 4 ]
    [[ $output == *"it ended at its start: exit status 3"* ]] || { echo "$output"; return 1; }
    [ "$(count)" = $((last + 2)) ]
    [ "$(pvm)" = "$before" ]
}

@test "a version that traps in a signal's handler is taken back, and later ones are taken" {
    local before last
    before=$(pvm) last=$(count)
    version handles 's,/\*start\*/,signal(SIGUSR1\, (void (*)(int))(void *)abort); raise(SIGUSR1);,;s,#include <poll.h>,&\n#include <signal.h>,'
    run "$VIREO" update points handles
    [ "$status" -eq 4 ] || { echo "$output"; return 1; }
    [[ $output == *"pVM $before: it trapped at its start: "* ]] || { echo "$output"; return 1; }
    [ "$(count)" = $((last + 1)) ]
    run "$VIREO" update points two
    [ "$status" -eq 0 ] || { echo "$output"; return 1; }
    "$VIREO" rollback points
    [ "$(pvm)" = "$before" ]
}

@test "a server that does not come to an update point is not forced, one that listens elsewhere is refused" {
    local before other last
    before=$(pvm) last=$(count)
    ask busy >/dev/null &
    eventually 4 sh -c '"$VIREO" ps -o json | jq -e ".[] | select(.function == \"points\") | .state == \"running\""'
    run "$VIREO" update points two
    [ "$status" -eq 4 ] || { echo "$output"; return 1; }
    [[ $output == *"pVM $before: it is busy: it did not come to vireo_update_point() in 2 s, and is never forced"* ]] || { echo "$output"; return 1; }
    wait
    [ "$(count)" = $((last + 2)) ]
    other=$(free_port)
    rm -rf elsewhere
    cp -r two elsewhere
    sed -i "s/$PORT/$other/" elsewhere/vireo.yaml
    run "$VIREO" update points elsewhere
    [ "$status" -eq 4 ]
    [ "$(count)" = $((last + 3)) ]
    [ "$(pvm)" = "$before" ]
}

@test "a version that never comes to its own update point is refused; the server is started anew" {
    version never 's,/\*start\*/,for (;;) if (vireo_updates()) sleep(1); else break;,'
    run "$VIREO" update points never
    [ "$status" -eq 4 ] || { echo "$output"; return 1; }
    [[ $output == *"did not come to vireo_update_point() in 2 s: it is started anew"* ]] || { echo "$output"; return 1; }
    eventually 10 answers "one 1 first 0"
}

@test "an update that can't be committed is taken back in the pVMs that have it" {
    unset VIREO_STATE VIREO_PORT VIREO_DAEMON
    VIREO_STATE=$(mktemp -d /tmp/vireo-test.XXXXXX)
    export VIREO_STATE
    OWN_DAEMON=1
    # The state is on a small file system that only the daemon sees.
    cat >small <<SH
#!/bin/sh
exec unshare -m sh -c 'mount -t tmpfs -o size=3m,mode=700 none $VIREO_STATE && exec "\$@"' sh "$VIREO" "\$@"
SH
    chmod +x small
    VIREO=$PWD/small daemon_start
    inside() { nsenter -m -t "$VIREO_DAEMON" "$VIREO" "$@"; }
    for v in one two; do
        printf '#include <stdio.h>\n#include <vireo/function.h>\nstatic int n;\nint64_t handler(const uint8_t *in, size_t len, uint8_t *out, size_t cap)\n{ (void)in; (void)len; const char *who = vireo_request_header("x-who"); return snprintf((char *)out, cap, "%s %%d %%s", ++n, who ? who : "-"); }\n' "$v" >"$v.c"
    done
    inside deploy "$PWD/one.c" --name full --slack 16KiB
    [ "$(inside invoke full --data x)" = "one 1 -" ]
    inside update full "$PWD/two.c"
    # What an instance imports still finds its host.
    call full --data-binary x -H 'X-Who: me'
    [ "$body" = "two 2 me" ]
    inside rollback full
    nsenter -m -t "$VIREO_DAEMON" sh -c "cat /dev/zero >$VIREO_STATE/fill" 2>/dev/null || true
    run inside update full "$PWD/two.c"
    local refused=$output code_of=$status
    [ "$(inside invoke full --data x)" = "one 3 -" ]
    nsenter -m -t "$VIREO_DAEMON" rm "$VIREO_STATE/fill"
    inside update full "$PWD/two.c"
    [ "$(inside invoke full --data x)" = "two 4 -" ]
    [ "$code_of" -eq 5 ] || { echo "$refused"; false; }
    [[ $refused == *full* ]]
}
