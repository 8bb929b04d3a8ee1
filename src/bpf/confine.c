/*
 * What the broker keeps, and why; everything else goes before it hears of a function.
 *   BPF               loading programs, maps and type information
 *   PERFMON           programs that trace, and the events that they hang on
 *   NET_ADMIN         programs of control groups and interfaces
 *   NET_RAW           the socket that a socket filter hangs on
 *   DAC_READ_SEARCH   the numbers of tracepoints, which are root's files; its root has no others
 * The opener keeps
 *   SYS_ADMIN         events, which some kernels have for nobody else
 */
#include <errno.h>
#include <grp.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/syscall_filter.h"
#include "bpf/broker_internal.h"

/* Newer than libcap's or the kernel's headers may be. */
#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#define CAP_BPF 39
#endif

static const cap_value_t brokers[] = {CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN, CAP_NET_RAW,
                                      CAP_DAC_READ_SEARCH};

/* Those that it was not given are missed when they are needed: the kernel says EPERM. */
static int keep_capabilities(const cap_value_t *kept, size_t count)
{
    cap_t set = cap_init();
    cap_flag_value_t has;
    int r = 0;
    cap_t now = cap_get_proc();

    if (!set || !now)
        r = -errno;
    for (size_t i = 0; i < count && r == 0; i++) {
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
    /* CAP_PERFMON, which is in effect for a moment only. */
    SCMP_SYS(capget),
    SCMP_SYS(capset),
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
    SCMP_SYS(close_range),
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
    /* To the folder of a file that a uprobe is in. */
    SCMP_SYS(readlinkat),
    SCMP_SYS(fchdir),
    SCMP_SYS(uname),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(futex),
    SCMP_SYS(getrandom),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(getpid),
    SCMP_SYS(getppid),
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
    SCMP_SYS(socketpair),
    /* A socket filter's socket. */
    SCMP_SYS(bind),
    SCMP_SYS(setsockopt),
};

/* A session makes no process; the broker makes sessions. */
static int load_filter(const char *who, bool processes, struct err *err)
{
    /* if_nametoindex() asks a socket of its own. */
    static const int families[] = {AF_PACKET, AF_INET, AF_UNIX};
    _cleanup_(syscall_filter_freep) scmp_filter_ctx filter = NULL;
    int r = syscall_filter_begin(who, false, &filter, err);

    if (r < 0)
        return r;
    r = syscall_filter_allow(filter, calls, ARRAY_LEN(calls));
    if (r == 0)
        r = syscall_filter_allow_data(filter);
    if (r == 0)
        r = syscall_filter_allow_values(filter, SCMP_SYS(socket), 0, families, ARRAY_LEN(families));
    if (r == 0 && processes)
        r = syscall_filter_allow_children(filter);
    return syscall_filter_load(filter, r, who, err);
}

int confine_broker(uint32_t uid, struct err *err)
{
    int r = uid ? take_uid(uid) : 0;

    if (r == 0)
        r = keep_capabilities(brokers, ARRAY_LEN(brokers));
    return r < 0 ? err_set(err, r, "cannot give up the broker's other rights")
                 : load_filter("broker", true, err);
}

/* Of every process on a processor, in no group of events. Their other fields are in memory, where
 * no filter sees them: event_check() does. */
static int allow_events(scmp_filter_ctx filter)
{
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(perf_event_open), 3,
                            SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, UINT32_MAX),
                            SCMP_A3(SCMP_CMP_MASKED_EQ, UINT32_MAX, UINT32_MAX),
                            SCMP_A4(SCMP_CMP_EQ, PERF_FLAG_FD_CLOEXEC));
}

int confine_opener(uint32_t uid, pid_t broker, struct err *err)
{
    static const cap_value_t kept[] = {CAP_SYS_ADMIN};
    static const int openers[] = {
        SCMP_SYS(recvmsg), SCMP_SYS(sendmsg),         SCMP_SYS(poll), SCMP_SYS(ppoll),
        SCMP_SYS(close),   SCMP_SYS(restart_syscall), SCMP_SYS(exit), SCMP_SYS(exit_group),
    };
    _cleanup_(syscall_filter_freep) scmp_filter_ctx filter = NULL;
    int r = uid ? take_uid(uid) : 0;

    if (r == 0)
        r = keep_capabilities(kept, ARRAY_LEN(kept));
    /* What a change of the uid would undo. */
    if (r == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        r = -errno;
    if (r == 0 && getppid() != broker)
        r = -ESRCH;
    if (r < 0)
        return err_set(err, r, "cannot give up the opener's other rights");
    r = syscall_filter_begin("opener", false, &filter, err);
    if (r < 0)
        return r;
    r = syscall_filter_allow(filter, openers, ARRAY_LEN(openers));
    if (r == 0)
        r = allow_events(filter);
    return syscall_filter_load(filter, r, "opener", err);
}

static int set_perfmon(bool on)
{
    static const cap_value_t perfmon = CAP_PERFMON;
    cap_t set = cap_get_proc();
    int r = 0;

    if (!set || cap_set_flag(set, CAP_EFFECTIVE, 1, &perfmon, on ? CAP_SET : CAP_CLEAR) < 0 ||
        cap_set_proc(set) < 0)
        r = -errno;
    cap_free(set);
    return r;
}

void session_trace(const struct session *session, bool on)
{
    if (session->instance.policy.host)
        return;
    /* One that it was not given is missed where it is needed. */
    if (set_perfmon(on) < 0 && !on)
        _exit(1);
}

int confine_session(bool host, struct err *err)
{
    int r = load_filter("broker's session", false, err);

    if (r == 0 && !host && (r = set_perfmon(false)) < 0)
        err_set(err, r, "cannot give up the session's rights");
    return r;
}
