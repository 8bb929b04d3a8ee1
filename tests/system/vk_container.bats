#!/usr/bin/env bats
# Virtual kernels of containers: from annotations and the runtime's flags, merged with the engine's
# profile, changed while the container runs.
load helper
load engines
load vk_container

@test "annotations give a container a table of its own" {
    once table '.annotations["io.vireo.vkernel.syscalls.calls.mkdir"] = "errno EROFS"' \
        'mkdir /tmp/x 2>&1; echo status $?; cat /proc/self/status | grep Seccomp:'
    [ "$status" -eq 0 ]
    [[ $output == *"Read-only file system"*"status 1"*"Seccomp:"*2* ]]
}

@test "the runtime's flags do, for engines that pass no annotations" {
    once flags . 'mkdir /tmp/x 2>&1; echo status $?' --vkernel 'syscalls.calls.mkdir=errno EDQUOT'
    [[ $output == *"status 1"* ]]
    [[ $output == *"uota exceeded"* ]]
    once flags2 . true --vkernel syscalls.profile
    [ "$status" -ne 0 ]
    [[ $output == *"it is KEY=VALUE"* ]]
    # What the operator's flags say, who starts a container can't take back.
    local key
    for key in 'profile"] = "none' 'calls.mkdir"] = "native' 'default"] = "native'; do
        once over '.annotations["io.vireo.vkernel.syscalls.'"$key"'"' true --vkernel syscalls.profile=strict
        [ "$status" -ne 0 ]
        [[ $output == *"the runtime's --vkernel says it already"* ]]
    done
    once over2 '.annotations["io.vireo.vkernel.sched.policy"] = "batch"' true --vkernel syscalls.profile=podman
    [ "$status" -eq 0 ]
    once flags3 '.annotations["io.vireo.vkernel.sched.policy"] = "rr"' true
    [ "$status" -ne 0 ]
    [[ $output == *"policy 'rr': it is normal"* ]]
}

@test "the engine's profile and ours are one filter, and the stricter wins" {
    local engine='.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"], syscalls: [
        {names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 28},
        {names: ["personality"], action: "SCMP_ACT_ERRNO", errnoRet: 22, args: [{index: 0, value: 8, op: "SCMP_CMP_EQ"}]}]}'
    local ours='.annotations = {"io.vireo.vkernel.syscalls.calls.mkdir": "native", "io.vireo.vkernel.syscalls.calls.rmdir": "errno EPERM"}'
    once merged "$engine | $ours" 'mkdir /tmp/x 2>&1; rmdir /tmp 2>&1; grep Seccomp_filters /proc/self/status'
    [[ $output == *"No space left"* ]]
    [[ $output == *"not permitted"* ]]
    [[ $output == *Seccomp_filters:*1* ]]
    bundle merged "$engine | $ours" 'sleep 100'
    runtime run -d --bundle "$ENGINE/merged" merged2 </dev/null >/dev/null 2>&1
    [ "$(runtime vk explain merged2 mkdir | jq -r '.rules, .wall, .own')" = "errno ENOSPC
errno ENOSPC
native" ]
    [ "$(runtime vk explain merged2 personality 8 | jq -r .verdict)" = "errno EINVAL" ]
    [ "$(runtime vk explain merged2 personality 0 | jq -r .verdict)" = native ]
    runtime delete -f merged2
}

@test "a process that comes later has the same table and scheduling" {
    local at
    at=$(bundle later '.annotations = {"io.vireo.vkernel.syscalls.calls.mkdir": "errno EROFS", "io.vireo.vkernel.sched.policy": "batch"}' 'sleep 100')
    runtime run -d --bundle "$at" later </dev/null >/dev/null 2>&1
    run runtime exec later sh -c 'mkdir /tmp/y 2>&1; cat /proc/self/stat'
    [[ $output == *"Read-only file system"* ]]
    [ "$(tail -n 1 <<<"$output" | awk '{sub(/^.*\) /, ""); print $39}')" = 3 ]
    runtime delete -f later
}

@test "scheduling is changed from outside for every process of a running container, and kept" {
    local at pid
    at=$(bundle sched . '(while :; do sleep 0.01; done) & sleep 100 & wait')
    runtime run -d --bundle "$at" sched </dev/null >"$ENGINE/sched.log" 2>&1
    pid=$(pid_of sched)
    eventually 20 some descendants "$pid"
    [ "$(policies_of "$pid")" = 0 ]
    runtime vk set sched sched.policy fifo >/dev/null
    [ "$(policies_of "$pid")" = 3 ]
    [ "$(runtime vk get sched | jq -r '.keys["sched.policy"].value')" = fifo ]
    run runtime exec sched cat /proc/self/stat
    [ "$(awk '{sub(/^.*\) /, ""); print $39}' <<<"$output")" = 3 ]
    runtime vk set sched sched.policy 0 >/dev/null
    [ "$(policies_of "$pid")" = 0 ]
    run runtime vk set sched syscalls.profile strict
    [ "$status" -eq 4 ]
    run runtime vk set sched sched.policy rr
    [ "$status" -eq 2 ]
    run runtime vk get nobody
    [ "$status" -eq 3 ]
    [ "$(runtime vk ls | jq -r '.[] | select(.id == "sched").wall')" = container ]
    runtime delete -f sched
    run runtime vk get sched
    [ "$status" -eq 3 ]
}

# In ticks, of a process and all below it.
used() {
    local pid
    for pid in "$1" $(descendants "$1"); do
        awk '{sub(/^.*\) /, ""); print $12 + $13}' "/proc/$pid/stat"
    done | awk '{sum += $1} END {print sum}'
}

@test "a container that computes under fifo on all CPUs leaves a neighbour its share" {
    local shares='.linux.resources.cpu = {shares: 1024}' loops='i=0; while [ $i -lt N ]; do (while :; do :; done) & i=$((i + 1)); done; wait'
    local greedy modest before after
    # Without groups four loops a CPU would have four parts of five, and under SCHED_FIFO all of it.
    detached greedy "$shares"' | .annotations["io.vireo.vkernel.sched.policy"] = "fifo"' "${loops/N/$((4 * $(nproc)))}"
    detached modest "$shares" "${loops/N/$(nproc)}"
    greedy=$(pid_of greedy) modest=$(pid_of modest)
    all_there() {
        [ "$(descendants "$modest" | wc -w)" = "$(nproc)" ]
    }
    eventually 20 all_there
    [ "$(policies_of "$greedy")" = 3 ]
    before=("$(used "$greedy")" "$(used "$modest")")
    sleep 2
    after=("$(used "$greedy")" "$(used "$modest")")
    runtime delete -f greedy
    runtime delete -f modest
    echo "greedy $((after[0] - before[0])), modest $((after[1] - before[1])) ticks"
    [ $((3 * (after[1] - before[1]))) -ge $((after[0] - before[0] + after[1] - before[1])) ]
}

@test "what was learned of a program is a container's table" {
    "$VIREO" vk learn --flags --to "$ENGINE/learned.table" -- busybox ls / >/dev/null
    local at
    at=$(bundle learned '.process.args = ["ls", "/"]' '')
    run runtime --vkernel "@$ENGINE/learned.table" run --bundle "$at" learned </dev/null
    [ "$status" -eq 0 ]
    [[ $output == *root* ]]
    bundle learned '.process.args = ["mkdir", "/tmp/x"]' '' >/dev/null
    run runtime --vkernel "@$ENGINE/learned.table" run --bundle "$at" learned2 </dev/null
    [ "$status" -eq 159 ]
    run "$VIREO" vk learn -- /no/such/program
    [ "$status" -eq 3 ]
    [[ $output == *"there is no such program"* ]]
}

@test "emulated calls are answered for the container: its memory, and its policy without a privilege" {
    command -v gcc >/dev/null || skip "gcc is not installed"
    cat >"$ENGINE/emulated.c" <<'END'
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>
static void said(const char *what, long r)
{
    printf("%s %s\n", what, r < 0 ? strerror(errno) : "set");
}
/* What the group's policy can't hold is refused and not dropped. */
static void refusals(void)
{
    struct sched_param zero = {0}, one = {1}, many = {100};
    struct { unsigned size, policy; unsigned long flags; int nice; unsigned priority; unsigned long times[3]; unsigned clamps[2], more; } wish = {48, SCHED_BATCH}, all = wish;
    said("other with priority", sched_setscheduler(0, SCHED_OTHER, &one));
    said("fifo without", sched_setscheduler(0, SCHED_FIFO, &zero));
    said("fifo beyond", sched_setscheduler(0, SCHED_FIFO, &many));
    said("reset on fork", sched_setscheduler(0, SCHED_BATCH | SCHED_RESET_ON_FORK, &zero));
    said("no parameter", syscall(SYS_sched_setscheduler, 0, SCHED_BATCH, 0));
    all.flags = 1, said("flags", syscall(SYS_sched_setattr, 0, &all, 0)), all = wish;
    all.nice = 5, said("nice", syscall(SYS_sched_setattr, 0, &all, 0)), all = wish;
    all.times[0] = 3000000, said("runtime", syscall(SYS_sched_setattr, 0, &all, 0)), all = wish;
    all.priority = 1, said("priority", syscall(SYS_sched_setattr, 0, &all, 0)), all = wish;
    all.size = 47, said("short", syscall(SYS_sched_setattr, 0, &all, 0)), all = wish;
    all.size = 4097, said("long", syscall(SYS_sched_setattr, 0, &all, 0)), all = wish;
    all.size = 60, all.more = 1, said("unknown", syscall(SYS_sched_setattr, 0, &all, 0)), all = wish;
    printf("still %d\n", sched_getscheduler(0));
    all.size = 0, said("least", syscall(SYS_sched_setattr, 0, &all, 0));
    printf("now %d\n", sched_getscheduler(0));
    fflush(stdout);
}
/* Memory that the caller may not touch is not touched for it. */
static const char text[4096] = "text", *volatile constant = text;
static void protections(void)
{
    char *pages = mmap(0, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct sched_param *param = (void *)(pages + 2 * 4096);
    mprotect(pages, 4096, PROT_READ);
    said("read-only", syscall(SYS_sysinfo, pages));
    said("constant", syscall(SYS_sysinfo, constant));
    said("code", syscall(SYS_sysinfo, protections));
    said("begin read-only", syscall(SYS_sysinfo, pages + 4096 - 64));
    said("beyond", syscall(SYS_sysinfo, -64L));
    said("writable", syscall(SYS_sysinfo, pages + 2 * 4096 - 64));
    memset(param, 0, sizeof *param);
    mprotect(param, 4096, PROT_NONE);
    said("unreadable", syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, param));
    said("end unwritable", syscall(SYS_sysinfo, pages + 2 * 4096 - 64));
    for (int i = 0; i < 4096; i++)
        if (pages[i])
            printf("written\n");
    printf("%s\n", constant);
    fflush(stdout);
}
int main(int argc, char **argv)
{
    struct sysinfo info;
    struct sched_param none = {0}, one = {1};
    if (argc > 1 && !strcmp(argv[1], "protections"))
        return protections(), 0;
    if (argc > 1 && !strcmp(argv[1], "refusals"))
        return refusals(), 0;
    if (argc > 1)
        return sysinfo(&info) < 0 ? errno : 0;
    printf("memory %lu\n", sysinfo(&info) < 0 ? 0 : info.totalram >> 20);
    printf("nowhere %s\n", sysinfo((void *)8) < 0 ? strerror(errno) : "written");
    printf("fifo %d ", sched_setscheduler(0, SCHED_FIFO, &one));
    printf("%d\n", sched_getscheduler(0));
    printf("self %d\n", sched_setscheduler(getpid(), SCHED_FIFO, &one));
    printf("another %s\n", sched_setscheduler(1 + getpid(), SCHED_FIFO, &one) < 0 ? strerror(errno) : "set");
    printf("idle %s\n", sched_setscheduler(0, SCHED_IDLE, &none) < 0 ? strerror(errno) : "set");
    fflush(stdout);
    sleep(100);
    return 0;
}
END
    gcc -D_GNU_SOURCE -static -o "$ENGINE/rootfs/bin/emulated" "$ENGINE/emulated.c"
    local at pid broker
    at=$(bundle emulated '.annotations = {"io.vireo.vkernel.syscalls.calls.sysinfo": "emulated",
            "io.vireo.vkernel.syscalls.calls.sched_setscheduler": "emulated",
            "io.vireo.vkernel.syscalls.calls.sched_setattr": "emulated",
            "io.vireo.vkernel.syscalls.calls.sched_getscheduler": "emulated"}
        | .linux.resources.memory = {limit: 67108864}
        | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
            {names: ["sched_setscheduler"], action: "SCMP_ACT_ERRNO"}]}' emulated)
    runtime run -d --bundle "$at" emulated </dev/null >"$ENGINE/emulated.out" 2>&1
    eventually 20 grep -q idle "$ENGINE/emulated.out"
    cat "$ENGINE/emulated.out"
    [ "$(cat "$ENGINE/emulated.out")" = "memory 64
nowhere Bad address
fifo 0 1
self 0
another Operation not permitted
idle Invalid argument" ]
    pid=$(pid_of emulated)
    [ "$(policies_of "$pid")" = 3 ]
    [ "$(runtime vk get emulated | jq -r '.keys["sched.policy"].value')" = fifo ]
    run runtime exec emulated emulated refusals
    echo "$output"
    [ "$output" = "other with priority Invalid argument
fifo without Invalid argument
fifo beyond Invalid argument
reset on fork Invalid argument
no parameter Invalid argument
flags Invalid argument
nice Invalid argument
runtime Invalid argument
priority Invalid argument
short Argument list too long
long Argument list too long
unknown Argument list too long
still 1
least set
now 3" ]
    run runtime exec emulated emulated protections
    echo "$output"
    [ "$output" = "read-only Bad address
constant Bad address
code Bad address
begin read-only Bad address
beyond Bad address
writable set
unreadable Bad address
end unwritable Bad address
text" ]
    # The broker is killed: a call is an error, never let through.
    run runtime exec emulated emulated again
    [ "$status" -eq 0 ]
    broker=$(brokers)
    [ -n "$broker" ]
    kill -KILL $broker
    eventually 20 gone
    run runtime exec emulated emulated again
    [ "$status" -eq 0 ] # a process that comes later has a broker of its own
    runtime delete -f emulated
    # The listener goes to its broker where the table has no call, or not always, to send it by.
    local rule
    for rule in 'errno EPERM' 'kill' 'errno EPERM if arg0 > 3'; do
        once sends ".annotations = {\"io.vireo.vkernel.syscalls.calls.sysinfo\": \"emulated\",
            \"io.vireo.vkernel.syscalls.calls.sendmsg\": \"$rule\"}" 'emulated again; echo $?'
        [ "$output" = 0 ]
    done
    eventually 20 gone
}

gone() {
    [ -z "$(brokers)" ]
}

@test "a profile with a listener of its own and actions without a place are refused with the reason" {
    once traces '.linux.seccomp = {defaultAction: "SCMP_ACT_TRACE"} | .annotations["io.vireo.vkernel.syscalls.calls.mkdir"] = "kill"' true
    [ "$status" -ne 0 ]
    [[ $output == *"'SCMP_ACT_TRACE' has no place in a table"* ]]
    # One listener goes with a table that asks none, and is refused beside one that does.
    local listener='.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", listenerPath: "/nowhere", syscalls: [{names: ["mkdir"], action: "SCMP_ACT_NOTIFY"}]}'
    once asks "$listener"' | .annotations["io.vireo.vkernel.syscalls.calls.sysinfo"] = "emulated"' true
    [ "$status" -ne 0 ]
    [[ $output == *"the bundle has a listener of its own"* ]]
    once merges "$listener"' | .annotations["io.vireo.vkernel.syscalls.calls.rmdir"] = "errno EROFS"' true
    [ "$status" -ne 0 ]
    [[ $output == *"/nowhere"* && $output != *"a listener of its own"* ]]
}

@test "32-bit and x32 calls are no way round a table" {
    command -v gcc >/dev/null || skip "gcc is not installed"
    cat >"$ENGINE/way.c" <<'END'
#include <unistd.h>
#include <sys/syscall.h>
int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return (int)syscall(0x40000000 | SYS_getpid) > 0;
    long r;
    __asm__ volatile("int $0x80" : "=a"(r) : "a"(20) : "memory");
    return r > 0;
}
END
    gcc -static -o "$ENGINE/rootfs/bin/way" "$ENGINE/way.c"
    once ways '.annotations["io.vireo.vkernel.syscalls.calls.getpid"] = "errno EPERM"' \
        'way; echo first $?; way x; echo second $?'
    # 128 + SIGSYS; SIGSEGV where the kernel has no such calls.
    [[ $output == *"first "1[35][19]* ]]
    [[ $output == *"second 159"* ]]
}

@test "lists of files: what is outside of them is refused, also to a later process and past a way out" {
    local lists='.annotations = {"io.vireo.vkernel.files.write": "/tmp:/dev", "io.vireo.vkernel.files.execute": "/bin", "io.vireo.vkernel.files.list": "none",
        "io.vireo.vkernel.files.read": "/bin:/etc:/proc:-/nowhere"} | .root.readonly = false'
    once lists "$lists" 'id -u >/tmp/f && echo written; echo x >/x; ls /etc; cat /tmp/f; cp /bin/busybox /tmp/sh; /tmp/sh true;
        mv /tmp/f /g; head -c 1 /etc/passwd >/dev/null && echo read; mount -t tmpfs x /mnt; echo x >/proc/self/root/y; ln -s /x /tmp/l; echo x >/tmp/l; ls -d /x /g /y'
    [[ $output == *written* ]]
    [[ $output == *"can't create /x: Permission denied"* ]]
    [[ $output == *"ls: can't open '/etc': Permission denied"* ]]
    [[ $output == *"cat: can't open '/tmp/f': Permission denied"* ]]
    [[ $output == *"/tmp/sh: Permission denied"* ]]
    [[ $output == *"'/tmp/f' to '/g'"* || $output == *"can't rename '/tmp/f'"* ]]
    [[ $output == *$'\nread'* ]]
    [[ $output == *"mount: "* ]]
    [[ $output == *"can't create /proc/self/root/y: Permission denied"* ]]
    [[ $output == *"can't create /tmp/l: Permission denied"* ]]
    [[ $output == *"ls: /x: No such file"*"ls: /g: No such file"*"ls: /y: No such file"* ]]
    runtime run -d --bundle "$(bundle lists "$lists" 'sleep 100')" lists2 </dev/null >/dev/null 2>&1
    run runtime exec lists2 sh -c 'echo x >/x; echo x >/tmp/x && echo there'
    [[ $output == *"can't create /x: Permission denied"*there* ]]
    run runtime vk get lists2
    [ "$(jq -r '.keys["files.list"].value, .keys["files.list"].live' <<<"$output")" = "none
false" ]
    runtime delete -f lists2
    once missing '.annotations = {"io.vireo.vkernel.files.read": "/nowhere"}' true
    [ "$status" -ne 0 ]
    [[ $output == *"cannot limit the files to '/nowhere': no such file"* ]]
    [ ! -e "$ENGINE/rootfs/x" ]
}

@test "capabilities beyond the list are gone for good, also for a later process and root's new programs" {
    local caps='.annotations = {"io.vireo.vkernel.caps.keep": "CAP_KILL,CAP_CHOWN"}'
    # spec's configuration has CAP_AUDIT_WRITE, CAP_KILL and CAP_NET_BIND_SERVICE.
    once caps "$caps" 'grep Cap /proc/self/status'
    [ "$(awk '/CapBnd|CapEff|CapPrm/ {print $2}' <<<"$output" | sort -u)" = 0000000000000020 ]
    runtime run -d --bundle "$(bundle caps "$caps" 'sleep 100')" caps2 </dev/null >/dev/null 2>&1
    run runtime exec --cap CAP_SYS_ADMIN --cap CAP_CHOWN caps2 grep Cap /proc/self/status
    [ "$(awk '/CapBnd/ {print $2}' <<<"$output")" = 0000000000000021 ]
    runtime delete -f caps2
    once none '.annotations = {"io.vireo.vkernel.caps.keep": "none"}' 'grep CapBnd /proc/self/status'
    [[ $output == *0000000000000000* ]]
}

@test "huge pages: a container has a stricter policy than the host, and can't undo it" {
    command -v gcc >/dev/null || skip "gcc is not installed"
    cat >"$ENGINE/huge.c" <<'END'
#include <stdio.h>
#include <sys/prctl.h>
int main(void)
{
    int now = prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0);
    int undo = prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
    printf("huge %d undo %d then %d\n", now, undo, prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
    return 0;
}
END
    gcc -static -o "$ENGINE/rootfs/bin/huge" "$ENGINE/huge.c"
    once huge '.annotations["io.vireo.vkernel.memory.huge_pages"] = "never"' \
        'cat /sys/kernel/mm/transparent_hugepage/enabled; echo always >/sys/kernel/mm/transparent_hugepage/enabled; exec huge'
    [[ $output == *"always madvise [never]"*"ead-only"*"huge 1 undo -1 then 1"* ]]
    # A sysfs that may be written is no way to the host's.
    once written '.annotations["io.vireo.vkernel.memory.huge_pages"] = "never" | .linux.readonlyPaths = []
        | .mounts = (.mounts | map(if .destination == "/sys" then .options -= ["ro"] else . end))' \
        'cd /sys/kernel/mm/transparent_hugepage; cat defrag khugepaged/pages_to_scan
        for f in enabled defrag khugepaged/pages_to_scan khugepaged/defrag; do cat $f >$f; done; touch /sys && echo writable'
    [ "$(head -n 2 <<<"$output")" = "$(cat /sys/kernel/mm/transparent_hugepage/{defrag,khugepaged/pages_to_scan})" ]
    [ "$(grep -c "ead-only" <<<"$output")" = 4 ]
    [[ $output == *writable ]]
    once huge2 '.annotations["io.vireo.vkernel.memory.huge_pages"] = "madvise"' 'exec huge'
    [[ $output == *"huge 3 undo -1 then 3"* || $output == *"huge 0 undo -1 then 0"* ]]
    once huge3 . 'exec huge'
    [[ $output == *"huge 0 undo 0"* ]]
    once huge4 '.annotations["io.vireo.vkernel.memory.huge_pages"] = "always"' true
    [ "$status" -ne 0 ]
    [[ $output == *"can be made stricter only"* ]]
}

@test "a table has no way round: io_uring, the old page of calls, namespaces, memory that changes meanwhile" {
    command -v gcc >/dev/null || skip "gcc is not installed"
    cat >"$ENGINE/round.c" <<'END'
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void said(const char *what, long r)
{
    printf("%s: %s\n", what, r < 0 ? strerror(errno) : "done");
    fflush(stdout);
}

/* mkdirat through a ring. */
static void ring(void)
{
    struct io_uring_params p = {0};
    int fd = (int)syscall(SYS_io_uring_setup, 4, &p);
    if (fd < 0)
        return said("ring", -1);
    char *sq = mmap(0, p.sq_off.array + p.sq_entries * 4, 3, MAP_SHARED, fd, IORING_OFF_SQ_RING);
    char *cq = mmap(0, p.cq_off.cqes + p.cq_entries * 16, 3, MAP_SHARED, fd, IORING_OFF_CQ_RING);
    struct io_uring_sqe *entry = mmap(0, p.sq_entries * sizeof *entry, 3, MAP_SHARED, fd, IORING_OFF_SQES);
    *entry = (struct io_uring_sqe){.opcode = IORING_OP_MKDIRAT, .fd = AT_FDCWD, .addr = (unsigned long)"/tmp/ring", .len = 0755};
    *(unsigned *)(sq + p.sq_off.array) = 0;
    ++*(volatile unsigned *)(sq + p.sq_off.tail);
    if (syscall(SYS_io_uring_enter, fd, 1, 1, IORING_ENTER_GETEVENTS, 0, 0) < 0)
        return said("ring", -1);
    errno = -((struct io_uring_cqe *)(cq + p.cq_off.cqes))->res;
    said("ring", errno ? -1 : 0);
}

/* A policy that is allowed and one that is not, in turns, while the call is answered. */
static struct { unsigned size, policy; unsigned long rest[5]; } wish = {.size = 48, .policy = SCHED_BATCH};
static volatile int stop;
static void *change(void *unused)
{
    while (!stop)
        *(volatile unsigned *)&wish.policy ^= SCHED_BATCH ^ SCHED_DEADLINE;
    return unused;
}
static void race(void)
{
    pthread_t other;
    int counts[3] = {0};
    pthread_create(&other, 0, change, 0);
    for (int i = 0; i < 500; i++) {
        long r = syscall(SYS_sched_setattr, 0, &wish, 0);
        counts[r == 0 ? 0 : errno == EINVAL ? 1 : 2]++;
    }
    stop = 1;
    pthread_join(other, 0);
    printf("race: other answers %d, policy %s\n", counts[2],
           syscall(SYS_sched_getattr, 0, &wish, sizeof wish, 0) == 0 && wish.policy != SCHED_DEADLINE ? "kept" : "taken");
}

int main(void)
{
    long (*old_time)(long *) = (long (*)(long *))0xffffffffff600400;
    said("plain", mkdir("/tmp/plain", 0755));
    ring();
    race();
    if (unshare(CLONE_NEWUSER) < 0)
        said("namespace", -1);
    said("inside", mkdir("/tmp/inside", 0755));
    fflush(stdout);
    printf("old page: %s\n", old_time(0) > 0 ? "done" : "refused");
    return 0;
}
END
    gcc -static -pthread -o "$ENGINE/rootfs/bin/round" "$ENGINE/round.c"
    local calls='.annotations = {"io.vireo.vkernel.syscalls.calls.mkdir": "errno EROFS", "io.vireo.vkernel.syscalls.calls.time": "errno EPERM",
        "io.vireo.vkernel.syscalls.calls.sched_setattr": "emulated"} | .linux.seccomp = null'
    once round "$calls" 'round; ls /tmp'
    echo "$output"
    [[ $output == *"plain: Read-only file system"*"ring: Function not implemented"*"race: other answers 0, policy kept"*"inside: Read-only file system"* ]]
    # Where the kernel has no such page at all it ends the process.
    [[ $output != *"old page: done"* ]]
    [[ $output != *"/tmp/"[ri]* ]]
    # Who wants rings gets them, by name alone.
    once rings "$calls"' | .annotations["io.vireo.vkernel.syscalls.calls.io_uring_setup"] = "native" | .root.readonly = false' 'mkdir -p /tmp; round; rm -rf /tmp/ring'
    echo "$output"
    [[ $output != *"ring: Function not implemented"* ]]
}

@test "a size of the futex table goes with fork and exec, so no key sets one" {
    command -v gcc >/dev/null || skip "gcc is not installed"
    cat >"$ENGINE/slots.c" <<'END'
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
static void *rest(void *unused)
{
    sleep(1);
    return unused;
}
static int slots(void) { return prctl(78 /* PR_FUTEX_HASH */, 2, 0, 0, 0); }
int main(int argc, char **argv)
{
    pthread_t thread;
    if (argc > 1)
        return printf("executed %d\n", slots() == 4096), 0;
    int before = slots();
    pthread_create(&thread, 0, rest, 0);
    int threads = slots();
    if (prctl(78, 1, 4096, 0, 0) < 0)
        return printf("none: %s\n", strerror(errno)), 0;
    printf("alone %d threads %d set %d\n", before, threads > 0, slots());
    fflush(stdout);
    if (fork() == 0)
        return printf("forked %d\n", slots() == 4096), fflush(stdout), 0;
    wait(NULL);
    execv("/proc/self/exe", (char *[]){"slots", "again", NULL});
    return 1;
}
END
    gcc -static -pthread -o "$ENGINE/rootfs/bin/slots" "$ENGINE/slots.c"
    once slots . 'exec slots'
    echo "$output"
    [[ $output == "none: "* ]] || [ "$output" = "alone 0 threads 1 set 4096
forked 0
executed 0" ]
}

@test "no key sets what there is no way to give" {
    once futex '.annotations["io.vireo.vkernel.futex.slots"] = "64"' true
    [ "$status" -ne 0 ]
    [[ $output == *"only until it forks or executes"* ]]
}

@test "adaptive looks at a container: fifo where there is work, normal when there is none, and who looks goes with it" {
    local pid looker sched='io.vireo.vkernel.sched'
    detached adapts ".annotations += {\"$sched.policy\": \"adaptive\", \"$sched.interval\": \"20ms\", \"$sched.use_high\": \"5\",
        \"$sched.use_low\": \"4\", \"$sched.switches_high\": \"1\", \"$sched.switches_low\": \"1000000\"}" 'sleep 1000'
    pid=$(pid_of adapts)
    seen() {
        [ "$(runtime vk get adapts | jq -r .adaptive.policy)" = "$1" ]
    }
    eventually 10 seen normal
    looker=$(lookers adapts)
    [ "$(wc -w <<<"$looker")" = 1 ]
    runtime exec -d adapts sh -c 'while :; do true | true; done'
    eventually 20 seen fifo
    is_batch() {
        [ "$(awk '{sub(/^.*\) /, ""); print $39}' "/proc/$pid/stat")" = 3 ]
    }
    eventually 10 is_batch
    runtime exec adapts sh -c 'for p in /proc/[0-9]*; do [ "${p#/proc/}" = 1 ] || [ "${p#/proc/}" = $$ ] || kill -KILL "${p#/proc/}" 2>/dev/null; done; true' || true
    eventually 20 seen normal
    [ "$(runtime vk get adapts | jq .adaptive.decisions)" -ge 2 ]
    runtime vk set adapts sched.policy batch
    eventually 10 not alive "$looker"
    runtime vk set adapts sched.policy adaptive
    looks() {
        looker=$(lookers adapts)
        [ -n "$looker" ]
    }
    eventually 10 looks
    runtime kill adapts KILL
    eventually 10 not alive "$looker"
    runtime delete -f adapts
}

@test "who looks at an adaptive container ends with it, however long its interval, and leaves its successor alone" {
    local i
    for i in 1 2 3; do
        detached same '.annotations = {"io.vireo.vkernel.sched.policy": "adaptive", "io.vireo.vkernel.sched.interval": "60000ms"}' 'sleep 1000'
        eventually 10 some lookers same
        runtime delete -f same
        eventually 10 none lookers same
    done
    # A looker that is stopped wakes when another container has the name: it finds that its own is gone.
    detached same '.annotations = {"io.vireo.vkernel.sched.policy": "adaptive", "io.vireo.vkernel.sched.interval": "20ms"}
        | .annotations["io.vireo.vkernel.sched.use_high"] = "1%" | .annotations["io.vireo.vkernel.sched.switches_high"] = "1"' \
        'while :; do sleep 0.01; done'
    adapted() {
        [ "$(runtime vk get same | jq -r .adaptive.policy)" = fifo ]
    }
    eventually 10 adapted
    i=$(lookers same)
    kill -STOP "$i"
    runtime delete -f same
    detached same '.annotations = {"io.vireo.vkernel.sched.policy": "batch"}' 'while :; do sleep 0.01; done'
    kill -CONT "$i"
    gone() {
        [ ! -d "/proc/$1" ]
    }
    eventually 10 gone "$i"
    [ "$(policies_of "$(pid_of same)")" = 3 ]
    runtime delete -f same
}

@test "a container of docker's or containerd's is found where these keep its state" {
    local at found=/run/docker/runtime-vireo-$$/moby
    at=$(bundle elsewhere '.annotations["io.vireo.vkernel.sched.policy"] = "batch"' 'sleep 1000')
    mkdir -p "$found/foreign"
    echo '{"id": "foreign"}' >"$found/foreign/state.json"
    echo '{"id": "foreign"}' >"$found/foreign.json"
    timeout 20 "$ENGINE_RUNTIME" --root "$found" run -d --bundle "$at" elsewhere-$$ </dev/null >/dev/null 2>&1 3>&-
    run timeout 20 "$ENGINE_RUNTIME" vk get elsewhere-$$
    local got=$output listed set
    listed=$(timeout 20 "$ENGINE_RUNTIME" vk ls)
    timeout 20 "$ENGINE_RUNTIME" vk set elsewhere-$$ sched.policy fifo >/dev/null && set=yes
    run timeout 20 "$ENGINE_RUNTIME" vk get foreign
    local foreign=$status
    timeout 20 "$ENGINE_RUNTIME" --root "$found" delete -f elsewhere-$$
    rm -rf "/run/docker/runtime-vireo-$$"
    rmdir /run/docker 2>/dev/null || true
    [ "$(jq -r '.keys["sched.policy"].value' <<<"$got")" = batch ]
    [[ $listed == *elsewhere-$$* && $listed != *foreign* ]]
    [ "$set" = yes ]
    [ "$foreign" -ne 0 ]
}
