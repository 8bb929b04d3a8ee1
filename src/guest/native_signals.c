/*
 * Signals of native code, by POSIX names. Its handlers are run at once where its own code runs, and
 * at the end of a host function else (signals.h): as on UNIX, but that no function of the host's
 * (native_enter()) is entered anew inside of itself. What the guest has a use for itself (SIGSEGV
 * and its like, 32 to 34, 64) reaches a handler by raise() alone.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "guest/family.h"
#include "guest/native.h"
#include "guest/native_heap.h"
#include "guest/signals.h"
#include "guest/template.h"
#include "guest/wasm_internal.h"

typedef void (*handler_function)(int);

int native_sigaction(int number, const struct sigaction *action, struct sigaction *former);
handler_function native_signal(int number, handler_function handler);
int native_sigprocmask(int how, const sigset_t *set, sigset_t *former);
int native_sigpending(sigset_t *set);
int native_sigsuspend(const sigset_t *blocked);
int native_pause(void);
int native_raise(int number);
int native_sigqueue(pid_t pid, int number, union sigval value);
int native_sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout);
int native_sigwaitinfo(const sigset_t *set, siginfo_t *info);
int native_sigwait(const sigset_t *set, int *number);
int native_setitimer(int which, const struct itimerval *timer, struct itimerval *former);
int native_getitimer(int which, struct itimerval *now);
unsigned native_alarm(unsigned seconds);

/* What the code has set, by signal: on its heap, where a library that is replaced finds the
 * pointers (linker_replace.c). */
struct handlers {
    struct {
        void *function;
        long with_info; /* SA_SIGINFO */
    } of[SIGNALS_MAX + 1];
};
static struct handlers *handlers;

/* There is no alternate stack to be set: SA_ONSTACK says what it says on UNIX without one. */
#define ACTION_FLAGS                                                                  \
    (SIGNAL_NO_CHILD_STOP | SIGNAL_NO_CHILD_WAIT | SIGNAL_RESTART | SIGNAL_NO_DEFER | \
     SIGNAL_RESET | SA_ONSTACK)

static bool may_be_sent(const struct host *host)
{
    return family_with(host, GUEST_GRANT_FORK);
}

/* Behind the kernel's own 64 bits there is room that nobody uses. */
static uint64_t bits_of(const sigset_t *set)
{
    uint64_t bits;

    memcpy(&bits, set, sizeof bits);
    return bits;
}

static void set_bits(sigset_t *set, uint64_t bits)
{
    memset(set, 0, sizeof *set);
    memcpy(set, &bits, sizeof bits);
}

static void fill(siginfo_t *info, int number, const struct signal_info *known)
{
    memset(info, 0, sizeof *info);
    info->si_signo = number;
    info->si_code = known->code;
    info->si_pid = known->pid;
    if (number == SIGCHLD)
        info->si_status = known->status;
    else
        info->si_value.sival_ptr = (void *)known->value;
}

/* The handler's code is in no host function, whatever was interrupted. */
static void run_handler(struct host *host, uint32_t handler, int number)
{
    void *function = handlers->of[handler].function;
    const bool with_info = handlers->of[handler].with_info;
    siginfo_t info;

    fill(&info, number, &host->signals->current);
    const int before = native_calls_set(0);
    if (with_info)
        ((void (*)(int, siginfo_t *, void *))function)(number, &info, NULL);
    else
        ((handler_function)function)(number);
    native_calls_set(before);
}

/* NULL: no memory. */
static struct signals *signals_of(struct host *host)
{
    if (!handlers)
        handlers = native_calloc(1, sizeof *handlers);
    if (!handlers)
        return NULL;
    return host->signals ? host->signals : signals_open(host, run_handler, native_in_code);
}

/* ---- actions and masks ---- */

static void tell_action(const struct signals *signals, int number, struct sigaction *former)
{
    const struct signal_action *action = &signals->actions[number];

    memset(former, 0, sizeof *former);
    if (action->handler == SIGNAL_IGNORE)
        former->sa_handler = SIG_IGN;
    else if (action->handler >= SIGNAL_HANDLER)
        former->sa_handler = (handler_function)handlers->of[number].function;
    set_bits(&former->sa_mask, action->mask);
    former->sa_flags =
        (int)(action->flags |
              (action->handler >= SIGNAL_HANDLER && handlers->of[number].with_info ? SA_SIGINFO
                                                                                   : 0));
}

/* System calls: rt_sigaction, rt_sigprocmask. */
static int set_action(struct host *host, int number, const struct sigaction *action)
{
    const bool handled = action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN;
    const struct signal_action wanted = {
        .handler = handled                         ? SIGNAL_HANDLER + (uint32_t)number
                   : action->sa_handler == SIG_IGN ? SIGNAL_IGNORE
                                                   : SIGNAL_DEFAULT,
        .flags = (uint32_t)action->sa_flags & ACTION_FLAGS,
        .mask = bits_of(&action->sa_mask),
    };
    sigset_t all, before;

    if ((unsigned)action->sa_flags & ~(ACTION_FLAGS | SA_SIGINFO))
        return -EINVAL;
    /* None comes between the two tables' changes. */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    if (handled && number != SIGKILL && number != SIGSTOP) {
        handlers->of[number].function = (void *)(uintptr_t)action->sa_handler;
        handlers->of[number].with_info = (action->sa_flags & SA_SIGINFO) != 0;
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    return signals_set(host->signals, number, &wanted, may_be_sent(host));
}

static int change_action(struct host *host, int number, const struct sigaction *action,
                         struct sigaction *former)
{
    struct sigaction before;

    if (number < 1 || number > (int)SIGNALS_MAX)
        return -EINVAL;
    if (!signals_of(host))
        return -ENOMEM;
    tell_action(host->signals, number, &before);
    int r = action ? set_action(host, number, action) : 0;
    if (r == 0 && former)
        *former = before;
    return r;
}

int native_sigaction(int number, const struct sigaction *action, struct sigaction *former)
{
    struct host *host = native_enter();

    return (int)native_leave(host, host ? change_action(host, number, action, former) : -EPERM);
}

handler_function native_signal(int number, handler_function handler)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART}, former;

    sigemptyset(&action.sa_mask);
    return native_sigaction(number, &action, &former) < 0 ? SIG_ERR : former.sa_handler;
}

/* System call: rt_sigprocmask. */
static int change_mask(struct host *host, int how, const sigset_t *set, sigset_t *ret_former)
{
    struct signals *signals = signals_of(host);

    if (!signals)
        return -ENOMEM;
    const uint64_t former = signals->blocked, bits = set ? bits_of(set) : 0;
    if (set && how != SIG_BLOCK && how != SIG_UNBLOCK && how != SIG_SETMASK)
        return -EINVAL;
    if (ret_former)
        set_bits(ret_former, former);
    if (set)
        signals_block(signals, how == SIG_BLOCK     ? former | bits
                               : how == SIG_UNBLOCK ? former & ~bits
                                                    : bits);
    return 0;
}

int native_sigprocmask(int how, const sigset_t *set, sigset_t *former)
{
    struct host *host = native_enter();

    return (int)native_leave(host, host ? change_mask(host, how, set, former) : -EPERM);
}

/* System call: rt_sigpending. */
static int pending(struct host *host, sigset_t *ret_set)
{
    struct signals *signals = signals_of(host);
    uint64_t set = 0;

    if (!signals)
        return -ENOMEM;
    if (may_be_sent(host) && syscall(SYS_rt_sigpending, &set, sizeof set) < 0)
        return -errno;
    set_bits(ret_set, signals_waitable(set & signals->blocked) | signals->held);
    return 0;
}

int native_sigpending(sigset_t *set)
{
    struct host *host = native_enter();

    return (int)native_leave(host, host ? pending(host, set) : -EPERM);
}

/* ---- waiting ---- */

/* Until a handler has run, with another mask meanwhile. System calls: rt_sigprocmask, ppoll. */
static int suspend(struct host *host, const sigset_t *blocked)
{
    struct signals *signals = signals_of(host);

    if (!signals)
        return -ENOMEM;
    if (!may_be_sent(host))
        return -EPERM;
    const uint64_t before = signals->blocked;
    signals_block(signals, blocked ? bits_of(blocked) : before);
    while (!signals_wait(host))
        signals_call(host, SYS_ppoll, 0, 0, 0, 0, 0);
    signals_deliver(host, false);
    signals_block(signals, before);
    return -EINTR;
}

int native_sigsuspend(const sigset_t *blocked)
{
    struct host *host = native_enter();

    return (int)native_leave(host, host ? suspend(host, blocked) : -EPERM);
}

int native_pause(void)
{
    return native_sigsuspend(NULL);
}

/* System call: rt_sigtimedwait. */
static int take(struct host *host, const sigset_t *wanted, siginfo_t *ret_info,
                const struct timespec *timeout)
{
    struct signals *signals = signals_of(host);
    const uint64_t set = bits_of(wanted), waited = signals_waitable(set);
    siginfo_t info = {0};

    if (!signals)
        return -ENOMEM;
    if (!may_be_sent(host))
        return -EPERM;
    long number = signals_take_held(signals, set);
    if (number > 0)
        fill(&info, (int)number, &signals->current);
    else
        number = signals_call(host, SYS_rt_sigtimedwait, (long)&waited, (long)&info, (long)timeout,
                              sizeof waited, 0);
    if (number > 0 && ret_info)
        *ret_info = info;
    return (int)number;
}

int native_sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout)
{
    struct host *host = native_enter();

    return (int)native_leave(host, host ? take(host, set, info, timeout) : -EPERM);
}

int native_sigwaitinfo(const sigset_t *set, siginfo_t *info)
{
    return native_sigtimedwait(set, info, NULL);
}

int native_sigwait(const sigset_t *set, int *number)
{
    const int before = errno;

    while ((*number = native_sigtimedwait(set, NULL, NULL)) < 0)
        if (errno != EINTR)
            return errno;
    errno = before;
    return 0;
}

/* ---- sending ---- */

/* System call: kill, where its default action is to come. */
static int send_own(struct host *host, int number)
{
    if (number < 1 || number > (int)SIGNALS_MAX)
        return -EINVAL;
    const struct signals *signals = host->signals;
    const uint32_t handler = signals ? signals->actions[number].handler : SIGNAL_DEFAULT;
    if (handler >= SIGNAL_HANDLER)
        signals_note(host->signals, number, may_be_sent(host) ? getpid() : 1);
    else if (handler == SIGNAL_DEFAULT && host->family && host->family->child)
        kill(getpid(), number);
    else if (handler == SIGNAL_DEFAULT && number != SIGCHLD && number != SIGCONT &&
             number != SIGURG && number != SIGWINCH)
        wasm_trap_at("a signal was raised that nothing handles", 0);
    return 0;
}

int native_raise(int number)
{
    struct host *host = native_enter();

    return (int)native_leave(host, host ? send_own(host, number) : -EPERM);
}

/* System calls: getpid, rt_sigqueueinfo. Whom it may reach, the pid namespace says. */
int native_sigqueue(pid_t pid, int number, union sigval value)
{
    struct host *host = native_enter();
    siginfo_t info = {.si_signo = number, .si_code = SI_QUEUE};
    int r = -EPERM;

    if (host && may_be_sent(host)) {
        info.si_pid = getpid();
        info.si_value = value;
        r = number < 0 || number > (int)SIGNALS_MAX                ? -EINVAL
            : syscall(SYS_rt_sigqueueinfo, pid, number, &info) < 0 ? -errno
                                                                   : 0;
    }
    return (int)native_leave(host, r);
}

/* ---- the timer ---- */

/* System call: setitimer. */
static int set_timer(struct host *host, int which, const struct itimerval *timer,
                     struct itimerval *former)
{
    if (which != ITIMER_REAL)
        return -EINVAL;
    if (!may_be_sent(host))
        return -EPERM;
    if (!signals_of(host))
        return -ENOMEM;
    host->signals->timer = true;
    return setitimer(ITIMER_REAL, timer, former) < 0 ? -errno : 0;
}

int native_setitimer(int which, const struct itimerval *timer, struct itimerval *former)
{
    struct host *host = native_enter();

    return (int)native_leave(host, host ? set_timer(host, which, timer, former) : -EPERM);
}

/* Set anew, for no system call of the table only asks. */
int native_getitimer(int which, struct itimerval *now)
{
    const struct itimerval none = {0};

    if (native_setitimer(which, &none, now) < 0)
        return -1;
    return now->it_value.tv_sec || now->it_value.tv_usec ? native_setitimer(which, now, NULL) : 0;
}

unsigned native_alarm(unsigned seconds)
{
    const struct itimerval timer = {.it_value = {.tv_sec = seconds}};
    struct itimerval former = {0};

    if (native_setitimer(ITIMER_REAL, &timer, &former) < 0)
        return 0;
    return (unsigned)former.it_value.tv_sec +
           (former.it_value.tv_usec >= 500000 ||
            (former.it_value.tv_usec && !former.it_value.tv_sec));
}
