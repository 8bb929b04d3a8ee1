/*
 * Module "vireo": signal, sigmask, sigsuspend, raise, for sources by include/vireo/posix/signal.h.
 * A signal of another process, and one's own, reaches only what may fork; without that grant
 * handlers are there for raise() alone.
 */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
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
    return host->signals ? host->signals : signals_open(host, run_handler);
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
    if (signals->blocked & signal_bit((int)number))
        signals->held |= signal_bit((int)number);
    else
        atomic_fetch_or(&signals->pending, signal_bit((int)number));
    signals_after(host, false);
    return 1;
}
