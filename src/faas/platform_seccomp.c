/* The filters of vireo-platform: one table, of which a worker has the part without sockets. */
#include <errno.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "faas/platform.h"

static void context_release(scmp_filter_ctx *context)
{
    if (*context)
        seccomp_release(*context);
}

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

static int allow(scmp_filter_ctx context, const int *calls, size_t count)
{
    int r = 0;

    for (size_t i = 0; i < count && r == 0; i++)
        r = seccomp_rule_add(context, SCMP_ACT_ALLOW, calls[i], 0);
    return r;
}

static int allow_others(scmp_filter_ctx context)
{
    /* UNIX sockets would reach services of the machine; netlink tells the resolver its routes. */
    static const int families[] = {AF_INET, AF_INET6, AF_NETLINK};
    int r = allow(context, other_calls, ARRAY_LEN(other_calls));

    for (size_t i = 0; i < ARRAY_LEN(families) && r == 0; i++)
        r = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                             SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i]));
    if (r == 0) /* without any namespace */
        r = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                             SCMP_A0(SCMP_CMP_MASKED_EQ, 0x7e020000, 0));
    if (r == 0)
        r = seccomp_rule_add(context, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    return r;
}

int platform_seccomp_install(bool worker, struct err *err)
{
    _cleanup_(context_release) scmp_filter_ctx context = seccomp_init(SCMP_ACT_ERRNO(EPERM));

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return err_set(err, -errno, "cannot give up privileges for good");
    if (!context)
        return err_set(err, -ENOMEM, "cannot make the platform's system-call filter");
    int r = allow(context, worker_calls, ARRAY_LEN(worker_calls));
    if (r == 0 && !worker)
        r = allow_others(context);
    if (r == 0)
        r = seccomp_load(context);
    return r < 0 ? err_set(err, r, "cannot load the platform's system-call filter") : 0;
}
