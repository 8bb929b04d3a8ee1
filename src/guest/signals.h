/*
 * Signals that a function's code has handlers for. A signal is noted where it finds the process;
 * the handler, which is translated code, runs at the end of the next host function that the code
 * calls: only there are the code's own variables and stack pointer what it takes them for. What
 * waits in the kernel is interrupted, and never begins to wait once a signal has been noted.
 *
 * One thread; one in a process.
 */
#pragma once

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "guest/host.h"

#define SIGNALS_MAX 64

/* What a handler is set with: the bits of include/vireo/posix/signal.h. */
#define SIGNAL_NO_CHILD_STOP 1u
#define SIGNAL_NO_CHILD_WAIT 2u /* native code alone */
#define SIGNAL_RESTART 0x10000000u
#define SIGNAL_NO_DEFER 0x40000000u
#define SIGNAL_RESET 0x80000000u

/* What is done, else the index of a function in the module's table and SIGNAL_HANDLER. */
#define SIGNAL_DEFAULT 0u
#define SIGNAL_IGNORE 1u
#define SIGNAL_HANDLER 2u

struct signal_action {
    uint32_t handler, flags;
    uint64_t mask; /* bit 0: signal 1 */
};

/* What is known of one that came. */
struct signal_info {
    int32_t code, pid, status;
    uintptr_t value; /* of sigqueue(); translated code has its lower half */
};

struct signals {
    _Atomic uint64_t pending; /* noted, to be handled; written by the process's handler, too */
    uint64_t held;            /* noted, and blocked since */
    uint64_t blocked;
    uint32_t depth; /* handlers that run */
    bool timer;     /* one was set */
    bool child;     /* the process was forked by the code */
    struct signal_action actions[SIGNALS_MAX + 1];
    /* By the process's handler, of one that was noted, which the kernel holds back then. */
    struct signal_info infos[SIGNALS_MAX + 1];
    uint64_t raised;            /* noted by the code itself: the kernel holds none of these back */
    struct signal_info current; /* of the one whose handler runs, or that was waited for last */
    /* Runs the function of that index; may leave the guest's code for good. */
    void (*run)(struct host *host, uint32_t handler, int signal);
    /* Of native code, else NULL: whether it runs, outside of all host functions. Then a handler
     * runs at once, on its stack, as on UNIX. Async-signal-safe. */
    bool (*in_code)(void);
    struct host *host;
};

static inline uint64_t signal_bit(int signal)
{
    return UINT64_C(1) << (signal - 1);
}

/* There is a handler to run: a wait ends with EINTR. */
static inline bool signals_wait(const struct host *host)
{
    return host->signals && atomic_load_explicit(&host->signals->pending, memory_order_relaxed);
}

/*
 * A system call that may wait, with five arguments at most: its result, or -errno. -EINTR without a
 * call when a signal has been noted, also just before it.
 */
long signals_call(const struct host *host, long number, long a, long b, long c, long d, long e);

/*
 * At the end of a host function: runs the handlers of what was noted. True: the function was
 * interrupted by signals whose handlers ask that it begin again (SA_RESTART). Memory may have
 * grown.
 */
bool signals_deliver(struct host *host, bool interrupted);
static inline bool signals_after(struct host *host, bool interrupted)
{
    return signals_wait(host) && signals_deliver(host, interrupted);
}

/* The process's; host->signals is it afterwards. */
struct signals *signals_open(struct host *host, void (*run)(struct host *, uint32_t, int),
                             bool (*in_code)(void));
/* Sets an action; `real`: of the process, not only for raise(). -EINVAL: can't be handled. */
int signals_set(struct signals *signals, int signal, const struct signal_action *action, bool real);
void signals_block(struct signals *signals, uint64_t blocked);
/* Takes one of `set` that was noted while it was blocked; 0: there is none. */
int signals_take_held(struct signals *signals, uint64_t set);
/* What of `set` the kernel may be asked to wait for: the rest is the guest's own. */
uint64_t signals_waitable(uint64_t set);
/* As if it had come from the process itself, whose number this is. */
void signals_note(struct signals *signals, int signal, int32_t pid);
/* A command begins anew. */
void signals_reset(struct host *host);
/* The code was left for good, perhaps from within handlers; what goes on has this blocked. */
void signals_leave(struct signals *signals, uint64_t blocked);
/* A child has just been forked: it keeps actions and mask, not what waits. */
void signals_forget(struct host *host);
/*
 * In a child: what the template ignores for all its processes ends it, as elsewhere, SIGPIPE and
 * SIGXFSZ, unless its code says otherwise. (The first of a family goes on, as process 1 does.)
 * System call: rt_sigaction. Async-signal-safe.
 */
void signals_as_child(const struct host *host);

/* Blocks what has handlers, so that a wait with `ret_wait` for its mask misses none. */
void signals_hold(const struct host *host, sigset_t *ret_wait);
void signals_release(const struct host *host);
