/* The filters of vireo-platform: one table, of which a worker has the part without sockets. */
#include "base/cleanup.h"
#include "base/syscall_filter.h"
#include "faas/platform.h"

/* What serves requests and keeps files. */
static const int worker_calls[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(close),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(recvmsg),
    SCMP_SYS(recvfrom),
    SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(fcntl),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(getrandom),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(tgkill),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(futex),
    SCMP_SYS(rseq),
    /* SQLite's files; which these are Landlock says */
    SCMP_SYS(openat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(fstat),
    SCMP_SYS(lseek),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(ftruncate),
    SCMP_SYS(fallocate),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(access),
    SCMP_SYS(readlink),
    SCMP_SYS(getcwd),
    SCMP_SYS(umask),
    SCMP_SYS(fchmod),
    SCMP_SYS(mmap),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
};

/* What the front and couriers do besides: children, names, connections, certificates. */
static const int other_calls[] = {
    SCMP_SYS(connect),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(recvmmsg),
    SCMP_SYS(socketpair),
    SCMP_SYS(ioctl),
    SCMP_SYS(pipe2),
    SCMP_SYS(eventfd2),
    SCMP_SYS(alarm),
    SCMP_SYS(setitimer),
    SCMP_SYS(signalfd4),
    SCMP_SYS(wait4),
    SCMP_SYS(dup3),
    SCMP_SYS(close_range),
    SCMP_SYS(kill),
    SCMP_SYS(mkdir),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(getdents64),
    SCMP_SYS(mprotect),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(prlimit64),
    SCMP_SYS(getppid),
    /* walls that are put up in children */
    SCMP_SYS(prctl),
    SCMP_SYS(seccomp),
    SCMP_SYS(landlock_create_ruleset),
    SCMP_SYS(landlock_add_rule),
    SCMP_SYS(landlock_restrict_self),
};

int platform_seccomp_install(bool worker, struct err *err)
{
    _cleanup_(syscall_filter_freep) scmp_filter_ctx filter = NULL;
    int r = syscall_filter_begin("platform", false, &filter, err);

    if (r < 0)
        return r;
    r = syscall_filter_allow(filter, worker_calls, ARRAY_LEN(worker_calls));
    if (r == 0 && !worker)
        r = syscall_filter_allow(filter, other_calls, ARRAY_LEN(other_calls));
    if (r == 0 && !worker)
        r = syscall_filter_allow_internet(filter);
    return syscall_filter_load(filter, r, "platform", err);
}
