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
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>
static char text[1 << 20];
/* What would come over pages that all readers share. */
static long copied(void)
{
    int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK), ends[2];
    long n = pipe(ends) < 0 ? -1 : sendfile(ends[1], log, NULL, 4096);
    return n < 0 && errno == EINVAL ? splice(log, NULL, ends[1], NULL, 4096, 0) : n;
}
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
    else if (strcmp(argv[1], "copied") == 0)
        n = copied();
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
        'fault; mkdir /x; (tail /dev/zero); echo "<2>own words" >/dev/kmsg
        i=0; until dmesg | grep -q syscall && dmesg | grep -q "Killed process" && dmesg | grep -q "fault\[" || [ $((i+=1)) -gt 100 ]; do sleep 0.1; done
        dmesg; echo; grep -m 1 "own words" /dev/kmsg; kernel_log copied'
    echo "$output"
    [ "$status" -eq 0 ]
    # The kernel has ten lines of faults in five seconds for the machine, whosever they are.
    [[ $output == *"fault["*"]: segfault at 10"* || $output == *"fault["*"]: fault: signal 11, code 1, address 10"* ]]
    [[ $output == *"copied: Invalid argument"* ]]
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
    eventually 20 grep -q "other-$mark" "$ENGINE/state/other/kernel.log.0"
    once routes "$LOG"' | .process.capabilities = (.process.capabilities | map_values(. + ["CAP_SYSLOG", "CAP_MKNOD", "CAP_SYS_ADMIN"]))
        | .linux.resources.devices = [{allow: true, access: "rwm"}] | .linux.seccomp = null' '
        echo begin >/dev/kmsg
        dmesg; head -n 1 /dev/kmsg; kernel_log size
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
    [[ $output == *"other-$mark"* && $output == *"${mark:0:15}["*fault* && $output != *"host-$mark"* ]]
    runtime delete -f other
}

@test "no name and no newline makes a message of another's" {
    programs
    detached victim "$LOG" 'sleep 100'
    once forger "$LOG" 'fault "victim[1]: sy"; fault "a
<0>fake"; printf "<0>one\n<0>[    0.000000] two\n\033[2J" >/dev/kmsg
        i=0; until dmesg | grep -q "0>fake" || [ $((i+=1)) -gt 100 ]; do sleep 0.1; done; dmesg'
    echo "$output"
    [[ $output == *'victim[1]: sy['*']: '*fault* ]]
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
    run runtime exec neighbour sh -c 'fault neighbour; i=0
        until [ "$(dmesg | grep -c neighbour)" -ge 2 ] || [ $((i+=1)) -gt 100 ]; do sleep 0.1; done; dmesg'
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
    eventually 20 grep -q "fault\[" "$ENGINE/state/seen/kernel.log.0"
    [ "$(runtime vk log seen | jq -r '.[] | "\(.id) \(.from)"' | sort -u)" = "seen kernel
seen own" ]
    [ "$(runtime vk log | jq -r '[.[] | select(.text == "told")][0].id')" = seen ]
    run runtime vk log nobody
    [ "$status" -eq 3 ]
    # Killed while somebody waits for it.
    runtime exec seen sh -c 'dd if=/dev/kmsg bs=1k count=100; echo dd $?' >"$ENGINE/wait.out" 2>&1 &
    local reader=$!
    eventually 20 sh -c 'pgrep -x dd >/dev/null'
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
        'echo mine >/dev/kmsg; fault; i=0; until dmesg | grep -q fault || [ $((i+=1)) -gt 100 ]; do sleep 0.1; done; dmesg; stat -c "%u %a" /dev/kmsg'
    echo "$output"
    [[ $output == *mine* && $output == *"fault["* && $output == *"0 644" ]]
    eventually 20 none views users
}

@test "a size that is none, and a listener of the engine's own, are refused with the reason" {
    once size '.annotations["io.vireo.vkernel.log.size"] = "2MiB"' true
    [ "$status" -ne 0 ]
    [[ $output == *"size '2MiB': it is off, or from 16KiB to 1MiB"* ]]
    # syslog(2) of a log is emulated.
    once listener "$LOG"' | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", listenerPath: "/nowhere", syscalls: [{names: ["mkdir"], action: "SCMP_ACT_NOTIFY"}]}' true
    [ "$status" -ne 0 ]
    [[ $output == *"the bundle has a listener of its own"* ]]
}

@test "a group too deep to be told by has no log: refused with the reason, and nothing is left" {
    local at i path=/vireo-deep/2/3/4/5/6/7/8/9/10/11/12
    once deep "$LOG | .linux.cgroupsPath = \"$path\"" 'echo mine >/dev/kmsg; dmesg'
    [[ $output == *mine* ]]
    once deeper "$LOG | .linux.cgroupsPath = \"$path/13\"" true
    [ "$status" -ne 0 ]
    [[ $output == *"cannot give the container a log of its own: its group is 13 levels deep, and 12 is the most"* ]]
    # Nor by a view that is on its way still.
    for ((i = 0; i < 25; i++)); do
        run runtime run --bundle "$ENGINE/deeper" deeper </dev/null
        [[ $output != *warning* ]]
        [ -z "$(runtime list -q)" ]
    done
    # Without what it is too deep for it starts.
    once beside ".annotations = {\"io.vireo.vkernel.params.view\": \"on\"} | .linux.cgroupsPath = \"$path/13\"" 'cat /dev/vkernel/cpu.real_policy'
    [ "$output" = normal ]
    for at in /sys/fs/cgroup/*/vireo-deep /sys/fs/cgroup/vireo-deep; do
        [ ! -d "$at" ] || find "$at" -depth -type d -exec rmdir {} +
    done
    [ -z "$(runtime list -q)" ]
    for at in deep deeper beside; do
        eventually 20 none views "$at"
    done
}

@test "the view's files can't be mapped, linked, moved, marked or made, and no odd write or call reaches the host" {
    command -v gcc >/dev/null || skip "gcc is not installed"
    cat >"$ENGINE/odd.c" <<'END'
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>
static char text[1 << 20];
#define WANT(what, holds) printf("%s: %s\n", what, (holds) ? "so" : "NOT SO")
int main(void)
{
    static const char policy[] = "/dev/vkernel/cpu.real_policy", other[] = "/dev/vkernel/x";
    int fd = open(policy, O_RDWR), ends[2];
    WANT("open", fd >= 0);
    WANT("mmap", mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
    WANT("splice", pipe(ends) == 0 && write(ends[1], "bogus", 5) == 5 && splice(ends[0], 0, fd, 0, 5, 0) < 0);
    int odd = 0;
    for (unsigned i = 0; i < 256; i++)
        odd += ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 0xe5, i, 8), text) >= 0;
    WANT("ioctl", odd == 0);
    WANT("chmod", chmod(policy, 0) < 0 && chown(policy, 1, 1) < 0 && setxattr(policy, "user.a", "b", 1, 0) < 0);
    WANT("names", unlink(policy) < 0 && rename(policy, other) < 0 && link(policy, other) < 0 && symlink("/", other) < 0 &&
         mkdir(other, 0755) < 0 && mknod(other, S_IFCHR | 0666, makedev(1, 11)) < 0 && open(other, O_CREAT | O_RDWR, 0666) < 0);
    WANT("space", fallocate(fd, 0, 0, 1 << 20) < 0 && pwrite(fd, "fifo", 4, 1L << 62) < 0);
    memset(text, 0, sizeof text);
    WANT("value", pread(fd, text, 64, 0) == 7 && strcmp(text, "normal\n") == 0);
    int kmsg = open("/dev/kmsg", O_RDWR | O_NONBLOCK);
    memset(text, 'A', sizeof text);
    WANT("long", write(kmsg, text, sizeof text) < 0 && write(kmsg, text, 60000) < 0);
    /* A CR, 8-bit and UTF-8 controls, another direction, a NUL; priorities that are none. */
    static const char line[] = "<0>a\rhost: b\x9b" "2J\xc2\x9b" "2J\xe2\x80\xae" "c\0d";
    WANT("line", write(kmsg, line, sizeof line - 1) == sizeof line - 1 && write(kmsg, "<99999999999>e", 14) == 14 &&
         write(kmsg, "<-1>f", 5) == 5 && write(kmsg, "<7", 2) == 2 && write(kmsg, "", 0) == 0);
    int records = 0, raw = 0;
    for (ssize_t n; (n = read(kmsg, text, sizeof text)) > 0; records++)
        for (ssize_t i = 0; i < n - 1; i++)
            raw += (unsigned char)text[i] < ' ' || (unsigned char)text[i] > '~';
    printf("records %d raw %d\n", records, raw);
    WANT("mmap of the log", mmap(0, 4096, PROT_READ, MAP_SHARED, kmsg, 0) == MAP_FAILED);
    WANT("console", klogctl(6, 0, 0) < 0 && klogctl(7, 0, 0) < 0 && klogctl(8, 0, 1) < 0 && klogctl(11, 0, 0) < 0 && klogctl(-1, 0, 0) < 0);
    WANT("bad buffers", klogctl(3, text, -1) < 0 && klogctl(3, (char *)8, 64) < 0);
    WANT("unread", klogctl(9, 0, 0) > 0);
    WANT("clear", klogctl(4, text, sizeof text) > 0 && klogctl(5, 0, 0) == 0 && klogctl(3, text, sizeof text) == 0);
    WANT("over", mount("/etc", "/dev/vkernel", NULL, MS_BIND, NULL) < 0);
    return 0;
}
END
    gcc -static -o "$ENGINE/rootfs/bin/odd" "$ENGINE/odd.c"
    local mark=odd-$$-$RANDOM before after
    echo "<6>$mark" >/dev/kmsg
    before=$(cat /proc/sys/kernel/printk)
    once odd "$LOG"' | .annotations["io.vireo.vkernel.params.view"] = "on"' 'mkdir -p /etc 2>/dev/null; exec odd'
    echo "$output"
    [ "$status" -eq 0 ]
    [[ $output != *"NOT SO"* ]]
    [ "$(grep -c ': so$' <<<"$output")" = 16 ]
    [[ $output == *"records 4 raw 0"* ]]
    # A clear is of its own log alone, and of the console there was nothing to change.
    dmesg | grep -q "$mark"
    after=$(cat /proc/sys/kernel/printk)
    [ "$before" = "$after" ]
    # Not even where the host shows it.
    [ -z "$(runtime vk log | jq -r '.[].text' | LC_ALL=C grep -P '[\x00-\x08\x0b-\x1f\x7f]')" ]
}

@test "a policy that changes while its container ends leaves nothing, and is an answer or one clear error" {
    local i policy at job
    at=$(bundle ends '.annotations["io.vireo.vkernel.params.view"] = "on"' 'true & true & sleep 0.1')
    for i in 1 2 3 4; do
        timeout 30 "$ENGINE_RUNTIME" --root "$ENGINE/state" run --bundle "$at" ends </dev/null >"$ENGINE/ends.out" 2>&1 3>&- &
        job=$!
        for policy in adaptive fifo normal adaptive batch adaptive fifo adaptive; do
            run runtime vk set ends sched.policy $policy
            [ "$status" -eq 0 ] || [[ $output == *"does not exist"* || $output == *"the container is "* ]]
        done
        wait "$job"
    done
    [ -z "$(runtime list -q)" ]
    eventually 10 none lookers ends
    eventually 10 none views ends
    [ ! -e /sys/fs/cgroup/memory/ends ]
}
