#!/usr/bin/env bats
# A container's kernel log of its own: what it shows, and what nobody can make it show.
load helper
load engines
load vk_container

LOG='.annotations["io.vireo.vkernel.log.size"] = "64KiB"'

# programs: what the tests run inside.
programs() {
    command -v gcc >/dev/null || skip "gcc is not installed"
    [ ! -e "$ENGINE/rootfs/bin/fault" ] || return 0
    # fault [NAME [COUNT]]: children with that name that end by SIGSEGV.
    cat >"$ENGINE/fault.c" <<'END'
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    if (argc > 1)
        prctl(PR_SET_NAME, argv[1]);
    for (int i = 0; i < (argc > 2 ? atoi(argv[2]) : 1); i++) {
        if (fork() == 0)
            *(volatile int *)16 = 1;
        wait(NULL);
    }
    return 0;
}
END
    # kernel_log HOW: tries to read the log, or to write to the console, another way.
    cat >"$ENGINE/kernel_log.c" <<'END'
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/syscall.h>
#include <unistd.h>
static char text[1 << 20];
int main(int argc, char **argv)
{
    long n = -1;
    if (strcmp(argv[1], "x32") == 0)
        n = syscall(0x40000000 | SYS_syslog, 3, text, sizeof text);
    else if (strcmp(argv[1], "int80") == 0) {
        /* The buffer must lie below 4 GiB: the program is not position-independent. */
        __asm__ volatile("int $0x80" : "=a"(n) : "a"(103), "b"(3), "c"(text), "d"(sizeof text) : "memory");
    } else if (strcmp(argv[1], "nowhere") == 0)
        n = klogctl(3, (char *)8, 4096);
    else if (strcmp(argv[1], "console") == 0)
        n = klogctl(8, NULL, 1);
    else if (strcmp(argv[1], "clear") == 0)
        n = klogctl(5, NULL, 0);
    else if (strcmp(argv[1], "size") == 0)
        n = klogctl(10, NULL, 0);
    if (n < 0)
        printf("%s: %s\n", argv[1], strerror(errno));
    else
        printf("%s: %ld\n%.*s", argv[1], n, n > 0 && text[0] ? (int)n : 0, text);
    (void)argc;
    return 0;
}
END
    gcc -static -no-pie -o "$ENGINE/rootfs/bin/fault" "$ENGINE/fault.c"
    gcc -static -no-pie -o "$ENGINE/rootfs/bin/kernel_log" "$ENGINE/kernel_log.c"
}

@test "a container's dmesg and /dev/kmsg have its own messages: faults, kills, its own words" {
    programs
    once own "$LOG"' | .annotations["io.vireo.vkernel.syscalls.calls.mkdir"] = "kill"
        | .linux.resources.memory = {limit: 33554432, swap: 33554432}' \
        'fault; mkdir /x; (tail /dev/zero); echo "<2>own words" >/dev/kmsg; sleep 0.2; dmesg; echo; cat /dev/kmsg'
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output == *"fault["*"]: segfault at 10"* ]]
    [[ $output == *"mkdir["*"]: seccomp: killed, syscall 83"* ]]
    [[ $output == *"tail invoked oom-killer"*"Memory cgroup out of memory: Killed process "*"(tail)"* ]]
    [[ $output == *"] own words"* ]]
    [[ $output == *$'\n10,'*",-;own words"* ]]
    # Nothing of the report's tables, which are the host's.
    [[ $output != *"[  pid  ]"* && $output != *oom_memcg* ]]
    # Nor is anything said to the host's log.
    [ "$(dmesg | grep -c "own words")" = 0 ]
}

@test "of the host and of other containers a log has nothing, by no route" {
    programs
    local mark=mark-$$-$RANDOM
    detached other "$LOG" "fault $mark; echo other-$mark >/dev/kmsg; sleep 100"
    echo "<6>host-$mark" >/dev/kmsg
    eventually 5 grep -q "other-$mark" "$ENGINE/state/other/kernel.log.0"
    once routes "$LOG"' | .process.capabilities = (.process.capabilities | map_values(. + ["CAP_SYSLOG", "CAP_MKNOD", "CAP_SYS_ADMIN"]))
        | .linux.resources.devices = [{allow: true, access: "rwm"}] | .linux.seccomp = null' '
        echo begin >/dev/kmsg
        dmesg; cat /dev/kmsg; kernel_log size
        mknod /dev/mine c 1 11 && timeout 2 cat /dev/mine
        timeout 2 cat /proc/kmsg
        mkdir -p /dev/fresh && mount -t proc proc /dev/fresh && timeout 2 cat /dev/fresh/kmsg
        umount /dev/kmsg; rm -f /dev/kmsg; mknod /dev/kmsg c 1 11; timeout 2 cat /dev/kmsg
        unshare -Ur dmesg; unshare -Urmp --fork dmesg
        kernel_log x32; kernel_log int80; kernel_log nowhere; kernel_log console; grep CapBnd /proc/self/status'
    echo "$output"
    [[ $output == *begin* ]]
    [[ $output != *"$mark"* ]]
    [[ $output == *"size: 65536"* ]]
    [[ $output == *"'/dev/mine': Operation not permitted"* ]]
    [[ $output == *"'/proc/kmsg': Operation not permitted"* ]]
    [[ $output == *"'/dev/fresh/kmsg': Operation not permitted"* ]]
    [[ $output == *"nowhere: Bad address"* ]]
    [[ $output == *"console: Operation not permitted"* ]]
    [[ $output != *"x32: "[0-9]* && $output != *"int80: "[0-9]* ]]
    # The other one has its own.
    run runtime exec other dmesg
    [[ $output == *"other-$mark"* && $output == *segfault* && $output != *"host-$mark"* ]]
    runtime delete -f other
}

@test "no name and no newline makes a message of another's" {
    programs
    detached victim "$LOG" 'sleep 100'
    once forger "$LOG" 'fault "victim[1]: sy"; fault "a
<0>fake"; printf "<0>one\n<0>[    0.000000] two\n\033[2J" >/dev/kmsg; sleep 0.2; dmesg'
    echo "$output"
    [[ $output == *'victim[1]: sy['*']: segfault'* ]]
    [[ $output == *'a\x0a<0>fake['* ]]
    [[ $output == *'] one\x0a<0>[    0.000000] two\x0a\x1b[2J'* ]]
    run runtime exec victim dmesg
    [ -z "$output" ]
    runtime delete -f victim
}

@test "a flood hides no neighbour's message, and is rate-limited; the ring keeps its size" {
    programs
    detached neighbour "$LOG" 'sleep 100'
    detached flood "$LOG" 'fault flooder 60; i=0; while [ $i -lt 2000 ]; do echo "line $i of a flood" >/dev/kmsg; i=$((i+1)); done; echo flooded; sleep 100'
    run runtime exec neighbour fault neighbour
    eventually 20 grep -q flooded "$ENGINE/flood.out"
    run runtime exec neighbour sh -c 'fault neighbour; sleep 0.2; dmesg'
    echo "$output"
    # The kernel's own limit of messages is spent by now; these come all the same.
    [ "$(grep -c 'neighbour\[.*\(segfault\|fault: signal 11\)' <<<"$output")" = 2 ]
    [[ $output != *flood* ]]
    run runtime exec flood sh -c 'sleep 1; echo last >/dev/kmsg; dmesg | wc -c; dmesg'
    [ "${lines[0]}" -lt 80000 ]
    [[ $output == *"messages were too many"* ]]
    [ "$(grep -c 'flooder\[' <<<"$(runtime vk log flood | jq -r '.[].text')")" -ge 60 ]
    runtime delete -f flood
    runtime delete -f neighbour
}

@test "the host sees all of it, tagged, also when the view is gone: then a reader gets EIO at once" {
    programs
    detached seen "$LOG" 'echo told >/dev/kmsg; fault; sleep 100'
    eventually 5 grep -q "fault\[" "$ENGINE/state/seen/kernel.log.0"
    [ "$(runtime vk log seen | jq -r '.[] | "\(.id) \(.from)"' | sort -u)" = "seen kernel
seen own" ]
    [ "$(runtime vk log | jq -r '[.[] | select(.text == "told")][0].id')" = seen ]
    run runtime vk log nobody
    [ "$status" -eq 3 ]
    # Killed while somebody waits for it.
    runtime exec seen sh -c 'dd if=/dev/kmsg bs=1k count=100; echo dd $?' >"$ENGINE/wait.out" 2>&1 &
    local reader=$!
    eventually 5 sh -c 'pgrep -x dd >/dev/null'
    kill -KILL $(views seen)
    wait $reader
    grep -q "Input/output error" "$ENGINE/wait.out"
    run runtime exec seen sh -c 'cat /dev/kmsg; dmesg; echo x >/dev/kmsg; ls /dev/vkernel'
    [ "$(grep -c "Input/output error" <<<"$output")" = 4 ]
    [ "$(runtime vk log seen | jq -r '[.[] | select(.text == "told")] | length')" = 1 ]
    runtime delete -f seen
    [ -z "$(views seen)" ]
}

@test "a container with users of its own has its log too; nothing of it is left afterwards" {
    programs
    chmod 755 "$ENGINE" "$ENGINE/rootfs"
    once users "$LOG"' | .linux.namespaces += [{type: "user"}]
        | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
        | .linux.gidMappings = [{containerID: 0, hostID: 100000, size: 65536}]' \
        'echo mine >/dev/kmsg; fault; sleep 0.2; dmesg; stat -c "%u %a" /dev/kmsg'
    echo "$output"
    [[ $output == *mine* && $output == *"fault["* && $output == *"0 644" ]]
    eventually 5 test -z "$(views users)"
}

@test "a size that is none, and a listener of the engine's own, are refused with the reason" {
    once size '.annotations["io.vireo.vkernel.log.size"] = "2MiB"' true
    [ "$status" -ne 0 ]
    [[ $output == *"size '2MiB': it is off, or from 16KiB to 1MiB"* ]]
    once listener "$LOG"' | .linux.seccomp = {defaultAction: "SCMP_ACT_NOTIFY", listenerPath: "/nowhere"}' true
    [ "$status" -ne 0 ]
}
