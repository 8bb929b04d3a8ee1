/*
 * Tables with a name. "podman" is what podman gives a container without options: the profile of
 * golang-github-containers-common 0.50 for amd64 with podman's capabilities. "strict" is what a
 * program needs that computes, reads and writes: no sockets of its own, no namespaces, no tracing.
 */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/cleanup.h"
#include "vkernel/syscalls_internal.h"

/* Calls that have the same rules. */
struct group {
    const char *rules;
    const char *calls;
};

struct profile {
    const char *otherwise;
    const struct group *groups;
    size_t count;
};

static const struct group podman[] = {
    {"native",
     "accept accept4 access adjtimex alarm arch_prctl bind brk capget capset chdir chmod "
     "chown chroot clock_adjtime clock_getres clock_gettime clock_nanosleep clone clone3 "
     "close close_range connect copy_file_range creat dup dup2 dup3 epoll_create "
     "epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait "
     "epoll_wait_old eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2 "
     "fadvise64 fallocate fanotify_mark fchdir fchmod fchmodat fchown fchownat fcntl "
     "fdatasync fgetxattr flistxattr flock fork fremovexattr fsconfig fsetxattr fsmount "
     "fsopen fspick fstat fstatfs fsync ftruncate futex futimesat get_mempolicy "
     "get_robust_list get_thread_area getcpu getcwd getdents getdents64 getegid geteuid "
     "getgid getgroups getitimer getpeername getpgid getpgrp getpid getppid getpriority "
     "getrandom getresgid getresuid getrlimit getrusage getsid getsockname getsockopt "
     "gettid gettimeofday getuid getxattr inotify_add_watch inotify_init inotify_init1 "
     "inotify_rm_watch io_cancel io_destroy io_getevents io_setup io_submit ioctl "
     "ioprio_get ioprio_set keyctl kill landlock_add_rule landlock_create_ruleset "
     "landlock_restrict_self lchown lgetxattr link linkat listen listxattr llistxattr "
     "lremovexattr lseek lsetxattr lstat madvise mbind membarrier memfd_create "
     "memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap "
     "modify_ldt mount mount_setattr move_mount mprotect mq_getsetattr mq_notify mq_open "
     "mq_timedreceive mq_timedsend mq_unlink mremap msgctl msgget msgrcv msgsnd msync "
     "munlock munlockall munmap name_to_handle_at nanosleep newfstatat open open_tree "
     "openat openat2 pause pidfd_getfd pidfd_open pidfd_send_signal pipe pipe2 pivot_root "
     "pkey_alloc pkey_free pkey_mprotect poll ppoll prctl pread64 preadv preadv2 prlimit64 "
     "process_mrelease process_vm_readv process_vm_writev pselect6 ptrace pwrite64 pwritev "
     "pwritev2 read readahead readlink readlinkat readv reboot recvfrom recvmmsg recvmsg "
     "remap_file_pages removexattr rename renameat renameat2 restart_syscall rmdir rseq "
     "rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend "
     "rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min "
     "sched_getaffinity sched_getattr sched_getparam sched_getscheduler "
     "sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam "
     "sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop "
     "sendfile sendmmsg sendmsg sendto set_mempolicy set_robust_list set_thread_area "
     "set_tid_address setfsgid setfsuid setgid setgroups setitimer setns setpgid "
     "setpriority setregid setresgid setresuid setreuid setrlimit setsid setsockopt setuid "
     "setxattr shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 "
     "socketpair splice stat statfs statx symlink symlinkat sync sync_file_range syncfs "
     "sysinfo syslog tee tgkill time timer_create timer_delete timer_getoverrun "
     "timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime times "
     "tkill truncate umask umount2 uname unlink unlinkat unshare utime utimensat utimes "
     "vfork wait4 waitid write writev"},
    {"errno EPERM",
     "acct bpf clock_settime delete_module fanotify_init finit_module init_module "
     "io_pgetevents ioperm iopl kcmp kexec_file_load kexec_load lookup_dcookie "
     "migrate_pages move_pages nfsservctl open_by_handle_at perf_event_open "
     "process_madvise query_module quotactl setdomainname sethostname setns settimeofday "
     "swapoff swapon sysfs uselib userfaultfd ustat vhangup vmsplice"},
    {"native if low0 == 0; native if low0 == 8; native if low0 == 0x20000; "
     "native if low0 == 0x20008; native if low0 == 0xffffffff; errno ENOSYS",
     "personality"},
    /* No audit by netlink without its capability. */
    {"errno EINVAL if low0 == 16 and low2 == 9; native", "socket"},
};

static const struct group strict[] = {
    {"native",
     "read write readv writev pread64 pwrite64 preadv pwritev lseek close fstat newfstatat "
     "statx openat openat2 readlinkat faccessat faccessat2 getdents64 fcntl dup dup2 dup3 "
     "pipe pipe2 poll ppoll select pselect6 epoll_create1 epoll_ctl epoll_wait epoll_pwait "
     "eventfd2 mmap munmap mprotect mremap madvise brk futex futex_waitv set_robust_list "
     "set_tid_address rseq rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack "
     "restart_syscall clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday "
     "time getrandom getpid getppid gettid getuid geteuid getgid getegid sched_yield "
     "sched_getaffinity getcpu uname sysinfo prlimit64 getrlimit getcwd arch_prctl exit "
     "exit_group tgkill wait4 waitid recvfrom recvmsg shutdown getsockname getpeername "
     "getsockopt accept4 execve membarrier fsync fdatasync ftruncate umask prctl access "
     "stat lstat open readlink getdents"},
    /* TIOCSTI types into the terminal of others, TIOCLINUX does so by its selection. */
    {"errno EPERM if low1 == 0x5412; errno EPERM if low1 == 0x541c; native", "ioctl"},
    /* A process or a thread: no namespaces. */
    {"errno EPERM if low0 & 0x7e020000; native", "clone"},
    /* Its arguments are in memory, where they can change: a C library takes clone instead. */
    {"errno ENOSYS", "clone3"},
};

const char *const vk_profiles[] = {"none", "podman", "strict", NULL};

static const struct profile profiles[] = {
    {"native", NULL, 0},
    {"errno ENOSYS", podman, ARRAY_LEN(podman)},
    {"errno EPERM", strict, ARRAY_LEN(strict)},
};

DEFINE_CLEANUP(struct vk_table, vk_table_free)

/* Names that this machine's libseccomp has not are not there: otherwise is stricter. */
static int group_put(struct vk_table *table, const struct group *group)
{
    struct vk_rule rules[VK_RULES_MAX];
    char name[VK_CALL_NAME_BYTES];
    int count = vk_rules_parse(group->rules, rules, VK_RULES_MAX, NULL);

    if (count < 0)
        return count;
    for (const char *at = group->calls; *at;) {
        size_t length = strcspn(at, " ");
        if (length >= sizeof name)
            return -EINVAL;
        memcpy(name, at, length);
        name[length] = '\0';
        int number = vk_call_number(name);
        int r = number < 0 ? 0 : vk_table_put(table, (unsigned)number, rules, (size_t)count);
        if (r < 0)
            return r;
        at += length + strspn(at + length, " ");
    }
    return 0;
}

int vk_profile_table(const char *name, struct vk_table **ret_table)
{
    _cleanup_(vk_table_freep) struct vk_table *table = NULL;
    struct vk_verdict otherwise;
    size_t at = 0;

    while (vk_profiles[at] && strcmp(vk_profiles[at], name) != 0)
        at++;
    if (!vk_profiles[at])
        return -ENOENT;
    int r = vk_verdict_parse(profiles[at].otherwise, &otherwise, NULL);
    if (r == 0)
        r = vk_table_new(otherwise, &table);
    for (size_t i = 0; r == 0 && i < profiles[at].count; i++)
        r = group_put(table, &profiles[at].groups[i]);
    if (r == 0)
        *ret_table = steal_ptr(&table);
    return r;
}

int vk_container_table(struct vk_table **ret_table)
{
    const struct vk_rule missing = {.verdict = {VK_ERRNO, ENOSYS}};
    _cleanup_(vk_table_freep) struct vk_table *table = NULL;

    int r = vk_profile_table(VK_CONTAINER_PROFILE, &table);
    if (r == 0)
        r = vk_table_put(table, __NR_keyctl, &missing, 1);
    if (r == 0)
        *ret_table = steal_ptr(&table);
    return r;
}
