/*
 * A keeper's system-call filter: it reads what a hostile program writes (HTTP, pipes), so what it
 * may still do is to speak and to wait. No files, no programs, no processes but its second thread,
 * no namespaces, no signals to others; sockets of the Internet's kind alone, in a network that has
 * nobody but its own program.
 */
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/syscall_filter.h"
#include "contain/keeper.h"

static const int calls[] = {
    /* sockets; socket(2) itself below */
    SCMP_SYS(connect),
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(shutdown),
    SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    /* waiting */
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(close),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(eventfd2),
    SCMP_SYS(fcntl),
    SCMP_SYS(futex),
    SCMP_SYS(wait4),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(getrandom),
    /* memory, the second thread, the end */
    SCMP_SYS(munmap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(tgkill),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

int keeper_filter_make(struct sock_fprog *ret_program, struct err *err)
{
    static const int families[] = {AF_INET};
    _cleanup_(syscall_filter_freep) scmp_filter_ctx filter = NULL;
    int r = syscall_filter_begin("keeper", true, &filter, err);

    if (r < 0)
        return r;
    r = syscall_filter_allow(filter, calls, ARRAY_LEN(calls));
    if (r == 0)
        r = syscall_filter_allow_values(filter, SCMP_SYS(socket), 0, families, ARRAY_LEN(families));
    if (r == 0)
        r = syscall_filter_allow_data(filter);
    if (r == 0)
        r = syscall_filter_allow_children(filter);
    return syscall_filter_program(filter, r, "keeper", ret_program, err);
}
