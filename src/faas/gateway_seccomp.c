/* The gateways' system-call filter. */
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/syscall_filter.h"
#include "faas/gateway.h"
#include "faas/gateway_seccomp.h"

static const int common[] = {
    /* connections and messages; no socket(2), bind(2), connect(2) */
    SCMP_SYS(accept4),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(read),
    SCMP_SYS(pread64),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(sendfile),
    SCMP_SYS(close),
    SCMP_SYS(getsockopt),
    SCMP_SYS(getsockname),
    /* the loop */
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(poll), /* the log: whether standard error takes a line */
    SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(getrandom),
    /* memory; mmap and mprotect only without PROT_EXEC, below */
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    /* the size of a channel */
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    /* the end, also by abort(3) */
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(tgkill),
};

/* Sources that are deployed go into a memory file. */
static const int admin_only[] = {SCMP_SYS(memfd_create), SCMP_SYS(ftruncate)};

/*
 * The sockets that a gateway is born with are its successor's, too: shut down, or with a filter of
 * its own on them, they would be lost to the daemon for good. So shutdown(2) is for descriptors
 * above them (a bit of 8 or more is set in the int that the kernel takes of the argument, or the
 * lowest three, which is the token's number, free for a connection when that was read; no gateway
 * has 2^20 descriptors), and setsockopt(2) for what the HTTP server sets on connections.
 */
static int allow_sockets(scmp_filter_ctx context)
{
    const int options[] = {TCP_NODELAY, TCP_CORK};
    int r = 0;

    _Static_assert(GATEWAY_TOKEN_FD == 7, "the mask and the lowest bit below");
    r = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(shutdown), 1,
                         SCMP_A0(SCMP_CMP_MASKED_EQ, GATEWAY_TOKEN_FD, GATEWAY_TOKEN_FD));
    for (unsigned bit = 3; bit < 20 && r == 0; bit++)
        r = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(shutdown), 1,
                             SCMP_A0(SCMP_CMP_MASKED_EQ, 1u << bit, 1u << bit));
    for (size_t i = 0; i < ARRAY_LEN(options) && r == 0; i++)
        r = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), 2,
                             SCMP_A1(SCMP_CMP_EQ, IPPROTO_TCP),
                             SCMP_A2(SCMP_CMP_EQ, (scmp_datum_t)options[i]));
    return r;
}

static int allow_checked(scmp_filter_ctx context, enum gateway_role role)
{
    const int fcntls[] = {F_GETFL, F_SETFL, F_GETFD, F_SETFD, F_GET_SEALS};
    const int admin_fcntls[] = {F_ADD_SEALS};
    /* Wakes instances; MHD's mutexes. No requeue to other addresses, no priorities. */
    const int futexes[] = {FUTEX_WAKE, FUTEX_WAKE_PRIVATE, FUTEX_WAIT_PRIVATE,
                           FUTEX_WAIT_BITSET_PRIVATE};
    int r = syscall_filter_allow_values(context, SCMP_SYS(fcntl), 1, fcntls, ARRAY_LEN(fcntls));

    if (r == 0 && role == GATEWAY_ROLE_ADMIN)
        r = syscall_filter_allow_values(context, SCMP_SYS(fcntl), 1, admin_fcntls,
                                        ARRAY_LEN(admin_fcntls));
    if (r == 0)
        r = syscall_filter_allow_data(context);
    if (r == 0)
        r = allow_sockets(context);
    if (r == 0)
        r = syscall_filter_allow_values(context, SCMP_SYS(futex), 1, futexes, ARRAY_LEN(futexes));
    return r;
}

int gateway_seccomp_install(enum gateway_role role, struct err *err)
{
    _cleanup_(syscall_filter_freep) scmp_filter_ctx filter = NULL;

    /* Reads /etc/localtime while that is still allowed: gmtime_r(3) would ask for it later. */
    tzset();
    /* Fast: its rules are on the path of every call. */
    int r = syscall_filter_begin("gateway", true, &filter, err);
    if (r < 0)
        return r;
    r = syscall_filter_allow(filter, common, ARRAY_LEN(common));
    if (r == 0 && role == GATEWAY_ROLE_ADMIN)
        r = syscall_filter_allow(filter, admin_only, ARRAY_LEN(admin_only));
    if (r == 0)
        r = allow_checked(filter, role);
    return syscall_filter_load(filter, r, "gateway", err);
}
