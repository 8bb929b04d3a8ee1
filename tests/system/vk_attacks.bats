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
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
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
/* A filter of its own that tells of mkdir(2) and getppid(2); its listener. */
static int own_listener(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mkdir, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}
static int meet(const char *path, int serve)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    strcpy(at.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (!serve)
        return connect(fd, (struct sockaddr *)&at, sizeof at) < 0 ? -1 : fd;
    return bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || chmod(path, 0777) < 0 || listen(fd, 1) < 0 ? -1 : accept(fd, NULL, NULL);
}
/* One descriptor, as a message: out where fd >= 0. */
static int carry(int socket, int fd)
{
    char byte = 0, room[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
    if (fd < 0)
        return recvmsg(socket, &message, 0) < 0 || !CMSG_FIRSTHDR(&message) ? -1 : *(int *)CMSG_DATA(CMSG_FIRSTHDR(&message));
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    *head = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    *(int *)CMSG_DATA(head) = fd;
    return (int)sendmsg(socket, &message, 0);
}
/* Inside: gives its listener away, and calls. */
static void give(const char *path)
{
    int listener = own_listener();
    printf("listener: %s\n", listener < 0 ? strerror(errno) : "there");
    int to = meet(path, 0);
    if (listener < 0 || to < 0 || carry(to, listener) < 0)
        return;
    close(listener);
    printf("told: %ld\n", syscall(SYS_getppid));
    say("mkdir", mkdir("/tmp/made", 0755));
}
/* Outside, with every right: whatever is told may go on. */
static void take(const char *path)
{
    int from = meet(path, 1), listener = carry(from, -1);
    struct seccomp_notif notice;
    while (memset(&notice, 0, sizeof notice), ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &notice) == 0) {
        struct seccomp_notif_resp answer = {.id = notice.id};
        if (notice.data.nr == SYS_mkdir)
            answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
        else
            answer.val = 4242;
        ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
        printf("told of %d\n", notice.data.nr);
    }
}
/* For who learns from it: calls of other tables and of none, a flood of values, a listener of its own. */
static void mislead(void)
{
    for (int how = 0; how < 4; how++) {
        int status, pid = fork();
        if (pid == 0) {
            long r;
            if (how == 0)
                __asm__ volatile("int $0x80" : "=a"(r) : "a"(246), "b"(0) : "memory");
            if (how == 1)
                syscall(0x40000000 | 246);
            if (how == 2)
                syscall(100000);
            if (how == 3)
                syscall(-5);
            _exit(0);
        }
        waitpid(pid, &status, 0);
    }
    for (int domain = 100; domain < 400; domain++)
        socket(domain, 1, 0);
    printf("listener: %s\n", own_listener() < 0 ? strerror(errno) : "there");
}
int main(int argc, char **argv)
{
    struct sysinfo info;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 2 && strcmp(argv[1], "give") == 0)
        give(argv[2]);
    else if (argc > 2 && strcmp(argv[1], "take") == 0)
        take(argv[2]);
    else if (argc > 1 && strcmp(argv[1], "mislead") == 0)
        mislead();
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

@test "a listener that is given out of the container widens nothing: who has it there decides nothing that the table has decided" {
    local share at taker
    attack_program
    share=$(mktemp -d "$ENGINE/share.XXXXXX")
    mkdir -p "$ENGINE/rootfs/share" "$ENGINE/rootfs/tmp"
    at='.mounts += [{destination: "/share", type: "bind", source: "'$share'", options: ["bind", "rw"]}, {destination: "/tmp", type: "tmpfs", source: "tmpfs"}]'
    timeout 30 "$ENGINE/rootfs/bin/attack" take "$share/socket" >"$share/taken" 2>&1 3>&- &
    taker=$!
    eventually 20 test -S "$share/socket"
    once giver "$at"' | .annotations += {"io.vireo.vkernel.syscalls.calls.mkdir": "errno EROFS"}' 'attack give /share/socket; ls /tmp'
    echo "$output"
    # It works, out there; but of two answers the stricter wins, and mkdir is not even told of.
    [ "$output" = "listener: there
told: 4242
mkdir: Read-only file system" ]
    wait "$taker"
    [ "$(cat "$share/taken")" = "told of 110" ]
    # With calls that are emulated there is one listener, the broker's, and no other.
    once giver "$at | $EMULATED" 'attack give /share/socket'
    [ "$output" = "listener: Device or resource busy" ]
}

@test "who learns from a hostile program learns what it called, and the table is one" {
    local table
    attack_program
    table=$(mktemp "$ENGINE/table.XXXXXX")
    run timeout 60 "$VIREO" vk learn --flags --to "$table" -- "$ENGINE/rootfs/bin/attack" mislead
    echo "$output"
    cat "$table"
    [ "$output" = "listener: Device or resource busy" ]
    # Each line is of the table; what it called by other tables' numbers, or by none, is not there.
    head -n 1 "$table" | grep -q '^# learned from a run of '
    [ "$(sed -n 2p "$table")" = syscalls.default=kill ]
    not grep -qvE '^# learned from|^syscalls\.default=kill$|^syscalls\.calls\.[a-z0-9_]+=(native( if low[0-9] == 0x[0-9a-f]+; .*kill)?)$' "$table"
    not grep -qE 'calls\.(kexec_load|[0-9]+)=' "$table"
    # More values than can be told apart are not told apart.
    grep -qx 'syscalls.calls.socket=native' "$table"
    # It holds: the same program, of another run, ends where it does what it did not.
    once learned . 'exec attack mislead' --vkernel "@$table"
    echo "$output"
    [ "$status" -ne 0 ]
}

@test "an overlay is no way round lists of files: neither one that is mounted inside, nor what lies below the container's own" {
    local below
    attack_program
    below=$(mktemp -d "$ENGINE/below.XXXXXX")
    mkdir -p "$below"/{upper,work,merged} "$ENGINE/rootfs"/{etc,tmp,upper}
    echo theirs >"$ENGINE/rootfs/etc/theirs"
    mount -t overlay -o "lowerdir=$ENGINE/rootfs,upperdir=$below/upper,workdir=$below/work" none "$below/merged"
    once over "$MANY"' | .root.path = "'"$below/merged"'" | .root.readonly = false
        | .mounts += [{destination: "/upper", type: "bind", source: "'"$below/upper"'", options: ["bind", "rw"]}]
        | .annotations += {"io.vireo.vkernel.files.write": "/tmp:/dev/null", "io.vireo.vkernel.files.read": "/bin:/tmp:/proc"}' '
        mkdir /tmp/u /tmp/w /tmp/m && echo listed
        mount -t overlay -o lowerdir=/etc,upperdir=/tmp/u,workdir=/tmp/w none /tmp/m && echo MOUNTED
        unshare -Urm mount -t overlay -o lowerdir=/etc,upperdir=/tmp/u,workdir=/tmp/w none /tmp/m && echo MOUNTED
        mount --bind /etc /tmp/m && echo MOUNTED
        (echo x >/etc/theirs) 2>/dev/null && echo WROTE; (cat /etc/theirs) 2>/dev/null && echo READ
        mkdir -p /upper/etc 2>/dev/null && echo WROTE; (echo x >/upper/theirs) 2>/dev/null && echo WROTE
        mv /tmp/u /upper/etc 2>/dev/null && echo WROTE; ln /bin/busybox /tmp/linked 2>/dev/null && echo LINKED
        echo x >/tmp/above && chmod 700 /etc/theirs; (cat /etc/theirs) 2>/dev/null && echo READ; (cat /upper/etc/theirs /upper/tmp/above) 2>/dev/null && echo READ
        echo end'
    umount "$below/merged"
    echo "$output"
    [[ $output == listed* && $output == *end ]]
    [[ $output != *MOUNTED* && $output != *WROTE* && $output != *READ* && $output != *LINKED* ]]
    [ "$(cat "$ENGINE/rootfs/etc/theirs")" = theirs ]
    # It was copied up by what no list is about, and what is listed was written there.
    [ -e "$below/upper/tmp/above" ]
    [ ! -e "$below/upper/theirs" ]
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
    rm -f "$ENGINE/go"
    mkfifo "$ENGINE/go"
    bundle waits "$EMULATED" 'exec attack call' >/dev/null
    exec 7<>"$ENGINE/go"
    runtime run -d --bundle "$ENGINE/waits" waits <"$ENGINE/go" >"$ENGINE/waits.out" 2>&1
    eventually 20 grep -q "before: answered" "$ENGINE/waits.out"
    broker=$(brokers)
    [ "$(wc -w <<<"$broker")" = 1 ]
    kill -STOP "$broker"
    eventually 20 stopped "$broker"
    echo >&7
    calls() {
        # sysinfo(2): it waits inside of the call.
        grep -q '^99 ' "/proc/$(pid_of waits)/syscall"
    }
    eventually 20 calls
    not grep -q after "$ENGINE/waits.out"
    kill -KILL "$broker"
    eventually 20 grep -q "after: Function not implemented" "$ENGINE/waits.out"
    exec 7>&-
    runtime delete -f waits
}

@test "a view that is killed while its files are asked: EIO at once, and nothing is written" {
    local view reader
    detached asked "$VIEW" 'sleep 1000'
    view=$(views asked)
    kill -STOP "$view"
    eventually 20 stopped "$view"
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
