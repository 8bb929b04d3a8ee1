#!/usr/bin/env bats
# A daemon on this kernel and these control groups: what it holds functions to.
load vm
source "$TOP/tests/system/escape/escape.bash"

setup_file() {
    need_guest
    mkdir -p /tmp/data
    head -c 3145728 /dev/urandom >/tmp/data/large
    printf 'allow_grants:\n  files:\n    - /tmp/data\n' >/tmp/vireo.conf
    prepared_daemon --config /tmp/vireo.conf
    local name
    for name in plain native reader; do
        prepared_deploy "$name"
    done
}

teardown_file() {
    daemon_clean
}

setup() {
    need_guest
}

# An instance is in a group of its own, below the daemon's, with what its manifest says.
@test "each instance has a group of its own with its limits in it" {
    call native --data-binary 'run c'
    [ "$code:$body" = 200:42 ]
    found=
    for pid in $(pvm_pids native); do
        grep -q '^Seccomp:.*2' "/proc/$pid/status" || continue
        found=yes
        memory=$(group_of "$pid" memory) cpu=$(group_of "$pid" cpu) pids=$(group_of "$pid" pids)
        [[ $memory == */vireo/*/g[0-9]* ]]
        [ "$(cat "$pids/pids.max")" = 7 ]
        if [ "$VM_CGROUP" = v2 ]; then
            [ "$(cat "$memory/memory.max")" -ge $((16 << 20)) ]
            [ "$(cat "$memory/memory.max")" -lt $((40 << 20)) ]
            [ "$(cat "$memory/memory.swap.max")" = 0 ]
            read -r quota period <"$cpu/cpu.max"
            # Nothing but what the group's owner may do is open to others.
            [ "$(stat -c %a "$(dirname "$memory")")" = 700 ]
        else
            [ "$(cat "$memory/memory.limit_in_bytes")" -ge $((16 << 20)) ]
            [ "$(cat "$memory/memory.limit_in_bytes")" -lt $((40 << 20)) ]
            quota=$(cat "$cpu/cpu.cfs_quota_us") period=$(cat "$cpu/cpu.cfs_period_us")
        fi
        [ "$((quota * 10))" -eq "$((period * 3))" ]
    done
    [ -n "$found" ]
}

@test "memory that the kernel counts ends a call at its limit, by its name" {
    for how in map shared tables; do
        inside native "memory 400 $how"
        expect "$how" memory
        [[ $(jq -r .detail <<<"$body") == *16*MiB* ]]
    done
    inside native 'run c'
    expect 'the next call' 42
}

@test "WebAssembly's own memory limit is reached by its name" {
    call 'plain?memory'
    [[ $(jq -r .cause <<<"$body") == @(memory|trap) ]]
}

@test "a call that spins is held to its share of a CPU, and ends at its time limit" {
    curl -s -o "$BATS_TEST_TMPDIR/spun" --max-time 100 --data-binary spin \
        "$VIREO_SERVER/function/native" 3>&- &
    request=$!
    throttled() {
        local pid
        for pid in $(pvm_pids native); do
            awk '$1 == "nr_throttled" && $2 > 3 {found = 1} END {exit !found}' \
                "$(group_of "$pid" cpu)/cpu.stat" && return
        done
        return 1
    }
    eventually 40 throttled
    # No need to wait for the end of its time.
    for pid in $(pvm_pids native); do
        grep -q '^Seccomp:.*2' "/proc/$pid/status" && kill -KILL "$pid"
    done
    wait "$request"
    [ "$(jq -r .cause "$BATS_TEST_TMPDIR/spun")" = crash ]
    inside native 'run c'
    expect 'the next call' 42
    call 'plain?loop'
    refused_with 504 timeout
}

@test "reading a disk takes the time that the limit says" {
    sync
    echo 3 >/proc/sys/vm/drop_caches
    begin=$EPOCHREALTIME
    call reader --data-binary 'read /data/large'
    took=$((${EPOCHREALTIME/./} - ${begin/./}))
    [ "$code" = 200 ]
    cmp "$BODY" /tmp/data/large
    echo "3 MiB at 1 MiB a second: $took us"
    [ "$took" -ge 1500000 ]
}
