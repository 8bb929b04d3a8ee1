#!/usr/bin/env bats
# Forks and talk of native code that an operator's key has signed: programs after the man pages say
# here what they say elsewhere, behind the wall, limits, counts and logs of any family.
load helper
load family

# native NAME MANIFEST FILE...: builds and signs these sources, and deploys the library.
native() {
    local name=$1 source=$WORK/source-$1 folder=$WORK/$1
    mkdir -p "$source" "$folder"
    printf 'name: %s\n%s\n' "$name" "$2" | tee "$source/vireo.yaml" >"$folder/vireo.yaml"
    shift 2
    cp "$@" "$source"
    VIREO_STATE=$WORK/signer "$VIREO" build -q --native "$source" -o "$folder/$name.so"
    "$VIREO" deploy -q "$folder"
}

# kin NAME [MORE of the manifest]
kin() {
    native "$1" "limits: {pids: 8, timeout: 10s}
${2-}" "$FUNCTIONS/native_kin.c"
}

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    WORK=$(mktemp -d /tmp/vireo-native-family.XXXXXX)
    export WORK
    mkdir "$WORK/any"
    echo 'long handler(void) { return 0; }' >"$WORK/any/any.c"
    KEY=$(VIREO_STATE=$WORK/signer "$VIREO" build --json --native "$WORK/any" -o "$WORK/any.so" | jq -r .signed_by)
    printf 'keys: {trusted: [%s]}\nallow_grants: {fork: true, ipc: true, link: true}\nallow_layers: {platform: [asker]}\n' "$KEY" >"$WORK/config.yaml"
    daemon_start --config "$WORK/config.yaml"
    kin near 'grants: {fork: true, ipc: true}
family: {depth: 3}'
    kin far 'grants: {fork: true, ipc: true}'
}

teardown_file() {
    daemon_clean
    [ -z "${WORK-}" ] || rm -rf "$WORK"
}

setup() {
    need_root
}

# says TEXT: the last answer.
says() {
    [ "$body" = "$1" ] || {
        echo "'$body' instead of '$1'" >&2
        return 1
    }
}

# same NAME [SED]: a program of functions/posix, by native code and by gcc.
same() {
    local own=$BATS_TEST_TMPDIR/$1
    mkdir -p "$own"
    sed -e "${2-}" "$FUNCTIONS/posix/$1.c" >"$own/$1.c"
    cp "$FUNCTIONS/posix/check.h" "$own"
    unix_says "$own/$1.c" -O2
    native "$1" 'limits: {timeout: 30s, pids: 16}
grants: {fork: true, ipc: true, files: [{path: /tmp}]}' "$own/$1.c" "$own/check.h"
    # The keys of the family before are its own until it has gone.
    as_unix "$1" eventually 5 eval '[ -z "$(root_of '"$1"')" ]'
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

@test "semaphores: in shared memory, with a time, killed while they are waited for" {
    same semaphores '/^static void named/,/^}/d; /^    named();/d'
}

@test "without the grants native code is refused each of them, but a handler for its own signals" {
    kin alone
    ask alone granted
    says "fork EPERM wait EPERM kill EPERM pipe EPERM queue EPERM memory EPERM raised 1"
    ask near granted
    says "fork none wait none kill none pipe none queue none memory none raised 1"
    ask near improper
    says "refused 6"
}

@test "a child's end comes to its parent: exit, fault, trap, a call that the wall kills for" {
    ask near ends
    says "ends 42 1011 134 134 1031"
    eventually 5 eval '"$VIREO" logs near | grep -q "vireo: child [0-9]*: trap in .stack_of.: call stack exhausted"'
    ask near loops
    says "rang 1"
    # exit() in the root ends the instance; the next one serves.
    call near --data-binary exit
    refused_with 502 exit
    ask near granted
}

@test "a handler that asks the platform while the platform is asked: each has its own answer" {
    kin asker 'grants: {fork: true, ipc: true}
allow: [base, platform]'
    ask asker asks
    says "wrong 0 and 0, rang often"
    "$VIREO" rm -q asker
}

@test "signals of native code: a pointer as a value, children that nobody waits for, flags refused" {
    ask near actions
    says "pointer 1 stack 1 child ECHILD flag EINVAL"
}

@test "members and generations are limited, and who reaches a limit is told, counted and logged" {
    local before
    before=$(metric vireo_forks_refused_total)
    ask near deep
    says "generations 3"
    grep -q "pVM [0-9]*\.[0-9]* of 'near': fork refused at 3 generations (family: depth)" \
        "$VIREO_STATE/daemon.log"
    ask far bomb
    says "forked 7 then EAGAIN"
    eventually 5 grep -q "pVM [0-9]* of 'far': fork refused at 8 members (limits: pids)" "$VIREO_STATE/daemon.log"
    [ "$(metric vireo_forks_refused_total)" -ge $((before + 2)) ]
}

@test "another family's key is EPERM, counted, and logged with both identities" {
    local before keeps
    before=$(metric vireo_ipc_refused_total)
    curl -s --max-time 20 -o "$BATS_TEST_TMPDIR/kept" --data-binary kept "$VIREO_SERVER/function/near" &
    keeps=$!
    eventually 10 eval '"$VIREO" logs near | grep -q "keys are kept"'
    ask far sought
    says "queue EPERM memory EPERM nobody's ENOENT"
    wait "$keeps"
    [ "$(cat "$BATS_TEST_TMPDIR/kept")" = "kept 1" ]
    [ "$(metric vireo_ipc_refused_total)" = $((before + 2)) ]
    grep -q "pVM [0-9]* of 'far' (uid [0-9]*) asked for message queue 0x7711 of pVM [0-9]* of 'near' (uid [0-9]*): refused" \
        "$VIREO_STATE/daemon.log"
}

@test "a member that is killed between what it does with a key and what it says of it: others see what the kernel has" {
    kin third 'grants: {fork: true, ipc: true}'
    ask third killed
    says "killed 3, room for 255, then none"
    eventually 5 ask far 'sought killed'
    says "wanted ENOENT made EPERM removed ENOENT"
    "$VIREO" rm -q third
    eventually 5 eval 'ask far "sought killed" && says "wanted ENOENT made ENOENT removed ENOENT"'
}

@test "families of two functions that talk to the daemon without end are listened to so often and no more, and a neighbour is" {
    local begin before i name talks=() heard ms
    for name in one other; do
        kin "$name" 'grants: {fork: true, ipc: true}'
    done
    begin=$(date +%s%3N) before=$(metric vireo_forks_refused_total)
    for i in 1 2 3 4; do
        for name in one other; do
            curl -s --max-time 30 -o "$BATS_TEST_TMPDIR/$name$i" --data-binary talks "$VIREO_SERVER/function/$name" &
            talks+=($!)
        done
    done
    # A key that it makes may have to be asked for again.
    eventually 20 eval 'ask near granted && [[ $body == *"queue none memory none"* ]]'
    wait "${talks[@]}"
    heard=$(($(metric vireo_forks_refused_total) - before)) ms=$(($(date +%s%3N) - begin))
    for name in "$BATS_TEST_TMPDIR"/o*[1-4]; do
        [ "$(cat "$name")" = "said much" ]
    done
    echo "$heard in $ms ms"
    # 2,560 at once and 5,000 a second of all; each of the functions alone has 2,048 and 4,000.
    [ "$heard" -gt 2560 ]
    [ "$heard" -le $((2560 + ms * 5)) ]
    "$VIREO" rm -q one other
}

@test "a call of native code that is forked from outside goes on in both, and only its root answers" {
    local root child calls
    ask near granted
    root=$(root_of near)
    curl -s --max-time 20 -o "$BATS_TEST_TMPDIR/counted" --data-binary 'count 150' \
        "$VIREO_SERVER/function/near" &
    calls=$!
    sleep 0.3
    child=$("$VIREO" fork "$root")
    "$VIREO" ps --tree | grep -q "└─ $child *$root *$root *process *near"
    run "$VIREO" wait "$child"
    [ "$status" -eq 1 ]
    [ "$output" = "$child: exit status 7" ]
    wait "$calls"
    [ "$(cat "$BATS_TEST_TMPDIR/counted")" = "counted 11175 in the root" ]
    ask near granted
    eventually 5 eval '"$VIREO" logs near | grep -q "counted 11175 in a child"'
}

# bell NAME [SED of the source] [SED of the manifest]: a version of the library that has a family.
bell() {
    local from=$WORK/source-$1
    rm -rf "$from"
    cp -r "$FUNCTIONS/link/bell" "$from"
    sed -i -e "${2-}" "$from/bell.c"
    sed -i -e "${3-}" "$from/vireo.yaml"
    VIREO_STATE=$WORK/signer "$VIREO" build -q --native "$from" -o "$WORK/$1.so"
    "$VIREO" deploy -q "$WORK/$1.so" --name "$1"
}

@test "a linked library forks, and is replaced: handlers follow, its child goes on with what it has" {
    local pvm
    VIREO_STATE=$WORK/signer "$VIREO" build -q --native "$FUNCTIONS/link/tower" -o "$WORK/tower.so"
    mkdir -p "$WORK/tower"
    cp "$WORK/tower.so" "$FUNCTIONS/link/tower/vireo.yaml" "$WORK/tower"
    "$VIREO" deploy -q "$WORK/tower"
    bell bell
    bell bell2 's/STEP 1/STEP 10/' 's/1.0.0/2.0.0/'
    ask tower idle
    pvm=$(root_of tower)
    "$VIREO" link -q "$pvm" bell
    ask tower answer
    says "started 1 answer 101 memory 1 rang 1"
    "$VIREO" update -q --pvm "$pvm" bell2 bell
    # The variables were copied, the queue and the memory are where they were, and the handler is
    # the new version's; the child has the old one's code.
    ask tower answer
    says "started 0 answer 101 memory 2 rang 11"
    [ "$(root_of tower)" = "$pvm" ]
    ask tower end
    says "ended 1015"
    ask tower answer
    says "started 1 answer 110 memory 10 rang 21"
    # Back, while the new one's child runs.
    "$VIREO" update -q --pvm "$pvm" bell bell2
    ask tower answer
    says "started 0 answer 110 memory 20 rang 22"
    ask tower end
    says "ended 1015"
}

@test "a function of native code with a family gets a new version in place" {
    local version
    for version in 1 10; do
        mkdir -p "$WORK/steeple$version-source" "$WORK/steeple$version"
        cat "$FUNCTIONS/link/bell/bell.c" "$FUNCTIONS/link/tower/tower.c" |
            sed "s/STEP 1/STEP $version/" >"$WORK/steeple$version-source/steeple.c"
        printf 'name: steeple\nversion: "%s"\nupdate: {slack: 4KiB}\npool: {instances: 1}\nlimits: {pids: 8}\ngrants: {fork: true, ipc: true}\n' \
            "$version" | tee "$WORK/steeple$version/vireo.yaml" >"$WORK/steeple$version-source/vireo.yaml"
        VIREO_STATE=$WORK/signer "$VIREO" build -q --native "$WORK/steeple$version-source" -o "$WORK/steeple$version/steeple.so"
    done
    "$VIREO" deploy -q "$WORK/steeple1"
    ask steeple answer
    says "started 1 answer 101 memory 1 rang 1"
    run "$VIREO" update steeple "$WORK/steeple10"
    [ "$status" -eq 0 ] && [[ $output == *"1 pVM goes on with it"* ]] || { echo "$output"; return 1; }
    ask steeple answer
    says "started 0 answer 101 memory 2 rang 11"
    "$VIREO" rollback -q steeple
    ask steeple answer
    says "started 0 answer 101 memory 3 rang 12"
    "$VIREO" rm -q steeple
}

@test "native code of one place after another: each has a family, and nothing of the one before" {
    local name
    "$VIREO" rm -q near far || true
    for name in before after; do
        kin "$name" 'recycle: reuse
application: places
grants: {fork: true, ipc: true}'
    done
    ask before granted
    ask before ends
    "$VIREO" kill "$(root_of before)"
    eventually 5 eval '[ -z "$(root_of before)" ]'
    # Its keys went with it: else they were EPERM.
    ask after sought
    says "queue ENOENT memory ENOENT nobody's ENOENT"
    [ "$("$VIREO" ps -o json | jq -r '.[] | select(.function == "after").start')" = recycled ]
    ask after ends
    says "ends 42 1011 134 134 1031"
    "$VIREO" rm -q before after
}

@test "proved code forks no more than ever: it is refused the proof" {
    mkdir -p "$WORK/proved"
    printf '%s\n' '#include <stdint.h>' '#include <stddef.h>' 'int fork(void);' \
        'int64_t handler(const uint8_t *in, size_t n, uint8_t *out, size_t cap)' \
        '{ (void)in; (void)out; (void)cap; return n > 0 ? fork() : 0; }' >"$WORK/proved/f.c"
    run "$VIREO" deploy --require proved "$WORK/proved" --name proved
    refused 4 "fork"
}
