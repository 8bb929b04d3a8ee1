#!/usr/bin/env bats
# Attacks on the virtual kernel of a container, one's own and the neighbour's: their files by other
# ways, the descriptors and the processes behind them, and what is killed in mid-call.
load helper
load engines
load vk_container

VIEW='.annotations += {"io.vireo.vkernel.params.view": "on"}'
EMULATED='.annotations += {"io.vireo.vkernel.syscalls.calls.sysinfo": "emulated"}'
HOST_PIDS='.linux.namespaces |= map(select(.type != "pid"))'
# As many as an engine gives a privileged one, in the host's user namespace.
MANY='.process.capabilities |= with_entries(.value += ["CAP_SYS_ADMIN", "CAP_SYS_CHROOT", "CAP_DAC_OVERRIDE", "CAP_FOWNER"])'

# attack_program: what a static program tries of a process; each line "WHAT: how it ended".
attack_program() {
    command -v gcc >/dev/null || skip "gcc is not installed"
    [ ! -e "$ENGINE/rootfs/bin/attack" ] || return 0
    cat >"$ENGINE/attack.c" <<'END_C'
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <unistd.h>
static void say(const char *what, long r)
{
    printf("%s: %s\n", what, r < 0 ? strerror(errno) : "DONE");
}
/* Its descriptors, by each way that there is to another's. */
static void steal(int pid)
{
    char path[64], bytes[8];
    struct iovec mine = {bytes, sizeof bytes}, theirs = {(void *)0x10000, sizeof bytes};
    long got = -1;
    int at = (int)syscall(SYS_pidfd_open, pid, 0);
    for (int fd = 0; at >= 0 && fd < 32; fd++)
        if (syscall(SYS_pidfd_getfd, at, fd, 0) >= 0)
            got = fd;
    say("pidfd_getfd", got);
    got = -1;
    for (int fd = 0; fd < 32; fd++) {
        snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
        if (open(path, O_RDWR | O_NONBLOCK) >= 0 || open(path, O_RDONLY | O_NONBLOCK) >= 0)
            got = fd;
    }
    say("fd", got);
    say("ptrace", ptrace(PTRACE_SEIZE, pid, 0, 0));
    say("memory", process_vm_readv(pid, &mine, 1, &theirs, 1, 0) < 0 && errno != EFAULT ? -1 : 0);
    say("setns", at < 0 ? -1 : setns(at, CLONE_NEWNS));
    snprintf(path, sizeof path, "/proc/%d/root/dev/vkernel/cpu.real_policy", pid);
    got = open(path, O_WRONLY);
    say("policy", got < 0 ? -1 : write((int)got, "fifo", 4));
}
/* Listeners among the descriptors of all that it sees. */
static void listeners(void)
{
    char path[300], link[64];
    int count = 0;
    DIR *all = opendir("/proc");
    for (struct dirent *one; all && (one = readdir(all));)
        for (int fd = 0; one->d_name[0] >= '1' && one->d_name[0] <= '9' && fd < 64; fd++) {
            snprintf(path, sizeof path, "/proc/%s/fd/%d", one->d_name, fd);
            ssize_t n = readlink(path, link, sizeof link - 1);
            link[n < 0 ? 0 : n] = 0;
            count += strstr(link, "seccomp notify") != NULL;
        }
    printf("listeners: %d\n", count);
}
int main(int argc, char **argv)
{
    struct sysinfo info;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 2 && strcmp(argv[1], "steal") == 0)
        steal(atoi(argv[2]));
    else if (argc > 1 && strcmp(argv[1], "listeners") == 0)
        listeners();
    else if (argc > 1 && strcmp(argv[1], "call") == 0) {
        printf("before: %s\n", sysinfo(&info) < 0 ? strerror(errno) : "answered");
        getchar();
        printf("after: %s\n", sysinfo(&info) < 0 ? strerror(errno) : "answered");
    }
    return 0;
}
END_C
    gcc -O1 -static -o "$ENGINE/rootfs/bin/attack" "$ENGINE/attack.c"
}

stopped() {
    [ "$(awk '/^State/ {print $2}' "/proc/$1/status")" = T ]
}

@test "the policy file of another container is written by no way, nor what serves it reached" {
    local victim pid user
    attack_program
    detached victim "$VIEW | $EMULATED | .process.capabilities = {} | .process.user = {uid: 1000, gid: 1000}" 'sleep 1000'
    victim=$(pid_of victim)
    # By itself a container sees nobody else; one that sees the host's processes has another user, or
    # is root without the capabilities over others' processes.
    once apart "$VIEW" 'ls -d /proc/[0-9]*/root/dev/vkernel | wc -l; cat /proc/[0-9]*/comm'
    echo "$output"
    [[ $output != *vireo-view* && $output != *vireo-vkernel* ]]
    for pid in "$victim" "$(views victim)" $(brokers); do
        for user in '{uid: 65534, gid: 65534}' '{uid: 0, gid: 0}'; do
            [ -d "/proc/$pid" ]
            once thief "$HOST_PIDS | .process.user = $user" "attack steal $pid"
            echo "$user of $pid: $output"
            [ "$(grep -c ': ' <<<"$output")" = 6 ]
            [[ $output != *DONE* ]]
        done
    done
    [ "$(runtime exec victim cat /dev/vkernel/cpu.real_policy)" = normal ]
    [ "$(policies_of "$victim")" = 0 ]
    runtime delete -f victim
}

@test "a listener is in no process that a container sees: not its own, nor one that was started later" {
    attack_program
    once own "$EMULATED" 'attack listeners'
    [ "$output" = "listeners: 0" ]
    detached later "$EMULATED" 'sleep 1000'
    run runtime exec later attack listeners
    [ "$output" = "listeners: 0" ]
    runtime delete -f later
}

@test "a procfs bound anew, a root of one's own and an overlay are no way round the view" {
    local before
    host() {
        cat /proc/sys/vm/swappiness /proc/sys/vm/overcommit_memory /proc/sys/vm/overcommit_ratio /proc/sys/kernel/pid_max /proc/sys/fs/file-max | xargs
    }
    before=$(host)
    once round "$VIEW | $MANY"' | .linux.maskedPaths = [] | .linux.readonlyPaths = []
        | .mounts += [{destination: "/tmp", type: "tmpfs", source: "tmpfs"}]' '
        writes() {
            for file in vm/swappiness vm/overcommit_memory vm/overcommit_ratio fs/file-max; do
                (echo 1 >"$1/sys/$file") 2>/dev/null && echo "WROTE $2 $file"
            done
            echo "tried $2"
        }
        mkdir /tmp/p /tmp/r /tmp/o /tmp/u /tmp/w
        mount --bind /proc /tmp/p && writes /tmp/p bind
        mount -o remount,rw,bind /tmp/p && writes /tmp/p remount
        mount -t tmpfs none /tmp/r && cp -r /bin /tmp/r/ && mkdir /tmp/r/proc /tmp/r/old && mount --bind /proc /tmp/r/proc &&
            chroot /tmp/r /bin/sh -c "for f in vm/swappiness vm/overcommit_memory fs/file-max; do (echo 1 >/proc/sys/\$f) 2>/dev/null && echo WROTE chroot; done; echo tried chroot"
        mount -t overlay -o "lowerdir=/tmp/p:/tmp/r,upperdir=/tmp/u,workdir=/tmp/w" none /tmp/o && writes /tmp/o overlay
        unshare -m sh -c "cd /tmp/r && pivot_root . old && umount -l old; mount -o remount,rw /proc; for f in vm/swappiness vm/overcommit_ratio fs/file-max; do (echo 1 >/proc/sys/\$f) 2>/dev/null && echo WROTE pivot; done; echo tried pivot"
        echo end'
    echo "$output"
    [[ $output == *"tried bind"* && $output == *"tried remount"* && $output == *"tried chroot"* && $output == *"tried pivot"* && $output == *end ]]
    [[ $output != *"WROTE bind"* && $output != *"WROTE remount"* && $output != *"WROTE chroot"* && $output != *"WROTE pivot"* ]]
    # What an overlay is written to is the container's own copy.
    [ "$(host)" = "$before" ]
}

@test "a broker that is killed while a call waits for it: the call is an error, and never let through" {
    local broker
    attack_program
    mkfifo "$ENGINE/go"
    bundle waits "$EMULATED" 'exec attack call' >/dev/null
    exec 7<>"$ENGINE/go"
    runtime run -d --bundle "$ENGINE/waits" waits <"$ENGINE/go" >"$ENGINE/waits.out" 2>&1
    eventually 5 grep -q "before: answered" "$ENGINE/waits.out"
    broker=$(brokers)
    [ "$(wc -w <<<"$broker")" = 1 ]
    kill -STOP "$broker"
    eventually 5 stopped "$broker"
    echo >&7
    calls() {
        # sysinfo(2): it waits inside of the call.
        grep -q '^99 ' "/proc/$(pid_of waits)/syscall"
    }
    eventually 5 calls
    not grep -q after "$ENGINE/waits.out"
    kill -KILL "$broker"
    eventually 5 grep -q "after: Function not implemented" "$ENGINE/waits.out"
    exec 7>&-
    runtime delete -f waits
}

@test "a view that is killed while its files are asked: EIO at once, and nothing is written" {
    local view reader
    detached asked "$VIEW" 'sleep 1000'
    view=$(views asked)
    kill -STOP "$view"
    eventually 5 stopped "$view"
    runtime exec asked sh -c 'cat /dev/vkernel/cpu.real_policy; echo "read $?"; echo fifo >/dev/vkernel/cpu.real_policy; echo "wrote $?"' >"$ENGINE/asked.out" 2>&1 &
    reader=$!
    sleep 0.5
    not grep -q read "$ENGINE/asked.out"
    kill -KILL "$view"
    wait "$reader"
    cat "$ENGINE/asked.out"
    [ "$(grep -c "Input/output error\|not connected" "$ENGINE/asked.out")" = 2 ]
    grep -q "read 1" "$ENGINE/asked.out"
    grep -q "wrote 1" "$ENGINE/asked.out"
    [ "$(policies_of "$(pid_of asked)")" = 0 ]
    runtime delete -f asked
}
