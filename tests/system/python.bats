#!/usr/bin/env bats
# Python functions: instances are forks of an interpreter that has imported what they need. What a fork
# has of its own, what it may not do, and what becomes of a template whose imports lie.
load helper
bats_require_minimum_version 1.5.0

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    WORK=$(mktemp -d /tmp/vireo-python.XXXXXX)
    export WORK
    # Replaced often, so that it is seen.
    printf 'template: {starts: 12}\n' >"$WORK/config.yaml"
    daemon_start --config "$WORK/config.yaml"
    "$VIREO" deploy -q "$FUNCTIONS/python/probe" --name probe
    "$VIREO" deploy -q "$FUNCTIONS/python/probe" --name once --isolation request
}

teardown_file() {
    daemon_clean
    [ -z "${WORK-}" ] || rm -rf "$WORK"
}

setup() {
    need_root
}

# The interpreter of a function's template, and what was forked of it: processes with its uid.
of_function() {
    local uid
    uid=$("$VIREO" describe "$1" -o json | jq .uid)
    ps -eo pid=,uid= | awk -v uid="$uid" '$2 == uid {print $1}'
}

# liar NAME HOW: deploys it, whatever comes of it.
liar() {
    "$VIREO" deploy -q "$FUNCTIONS/python/liar" --name "$1" --param "HOW=$2"
}

serves() {
    call "$1/count"
    echo "$1: $code $body"
    [ "$code" = 200 ]
}

@test "a handler is asked and answers as documented" {
    call "probe/echo?a=1" -H 'X-Mine: there' -d '{"k": [1, 2]}'
    [ "$code" = 200 ]
    [ "$(header content-type)" = application/json ]
    [ "$body" = '{"method": "POST", "query": "a=1", "json": {"k": [1, 2]}, "header": "there", "env": "yours"}' ]
    call probe/status
    [ "$code" = 418 ]
    [ "$body" = short ]
    [ "$(header x-pot)" = tea ]
    [ "$(header content-type)" = application/octet-stream ]
    call probe/later
    [ "$code" = 200 ]
    [ "$body" = later ]
    [ "$(header content-type)" = "text/plain; charset=utf-8" ]
    call probe/none
    [ "$code" = 200 ]
    [ -z "$body" ]
}

@test "a script by itself is a function; the ladder says why it is a container" {
    printf 'def handler(request):\n    return request.body[::-1]\n' >"$WORK/turn.py"
    run -0 "$VIREO" deploy "$WORK/turn.py" --name turn
    [[ "$output" == "deployed turn (container, "* ]]
    [ "$("$VIREO" invoke turn --data abc)" = cba ]
    run -0 "$VIREO" describe turn -o json
    [ "$(jq -r .safety <<<"$output")" = container ]
    [ "$("$VIREO" ps -o json | jq -r '.[] | select(.function == "turn") | .wall')" = container ]
    run ! "$VIREO" deploy "$WORK/turn.py" --name strict --require sfi
    [[ "$output" == *"it is 'container', and 'sfi' is required"* ]]
    printf 'def handler(request):\n    return b"second"\n' >"$WORK/turn.py"
    "$VIREO" update turn "$WORK/turn.py"
    [ "$("$VIREO" invoke turn --data abc)" = second ]
    "$VIREO" rollback turn
    [ "$("$VIREO" invoke turn --data abc)" = cba ]
    "$VIREO" rm turn
}

@test "what can't be imported is refused with its error, and nothing is deployed" {
    printf 'import nowhere\n' >"$WORK/app.py"
    run ! "$VIREO" deploy "$WORK/app.py" --name broken
    [[ "$output" == *"ModuleNotFoundError: No module named 'nowhere'"* ]]
    printf 'handler = 3\n' >"$WORK/app.py"
    run ! "$VIREO" deploy "$WORK/app.py" --name broken
    [[ "$output" == *"'app:handler' is not callable"* ]]
    run ! "$VIREO" describe broken
}

@test "what fails is 502 with its cause, the traceback is in the log, and the instance serves on" {
    call probe/raise
    [ "$code" = 502 ]
    call probe/leave
    [ "$code" = 502 ]
    call probe/bad-status
    [ "$code" = 502 ]
    call probe/bad-header
    [ "$code" = 502 ]
    call "probe/print?loud"
    eventually 20 sh -c '"$VIREO" logs probe | grep -q "ZeroDivisionError: division by zero"'
    eventually 20 sh -c '"$VIREO" logs probe | grep -q "printed loud"'
    call probe/exit
    [ "$code" = 502 ]
    serves probe
}

@test "siblings draw different numbers, whatever was drawn before the fork" {
    call once/seeds
    local first=$body i one two
    call once/seeds
    for i in 0 1 2 3 4 5 6; do
        one=$(jq -c ".[$i]" <<<"$first") two=$(jq -c ".[$i]" <<<"$body")
        [ "$one" != null ]
        [ "$one" != "$two" ]
    done
}

@test "an instance has its own descriptors, process ids, name and folder" {
    call once/place
    [ "$code" = 200 ]
    # 0, 1, 2: /dev/null; 3: the eventfd by which it says that it has answered. The pipe is gone.
    [ "$(jq -c .descriptors <<<"$body")" = '{"0":"0o2","1":"0o2","2":"0o2","3":"0o0"}' ]
    [ "$(jq .pid <<<"$body")" = 1 ]
    [ "$(jq .template <<<"$body")" != 1 ]
    [ "$(jq .uid <<<"$body")" = 65534 ]
    [[ "$(jq -r .host <<<"$body")" == once-* ]]
    [ "$(jq -c .tmp <<<"$body")" = '[]' ]
    [ "$(jq -c .root <<<"$body")" = '["bin","dev","etc","function","lib","lib64","tmp","usr","vireo"]' ]
    call once/refused
    [ "$(jq -c . <<<"$body")" = '{"source":"Read-only file system","usr":"Read-only file system","folder":"No space left on device","socket":"Address family not supported by protocol","pair":"done","others":[],"namespace":"Operation not permitted","mount":"Operation not permitted"}' ]
    # What the one before wrote to its folder is not there.
    call once/place
    [ "$(jq -c .tmp <<<"$body")" = '[]' ]
}

@test "an instance is in a control group of its own, and keeps its state from call to call" {
    local waiting='' one
    # The template's, and the instance's.
    two_groups() {
        [ "$(of_function probe | while read -r pid; do sed -n 's/.*:pids://p' "/proc/$pid/cgroup"; done |
            sort -u | wc -l)" -ge 2 ]
    }
    grep -q ':pids:' /proc/self/cgroup || two_groups() {
        [ "$(of_function probe | while read -r pid; do sed -n 's/^0:://p' "/proc/$pid/cgroup"; done |
            sort -u | wc -l)" -ge 2 ]
    }
    # Its call ends after two seconds.
    seen() {
        [ -n "$waiting" ] && alive "$waiting" || {
            curl -s -o /dev/null "$VIREO_SERVER/function/probe/sleep" &
            waiting=$!
        }
        two_groups
    }
    eventually 20 seen
    kill "$waiting" || true
    wait "$waiting" || true
    call probe/count
    one=$body
    call probe/count
    [ "$body" = $((one + 1)) ]
}

@test "what one instance does to its process group reaches neither its siblings nor the template" {
    local before nap
    before=$(of_function once | sort | head -n 2)
    curl -s --max-time 30 "$VIREO_SERVER/function/once/nap" >"$WORK/nap" &
    nap=$!
    sleep 0.4
    call once/group
    [ "$code" = 200 ]
    [ "$(jq -c . <<<"$body")" = '["done","done",0,19]' ]
    wait "$nap"
    [ "$(cat "$WORK/nap")" = 0 ]
    # The template is who it was, and as prompt.
    [ "$(of_function once | sort | head -n 2)" = "$before" ]
    call once/nap
    [ "$body" = 0 ]
}

@test "an instance finds no template to trace, hold or limit, and no key" {
    call once/beyond
    echo "$body"
    [ "$(jq -c '[.ptrace, .pidfd, .prlimit]' <<<"$body")" = '["No such process","No such process","No such process"]' ]
    [ "$(jq -c '[.keyctl, .add_key]' <<<"$body")" = '["Function not implemented","Function not implemented"]' ]
}

@test "limits of memory, processes and time hold" {
    call probe/memory
    [ "$code" = 502 ] || [ "$code" = 507 ]
    call probe/processes
    [ "$code" = 200 ]
    [ "$(jq '.[0]' <<<"$body")" -le 20 ]
    call probe/sleep
    [ "$code" = 504 ]
    eventually 20 serves probe
}

@test "a template that dies or is worn is replaced by a new one" {
    local i before
    before=$(of_function once)
    for i in $(seq 30); do
        call once/count
        [ "$code" = 200 ]
        [ "$body" = 1 ]
    done
    replaced() {
        local pid
        for pid in $before; do
            not alive "$pid" || return 1
        done
    }
    eventually 10 replaced
    # shellcheck disable=SC2046
    kill -KILL $(of_function once)
    eventually 10 serves once
}

@test "imports that take long keep nobody else's deploy or start waiting" {
    local before slow
    interpreters() { descendants "$VIREO_DAEMON" | sed 's:.*:/proc/&/cmdline:' | xargs grep -lsz '/vireo/driver.py$' | wc -l; }
    before=$(interpreters)
    liar slow slow &
    slow=$!
    imports() { [ "$(interpreters)" -gt "$before" ]; }
    eventually 20 imports
    printf 'def handler(request):\n    return "quick"\n' >"$WORK/quick.py"
    "$VIREO" deploy -q "$WORK/quick.py" --name quick
    call quick/
    [ "$code" = 200 ]
    [ "$body" = quick ]
    alive "$slow"
    kill "$slow"
    "$VIREO" rm quick
}

@test "a template that forks without being asked is bounded, and so are its instances" {
    run liar forks forks
    if [ "$status" = 0 ]; then
        # Its own group has the limit; NPROC bounds the uid whatever group a process is in.
        [ "$(of_function forks | wc -l)" -le 80 ]
        call forks/
    fi
    "$VIREO" rm forks || true
    eventually 20 serves probe
}

@test "a template that says what no template says is ended, and its function gets a new one" {
    run ! liar early early
    [[ "$output" == *"ended during its set-up"* ]]
    local how
    for how in garbage dies; do
        liar "$how" "$how"
        call "$how/"
        eventually 10 grep -q "template of '$how' ended" "$VIREO_STATE/daemon.log"
        # Each new one does so at its first fork: nobody else is harmed.
        call "$how/"
        serves probe
        "$VIREO" rm "$how"
    done
}

@test "no template can end another function's instance" {
    call probe/count
    local before=$body i
    liar others others
    for i in 1 2; do
        call others/
    done
    call probe/count
    [ "$code" = 200 ]
    [ "$body" = $((before + 1)) ]
    "$VIREO" rm others
}

@test "what a template keeps of its instances' groups leads to nobody's group" {
    local i uid pid tree group other
    "$VIREO" deploy -q "$FUNCTIONS/python/liar" --name groups --param HOW=groups --isolation request
    uid=$("$VIREO" describe groups -o json | jq .uid)
    for i in $(seq 4); do
        # A group goes from hand to hand: it is used again for the same limits, the last one first.
        call probe/exit
        call groups/
        call probe/count
        call groups/
        # Nobody with the uid of the one is in a group of the other.
        for pid in $(of_function probe); do
            while IFS=: read -r _ tree group; do
                [[ "$group" == */vireo/* ]] || continue
                for other in $(cat "/sys/fs/cgroup/${tree:-unified}$group/cgroup.procs" 2>/dev/null); do
                    [ "$(stat -c %u "/proc/$other" 2>/dev/null)" != "$uid" ]
                done
            done <"/proc/$pid/cgroup"
        done
    done
    "$VIREO" rm groups
}

@test "what a Python function can't be given is refused by name" {
    mkdir -p "$WORK/asks"
    printf 'def handler(request):\n    pass\n' >"$WORK/asks/app.py"
    local ask
    for ask in 'grants: {connect: ["127.0.0.1:1"]}' 'recycle: blank' 'update: {slack: 4KiB}' 'entry: main' \
        'imports: ["no such"]'; do
        printf 'runtime: python\n%s\n' "$ask" >"$WORK/asks/vireo.yaml"
        run ! "$VIREO" deploy "$WORK/asks" --name asks
        [ "${#lines[@]}" -le 2 ]
        [[ "$output" == *"vireo.yaml"* ]]
    done
    run ! "$VIREO" run "$WORK/asks/app.py"
    [[ "$output" == *"vireo deploy"* ]]
    # An image that was made of a source is that source's, and no library.
    "$VIREO" build -q "$WORK/asks/app.py" -o "$WORK/app.so"
    run ! "$VIREO" deploy "$WORK/app.so" --name app
}

@test "when the supervisor is killed nothing stays" {
    daemon_there --config "$WORK/config.yaml"
    call probe/count
    local processes pid
    processes=$(of_function probe)
    [ -n "$processes" ]
    daemon_kill 15
    for pid in $processes; do
        eventually 20 not alive "$pid"
    done
    daemon_start --config "$WORK/config.yaml"
    eventually 20 serves probe
}
