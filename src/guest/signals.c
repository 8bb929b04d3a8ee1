/* Signals of the function's code: see signals.h. */
#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#include "guest/family.h"
#include "guest/kin.h"
#include "guest/signals.h"
#include "guest/template.h"

static struct signals of_process;
static const _Atomic uint64_t never;

/*
 * long interruptible(const _Atomic uint64_t *pending, long number, long a, b, c, d, e). A signal
 * that finds the process between the look at `pending` and the system call has on_signal() send it
 * to the end: no wait begins after it.
 */
__asm__(".text\n"
        ".hidden vireo_interruptible, vireo_interruptible_call, vireo_interrupted\n"
        ".globl vireo_interruptible, vireo_interruptible_call, vireo_interrupted\n"
        ".type vireo_interruptible, @function\n"
        "vireo_interruptible:\n"
        "    cmpq $0, (%rdi)\n"
        "    jne vireo_interrupted\n"
        "    movq %rsi, %rax\n"
        "    movq %rdx, %rdi\n"
        "    movq %rcx, %rsi\n"
        "    movq %r8, %rdx\n"
        "    movq %r9, %r10\n"
        "    movq 8(%rsp), %r8\n"
        "vireo_interruptible_call:\n"
        "    syscall\n"
        "    ret\n"
        "vireo_interrupted:\n"
        "    movq $-4, %rax\n" /* -EINTR */
        "    ret\n"
        ".size vireo_interruptible, . - vireo_interruptible\n");

extern long vireo_interruptible(const _Atomic uint64_t *pending, long number, long a, long b,
                                long c, long d, long e);
extern const char vireo_interruptible_call[], vireo_interrupted[];

long signals_call(const struct host *host, long number, long a, long b, long c, long d, long e)
{
    return vireo_interruptible(host->signals ? &host->signals->pending : &never, number, a, b, c, d,
                               e);
}

/* Async-signal-safe, unless the code's own handler runs. */
static void on_signal(int signal, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    uintptr_t at = (uintptr_t)registers[REG_RIP];

    of_process.infos[signal] = (struct signal_info){
        .code = info->si_code,
        .pid = info->si_pid,
        .status = signal == SIGCHLD ? info->si_status : 0,
        .value = signal != SIGCHLD && info->si_code == SI_QUEUE
                     ? (uintptr_t)info->si_value.sival_ptr
                     : 0,
    };
    atomic_fetch_or_explicit(&of_process.pending, signal_bit(signal), memory_order_relaxed);
    if (of_process.in_code && of_process.in_code()) {
        int kept_errno = errno;
        /* The kernel blocks all meanwhile, not what the handler's action says. */
        of_process.raised |= signal_bit(signal);
        signals_deliver(of_process.host, false);
        errno = kept_errno;
        return;
    }
    /* The next of the same waits in the kernel until this one has been handled. */
    sigaddset(&((ucontext_t *)context)->uc_sigmask, signal);
    if (at >= (uintptr_t)vireo_interruptible && at <= (uintptr_t)vireo_interruptible_call)
        registers[REG_RIP] = (greg_t)(uintptr_t)vireo_interrupted;
}

/* What the guest itself has a use for, and what can't be handled. A fault is a trap. */
static bool is_ours(int signal)
{
    static const int ours[] = {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS,         SIGFPE,
                               SIGILL,  SIGTRAP, SIGSYS,  KIN_FORK_SIGNAL};

    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (ours[i] == signal)
            return true;
    return signal >= 32 && signal <= 34; /* the C library's */
}

static bool has_handler(const struct signals *signals, int signal)
{
    return signals->actions[signal].handler > SIGNAL_IGNORE;
}

/* The process's mask for what the code has blocked. SIGCHLD that nobody handles is blocked as the
 * template left it. */
static void kernel_mask(const struct signals *signals, uint64_t blocked, sigset_t *ret_mask)
{
    sigemptyset(ret_mask);
    for (int i = 1; i <= SIGNALS_MAX; i++)
        if ((blocked & signal_bit(i)) && !is_ours(i))
            sigaddset(ret_mask, i);
    if (!has_handler(signals, SIGCHLD))
        sigaddset(ret_mask, SIGCHLD);
}

/* What is noted stays blocked, too: see on_signal(). */
static void real_mask(const struct signals *signals, sigset_t *ret_mask)
{
    kernel_mask(signals, signals->blocked | atomic_load(&signals->pending), ret_mask);
}

/* System call: rt_sigprocmask. */
void signals_block(struct signals *signals, uint64_t blocked)
{
    sigset_t mask;

    /* None is noted between these lines. */
    sigfillset(&mask);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    uint64_t all = atomic_exchange(&signals->pending, 0) | signals->held;
    signals->blocked = blocked;
    signals->held = all & blocked;
    atomic_fetch_or(&signals->pending, all & ~blocked);
    real_mask(signals, &mask);
    sigprocmask(SIG_SETMASK, &mask, NULL);
}

void signals_note(struct signals *signals, int signal, int32_t pid)
{
    signals->infos[signal] = (struct signal_info){.code = SI_TKILL, .pid = pid};
    signals->raised |= signal_bit(signal);
    if (signals->blocked & signal_bit(signal))
        signals->held |= signal_bit(signal);
    else
        atomic_fetch_or(&signals->pending, signal_bit(signal));
}

struct signals *signals_open(struct host *host, void (*run)(struct host *, uint32_t, int),
                             bool (*in_code)(void))
{
    of_process.run = run;
    of_process.in_code = in_code;
    of_process.host = host;
    host->signals = &of_process;
    return host->signals;
}

/* Of SIGCHLD by default: it ends a wait. */
static void on_child(int signal)
{
    (void)signal;
}

static int set_real(int signal, const struct signal_action *action)
{
    struct sigaction real = {
        /* The stack for faults is too small for handlers, which native code runs at once. */
        .sa_flags = (of_process.in_code ? 0 : SA_ONSTACK) |
                    (int)(action->flags & (SIGNAL_NO_CHILD_STOP | SIGNAL_NO_CHILD_WAIT)),
    };

    /* What was blocked so far is not what is to be handled: the default action drops it. */
    if (signal == SIGCHLD && sigaction(SIGCHLD, &(struct sigaction){.sa_handler = SIG_DFL}, NULL))
        return -errno;
    if (action->handler == SIGNAL_IGNORE ||
        (!action->handler && !of_process.child && (signal == SIGPIPE || signal == SIGXFSZ))) {
        real.sa_handler = SIG_IGN;
    } else if (action->handler == SIGNAL_DEFAULT) {
        real.sa_handler = signal == SIGCHLD ? on_child : SIG_DFL;
        real.sa_flags |= signal == SIGCHLD ? SA_NOCLDSTOP : 0;
    } else {
        real.sa_sigaction = on_signal;
        real.sa_flags |= SA_SIGINFO;
    }
    /* It does nothing but to note, and is done before the next. */
    sigfillset(&real.sa_mask);
    return sigaction(signal, &real, NULL) < 0 ? -errno : 0;
}

/* System calls: rt_sigaction, rt_sigprocmask. */
int signals_set(struct signals *signals, int signal, const struct signal_action *action, bool real)
{
    if (signal < 1 || signal > SIGNALS_MAX || signal == SIGKILL || signal == SIGSTOP)
        return -EINVAL;
    int r = real && !is_ours(signal) ? set_real(signal, action) : 0;
    if (r < 0)
        return r;
    signals->actions[signal] = *action;
    bool noted = false;
    if (action->handler <= SIGNAL_IGNORE) {
        noted = atomic_fetch_and(&signals->pending, ~signal_bit(signal)) & signal_bit(signal);
        signals->held &= ~signal_bit(signal);
    }
    if ((signal == SIGCHLD || noted) && real)
        signals_block(signals, signals->blocked);
    return 0;
}

int signals_take_held(struct signals *signals, uint64_t set)
{
    uint64_t found = signals->held & set;

    if (!found)
        return 0;
    int signal = __builtin_ctzll(found) + 1;
    signals->held &= ~signal_bit(signal);
    signals->current = signals->infos[signal];
    return signal;
}

uint64_t signals_waitable(uint64_t set)
{
    for (int i = 1; i <= SIGNALS_MAX; i++)
        if (is_ours(i))
            set &= ~signal_bit(i);
    return set;
}

/* System call: setitimer. */
static void stop_timer(struct signals *signals)
{
    const struct itimerval none = {0};

    if (signals->timer)
        setitimer(ITIMER_REAL, &none, NULL);
    signals->timer = false;
}

void signals_forget(struct host *host)
{
    struct signals *signals = host->signals;

    if (!signals || !(atomic_exchange(&signals->pending, 0) | signals->held))
        return;
    signals->held = 0;
    signals_block(signals, signals->blocked);
}

void signals_leave(struct signals *signals, uint64_t blocked)
{
    signals->depth = 0;
    signals_block(signals, blocked);
}

void signals_as_child(const struct host *host)
{
    static const int ignored[] = {SIGPIPE, SIGXFSZ};
    const struct sigaction action = {.sa_handler = SIG_DFL};

    if (of_process.child)
        return;
    of_process.child = true;
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        if (!host->signals || host->signals->actions[ignored[i]].handler == SIGNAL_DEFAULT)
            sigaction(ignored[i], &action, NULL);
}

void signals_reset(struct host *host)
{
    const struct signal_action none = {.handler = SIGNAL_DEFAULT};

    if (!host->signals)
        return;
    stop_timer(host->signals);
    for (int i = 1; i <= SIGNALS_MAX; i++)
        if (host->signals->actions[i].handler != SIGNAL_DEFAULT)
            signals_set(host->signals, i, &none, true);
    signals_forget(host);
    host->signals->depth = 0;
    host->signals->raised = 0;
    signals_block(host->signals, 0);
    host->signals = NULL;
}

/* Its bit in `pending` is gone, and the kernel still holds back the next of it. */
static void deliver_one(struct host *host, int signal)
{
    struct signals *signals = host->signals;
    const struct signal_action action = signals->actions[signal];
    const struct signal_info before_info = signals->current;
    uint64_t before = signals->blocked, own = signal_bit(signal);
    const bool raised = signals->raised & own;
    const uint64_t during = before | action.mask | (action.flags & SIGNAL_NO_DEFER ? 0 : own);

    if (action.handler <= SIGNAL_IGNORE) {
        signals_block(signals, before);
        return;
    }
    signals->current = signals->infos[signal];
    signals->raised &= ~own;
    if (action.flags & SIGNAL_RESET)
        signals_set(signals, signal, &(struct signal_action){.handler = SIGNAL_DEFAULT}, true);
    if (during == (before | own) && !raised)
        signals->blocked = during;
    else
        signals_block(signals, during);
    signals->depth++;
    signals->run(host, action.handler - SIGNAL_HANDLER, signal);
    signals->depth--;
    signals->current = before_info;
    signals_block(signals, before);
}

bool signals_deliver(struct host *host, bool interrupted)
{
    struct signals *signals = host->signals;
    bool again = interrupted;
    uint64_t pending;

    while ((pending = atomic_load(&signals->pending)) != 0) {
        int signal = __builtin_ctzll(pending) + 1;
        atomic_fetch_and(&signals->pending, ~signal_bit(signal));
        again = again && (signals->actions[signal].flags & SIGNAL_RESTART);
        deliver_one(host, signal);
    }
    return again;
}

void signals_hold(const struct host *host, sigset_t *ret_wait)
{
    sigset_t mask;

    sigemptyset(ret_wait);
    if (!host->signals)
        return;
    real_mask(host->signals, ret_wait);
    mask = *ret_wait;
    if (!(host->signals->blocked & signal_bit(SIGCHLD)))
        sigdelset(ret_wait, SIGCHLD);
    for (int i = 1; i <= SIGNALS_MAX; i++)
        if (has_handler(host->signals, i) && !is_ours(i))
            sigaddset(&mask, i);
    sigaddset(&mask, SIGCHLD);
    sigprocmask(SIG_SETMASK, &mask, NULL);
}

void signals_release(const struct host *host)
{
    sigset_t mask;

    if (!host->signals)
        return;
    real_mask(host->signals, &mask);
    sigprocmask(SIG_SETMASK, &mask, NULL);
}
