#!/usr/bin/env bats
# The BPF scheduler (vireo sched): Linux 7.3. Times are the emulated machine's: who comes before whom, and
# shares of one CPU.
load vm
load ../system/oci_bundle

bats_require_minimum_version 1.5.0

# The other one is the tests' own.
CPU=1
FIFO='.annotations += {"io.vireo.vkernel.sched.policy": "fifo"}'

sched_state() {
    [ "$(cat /sys/kernel/sched_ext/state)" = "$1" ]
}

# sched_start [OPTION...]: loads it, and waits until it has the threads.
sched_start() {
    "$VIREO" sched "$@" 2>"$BATS_FILE_TMPDIR/sched" 3>&- &
    echo $! >"$BATS_FILE_TMPDIR/pid"
    eventually 60 grep -q 'all threads are scheduled' "$BATS_FILE_TMPDIR/sched"
    sched_state enabled
}

sched_stop() {
    kill "$(cat "$BATS_FILE_TMPDIR/pid")" 2>/dev/null || true
    eventually 60 sched_state disabled
}

setup_file() {
    [ -e /sys/kernel/sched_ext ] || return 0
    sched_start
}

teardown_file() {
    [ ! -e /sys/kernel/sched_ext ] || sched_stop
}

setup() {
    need_guest
    need_v2
    [ -e /sys/kernel/sched_ext ] || skip "the kernel has no sched_ext"
    # What a test has ended is there for the next one.
    ! sched_state disabled || sched_start
    bundle_begin
    cp "$PREPARED/turns" "$PREPARED/wakes" "$ROOTFS/bin/"
}

teardown() {
    bundle_end
}

# one_by_one COUNT: what turns has printed: each began when the one before it had ended, in the order in which they
# came. The clock has milliseconds.
one_by_one() {
    [ "${#lines[@]}" -eq "$1" ]
    awk '$1 != NR - 1 || $2 + 1 < end {bad = 1} {end = $3} END {exit bad}' <<<"$output"
}

# The CPU time of a container, in ms.
used() {
    awk '/^usage_usec/ {print int($2 / 1000)}' "/sys/fs/cgroup/$1/cpu.stat"
}

uptime_ms() {
    tr -d . </proc/uptime | awk '{print $1 * 10}'
}

@test "fifo: of threads that compute on one CPU each has its turn when the one before has ended" {
    run contain "$FIFO" turns $CPU 150 4
    echo "$output"
    one_by_one 4
    # Without it they share.
    run contain . turns $CPU 150 4
    echo "$output"
    [ "${#lines[@]}" -eq 4 ]
    run ! one_by_one 4
    nothing_left
}

@test "no slice is taken for fifo, which has none here; another policy has it" {
    run contain "$FIFO | .annotations += {\"io.vireo.vkernel.sched.slice\": \"3ms\"}" true
    echo "$output"
    [ "$status" -ne 0 ]
    [[ $output == *"cannot set sched.slice: under the BPF scheduler fifo has no slices"* ]]
    bundle "$FIFO | .annotations += {\"io.vireo.vkernel.params.view\": \"on\"}" sleep 1000
    oci run -d -b "$DIR/bundle" "$ID" >/dev/null
    run -2 oci vk set "$ID" sched.slice 3ms
    run oci exec "$ID" sh -c 'cd /proc/sys/kernel; cat sched_wakeup_granularity_ns; echo 3000000 >sched_wakeup_granularity_ns
        echo normal >/dev/vkernel/cpu.real_policy; echo 3000000 >sched_wakeup_granularity_ns; cat sched_wakeup_granularity_ns'
    echo "$output"
    [[ $output == 0*"nvalid argument"*3000000 ]]
    oci delete -f "$ID"
    nothing_left
}

@test "cpu.real_policy is the same file as ever" {
    run contain '.annotations += {"io.vireo.vkernel.params.view": "on"}' sh -c "
        cat /dev/vkernel/cpu.real_policy && echo fifo >/dev/vkernel/cpu.real_policy && turns $CPU 150 3"
    echo "$output"
    [ "${lines[0]}" = normal ]
    lines=("${lines[@]:1}") output=$(tail -n +2 <<<"$output")
    one_by_one 3
    nothing_left
}

@test "between groups shares are by cpu.weight, whatever the policy, and the same thread goes on" {
    local id
    bundle "$FIFO | .linux.cgroupsPath = \"/vireo-first\"" turns $CPU 100000 3
    oci run -d -b "$DIR/bundle" "$ID" >"$DIR/first"
    bundle '.linux.cgroupsPath = "/vireo-second"' turns $CPU 100000 1
    oci run -d -b "$DIR/bundle" "$ID-second" >/dev/null
    shares() {
        local first second
        first=$(used vireo-first) second=$(used vireo-second)
        sleep 1.5
        first=$(($(used vireo-first) - first)) second=$(($(used vireo-second) - second))
        echo "first had $first ms, second $second ms"
        share=$((100 * second / (first + second)))
    }
    shares
    [ "$share" -ge 40 ]
    [ "$share" -le 60 ]
    echo 300 >/sys/fs/cgroup/vireo-second/cpu.weight
    shares
    [ "$share" -ge 65 ]
    [ "$share" -le 85 ]
    # Of the three threads one has had all.
    local threads thread had=0
    threads=$(oci ps "$ID" -f json 2>/dev/null | jq -r '.[0]')
    for thread in "/proc/$threads/task/"*; do
        [ "$(awk '{print $14 + $15}' "$thread/stat")" -lt 5 ] || had=$((had + 1))
    done
    [ "$had" -eq 1 ]
    oci delete -f "$ID"
    oci delete -f "$ID-second"
    nothing_left
}

# The number behind a word of the output.
number() {
    sed -n "s/^$1 //p" <<<"$output"
}

@test "fifo: who is woken by one of its own group waits until that one waits or ends" {
    run contain "$FIFO" wakes $CPU 400
    echo "$output"
    [ "$(number ran)" -ge "$(number ended)" ]
    # Without it the other has its share long before.
    run contain . wakes $CPU 400
    echo "$output"
    [ "$(number ran)" -lt "$(number ended)" ]
    nothing_left
}

@test "a change of policy loses no thread" {
    bundle "$FIFO" turns $CPU 1500 12
    oci run -b "$DIR/bundle" "$ID" >"$DIR/out" 3>&- &
    local container=$! policy changed=0
    eventually 10 sh -c "'$RUNTIME' --root '$ROOT' list -q | grep -q '$ID'"
    for policy in normal fifo batch fifo normal batch normal fifo; do
        # All ends when it may.
        ! oci vk set "$ID" sched.policy $policy >/dev/null || changed=$((changed + 1))
    done
    [ "$changed" -ge 4 ]
    wait $container
    cat "$DIR/out"
    [ "$(wc -l <"$DIR/out")" -eq 12 ]
    nothing_left
}

# across FROM TO: four threads that compute on one CPU, of which the last one is started when the policy has changed;
# what turns has printed.
across() {
    bundle ".annotations += {\"io.vireo.vkernel.sched.policy\": \"$1\"}" turns $CPU 1500 4 /go
    rm -f "$ROOTFS/go"
    oci run -b "$DIR/bundle" "$ID" >"$DIR/out" 3>&- &
    local container=$!
    eventually 30 grep -q waiting "$DIR/out"
    oci vk set "$ID" sched.policy "$2" >/dev/null
    touch "$ROOTFS/go"
    wait $container
    sed -i /waiting/d "$DIR/out"
    cat "$DIR/out"
    [ "$(wc -l <"$DIR/out")" -eq 4 ]
}

# The column of a thread's line: 2: when it began; 3: when it ended.
column() {
    awk -v thread="$1" -v column="$2" '$1 == thread {print $column}' "$DIR/out"
}

@test "who waited before the policy changed comes before all that come later" {
    local thread
    # Tickets of before: these begin, in their order, before the new one does.
    across fifo normal
    [ "$(column 0 2)" -le "$(column 1 2)" ]
    [ "$(column 1 2)" -le "$(column 2 2)" ]
    [ "$(column 2 2)" -le "$(column 3 2)" ]
    # The last one came while others waited still, or nothing is seen.
    [ "$(column 3 2)" -lt "$(column 0 3)" ] || [ "$(column 3 2)" -lt "$(column 2 3)" ]
    # Of those that shared the CPU each is done, one after the other, before the new one has its ticket.
    across normal fifo
    for thread in 0 1 2; do
        [ "$(column $thread 3)" -le "$(($(column 3 2) + 1))" ]
    done
    nothing_left
}

@test "cpu.max holds" {
    bundle '.linux.cgroupsPath = "/vireo-limited" | .linux.resources += {cpu: {quota: 20000, period: 100000}}' turns $CPU 100000 2
    oci run -d -b "$DIR/bundle" "$ID" >/dev/null
    local before began share
    before=$(used vireo-limited) began=$(uptime_ms)
    sleep 2
    share=$((100 * ($(used vireo-limited) - before) / ($(uptime_ms) - began)))
    echo "$share % of a CPU"
    [ "$share" -ge 5 ]
    [ "$share" -le 30 ]
    oci delete -f "$ID"
    nothing_left
}

@test "one that is loaded is not put aside, and doctor names it" {
    run "$VIREO" doctor
    [[ $output == *"vkernel: sched"*"sched_ext"* ]]
    run -4 "$VIREO" sched
    [ "$output" = "vireo: cannot load the scheduler: 'vireo' is loaded already" ]
}

@test "a pVM's policy is told to it" {
    [ -n "${VIREO_TEST_LONG-}" ] || skip "a daemon's start takes long here: scripts/test --long"
    prepared_daemon
    prepared_deploy plain
    call plain --data-binary before
    [ "$code:$body" = 200:before ]
    local pvm group
    pvm=$("$VIREO" vk ls -o json | jq -r '[.[] | select(.function == "plain")][0].id')
    group=$(group_of "$(pvm_pids plain | tail -n 1)" cpu)
    policy_of() {
        python3 -c 'import os, sys; print(os.getxattr(sys.argv[1], "trusted.vireo.policy").decode())' "$1" 2>/dev/null
    }
    for word in fifo batch; do
        "$VIREO" vk set "$pvm" sched.policy $word
        [ "$(policy_of "$group")" = $word ]
        call plain --data-binary $word
        [ "$code:$body" = "200:$word" ]
    done
    "$VIREO" vk set "$pvm" sched.policy normal
    run ! policy_of "$group"
    sched_state enabled
    daemon_clean
}

@test "another one by its name is neither put aside nor used: it is refused, doctor names it, what is older than vireo's has its policy in it" {
    sched_stop
    "$PREPARED/foreign" >"$DIR/foreign" 2>&1 3>&- &
    local foreign=$!
    eventually 60 test -s "$DIR/foreign"
    [ "$(cat "$DIR/foreign")" = loaded ]
    run -4 "$VIREO" sched
    [ "$output" = "vireo: cannot load the scheduler: 'foreign' is loaded already" ]
    run "$VIREO" doctor
    [[ $(grep 'vkernel: sched' <<<"$output") == *foreign* ]]
    run contain "$FIFO" turns $CPU 50 2
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 2 ]
    [ "$(cat /sys/kernel/sched_ext/root/ops)" = foreign ]
    kill $foreign
    eventually 60 sched_state disabled
    # A container that is older than the scheduler has its policy in it.
    bundle "$FIFO" sleep 1000
    oci run -d -b "$DIR/bundle" "$ID" >/dev/null
    sched_start
    run oci exec "$ID" turns $CPU 150 3
    echo "$output"
    one_by_one 3
    oci delete -f "$ID"
    nothing_left
}

@test "taken back by the kernel, by request or because a thread waits too long, it says why; threads go on" {
    bundle "$FIFO" turns $CPU 800 3
    oci run -b "$DIR/bundle" "$ID" >"$DIR/out" 3>&- &
    local container=$!
    sleep 1
    echo S >/proc/sysrq-trigger
    eventually 60 sched_state disabled
    eventually 20 grep -q 'cannot\|took the scheduler back' "$BATS_FILE_TMPDIR/sched"
    cat "$BATS_FILE_TMPDIR/sched"
    grep -q 'the kernel took the scheduler back: .*sysrq' "$BATS_FILE_TMPDIR/sched"
    not kill -0 "$(cat "$BATS_FILE_TMPDIR/pid")"
    wait $container
    [ "$(wc -l <"$DIR/out")" -eq 3 ]
    nothing_left
    # A thread that waits too long is the end of it, not of the thread. Beside real-time ones the kernel gives a share
    # to these; without it they wait for as long as those run.
    sched_start --timeout 1000
    local server=/sys/kernel/debug/sched/ext_server/cpu$CPU/runtime limit had
    limit=$(cat /proc/sys/kernel/sched_rt_runtime_us)
    mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
    [ ! -e $server ] || { had=$(cat $server) && echo 0 >$server; }
    echo -1 >/proc/sys/kernel/sched_rt_runtime_us
    timeout 15 taskset -c $CPU chrt -f 50 sh -c 'while :; do :; done' 3>&- &
    local loop=$!
    sleep 0.5
    taskset -c $CPU sh -c 'echo went on' >"$DIR/waits" 3>&- &
    local waits=$!
    eventually 20 sched_state disabled
    kill $loop
    wait $waits
    echo "$limit" >/proc/sys/kernel/sched_rt_runtime_us
    [ ! -e $server ] || echo "$had" >$server
    cat "$BATS_FILE_TMPDIR/sched"
    grep -q 'the kernel took the scheduler back: .*stall' "$BATS_FILE_TMPDIR/sched"
    [ "$(cat "$DIR/waits")" = "went on" ]
}

@test "it ends: threads go on, under slices" {
    bundle "$FIFO" turns $CPU 1500 3
    oci run -b "$DIR/bundle" "$ID" >"$DIR/out" 3>&- &
    local container=$!
    sleep 1
    kill -KILL "$(cat "$BATS_FILE_TMPDIR/pid")"
    eventually 60 sched_state disabled
    run "$VIREO" doctor
    [[ $output == *"EEVDF slices"* ]]
    wait $container
    run cat "$DIR/out"
    [ "${#lines[@]}" -eq 3 ]
    # They took turns of 100 ms: the second began long before the first had ended.
    run ! one_by_one 3
    nothing_left
}
