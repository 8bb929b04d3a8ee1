/*
 * <signal.h> of wasi-libc with what it lacks: handlers, masks, kill(). With the grant fork a signal
 * reaches any member of the family; without it handlers are there for raise() alone. A handler runs
 * when the code calls the system next (reading, waiting, sleeping, looking at the clock, getpid()),
 * not between two instructions; what waits is interrupted, and begins again with SA_RESTART (which
 * signal() sets) but for pause(), poll() and sleeping. Those of real time (SIGRTMIN to SIGRTMAX)
 * wait in a row, the others once. There are no alternate stacks.
 */
#ifndef VIREO_POSIX_SIGNAL_H
#define VIREO_POSIX_SIGNAL_H

#ifndef _WASI_EMULATED_SIGNAL
#define _WASI_EMULATED_SIGNAL
#endif
/* Its sets are of eight signals, its signal() and raise() of one process. */
#include <__typedef_sigset_t.h>
#define signal vireo_no_signal
#define raise vireo_no_raise
#include_next <signal.h>
#undef signal
#undef raise

#include <time.h>

#include <vireo/family.h>

typedef struct {
    uint64_t bits;
} vireo_sigset_t;
#define sigset_t vireo_sigset_t

#define SA_NOCLDSTOP 1
#define SA_SIGINFO 4
#define SA_RESTART 0x10000000
#define SA_NODEFER 0x40000000
#define SA_RESETHAND 0x80000000

#define SIG_BLOCK 0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2

/* As musl's: those below are the C library's own. */
#undef SIGRTMIN
#undef SIGRTMAX
#define SIGRTMIN 35
#define SIGRTMAX 64
#ifndef NSIG
#define NSIG 65
#endif

#define SI_USER 0
#define SI_KERNEL 128
#define SI_QUEUE (-1)
#define SI_TKILL (-6)

#ifndef CLD_EXITED
#define CLD_EXITED 1
#define CLD_KILLED 2
#define CLD_STOPPED 5
#define CLD_CONTINUED 6
#endif

/* sival_ptr is of use in the same memory alone. */
union sigval {
    int sival_int;
    void *sival_ptr;
};

typedef struct {
    int si_signo, si_errno, si_code;
    pid_t si_pid;
    uid_t si_uid;
    int si_status; /* of SIGCHLD */
    union sigval si_value;
} siginfo_t;

struct sigaction {
    union {
        void (*sa_handler)(int);
        void (*sa_sigaction)(int, siginfo_t *, void *);
    };
    sigset_t sa_mask;
    int sa_flags;
};

struct vireo_action {
    uint32_t handler, flags;
    uint64_t mask;
};

VIREO_IMPORT(signal)
int32_t vireo_import_signal(int32_t number, uint32_t handler, uint32_t flags, uint64_t mask,
                            struct vireo_action *ret_former);
VIREO_IMPORT(sigmask)
int32_t vireo_import_sigmask(int32_t how, uint64_t set, uint64_t *ret_former);
VIREO_IMPORT(sigsuspend) int32_t vireo_import_sigsuspend(uint64_t blocked);
VIREO_IMPORT(raise) int32_t vireo_import_raise(int32_t number);
VIREO_IMPORT(sigqueue) int32_t vireo_import_sigqueue(int32_t pid, int32_t number, int32_t value);

/* Of the signal whose handler runs, or that was waited for last. */
struct vireo_signal_info {
    int32_t code, pid, status, value;
};
VIREO_IMPORT(siginfo) int32_t vireo_import_siginfo(struct vireo_signal_info *ret_info);
/* The C library's: ours has another name for the linker. */
int vireo_default_raise(int number) __asm__("raise");
static inline int raise(int number) __asm__("vireo_raise");

/* How the import names what is done; of a function it is the index behind these. */
static inline uint32_t vireo_handler_number(void (*handler)(int))
{
    return handler == SIG_DFL ? 0 : handler == SIG_IGN ? 1 : (uint32_t)handler + 2;
}

static inline void (*vireo_handler_of(uint32_t number))(int)
{
    return number == 0 ? SIG_DFL : number == 1 ? SIG_IGN : (void (*)(int))(number - 2);
}

static inline int kill(pid_t pid, int number)
{
    return vireo_kill(pid, number);
}

static inline siginfo_t vireo_signal_info(int number)
{
    struct vireo_signal_info known = {0, 0, 0, 0};

    vireo_import_siginfo(&known);
    return (siginfo_t){.si_signo = number,
                       .si_code = known.code,
                       .si_pid = known.pid,
                       .si_status = known.status,
                       .si_value = {.sival_int = known.value}};
}

/* As sigqueue(3). */
static inline int sigqueue(pid_t pid, int number, const union sigval value)
{
    return vireo_errno(vireo_import_sigqueue(pid, number, value.sival_int));
}

static inline int raise(int number)
{
    int handled = vireo_errno(vireo_import_raise(number));

    if (handled != 0)
        return handled < 0 ? -1 : 0;
    /* As a process: its parent sees the signal. The first of a family has no such end. */
    if (vireo_kill(vireo_getpid(), number) == 0 && vireo_getpid() != 1)
        return 0;
    return vireo_default_raise(number);
}

static void (*vireo_with_info[65])(int, siginfo_t *, void *);

static inline void vireo_run_with_info(int number)
{
    siginfo_t info = vireo_signal_info(number);

    vireo_with_info[number](number, &info, (void *)0);
}

static inline int sigaction(int number, const struct sigaction *action, struct sigaction *former)
{
    struct vireo_action before;
    uint32_t handler = action ? vireo_handler_number(action->sa_handler) : UINT32_MAX;

    if (number < 1 || number > 64) {
        errno = EINVAL;
        return -1;
    }
    void (*info)(int, siginfo_t *, void *) = vireo_with_info[number];
    if (action && (action->sa_flags & SA_SIGINFO)) {
        vireo_with_info[number] = action->sa_sigaction;
        handler = vireo_handler_number(vireo_run_with_info);
    }
    if (vireo_errno(vireo_import_signal(number, handler, action ? (uint32_t)action->sa_flags : 0,
                                        action ? action->sa_mask.bits : 0, &before)) < 0)
        return -1;
    if (former) {
        former->sa_handler = vireo_handler_of(before.handler);
        former->sa_flags = (int)before.flags;
        former->sa_mask.bits = before.mask;
        if (former->sa_handler == vireo_run_with_info) {
            former->sa_sigaction = info;
            former->sa_flags |= SA_SIGINFO;
        }
    }
    return 0;
}

static inline void (*signal(int number, void (*handler)(int)))(int)
{
    struct vireo_action before;

    if (vireo_errno(
            vireo_import_signal(number, vireo_handler_number(handler), SA_RESTART, 0, &before)) < 0)
        return SIG_ERR;
    return vireo_handler_of(before.handler);
}

static inline int sigemptyset(sigset_t *set)
{
    set->bits = 0;
    return 0;
}

static inline int sigfillset(sigset_t *set)
{
    set->bits = UINT64_MAX;
    return 0;
}

static inline uint64_t vireo_signal_bit(int number)
{
    return number >= 1 && number <= 64 ? UINT64_C(1) << (number - 1) : 0;
}

static inline int sigaddset(sigset_t *set, int number)
{
    set->bits |= vireo_signal_bit(number);
    errno = vireo_signal_bit(number) ? errno : EINVAL;
    return vireo_signal_bit(number) ? 0 : -1;
}

static inline int sigdelset(sigset_t *set, int number)
{
    set->bits &= ~vireo_signal_bit(number);
    errno = vireo_signal_bit(number) ? errno : EINVAL;
    return vireo_signal_bit(number) ? 0 : -1;
}

static inline int sigismember(const sigset_t *set, int number)
{
    return (set->bits & vireo_signal_bit(number)) != 0;
}

static inline int sigprocmask(int how, const sigset_t *set, sigset_t *former)
{
    uint64_t before;

    if (vireo_errno(vireo_import_sigmask(set ? how : 3, set ? set->bits : 0, &before)) < 0)
        return -1;
    if (former)
        former->bits = before;
    return 0;
}

VIREO_IMPORT(sigpending) int32_t vireo_import_sigpending(uint64_t *ret_set);
VIREO_IMPORT(sigwait)
int32_t vireo_import_sigwait(uint64_t set, uint64_t timeout_ns, int32_t *ret_info);

static inline int sigpending(sigset_t *set)
{
    return vireo_errno(vireo_import_sigpending(&set->bits));
}

static inline int sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout)
{
    uint64_t ns =
        timeout ? (uint64_t)timeout->tv_sec * 1000000000 + (uint64_t)timeout->tv_nsec : UINT64_MAX;
    int32_t taken[3]; /* number, code, process */

    if (timeout &&
        (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= 1000000000)) {
        errno = EINVAL;
        return -1;
    }
    int number = vireo_errno(vireo_import_sigwait(set->bits, ns, taken));
    if (number > 0 && info)
        *info = vireo_signal_info(taken[0]);
    return number;
}

static inline int sigwaitinfo(const sigset_t *set, siginfo_t *info)
{
    return sigtimedwait(set, info, (void *)0);
}

/* As Linux, it goes on waiting when the handler of another signal has run. */
static inline int sigwait(const sigset_t *set, int *number)
{
    int before = errno;

    while ((*number = sigtimedwait(set, (void *)0, (void *)0)) < 0)
        if (errno != EINTR)
            return errno;
    errno = before;
    return 0;
}

static inline int sigsuspend(const sigset_t *blocked)
{
    return vireo_errno(vireo_import_sigsuspend(blocked->bits));
}

#endif
