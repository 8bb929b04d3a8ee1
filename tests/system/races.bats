#!/usr/bin/env bats
# Forks, updates, links, kills and calls of one function at the same time: each is done or refused by
# name, no call is lost or answered by another's answer, and nothing stays behind.
load helper

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    VIREO_STATE=$(mktemp -d /tmp/vireo-test-races.XXXXXX)
    libraries_take
    printf 'allow_grants: {fork: true, ipc: true, link: true}\n' >"$VIREO_STATE/vireo.conf"
    daemon_start --config "$VIREO_STATE/vireo.conf"
    deploy_race race 'update: {slack: 16KiB}\npool: {instances: 2}\n'
    mkdir "$BATS_FILE_TMPDIR/two"
    sed 's/"one"/"two"/' "$FUNCTIONS/race.c" >"$BATS_FILE_TMPDIR/two/race.c"
    cp "$BATS_FILE_TMPDIR/race/vireo.yaml" "$BATS_FILE_TMPDIR/two/"
    # Both versions are built, and were here.
    "$VIREO" update -q race "$BATS_FILE_TMPDIR/two"
    "$VIREO" update -q race "$BATS_FILE_TMPDIR/race"
}

teardown_file() {
    daemon_clean
}

setup() {
    need_root
    ANSWERS=$BATS_TEST_TMPDIR/answers DONE=$BATS_TEST_TMPDIR/done
    export ANSWERS DONE
}

# Whatever happened, nobody calls, kills or forks on.
teardown() {
    touch "$DONE"
}

# deploy_race NAME MORE
deploy_race() {
    mkdir -p "$BATS_FILE_TMPDIR/$1"
    cp "$FUNCTIONS/race.c" "$BATS_FILE_TMPDIR/$1/"
    printf 'name: %s\nlimits: {pids: 8, timeout: 5s, memory: 16MiB}\ngrants: {fork: true, ipc: true, link: true}\n%b' "$1" "$2" \
        >"$BATS_FILE_TMPDIR/$1/vireo.yaml"
    "$VIREO" deploy -q "$BATS_FILE_TMPDIR/$1"
}

# callers NAME WORD COUNT: clients that call with "WORD NUMBER" until $DONE is there. Each line of
# $ANSWERS is a request, the status and the answer.
callers() {
    local client
    for client in $(seq "$3"); do
        (
            number=0
            while [ ! -e "$DONE" ]; do
                number=$((number + 1))
                printf '%s %s.%s|%s\n' "$2" "$client" "$number" \
                    "$(curl -s --max-time 20 -w '|%{http_code}' -d "$2 $client.$number" "$VIREO_SERVER/function/$1" | tr '\n' ' ')" >>"$ANSWERS"
            done
        ) 3>&- &
    done
}

callers_end() {
    touch "$DONE"
    wait
}

# Each answer is its request's; others have a status that $1 (an expression) allows.
answers_are_right() {
    awk -F'|' -v allowed="$1" '
        $3 == 200 && $2 ~ "^(one|two): " $1 ": well, call [0-9]+$" { good++; next }
        $3 ~ "^(" allowed ")$" { other++; next }
        { print "wrong: " $0; bad++ }
        END { print good + 0 " good, " other + 0 " refused, " bad + 0 " wrong"; exit bad > 0 || good == 0 }' "$ANSWERS"
}

pvms() {
    "$VIREO" ps -o json | jq -r --arg name "$1" '.[] | select(.function == $name and .parent == null).id'
}

members() {
    "$VIREO" ps -o json | jq -r --arg name "$1" '[.[] | select(.function == $name and .parent != null)] | length'
}

# What stands is one version, in all pVMs, and it works.
settled() {
    local version
    for _ in 1 2 3 4; do
        call race -d "fork at the end"
        [ "$code" = 200 ] && [[ $body == *"fork at the end: well"* ]] || {
            echo "status $code: $body" >&2
            return 1
        }
        [ "${version:=${body%%:*}}" = "${body%%:*}" ]
    done
    eventually 5 eval '[ "$(members race)" = 0 ]'
}

@test "updates and rollbacks while families fork: no call is lost, no member stays" {
    local updated=0 refused=0 i
    callers race fork 3
    for i in $(seq 6); do
        if [ $((i % 3)) = 0 ]; then
            run "$VIREO" rollback race
        else
            run "$VIREO" update race "$BATS_FILE_TMPDIR/$([ $((i % 2)) = 1 ] && echo two || echo race)"
        fi
        # Never forced: a call may take too long on a busy machine.
        if [ "$status" -eq 0 ]; then
            updated=$((updated + 1))
        else
            [[ $output == *"is in a call"* || $output == *"busy"* ]] || {
                echo "$output" >&2
                return 1
            }
            refused=$((refused + 1))
        fi
    done
    callers_end
    answers_are_right 'none'
    echo "$updated updated, $refused refused"
    [ "$updated" -ge 3 ]
    settled
}

@test "updates while pVMs are killed: done or refused, and one version stands" {
    local i pvm
    callers race slow 2
    (
        while [ ! -e "$DONE" ]; do
            for pvm in $(pvms race); do
                "$VIREO" kill -q "$pvm" >/dev/null 2>&1
            done
            sleep 0.1
        done
    ) 3>&- &
    for i in 1 2 3 4 5 6; do
        run "$VIREO" update race "$BATS_FILE_TMPDIR/$([ $((i % 2)) = 1 ] && echo two || echo race)"
        [ "$status" -eq 0 ] || [ "$status" -eq 1 ] || [ "$status" -eq 4 ] || {
            echo "exit $status: $output" >&2
            return 1
        }
    done
    callers_end
    # Who was killed in a call is a crash, and says so.
    answers_are_right '502|503'
    settled
}

@test "forks from outside, links and updates at once: each is done or refused, none hangs" {
    local i
    mkdir -p "$BATS_TEST_TMPDIR/part"
    echo 'int extra(int a) { return a + 1; }' >"$BATS_TEST_TMPDIR/part/a.c"
    sed -i 's/^int/__attribute__((visibility("default"))) int/' "$BATS_TEST_TMPDIR/part/a.c"
    printf 'name: extra\nversion: "1"\napplication: race\n' >"$BATS_TEST_TMPDIR/part/vireo.yaml"
    "$VIREO" deploy -q "$BATS_TEST_TMPDIR/part"
    callers race slow 2
    (
        while [ ! -e "$DONE" ]; do
            for pvm in $(pvms race); do
                timeout 10 "$VIREO" link -q "$pvm" extra >>"$BATS_TEST_TMPDIR/links" 2>&1
                echo $? >>"$BATS_TEST_TMPDIR/linked"
            done
        done
    ) 3>&- &
    (
        while [ ! -e "$DONE" ]; do
            for pvm in $(pvms race); do
                child=$(timeout 10 "$VIREO" fork "$pvm" 2>>"$BATS_TEST_TMPDIR/forks")
                echo $? >>"$BATS_TEST_TMPDIR/forked"
                [ -z "$child" ] || "$VIREO" kill -q "$child" 2>/dev/null
            done
        done
    ) 3>&- &
    for i in 1 2 3 4; do
        run timeout 100 "$VIREO" update race "$BATS_FILE_TMPDIR/$([ $((i % 2)) = 1 ] && echo two || echo race)"
        [ "$status" -eq 0 ] || [ "$status" -eq 4 ] || {
            echo "exit $status: $output" >&2
            return 1
        }
    done
    callers_end
    for i in linked forked; do
        grep -qx 0 "$BATS_TEST_TMPDIR/$i"
        not grep -qx 124 "$BATS_TEST_TMPDIR/$i"
    done
    answers_are_right 'none'
    # Children of calls that waited when they were forked go with their family.
    for i in $(pvms race); do
        "$VIREO" kill -q "$i"
    done
    eventually 5 eval '[ "$(members race)" = 0 ]'
    settled
    "$VIREO" rm -q extra
}

@test "a child that has lost its parent goes on through an update, with its own code" {
    call race -d orphan
    [ "$code" = 200 ]
    [[ $body == "one: orphan: well"* || $body == "two: orphan: well"* ]]
    local before=${body%%:*} other
    other=$([ "$before" = one ] && echo two || echo race)
    "$VIREO" update -q race "$BATS_FILE_TMPDIR/$other"
    call race -d now
    [ "$code" = 200 ]
    [[ $body != "$before"* ]]
    eventually 10 eval 'call race -d now; "$VIREO" logs race | grep -q "the orphan of $before, its parent is 1"'
    settled
}

@test "bombs in many families at once are each their own: others are served" {
    local i
    deploy_race calm 'pool: {instances: 1}\n'
    for i in 1 2 3 4 5 6; do
        deploy_race "bomb$i" 'pool: {instances: 1}\n'
    done
    call calm -d before
    for i in 1 2 3 4 5 6; do
        curl -s --max-time 30 -o "$BATS_TEST_TMPDIR/bomb$i" -w '%{http_code}' -d bomb "$VIREO_SERVER/function/bomb$i" >"$BATS_TEST_TMPDIR/status$i" 3>&- &
    done
    for i in $(seq 20); do
        call calm -d "fork $i"
        [ "$code" = 200 ]
        [[ $body == "one: fork $i: well"* ]]
    done
    wait
    for i in 1 2 3 4 5 6; do
        [ "$(cat "$BATS_TEST_TMPDIR/status$i")" != 200 ]
        jq -e '.cause == "pids" or .cause == "timeout"' "$BATS_TEST_TMPDIR/bomb$i"
        eventually 10 eval '[ "$(members "bomb$i")" = 0 ]'
        "$VIREO" rm -q "bomb$i"
    done
    "$VIREO" rm -q calm
}

@test "calls to a pVM that is being recycled: each is answered by its own, or is a crash" {
    deploy_race again 'recycle: reuse\npool: {instances: 2}\n'
    callers again fork 3
    local pvm
    for _ in $(seq 30); do
        for pvm in $(pvms again); do
            "$VIREO" kill -q "$pvm" >/dev/null 2>&1 || true
        done
        sleep 0.05
    done
    callers_end
    answers_are_right '502|503'
    call again -d "fork last"
    [ "$code" = 200 ]
    [[ $body == "one: fork last: well"* ]]
    eventually 5 eval '[ "$("$VIREO" ps -o json | jq "[.[] | select(.function == \"again\" and .parent != null)] | length")" = 0 ]'
    "$VIREO" rm -q again
}
