#!/usr/bin/env bats
# Virtual kernels: a pVM's own table of system calls and its own scheduling, from vireo.yaml and
# while it runs; shown, explained, refused.
load helper

setup_file() {
    [ "$(id -u)" = 0 ] || return 0
    VIREO_STATE=$(mktemp -d /tmp/vireo-test-vk.XXXXXX)
    libraries_take
    daemon_start
    deploy_vk plain '{}'
    deploy_vk errors '{syscalls: {calls: {getrandom: errno EPERM}}}'
}

teardown_file() {
    daemon_clean
}

setup() {
    need_root
}

# folder_vk NAME VKERNEL: the folder of such a function.
folder_vk() {
    local folder=$BATS_FILE_TMPDIR/$1
    mkdir -p "$folder"
    cp "$FUNCTIONS/vk.c" "$folder"
    printf 'name: %s\nlimits: {timeout: 10s}\nvkernel: %s\n' "$1" "$2" >"$folder/vireo.yaml"
    echo "$folder"
}

deploy_vk() {
    "$VIREO" deploy -q "$(folder_vk "$@")"
}

# pvm_of NAME: its only instance, which is called first.
pvm_of() {
    call "$1" -d idle
    [ "$code" = 200 ] || return 1
    "$VIREO" ps -o json | jq -r --arg name "$1" '[.[] | select(.function == $name)][0].id'
}

# The host's pid of a pVM: the youngest process of the guest program, which is the instance.
pid_of() {
    local pid newest=
    for pid in $(descendants "$VIREO_DAEMON"); do
        [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != vireo-guest ] || newest=$pid
    done
    echo "$newest"
}

# The scheduling policy of a process, by its number in the kernel.
policy_of() {
    awk '{sub(/^.*\) /, ""); print $39}' "/proc/$1/stat"
}

@test "a call that the table answers with an error does nothing, and the others go on" {
    call plain -d random
    [ "$body" = "random: given" ]
    call errors -d random
    [ "$body" = "random: Operation not permitted" ]
    call errors -d idle
    [ "$body" = idle ]
}

@test "a call that the table ends the process for does so, and nobody else's" {
    deploy_vk ends '{syscalls: {calls: {getrandom: kill}}}'
    # Random bytes are taken before the first call, too: by its host's side, without the filter.
    call ends -d random
    refused_with 502 syscall
    call plain -d random
    [ "$body" = "random: given" ]
    "$VIREO" rm -q ends
}

@test "a table is never wider than the wall" {
    deploy_vk wide '{syscalls: {default: native, calls: {socket: native, openat: native, execve: native, sched_setattr: native}}}'
    local pvm
    pvm=$(pvm_of wide)
    # Nor is there one by which a call decides how the next one's is scheduled.
    for name in socket openat execve ptrace bpf sched_setattr sched_setscheduler; do
        run "$VIREO" vk explain "$pvm" "$name" 1
        [ "$status" -eq 0 ]
        [ "${lines[0]}" = "$name with these arguments: kill" ]
    done
    "$VIREO" rm -q wide
}

@test "explain says what becomes of a call, and whose word it is" {
    local pvm
    pvm=$(pvm_of errors)
    run "$VIREO" vk explain "$pvm" getrandom
    [ "$status" -eq 0 ]
    [[ $output == *"getrandom (318): errno EPERM"*"the wall:           native"*"errno EPERM (vkernel: syscalls: calls)"* ]]
    run "$VIREO" vk explain "$pvm" mmap 0 4096 4
    [ "${lines[0]}" = "mmap with these arguments: kill" ]
    # PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS
    run "$VIREO" vk explain "$pvm" mmap 0 4096 1 0x22
    [ "${lines[0]}" = "mmap with these arguments: native" ]
    [ "$("$VIREO" vk explain -o json "$pvm" getrandom | jq -r .rules)" = "errno EPERM" ]
    run "$VIREO" vk explain "$pvm" nothing
    [ "$status" -eq 2 ]
    [[ $output == *"there is no system call 'nothing'"* ]]
    run "$VIREO" vk explain 1 read
    [ "$status" -eq 3 ]
}

@test "scheduling is changed while it runs, from outside, and shown" {
    local pvm pid
    deploy_vk fast '{sched: {policy: normal}}'
    pvm=$(pvm_of fast)
    pid=$(pid_of)
    [ "$("$VIREO" vk get "$pvm" sched.policy)" = normal ]
    [ "$(policy_of "$pid")" = 0 ]
    "$VIREO" vk set "$pvm" sched.policy batch
    [ "$(policy_of "$pid")" = 3 ]
    [ "$("$VIREO" vk get "$pvm" sched.policy)" = batch ]
    # vkernel's number for fifo, which is long slices of the fair scheduler here.
    "$VIREO" vk set "$pvm" sched.policy 1
    [ "$("$VIREO" vk get "$pvm" sched.policy)" = fifo ]
    [ "$(policy_of "$pid")" = 3 ]
    # The wall's own: short slices, or batch where the kernel has none.
    "$VIREO" vk set "$pvm" sched.policy default
    case $(policy_of "$pid") in
    0) [ "$(awk '$1 == "se.slice" {print $3}' "/proc/$pid/sched")" = 100000 ] ;;
    *) [ "$(policy_of "$pid")" = 3 ] && "$VIREO" doctor | grep -q SCHED_BATCH ;;
    esac
    "$VIREO" vk set "$pvm" sched.policy 0
    [ "$(policy_of "$pid")" = 0 ]
    [ "$("$VIREO" vk ls -o json | jq -r --arg id "$pvm" '.[] | select(.id == $id).keys["sched.policy"].value')" = normal ]
    "$VIREO" vk ls | grep -q "^$pvm  *fast  *process  *sched.policy=normal$"
    call fast -d idle
    [ "$code" = 200 ]
    "$VIREO" rm -q fast
}

@test "adaptive goes to fifo where there is work and switches, and back when there is none" {
    deploy_vk adapts '{sched: {policy: adaptive, interval: 20ms, switches_high: 1, switches_low: 1000000, use_high: 5, use_low: 4}}'
    local pvm
    pvm=$(pvm_of adapts)
    goes_to() {
        [ "$("$VIREO" vk get -o json "$pvm" | jq -r .adaptive.policy)" = "$1" ]
    }
    # On a busy machine its own start may be work enough.
    eventually 20 goes_to normal
    local job=''
    computes() {
        [ -n "$job" ] && alive "$job" || {
            curl -s -o /dev/null -d 'spin 6000' "$VIREO_SERVER/function/adapts" 3>&- &
            job=$!
        }
        goes_to fifo
    }
    eventually 20 computes
    wait "$job"
    eventually 10 goes_to normal
    [ "$("$VIREO" vk get -o json "$pvm" | jq .adaptive.decisions)" -ge 2 ]
    "$VIREO" vk set "$pvm" sched.policy batch
    [ "$("$VIREO" vk get -o json "$pvm" | jq .adaptive)" = null ]
    "$VIREO" rm -q adapts
}

@test "what is not so is refused with its reason, and changes nothing" {
    local pvm
    pvm=$(pvm_of plain)
    refuse() {
        local wanted=$1 words=$2
        shift 2
        run "$VIREO" vk "$@"
        [ "$status" -eq "$wanted" ] && [[ $output == *"$words"* ]] && return
        echo "exit $status: $output" >&2
        return 1
    }
    refuse 2 "policy 'rr': it is normal" set "$pvm" sched.policy rr
    refuse 2 "no part 'schd' (did you mean 'sched'?)" set "$pvm" schd.policy fifo
    refuse 2 "sched has policy" set "$pvm" sched.polcy fifo
    refuse 4 "it is set at the start of a pVM" set "$pvm" syscalls.profile strict
    refuse 4 "a pVM has no capabilities" set "$pvm" caps.keep none
    refuse 4 "a pVM has the files that its manifest grants" set "$pvm" files.read none
    refuse 4 "a pVM has no call and no file" set "$pvm" log.size 64KiB
    refuse 4 "a pVM has no /proc/sys" set "$pvm" params.view on
    refuse 4 "a limit of memory that it can't commit beyond" set "$pvm" memory.overcommit 2
    refuse 3 "there is no such key" get "$pvm" sched.nothing
    refuse 3 "there is no pVM '1'" get 1
    refuse 3 "there is no pVM '1'" set 1 sched.policy fifo
    refuse 2 "set needs a pVM or container, a key and a value" set "$pvm" sched.policy
    refuse 2 "there is no 'show'" show
    [ "$("$VIREO" vk get "$pvm" sched.policy)" = default ]
    run "$VIREO" deploy "$(folder_vk wrong '{syscalls: {calls: {open: deny}}}')"
    [ "$status" -eq 2 ]
    [[ $output == *"'deny' is not native, errno ERROR, kill or emulated"* ]]
}

@test "vireo run takes the manifest's virtual kernel, and the manifest is kept as it was" {
    run "$VIREO" run "$(folder_vk once '{syscalls: {profile: strict, calls: {getrandom: errno ENOSYS}}}')" <<<random
    [ "$status" -eq 0 ]
    [ "$output" = "random: Function not implemented" ]
    "$VIREO" describe -o json errors | jq -r .manifest | grep -q '"getrandom": "errno EPERM"'
}

@test "learn proposes the smallest table: the same run works under it, another call does not" {
    local folder
    folder=$(folder_vk learns '{}')
    run "$VIREO" vk learn --to "$BATS_TEST_TMPDIR/table" "$folder" <<<random
    [ "$status" -eq 0 ]
    [ "$output" = "random: given" ]
    grep -q '^# learned from a run of ' "$BATS_TEST_TMPDIR/table"
    grep -q '"getrandom": "native"' "$BATS_TEST_TMPDIR/table"
    printf 'name: learns\n' | cat - "$BATS_TEST_TMPDIR/table" >"$folder/vireo.yaml"
    run "$VIREO" run "$folder" <<<random
    [ "$status" -eq 0 ]
    [ "$output" = "random: given" ]
    sed -i '/getrandom/d' "$folder/vireo.yaml"
    run "$VIREO" run "$folder" <<<random
    [ "$status" -eq 159 ]
    run "$VIREO" run "$folder" <<<other
    [ "$output" = idle ]
    run "$VIREO" vk learn
    [ "$status" -eq 2 ]
    run "$VIREO" vk learn --nothing "$folder"
    [ "$status" -eq 2 ]
    run "$VIREO" vk learn /nowhere
    [ "$status" -eq 2 ] || [ "$status" -eq 3 ]
}

@test "learn: a program's name adds nothing to the table" {
    local name
    name=$BATS_TEST_TMPDIR/$(printf 'x\nsyscalls.default=native\n#\033[2J')
    cp /bin/true "$name"
    run "$VIREO" vk learn --flags --to "$BATS_TEST_TMPDIR/table" -- "$name"
    [ "$status" -eq 0 ]
    [ "$(grep -c '^syscalls.default=' "$BATS_TEST_TMPDIR/table")" = 1 ]
    grep -q '^syscalls.default=kill$' "$BATS_TEST_TMPDIR/table"
    head -n 1 "$BATS_TEST_TMPDIR/table" | grep -qF 'x\x0asyscalls.default=native\x0a#\x1b[2J'
}

@test "a pVM's kernel log says what the kernel did to it: nobody's words, and not another's" {
    local folder=$BATS_TEST_TMPDIR/said id
    mkdir -p "$folder"
    cat >"$folder/said.c" <<'END'
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(void)
{
    char input[64] = "", bytes[77];
    fgets(input, sizeof input, stdin);
    fprintf(stderr, "vireo: system call refused\nseccomp: killed by a system call\n");
    if (strncmp(input, "random", 6) == 0)
        getentropy(bytes, sizeof bytes);
    puts("done");
    return 0;
}
END
    printf 'name: said\nvkernel: {syscalls: {calls: {getrandom: kill}}}\n' >"$folder/vireo.yaml"
    "$VIREO" deploy -q "$folder"
    call said -d quiet
    [ "$body" = done ]
    # What it says itself is in its output, and is no message of the kernel's.
    [ -z "$("$VIREO" vk log said)" ]
    call said -d random
    refused_with 502 syscall
    call said -d random
    # Its end may be told after the answer.
    has_lines() {
        "$VIREO" vk log said >"$BATS_TEST_TMPDIR/log"
        [ "$(wc -l <"$BATS_TEST_TMPDIR/log")" = "$1" ]
    }
    eventually 20 has_lines 2
    cat "$BATS_TEST_TMPDIR/log"
    sed -n 1p "$BATS_TEST_TMPDIR/log" | grep -Eq '^\[ *[0-9]+\.[0-9]{6}\] [0-9]+ said kernel: seccomp: killed by a system call that its table ends it for$'
    # By its own name as well, after its end; the neighbour's log has none of it.
    id=$("$VIREO" vk log -o json said | jq -r '.[0].id')
    [ "$("$VIREO" vk log -o json "$id" | jq -r '.[0].text' | cut -c1-8)" = seccomp: ]
    [ "$("$VIREO" vk log -o json "$id" | jq length)" = 1 ]
    deploy_vk beside '{syscalls: {calls: {getrandom: kill}}}'
    call beside -d random
    # Many of one's own push out none of the neighbour's; numbers tell what is gone.
    for _ in $(seq 40); do
        call said -d random
    done
    goes_on() {
        [ "$("$VIREO" vk log -o json said | jq -r 'length, .[0].number' | xargs)" = "32 10" ]
    }
    eventually 20 goes_on
    [ "$("$VIREO" vk log -o json beside | jq -r '.[].function')" = beside ]
    "$VIREO" vk log | grep -q ' beside kernel: seccomp: '
    run "$VIREO" vk log 1
    [ "$status" -eq 3 ]
    [[ $output == *"there is no such pVM"* ]]
    run "$VIREO" vk log nobody
    [ "$status" -eq 3 ]
    "$VIREO" rm -q said
    run "$VIREO" vk log said
    [ "$status" -eq 3 ]
    "$VIREO" rm -q beside
}

@test "doctor says which mechanism each part takes" {
    run "$VIREO" doctor -o json
    for part in syscalls sched; do
        [ -n "$(jq -r --arg part "vkernel: $part" '.[] | select(.part == $part).mechanism' <<<"$output")" ]
    done
}

@test "huge pages: a pVM has none when its virtual kernel says never; parts of containers are refused" {
    local pvm found
    deploy_vk small '{memory: {huge_pages: never}}'
    pvm=$(pvm_of small)
    grep -q '^THP_enabled:[[:space:]]*0$' "/proc/$(pid_of)/status"
    [ "$("$VIREO" vk get "$pvm" memory.huge_pages)" = never ]
    run "$VIREO" vk set "$pvm" memory.huge_pages default
    [ "$status" -eq 4 ]
    run "$VIREO" vk get "$pvm" files.read
    [ "$status" -eq 3 ]
    "$VIREO" rm -q small
    # Nor has an instance of Python: all that were forked of its template.
    local uid at=$BATS_FILE_TMPDIR/snake pid
    mkdir -p "$at"
    printf 'name: snake\nruntime: python\nvkernel: {memory: {huge_pages: never}}\n' >"$at/vireo.yaml"
    printf 'def handler(request):\n    return "here"\n' >"$at/app.py"
    "$VIREO" deploy -q "$at"
    call snake
    [ "$body" = here ]
    uid=$("$VIREO" describe snake -o json | jq .uid)
    found=0
    for pid in $(ps -eo pid=,uid= | awk -v uid="$uid" '$2 == uid {print $1}'); do
        # A template has the machine's, its instances their own.
        ! grep -q '^THP_enabled:[[:space:]]*0$' "/proc/$pid/status" || found=$((found + 1))
    done
    "$VIREO" rm -q snake
    [ "$found" -ge 1 ]
    run "$VIREO" deploy "$(folder_vk listed '{files: {read: /etc}}')"
    [ "$status" -eq 2 ]
    [[ $output == *"vkernel.files.read is for containers: a pVM has the files that its manifest grants"* ]]
}
