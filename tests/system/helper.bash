# What the system tests share: a daemon of their own, calls to it, and cleaning up.
# shellcheck shell=bash

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=${BUILD:-$TOP/build}
VIREO=$BUILD/vireo
FUNCTIONS=$TOP/tests/system/functions
export TOP BUILD VIREO FUNCTIONS

# Machines that others use stall for seconds: what fails is tried once more, and that is shown.
BATS_TEST_RETRIES=${VIREO_TEST_RETRIES:-1}
if [ "${BATS_TEST_TRY_NUMBER:-1}" -gt 1 ]; then
    echo "# a second try of the test that follows" >&3
fi

need_root() {
    [ "$(id -u)" = 0 ] || skip "a daemon needs root"
}

# A port that nobody listens on now, below those that the kernel gives to clients.
free_port() {
    local port
    for _ in $(seq 100); do
        port=$((20000 + RANDOM % 12000))
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "$port"
            return
        fi
    done
    return 1
}

# Waits up to $1 seconds until a command succeeds. A machine that stalls looks seldom: as long as it has not
# looked five times for each second, it has up to four times as long.
eventually() {
    local begin=$SECONDS limit=$1 looks=0
    shift
    until "$@"; do
        looks=$((looks + 1))
        [ $((SECONDS - begin)) -lt "$limit" ] ||
            [ "$looks" -lt $((limit * 5)) ] && [ $((SECONDS - begin)) -lt $((limit * 4)) ] || return 1
        sleep 0.05
    done
}

# none COMMAND, some COMMAND: it prints nothing, something. For eventually, which would have `$(COMMAND)`
# looked at once, before it begins.
none() {
    [ -z "$("$@")" ]
}

some() {
    [ -n "$("$@")" ]
}

# `! command` in the middle of a test is never a failure to bash; this is.
not() {
    ! "$@"
}

# No process has the folder $1 as its own or among its mounts, nor the word $2 in its command line:
# what was started with either has gone, wherever its groups are.
nobody_of() {
    local left
    left=$(
        grep -lsF "$1/" /proc/[0-9]*/mountinfo
        grep -lsaF "$2" /proc/[0-9]*/cmdline
        find /proc/[0-9]*/cwd -maxdepth 0 -lname "$1*" 2>/dev/null
    ) || true
    [ -z "$left" ] || {
        echo "left: $left"
        return 1
    }
}

# A process runs: one that ended and waits for its parent does not.
alive() {
    local state
    state=$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) || return 1
    [ -n "$state" ] && [ "${state%% *}" != Z ]
}

# Compilers take most of the time of a deploy. What the daemons of one build of vireo have built is
# kept, with the key that signed it, and the state directories that daemon_start makes begin with it:
# a function is built by the first test that deploys it. Files about building, or that damage
# libraries, set LIBRARIES to nothing.
libraries_open() {
    [ -n "${LIBRARIES=$BUILD/test-libraries}" ] || return 0
    local of
    of=$(sha256sum <"$BUILD/vireo-build")
    if [ "$(cat "$LIBRARIES/of" 2>/dev/null)" != "$of" ]; then
        rm -rf "$LIBRARIES"
        (umask 077 && mkdir -p "$LIBRARIES" && echo "$of" >"$LIBRARIES/of")
    fi
}

libraries_take() {
    libraries_open
    if [ -n "$LIBRARIES" ] && [ -e "$LIBRARIES/key" ]; then
        cp -r --no-preserve=timestamps "$LIBRARIES/key" "$LIBRARIES/store" "$VIREO_STATE/"
    fi
}

# Only what the same key has signed; libraries before the files that name them.
libraries_keep() {
    [ -n "${LIBRARIES-}" ] && [ -d "$LIBRARIES" ] && [ -e "$VIREO_STATE/key" ] || return 0
    if [ ! -e "$LIBRARIES/key" ]; then
        mkdir -m 700 -p "$LIBRARIES/store" "$LIBRARIES/store/lib" "$LIBRARIES/store/built"
        cp -p "$VIREO_STATE/key" "$LIBRARIES/key"
    fi
    cmp -s "$VIREO_STATE/key" "$LIBRARIES/key" || return 0
    cp -n "$VIREO_STATE"/store/lib/*.so "$LIBRARIES/store/lib/" 2>/dev/null || true
    cp -n "$VIREO_STATE"/store/built/* "$LIBRARIES/store/built/" 2>/dev/null || true
}

# Directories of this daemon's groups in all trees, or of those of them that are called so: [NAME]. They have a
# name of its state directory's (src/faas/supervisor.c).
daemon_groups() {
    find /sys/fs/cgroup -path "*/vireo/$(printf %s "$VIREO_STATE" | b2sum -l 64 | cut -c 1-16)*" -type d -name "${1:-*}" 2>/dev/null
}

# Starts a daemon on VIREO_STATE and VIREO_SERVER, which it makes when they are not set.
daemon_start() {
    if [ -z "${VIREO_STATE-}" ]; then
        VIREO_STATE=$(mktemp -d /tmp/vireo-test.XXXXXX)
        libraries_take
    fi
    : "${VIREO_PORT:=$(free_port)}"
    export VIREO_STATE VIREO_PORT VIREO_SERVER=http://127.0.0.1:$VIREO_PORT
    # Ended with the shell that starts it: one whose tests are killed would stay, and hold its uids.
    local tied=(setpriv --pdeathsig TERM)
    command -v setpriv >/dev/null || tied=()
    # bats waits for everything that holds its descriptor 3.
    ${tied[@]+"${tied[@]}"} "$VIREO" serve --listen "127.0.0.1:$VIREO_PORT" --state "$VIREO_STATE" "$@" \
        >>"$VIREO_STATE/daemon.log" 2>&1 3>&- &
    export VIREO_DAEMON=$!
    if ! eventually 15 daemon_ready || ! alive "$VIREO_DAEMON"; then
        cat "$VIREO_STATE/daemon.log" >&2
        return 1
    fi
}

daemon_ready() {
    # One that died is not waited for.
    alive "$VIREO_DAEMON" || return 0
    curl -s -f -o /dev/null --max-time 2 "$VIREO_SERVER/readyz"
}

# Ends the daemon and waits for it: its exit code is the answer. Not in a subshell (`run`): only
# the shell that started it can wait for it.
daemon_stop() {
    local pid=${VIREO_DAEMON-} code=0
    [ -n "$pid" ] || return 0
    unset VIREO_DAEMON
    kill -TERM "$pid" 2>/dev/null || true
    if ! eventually 15 not alive "$pid"; then
        kill -KILL "$pid" 2>/dev/null || true
        echo "the daemon did not stop" >&2
        return 1
    fi
    wait "$pid" 2>/dev/null || code=$?
    # 127: started by another shell (setup_file), which alone is told its exit code.
    [ "$code" -ne 127 ] || code=0
    return "$code"
}

# What a test starts ends with it, some time later: no daemon has this state any more.
daemon_gone() {
    eventually 20 none pgrep -f -- "--state $VIREO_STATE"
}

# daemon_there [FLAG...]: for tests that end the file's daemon; at a second try it is started again.
daemon_there() {
    alive "$VIREO_DAEMON" || { daemon_gone && daemon_start "$@"; }
}

# Kills the supervisor: every process of its family is gone within a second, or two on a busy machine.
daemon_kill() {
    local pid family
    family=$(descendants "$VIREO_DAEMON")
    [ -n "$family" ] || return 1
    kill -KILL "$VIREO_DAEMON"
    wait "$VIREO_DAEMON" 2>/dev/null || true
    unset VIREO_DAEMON
    for pid in $family; do
        eventually "${1:-2}" not alive "$pid" || return 1
    done
}

# For teardown_file: nothing stays, whatever happened.
daemon_clean() {
    daemon_stop || true
    if [ -n "${VIREO_STATE-}" ]; then
        libraries_keep
        rm -rf "$VIREO_STATE"
    fi
}

# Every descendant of a process, one pid a line.
descendants() {
    local child
    for child in $(cat /proc/"$1"/task/*/children 2>/dev/null); do
        echo "$child"
        descendants "$child"
    done
}

# call NAME[/path] [curl arguments]: sets code, body (without NUL bytes) and the files HEAD, BODY.
call() {
    local page=$1
    shift
    HEAD=$BATS_TEST_TMPDIR/head BODY=$BATS_TEST_TMPDIR/body
    : >"$BODY"
    code=$(curl -s --max-time 60 -o "$BODY" -D "$HEAD" -w '%{http_code}' "$@" \
        "$VIREO_SERVER/function/$page") || true
    body=$(tr -d '\0' <"$BODY")
}

# A response header of the last call.
header() {
    tr -d '\r' <"$HEAD" | awk -v name="$1" 'BEGIN {FS = ": *"}
        tolower($1) == tolower(name) {sub(/^[^:]*: */, ""); print; exit}'
}

# The last call was refused with this status and cause, as a problem document.
refused_with() {
    local cause
    [ "$code" = "$1" ] || {
        echo "status $code instead of $1: $body" >&2
        return 1
    }
    [ "$(header content-type)" = application/problem+json ] || {
        echo "content type $(header content-type): $body" >&2
        return 1
    }
    cause=$(jq -r .cause <<<"$body")
    [ "$cause" = "$2" ] || {
        echo "cause $cause instead of $2: $body" >&2
        return 1
    }
}

admin() {
    local method=$1 page=$2
    shift 2
    curl -s --max-time 60 --unix-socket "$VIREO_STATE/admin.sock" -X "$method" "$@" \
        "http://localhost$page"
}

# The last command of `run` was refused with this exit code and these words.
refused() {
    [ "$status" -eq "$1" ] && [[ $output == *"$2"* ]] && return
    echo "exit $status: $output" >&2
    return 1
}
