/*
 * Module "vireo": signal, sigmask, sigpending, sigsuspend, sigwait, siginfo, sigqueue, raise,
 * timer, for sources by include/vireo/posix/signal.h. A signal of another process, and one's own,
 * reaches only what may fork; without that grant handlers are there for raise() alone.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "guest/family.h"
#include "guest/library.h"
#include "guest/linker.h"
#include "guest/signals.h"
#include "guest/template.h"
#include "guest/wasi_internal.h"
#include "guest/wasm_internal.h"

#define VIREO(name) Z_vireoZ_##name

uint32_t VIREO(signal)(struct host *host, uint32_t number, uint32_t handler, uint32_t flags,
                       uint64_t mask, uint32_t ret_former);
uint32_t VIREO(sigmask)(struct host *host, uint32_t how, uint64_t set, uint32_t ret_former);
uint32_t VIREO(sigsuspend)(struct host *host, uint64_t blocked);
uint32_t VIREO(raise)(struct host *host, uint32_t number);
uint32_t VIREO(sigpending)(struct host *host, uint32_t ret_set);
uint32_t VIREO(sigwait)(struct host *host, uint64_t set, uint64_t timeout_ns, uint32_t ret_info);
uint32_t VIREO(timer)(struct host *host, uint64_t value_us, uint64_t interval_us,
                      uint32_t ret_former);
uint32_t VIREO(siginfo)(struct host *host, uint32_t ret_info);
uint32_t VIREO(sigqueue)(struct host *host, uint32_t pid, uint32_t number, uint32_t value);

/* What is written of a signal that was waited for. */
struct guest_signal {
    int32_t signal, code, pid;
};

/* What is written of the one whose handler runs. */
struct guest_info {
    int32_t code, pid, status, value;
};

/* What is written of a timer. */
struct guest_timer {
    uint64_t value_us, interval_us;
};

/* What is written of the action before. */
struct guest_action {
    uint32_t handler, flags;
    uint64_t mask;
};

enum { HOW_BLOCK, HOW_UNBLOCK, HOW_SET, HOW_NOTHING };

static uint32_t refuse(int error)
{
    return (uint32_t) - (int)wasi_errno_from(error);
}

static bool may_be_sent(const struct host *host)
{
    return host->family && (host->family->grants & GUEST_GRANT_FORK);
}

/* What call_indirect would do, with its trap. */
static void run_handler(struct host *host, uint32_t handler, int signal)
{
    const struct library_face *face = library_face(host->library);
    const wasm_rt_funcref_table_t *table = face->table ? face->table(host->instance) : NULL;
    uint32_t type = wasm_type_number("i:");

    if (!table || handler >= table->size || !type || !table->data[handler].func ||
        table->data[handler].func_type != type)
        wasm_trap_at("a signal's handler is no function of that type",
                     (uintptr_t)__builtin_return_address(0));
    const wasm_rt_funcref_t *entry = &table->data[handler];
    ((void (*)(void *, uint32_t))entry->func)(entry->module_instance, (uint32_t)signal);
}

static struct signals *signals_of(struct host *host)
{
    return host->signals ? host->signals : signals_open(host, run_handler, NULL);
}

/* System calls: rt_sigaction, rt_sigprocmask. */
uint32_t VIREO(signal)(struct host *host, uint32_t number, uint32_t handler, uint32_t flags,
                       uint64_t mask, uint32_t ret_former)
{
    const uint32_t known = SIGNAL_NO_CHILD_STOP | SIGNAL_RESTART | SIGNAL_NO_DEFER | SIGNAL_RESET;
    void *ret = host_memory(host, ret_former, sizeof(struct guest_action));
    const struct signal_action action = {handler, flags & known, mask};
    struct signals *signals = signals_of(host);

    if (number < 1 || number > SIGNALS_MAX)
        return refuse(EINVAL);
    if (ret_former && !ret)
        return refuse(EFAULT);
    const struct signal_action *now = &signals->actions[number];
    const struct guest_action former = {now->handler, now->flags, now->mask};
    /* UINT32_MAX: it is only asked. */
    int r =
        handler == UINT32_MAX ? 0 : signals_set(signals, (int)number, &action, may_be_sent(host));
    if (r < 0)
        return refuse(-r);
    if (ret_former)
        memcpy(ret, &former, sizeof former);
    return 0;
}

/* System call: rt_sigprocmask. */
uint32_t VIREO(sigmask)(struct host *host, uint32_t how, uint64_t set, uint32_t ret_former)
{
    struct signals *signals = signals_of(host);
    void *ret = host_memory(host, ret_former, 8);
    uint64_t former = signals->blocked;

    if (how > HOW_NOTHING)
        return refuse(EINVAL);
    if (ret_former && !ret)
        return refuse(EFAULT);
    if (ret_former)
        memcpy(ret, &former, 8);
    if (how == HOW_BLOCK)
        signals_block(signals, former | set);
    else if (how == HOW_UNBLOCK)
        signals_block(signals, former & ~set);
    else if (how == HOW_SET)
        signals_block(signals, set);
    signals_after(host, false);
    return 0;
}

/* Until a handler has run: EINTR. System calls: rt_sigprocmask, ppoll. */
uint32_t VIREO(sigsuspend)(struct host *host, uint64_t blocked)
{
    struct signals *signals = signals_of(host);
    uint64_t before = signals->blocked;

    if (!may_be_sent(host))
        return refuse(EPERM);
    signals_block(signals, blocked);
    while (!signals_wait(host))
        signals_call(host, SYS_ppoll, 0, 0, 0, 0, 0);
    signals_deliver(host, false);
    signals_block(signals, before);
    return refuse(EINTR);
}

/* 1: it was handled, or ignored; 0: its default action is the caller's. */
uint32_t VIREO(raise)(struct host *host, uint32_t number)
{
    struct signals *signals = signals_of(host);

    if (number < 1 || number > SIGNALS_MAX)
        return refuse(EINVAL);
    if (signals->actions[number].handler == SIGNAL_DEFAULT)
        return 0;
    if (signals->actions[number].handler == SIGNAL_IGNORE)
        return 1;
    signals_note(signals, (int)number, may_be_sent(host) ? getpid() : 1);
    signals_after(host, false);
    return 1;
}

/* Blocked ones that wait to be handled. System call: rt_sigpending. */
uint32_t VIREO(sigpending)(struct host *host, uint32_t ret_set)
{
    struct signals *signals = signals_of(host);
    void *ret = host_memory(host, ret_set, 8);
    uint64_t set = 0;

    if (!ret)
        return refuse(EFAULT);
    if (may_be_sent(host) && syscall(SYS_rt_sigpending, &set, sizeof set) < 0)
        return refuse(errno);
    set = signals_waitable(set & signals->blocked) | signals->held;
    memcpy(ret, &set, sizeof set);
    return 0;
}

/*
 * Takes one of a set of blocked signals: its number. timeout_ns UINT64_MAX: none. EAGAIN: none
 * came; EINTR: the handler of another ran. System call: rt_sigtimedwait.
 */
uint32_t VIREO(sigwait)(struct host *host, uint64_t set, uint64_t timeout_ns, uint32_t ret_info)
{
    struct signals *signals = signals_of(host);
    void *ret = host_memory(host, ret_info, sizeof(struct guest_signal));
    const struct timespec timeout = {(time_t)(timeout_ns / 1000000000),
                                     (long)(timeout_ns % 1000000000)};
    const uint64_t waited = signals_waitable(set);
    siginfo_t info = {0};

    if (ret_info && !ret)
        return refuse(EFAULT);
    if (!may_be_sent(host))
        return refuse(EPERM);
    long signal = signals_take_held(signals, set);
    if (signal == 0)
        signal = signals_call(host, SYS_rt_sigtimedwait, (long)&waited, (long)&info,
                              timeout_ns == UINT64_MAX ? 0 : (long)&timeout, sizeof waited, 0);
    if (signal < 0) {
        signals_after(host, true);
        return refuse((int)-signal);
    }
    if (info.si_signo != 0)
        signals->current = (struct signal_info){
            .code = info.si_code,
            .pid = info.si_pid,
            .status = info.si_signo == SIGCHLD ? info.si_status : 0,
            .value = info.si_code == SI_QUEUE ? (uintptr_t)info.si_value.sival_ptr : 0,
        };
    const struct guest_signal taken = {(int32_t)signal, signals->current.code,
                                       signals->current.pid};
    /* A handler may have made the memory grow, but it lies where it lay. */
    if (ret)
        memcpy(ret, &taken, sizeof taken);
    return (uint32_t)signal;
}

/* SIGALRM after so many microseconds (0: not any more), and again. System call: setitimer. */
uint32_t VIREO(timer)(struct host *host, uint64_t value_us, uint64_t interval_us,
                      uint32_t ret_former)
{
    struct signals *signals = signals_of(host);
    void *ret = host_memory(host, ret_former, sizeof(struct guest_timer));
    const struct itimerval wanted = {
        {(time_t)(interval_us / 1000000), (suseconds_t)(interval_us % 1000000)},
        {(time_t)(value_us / 1000000), (suseconds_t)(value_us % 1000000)}};
    struct itimerval former;

    if (ret_former && !ret)
        return refuse(EFAULT);
    if (!may_be_sent(host))
        return refuse(EPERM);
    if (setitimer(ITIMER_REAL, &wanted, &former) < 0)
        return refuse(errno);
    signals->timer = true;
    const struct guest_timer before = {
        (uint64_t)former.it_value.tv_sec * 1000000 + (uint64_t)former.it_value.tv_usec,
        (uint64_t)former.it_interval.tv_sec * 1000000 + (uint64_t)former.it_interval.tv_usec};
    if (ret)
        memcpy(ret, &before, sizeof before);
    signals_after(host, false);
    return 0;
}

/* Of the signal whose handler runs, or that was waited for last. */
uint32_t VIREO(siginfo)(struct host *host, uint32_t ret_info)
{
    const struct signal_info *known = host->signals ? &host->signals->current : NULL;
    void *ret = host_memory(host, ret_info, sizeof(struct guest_info));

    if (!ret)
        return refuse(EFAULT);
    const struct guest_info info = {
        known ? known->code : 0,
        known ? known->pid : 0,
        known ? known->status : 0,
        known ? (int32_t)known->value : 0,
    };
    memcpy(ret, &info, sizeof info);
    return 0;
}

/*
 * As sigqueue(3): kill with a number that goes with it. Whom it may reach, the pid namespace says.
 * System calls: getpid, rt_sigqueueinfo.
 */
uint32_t VIREO(sigqueue)(struct host *host, uint32_t pid, uint32_t number, uint32_t value)
{
    siginfo_t info = {.si_signo = (int)number, .si_code = SI_QUEUE};

    if (!may_be_sent(host))
        return refuse(EPERM);
    if (number > SIGNALS_MAX)
        return refuse(EINVAL);
    info.si_pid = getpid();
    info.si_value.sival_int = (int)value;
    uint32_t result =
        syscall(SYS_rt_sigqueueinfo, (pid_t)pid, (int)number, &info) < 0 ? refuse(errno) : 0;
    signals_after(host, false);
    return result;
}
