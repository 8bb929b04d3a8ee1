#!/usr/bin/env bats
# Functions that fork: what a family can do, what it may take, and that it is alone.
load helper
load family
load escape/escape

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    local folder
    VIREO_STATE=$(mktemp -d /tmp/vireo-test-family.XXXXXX)
    PORT=$(free_port)
    export PORT
    printf 'allow_grants:\n  fork: true\n  ipc: true\n  listen: ["127.0.0.1:%s"]\n' "$PORT" \
        >"$VIREO_STATE/vireo.conf"
    daemon_start --config "$VIREO_STATE/vireo.conf"
    deploy_family kin instance
    deploy_family kin-once request
    printf 'name: alone\n' >"$BATS_FILE_TMPDIR/kin/vireo.yaml"
    "$VIREO" deploy "$BATS_FILE_TMPDIR/kin"

    # Machine code with the grant, and without it.
    attacks_build
    mkdir "$BATS_FILE_TMPDIR/native" "$BATS_FILE_TMPDIR/sibling"
    printf 'name: native\nlimits: {pids: 6, timeout: 3s}\ngrants: {fork: true, ipc: true}\n' \
        >"$BATS_FILE_TMPDIR/native/vireo.yaml"
    native_deploy native "$BATS_FILE_TMPDIR/native"
    native_deploy bare
}

teardown_file() {
    daemon_clean
}

setup() {
    need_root
    attacks_load
}

# deploy_family NAME ISOLATION
deploy_family() {
    local folder=$BATS_FILE_TMPDIR/kin
    mkdir -p "$folder"
    cp "$FUNCTIONS/family.c" "$folder"
    printf 'name: %s\nisolation: %s\nlimits: {pids: 8, timeout: 4500ms, memory: 32MiB}\ngrants: {fork: true, ipc: true}\n' \
        "$1" "$2" >"$folder/vireo.yaml"
    "$VIREO" deploy "$folder"
}

# How many processes of the daemon belong to a function: its template, instances and their children.
members() {
    local uid pid count=0
    uid=$("$VIREO" describe -o json "$1" | jq -r .uid)
    for pid in $(descendants "$VIREO_DAEMON"); do
        if [ "$(stat -c %u "/proc/$pid" 2>/dev/null)" = "$uid" ] && alive "$pid"; then
            count=$((count + 1))
        fi
    done
    echo "$count"
}

script() {
    local word out=
    for word in $1; do
        [[ $word != @* ]] || word=${NR[${word#@}]}
        out+="$word "
    done
    echo "${out% }"
}

@test "a child has memory of its own, and its status comes to its parent" {
    for name in kin kin-once; do
        ask "$name" copies
        [ "$body" = $'pids: 1 0 1\nmine: 1 1 one\nchild: exit 42' ]
        ask "$name" sums
        [ "$body" = "total: 704982704" ]
        ask "$name" polls
        [ "$body" = "poll: 0 1 1 1 1" ]
        ask "$name" queues
        [ "$body" = "queues: 3 two 1 one 1 1 1 1" ]
        ask "$name" orphan
        [ "$body" = "orphan: parent 1, 2 ended" ]
        ask "$name" $'rest\nof the body\n'
        [ "$body" = "child: of the body"$'\n'"root: of the body" ]
    done
}

@test "children are ended by signals and traps, their root is not" {
    ask kin signals
    [ "$body" = $'killed: signal 15\nkilled: signal 9\nkilled: signal 10\nchild: exit 0' ]
    ask kin trap
    [ "$body" = "trapped: exit 134" ]
    "$VIREO" logs kin | grep -q "vireo: child [0-9]*: trap in '.*': unreachable"
}

@test "what children write is in the log, whole, and never in the answer" {
    ask kin output
    [ "$body" = "answer of the root" ]
    local i
    for i in 0 1 2; do
        eventually 5 eval "'$VIREO' logs kin | grep -q 'out of child $i'"
        "$VIREO" logs kin | grep -q "err of child $i"
    done
    "$VIREO" logs kin | grep -q "err of the root"
    # More than pipe and ring hold, from three at once: what does not fit is dropped, and nobody waits.
    ask kin flood
    [ "$body" = flooded ]
    eventually 5 eval "'$VIREO' logs kin | grep -q '^.*x\{999\}'"
    ask kin trap
    eventually 5 eval "[ \$('$VIREO' logs kin | grep -c 'trap in') -ge 2 ]"
}

@test "a fork bomb ends at the limit of processes, which its caller is told" {
    call kin --data-binary bomb
    refused_with 502 pids
    [[ $body == *"pids limit 8 reached"* ]]
    ask kin copies
    # One that never stops, alone and with all its children: the time limit ends it.
    for attack in 'bomb for ever' spread; do
        call kin --data-binary "$attack"
        refused_with 504 timeout
        [[ $body == *"time limit 4500 ms reached (and pids limit 8)"* ]]
    done
    eventually 5 eval '[ "$(members kin)" -le 2 ]'
    "$VIREO" logs kin | grep -q "vireo: pids limit 8 reached"
    ask kin copies
}

@test "children end with their instance, which is the call's under isolation: request" {
    ask kin-once leave
    [[ $body == "child: "* ]]
    eventually 5 eval '[ "$(members kin-once)" = 1 ]'
    local before
    before=$(members kin)
    ask kin leave
    [ "$(members kin)" -gt "$before" ]
    deploy_family kin instance
    # Another generation: the old instance goes, and its child with it.
    eventually 10 eval '[ "$(members kin)" -le 1 ]'
}

@test "instances of one function don't see each other, nor reach each other" {
    curl -s --max-time 20 -o "$BATS_TEST_TMPDIR/lingered" --data-binary linger "$VIREO_SERVER/function/kin" &
    local lingers=$!
    sleep 0.2
    ask kin crowd
    [ "$body" = "others: 0" ]
    ask kin massacre
    [ "$body" = "massacred: 1" ]
    wait "$lingers"
    [ "$(cat "$BATS_TEST_TMPDIR/lingered")" = "lingered: exit 5" ]
    # The template is not among them either.
    ask kin copies
}

@test "a queue is its family's: full it says so, and no other has it" {
    curl -s --max-time 20 -o "$BATS_TEST_TMPDIR/kept" --data-binary "queue kept" "$VIREO_SERVER/function/kin" &
    local keeps=$!
    sleep 0.2
    ask kin "queue sought"
    [ "$body" = "sought: Operation not permitted" ]
    wait "$keeps"
    [ "$(cat "$BATS_TEST_TMPDIR/kept")" = "kept: full 1, then 1" ]
    ask kin copies
}

@test "at its memory limit a child dies, or the call does, by that name" {
    ask kin 'memory 4'
    [ "$body" = "child: exit 0" ]
    call kin --data-binary 'memory 26'
    if [ "$code" = 200 ]; then
        [ "$body" = "child: signal 9" ]
    else
        refused_with 502 memory
    fi
    ask kin copies
}

# The first child of a function's instances.
child_of() {
    "$VIREO" ps -o json | jq -r "[.[] | select(.function == \"$1\" and .parent != null)][0].id"
}

@test "pVMs have names, by which they are shown, waited for and killed" {
    # An instance that is new, with one child.
    deploy_family kin instance
    eventually 10 eval '[ "$(members kin)" -le 1 ]'
    ask kin leave
    local child root
    child=$(child_of kin)
    root=${child%.*}
    [ "$child" = "$root.${body#child: }" ]
    run "$VIREO" ps
    [[ ${lines[0]} == PVM*FAMILY*PARENT*WALL*FUNCTION*VERSION*START*MEMORY*STATE ]]
    # Lines up: every cell begins below its heading.
    local at
    at=$(awk 'NR == 1 {print index($0, "WALL")}' <<<"$output")
    [ "$(cut -c "$at-$((at + 7))" <<<"$output" | sort -u)" = $'WALL    \nprocess ' ]
    run "$VIREO" ps --tree
    [[ $output == *$'\n'"$root "*$'\n'"└─ $child "*process*kin*child*B*ing* ]]
    [ "$("$VIREO" ps -o json | jq -r ".[] | select(.id == \"$child\") | [.family, .parent, .start] | join(\" \")")" = \
        "$root $root child" ]

    "$VIREO" wait "$child" >"$BATS_TEST_TMPDIR/child" &
    local waits=$!
    "$VIREO" wait "$root" >"$BATS_TEST_TMPDIR/root" &
    local waits_root=$!
    # Both have asked.
    sleep 2
    "$VIREO" kill -s TERM "$child"
    not wait "$waits"
    [ "$(cat "$BATS_TEST_TMPDIR/child")" = "$child: signal 15 (SIGTERM)" ]
    # What has no effect on process 1 of a namespace has none here.
    "$VIREO" kill -s TERM "$root"
    "$VIREO" ps -q | grep -qx "$root"
    "$VIREO" kill "$root"
    not wait "$waits_root"
    [ "$(cat "$BATS_TEST_TMPDIR/root")" = "$root: signal 9 (SIGKILL)" ]
    not grep -qx "$root" <<<"$("$VIREO" ps -q)"
    grep -q "pVM $root of 'kin': signal 9, by uid 0" "$VIREO_STATE/daemon.log"
    ask kin copies
}

@test "a pVM's name that is none is refused" {
    run "$VIREO" kill 4000000001
    [ "$status" -eq 3 ]
    [[ $output == *"there is no pVM '4000000001'"* ]]
    for name in 08192 8192. 8192.1.1 .1 -- 8192.x "$(printf '9%.0s' {1..60})"; do
        run "$VIREO" wait -- "$name"
        [ "$status" -eq 2 ]
    done
    # One rule for all verbs.
    local verb
    for verb in kill fork wait link; do
        local rest=()
        [ "$verb" != link ] || rest=(nosuch)
        run "$VIREO" "$verb" abc "${rest[@]}"
        refused 2 "'abc' is not a pVM's name"
        run "$VIREO" "$verb" 4000000001 "${rest[@]}"
        refused 3 "there is no pVM '4000000001'"
    done
    run "$VIREO" kill -s 65 8192
    [ "$status" -eq 2 ]
    [ "$(admin DELETE "/system/pvms/8192?signal=0" -o /dev/null -w '%{http_code}')" = 400 ]
    [ "$(admin POST /system/pvms -o /dev/null -w '%{http_code}')" = 405 ]
}

@test "without the grant nothing of it is there" {
    ask alone copies
    [ "$body" = "fork: Operation not permitted" ]
    ask alone sums
    [ "$body" = "pipe: Operation not permitted" ]
    for call in '@clone 17 0 0 0 0' '@kill 1 0' '@wait4 -1 0 1 0' '@getppid' '@pipe2 b 0'; do
        inside bare "$(script "$call")"
        expect "$call" syscall
    done
    run "$VIREO" describe -o json alone
    [ "$(jq -r '.syscalls | keys | join(" ")' <<<"$output")" = base ]
}

@test "the grant allows a fork and no other clone" {
    # The child's answer would be '0 -10': but it has no channel. Its parent goes on, and answers. That
    # it can wake the host helps it nothing.
    inside native "$(script '@clone 17 0 0 0 0 ; @wait4 -1 0 0 0')"
    expect "the parent's answer" '[1-9]* [1-9]*'
    inside native "$(script '@clone 17 0 0 0 0 ; @write 3 b+8 8 ; @wait4 -1 0 0 0')"
    expect "the parent's answer" '[1-9]* 8 [1-9]*'
    for i in 1 2 3; do
        inside native "$(script '@getppid')"
        expect "the next answer" 0
    done
    local flags
    # CLONE_VM, FS, FILES, SIGHAND, PARENT, THREAD, NEWNS, NEWUSER, NEWPID, NEWNET, PARENT_SETTID;
    # another signal, none; all of the upper half with it.
    for flags in 0x111 0x211 0x411 0x811 0x8011 0x10f11 0x20011 0x10000011 0x20000011 0x40000011 \
        0x100011 0 9 10; do
        inside native "$(script "@clone $flags 0 0 0 0")"
        expect "clone $flags" syscall
    done
    for call in '@fork' '@vfork' '@unshare 0x10000000' '@setns 3 0' '@execve s:/bin/true 0 0' '@tkill 1 9' \
        '@tgkill 1 1 9' '@setpgid 0 0' '@setsid' '@prctl 4 1' '@semget 1 1 512' '@msgctl 0 1 b' '@msgctl 0 11 b' '@shmget 1 4096 2560' '@shmat 0 0 32768' '@shmat 0 0 16384' '@shmctl 0 11 b' '@shmctl 0 1 b'; do
        inside native "$(script "$call")"
        expect "$call" syscall
    done
    inside native "$(script '@clone3 0 0')"
    expect clone3 -38
}

@test "what a member says to its supervisor is checked, and harms nobody else" {
    # Descriptor 4 is the family's socket: it has no folders and no sockets before it.
    local bytes
    for bytes in 20 19 21 4096; do
        inside native "$(script "@write 4 b $bytes ; @write 4 b 20 ; @write 4 b 20")"
        expect "a message of $bytes" "$bytes 20 20"
    done
    ask kin copies
    "$VIREO" ps >/dev/null
    # Any number of them: it is not listened to for a while, and waits itself.
    inside native "$(script "$(for _ in {1..300}; do printf '@write 4 b 20 ; '; done) @getppid")"
    ask kin copies
}

# Sends a line to the server, prints its answer.
tell() {
    exec 4<>"/dev/tcp/127.0.0.1/$PORT" && echo "$1" >&4 && timeout 5 cat <&4
    exec 4>&-
}

closed() {
    ! (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null
}

@test "a server forks workers that share its socket, and ends with all of them" {
    local folder=$BATS_TEST_TMPDIR/prefork first
    mkdir "$folder"
    cp "$FUNCTIONS/prefork.c" "$folder"
    printf 'name: prefork\ngrants: {fork: true, listen: ["127.0.0.1:%s"]}\n' "$PORT" >"$folder/vireo.yaml"
    "$VIREO" deploy "$folder"
    eventually 5 eval '[ "$(members prefork)" = 5 ]'
    first=$(tell end)
    [[ $first == "worker "[0-9]* ]]
    eventually 5 eval '"$VIREO" logs prefork | grep -q "$first ended, status 3"'
    eventually 5 eval '[ "$(members prefork)" = 5 ]'
    [[ $(tell hello) == "worker "* ]]
    local root
    root=$("$VIREO" describe -o json prefork | jq -r .uid)
    "$VIREO" rm prefork
    eventually 5 closed
    for pid in $(descendants "$VIREO_DAEMON"); do
        [ "$(stat -c %u "/proc/$pid" 2>/dev/null)" != "$root" ] || not alive "$pid"
    done
}

@test "the grants are described" {
    run "$VIREO" describe -o json kin
    [ "$(jq -r '.syscalls.fork | join(" ")' <<<"$output")" = \
        "read ppoll close clone wait4 kill getpid getppid setitimer rt_sigpending rt_sigtimedwait rt_sigqueueinfo pipe2" ]
    [[ $(jq -r '.syscalls.ipc | join(" ")' <<<"$output") == *pipe2* ]]
}

@test "vireo run asks for the grants by name" {
    mkdir "$BATS_TEST_TMPDIR/run"
    cp "$FUNCTIONS/family.c" "$BATS_TEST_TMPDIR/run"
    printf 'grants: {fork: true}\nlimits: {pids: 5}\n' >"$BATS_TEST_TMPDIR/run/vireo.yaml"
    run "$VIREO" run "$BATS_TEST_TMPDIR/run" <<<copies
    [ "$status" -eq 4 ]
    [[ $output == *"asks for 'fork' (grant it by --grant fork)"* ]]
    run "$VIREO" run --grant fork "$BATS_TEST_TMPDIR/run" <<<copies
    [ "$status" -eq 0 ]
    [[ $output == *"child: exit 42" ]]
    run "$VIREO" run --grant forks "$BATS_TEST_TMPDIR/run" <<<copies
    [ "$status" -eq 2 ]
    run "$VIREO" run --grant fork "$BATS_TEST_TMPDIR/run" <<<bomb
    [[ $output == *"children: "[1-5]* ]]
}
