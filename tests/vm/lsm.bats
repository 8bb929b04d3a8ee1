#!/usr/bin/env bats
# A WebAssembly module whose eBPF programs hang on the kernel's functions: a security module's hook
# (BPF LSM) and a function's beginning (fentry), which the machine that runs the tests may not let them.
load vm
load ../system/bpf_own

setup() {
    need_guest
    [ "$VM_KERNEL" != 6.1 ] || skip "Debian's 6.1 has no bpf in its list of security modules"
    mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing
    mountpoint -q /sys/kernel/security || mount -t securityfs securityfs /sys/kernel/security
    # The key that the module was signed with.
    export VIREO_STATE=/tmp/lsm-state
    [ -e "$VIREO_STATE" ] || cp -a "$PREPARED/state" "$VIREO_STATE"
    cp /bin/true /tmp/forbidden
    cp /bin/true /tmp/allowed
}

teardown() {
    [ -z "${VIREO_DAEMON-}" ] || daemon_clean
    [ -z "${GUARD-}" ] || kill -KILL "$GUARD" 2>/dev/null || true
}

guards() {
    grep -q '^guards' /tmp/guard.err
}

none_left() {
    [ -z "$(bpftool prog | grep -E 'on_execute|on_check' || true)" ]
}

no_sections() {
    [ -z "$(bpftool prog | grep section_ || true)" ]
}

@test "an LSM program of a module with bpf=host decides what is executed, and goes with the module" {
    grep -qw bpf /sys/kernel/security/lsm
    "$VIREO" run --grant bpf=host --timeout 60s "$PREPARED/guard.so" /tmp/forbidden >/tmp/guard.out 2>/tmp/guard.err 3>&- &
    GUARD=$!
    eventually 60 guards
    /tmp/allowed
    run /tmp/forbidden
    echo "$output"
    [ "$status" = 126 ]
    wait "$GUARD"
    cat /tmp/guard.out /tmp/guard.err
    [ "$(cat /tmp/guard.out)" = "denied, seen" ]
    eventually 20 none_left
    /tmp/forbidden
}

@test "killed, its module leaves nobody denied" {
    "$VIREO" run --grant bpf=host --timeout 60s "$PREPARED/guard.so" /tmp/forbidden >/tmp/guard.out 2>/tmp/guard.err 3>&- &
    GUARD=$!
    eventually 60 guards
    kill -KILL "$GUARD"
    eventually 20 none_left
    /tmp/forbidden
}

@test "every section that libbpf attaches by its name is attached: kprobes, of one function and of many, trampolines, probes of files" {
    # shellcheck source=sections.bash
    source "$TOP/tests/vm/sections.bash"
    # As Debian sets it, the opener has the events; with 2 the broker itself has.
    local setting
    for setting in 3 2; do
        sysctl -q kernel.perf_event_paranoid=$setting
        "$VIREO" run --grant bpf=host --timeout 300s "$PREPARED/sections.so" >/tmp/sections.out 2>/tmp/sections.err
        cat /tmp/sections.out /tmp/sections.err
        sections_check /tmp/sections.out /tmp/sections.err '^nothing$'
        eventually 20 no_sections
    done
}

@test "the module itself, which nobody has translated: by the compilers that are there, on this kernel, to the same" {
    # shellcheck source=sections.bash
    source "$TOP/tests/vm/sections.bash"
    local state=/tmp/lsm-fresh
    mkdir -p "$state"
    VIREO_STATE=$state XDG_CACHE_HOME=$state timeout 600 "$VIREO" run --grant bpf=host --timeout 300s "$PREPARED/sections.wasm" \
        >/tmp/sections.out 2>/tmp/sections.err
    cat /tmp/sections.out /tmp/sections.err
    sections_check /tmp/sections.out /tmp/sections.err '^nothing$'
    eventually 20 no_sections
}

@test "without host too: tracepoints that functions share, and perf event arrays, with attacks on both" {
    sysctl -q kernel.perf_event_paranoid=3
    "$VIREO" run --grant bpf --timeout 300s "$PREPARED/attack.so" >/tmp/attack.out 2>/tmp/attack.err
    [ "$(cat /tmp/attack.out)" = "all refused" ]
}

@test "the memory of maps is the function's own, in the tree of v2 too, and its session in none of its own groups" {
    sysctl -q kernel.perf_event_paranoid=3
    "$VIREO" run --grant bpf --timeout 300s "$PREPARED/memory" memory >/tmp/memory.out 2>/tmp/memory.err
    cat /tmp/memory.out /tmp/memory.err
    # 16 MiB, and what a function has for itself: not the 128 that the policy would allow.
    grep -q "make map 'big': Cannot allocate memory" /tmp/memory.err
    [[ $(cat /tmp/memory.out) == [1-5]" maps" ]]
    "$VIREO" run --grant bpf=host --timeout 60s "$PREPARED/guard.so" /tmp/forbidden >/tmp/guard.out 2>/tmp/guard.err 3>&- &
    GUARD=$!
    eventually 60 guards
    session_is_charged "$GUARD"
    kill -TERM "$GUARD"
    wait "$GUARD" || true
    GUARD=
    eventually 20 none_left
    eventually 20 no_groups
}

no_groups() {
    [ -z "$(groups_left)" ]
}

@test "a deployed function has its events by the daemon's opener, which is started again when it ends" {
    sysctl -q kernel.perf_event_paranoid=3
    run "$VIREO" doctor
    grep -q 'events of eBPF *opener ' <<<"$output"
    printf 'allow_grants: {bpf: true}\n' >/tmp/config.yaml
    prepared_daemon --config /tmp/config.yaml
    prepared_deploy syscalls
    eventually 60 counted
    local opener
    opener=$(openers)
    kill -KILL "$opener"
    eventually 60 another_opener "$opener"
    eventually 60 counted
    daemon_clean
    no_openers
}

# The processes that have CAP_SYS_ADMIN and nothing else.
openers() {
    local status
    for status in /proc/[0-9]*/status; do
        if grep -q '^CapPrm:.0000000000200000$' "$status" 2>/dev/null; then
            status=${status%/status}
            echo "${status#/proc/}"
        fi
    done
}

another_opener() {
    local now
    now=$(openers)
    [ -n "$now" ] && [ "$now" != "$1" ]
}

counted() {
    call syscalls
    [ "$code" = 200 ] && [[ $body == *"sleeps 25"* ]]
}

no_openers() {
    [ -z "$(openers)" ]
}

@test "without host it is refused before it is loaded" {
    run "$VIREO" run --grant bpf "$PREPARED/guard.so" /tmp/forbidden
    echo "$output"
    [ "$status" -ne 0 ]
    [[ $output == *"of kind lsm"*"needs bpf: host"* ]]
    none_left
    /tmp/forbidden
}
