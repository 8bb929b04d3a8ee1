/*
 * What the broker keeps, and why; everything else goes before it hears of a function.
 *   BPF               loading programs, maps and type information
 *   PERFMON           programs that trace, and the events that they hang on
 *   NET_ADMIN         programs of control groups and interfaces
 *   NET_RAW           the socket that a socket filter hangs on
 *   DAC_READ_SEARCH   the numbers of tracepoints, which are root's files; its root has no others
 */
#include <errno.h>
#include <grp.h>
#include <seccomp.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "bpf/broker_internal.h"

/* Newer than libcap's or the kernel's headers may be. */
#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#define CAP_BPF 39
#endif

static const cap_value_t kept[] = {CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN, CAP_NET_RAW,
                                   CAP_DAC_READ_SEARCH};

/* Those that it was not given are missed when they are needed: the kernel says EPERM. */
static int keep_capabilities(void)
{
    cap_t set = cap_init();
    cap_flag_value_t has;
    int r = 0;
    cap_t now = cap_get_proc();

    if (!set || !now)
        r = -errno;
    for (size_t i = 0; i < ARRAY_LEN(kept) && r == 0; i++) {
        if (cap_get_flag(now, kept[i], CAP_PERMITTED, &has) < 0 || has != CAP_SET)
            continue;
        if (cap_set_flag(set, CAP_PERMITTED, 1, &kept[i], CAP_SET) < 0 ||
            cap_set_flag(set, CAP_EFFECTIVE, 1, &kept[i], CAP_SET) < 0)
            r = -errno;
    }
    if (r == 0 && cap_set_proc(set) < 0)
        r = -errno;
    cap_free(set);
    cap_free(now);
    return r;
}

static int take_uid(uint32_t uid)
{
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || syscall(SYS_setgroups, 0, NULL) < 0 ||
        syscall(SYS_setresgid, uid, uid, uid) < 0 || syscall(SYS_setresuid, uid, uid, uid) < 0)
        return -errno;
    return 0;
}

static const int calls[] = {
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(ioctl),
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvmsg),
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(pwrite64),
    SCMP_SYS(pread64),
    SCMP_SYS(lseek),
    SCMP_SYS(close),
    SCMP_SYS(dup3),
    SCMP_SYS(fcntl),
    SCMP_SYS(ftruncate),
    SCMP_SYS(memfd_create),
    SCMP_SYS(pipe2),
    SCMP_SYS(poll),
    SCMP_SYS(openat),
    SCMP_SYS(openat2),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(uname),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(futex),
    SCMP_SYS(getrandom),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(prctl),
    SCMP_SYS(prlimit64),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(seccomp),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    /* A socket filter's socket. */
    SCMP_SYS(bind),
    SCMP_SYS(setsockopt),
};

static void release(scmp_filter_ctx *filter)
{
    if (*filter)
        seccomp_release(*filter);
}

static int filter(bool processes)
{
    _cleanup_(release) scmp_filter_ctx context = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int r = context ? 0 : -ENOMEM;

    for (size_t i = 0; i < ARRAY_LEN(calls) && r == 0; i++)
        r = seccomp_rule_add(context, SCMP_ACT_ALLOW, calls[i], 0);
    if (r == 0)
        r = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                             SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (r == 0)
        r = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                             SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    /* if_nametoindex() asks a socket of its own. */
    const int families[] = {AF_PACKET, AF_INET, AF_UNIX};
    for (size_t i = 0; i < ARRAY_LEN(families) && r == 0; i++)
        r = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                             SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i]));
    if (r == 0 && processes) /* without any namespace */
        r = seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                             SCMP_A0(SCMP_CMP_MASKED_EQ, 0x7e020000, 0));
    if (r == 0)
        r = seccomp_rule_add(context, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    return r < 0 ? r : seccomp_load(context);
}

int confine_broker(uint32_t uid, struct err *err)
{
    int r = uid ? take_uid(uid) : 0;

    if (r == 0)
        r = keep_capabilities();
    if (r == 0 &&
        (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0))
        r = -errno;
    if (r == 0)
        r = filter(true);
    return r < 0 ? err_set(err, r, "cannot give up the broker's other rights") : 0;
}

int confine_session(struct err *err)
{
    int r = filter(false);

    return r < 0 ? err_set(err, r, "cannot confine a session of the broker") : 0;
}
