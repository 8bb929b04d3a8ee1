/*
 * Functions, their instances and the calls that wait for one: who serves which call, when another
 * instance is wanted and when one is to go. Pure policy: what is to be done is told through
 * struct pool_actions, time comes from the loop. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "faas/gateway_channel.h"
#include "faas/gateway_loop.h"
#include "faas/gateway_meter.h"
#include "faas/metrics.h"
#include "faas/problem.h"
#include "faas/protocol.h"

struct copy;
struct err;
struct pool;

enum instance_state {
    INSTANCE_STARTING = 1,
    INSTANCE_IDLE,
    INSTANCE_BUSY,
    INSTANCE_LEAVING, /* told to stop, or ends by itself: waits for GATEWAY_ENDED */
};

struct pool_call;

/* An instance, from the wish for it until GATEWAY_ENDED. */
struct instance {
    uint64_t token;
    struct pool_function *function;
    struct instance *newer, *older; /* among the idle ones, or among the busy ones */
    /* In its channel, in order; the first is being run. One that is leaving may still have some. */
    struct pool_call *call_first, *call_last;
    uint32_t call_count;
    enum instance_state state;
    uint32_t generation;
    uint32_t start_kind; /* enum gateway_start_kind */
    uint32_t start_us;
    uint32_t answers;     /* so far */
    uint64_t progress_ns; /* when its first call came to be the first */
    bool background;      /* it leaves the CPU to those of shorter calls */
    uint64_t pvm_id;
    uint64_t idle_since_ns;

    /* The gateway's: gateway_calls.c. */
    struct channel_port port; /* port.channel is NULL until GATEWAY_STARTED */
    struct loop_watch watch;  /* its eventfd, or fd -1 */
    void *gateway;
    struct instance *polled_next, *polled_previous; /* in calls->polled */
    bool polled;                                    /* its channel is looked at in each round */
    uint32_t events_unused; /* events without an answer since its last one */
    uint64_t log_read;
    struct loop_timer large_timer; /* set: its large areas hold something */
    struct copy *copy;             /* of a large body into its channel or out of it */
    struct meter meter;
};

/* A call, from its complete request until its answer. The first member of the gateway's struct. */
struct pool_call {
    struct pool_call *next, *previous; /* in the function's queue, or in its instance's channel */
    struct pool_function *function;
    struct instance *instance; /* NULL while it waits */
    uint64_t waiting_since_ns, given_ns;
};

struct pool_function {
    struct pool_function *next_by_name, *next_by_id;
    struct gateway_function facts;
    bool gone;
    bool starts_fail; /* the last start failed: no spares until one succeeds */
    uint32_t starting, idle, busy, leaving;
    struct instance *idle_newest, *idle_oldest;
    struct instance *busy_next, *busy_last; /* that is given a call next, and last */
    uint32_t given;                         /* calls that are in busy instances */
    struct pool_call *queue_first, *queue_last;
    uint32_t queued;
    uint64_t arrival_ns, between_ns; /* the last call's; moving average of the time between two */
    uint64_t service_ns;             /* moving average of a call's time in an instance */
    struct loop_timer idle_timer, grow_timer, long_timer;
    struct pool *pool;
    struct function_counters counters;
    /* The gateway's own. */
    uint64_t refusal_ns;              /* when the last refusal was due */
    uint64_t output_ns;               /* its output has used its rate up to this time */
    uint64_t dropped_untold, told_ns; /* output that was dropped, and when its log was told last */
};

struct pool_actions {
    /* Ask for an instance / for its end. */
    void (*start)(void *user, struct instance *instance);
    void (*stop)(void *user, struct instance *instance, enum gateway_stop_reason reason);
    /* Have it run in the background or foreground from now. */
    void (*ground)(void *user, struct instance *instance, bool background);
    /* Write the call into the instance's channel. call->instance is set. */
    void (*give)(void *user, struct pool_call *call, struct instance *instance);
    /* Take the call that was given last back; false when the instance has begun it. */
    bool (*take_back)(void *user, struct instance *instance);
    /* Take the answers that the instance has given without telling; true when it is running the
     * first of what it still has. */
    bool (*look)(void *user, struct instance *instance);
    /* Nobody waits for its answer any more. Costs a system call. */
    bool (*gone)(void *user, struct pool_call *call);
    /* The call can't be served. It is in no queue and has no instance any more. */
    void (*fail)(void *user, struct pool_call *call, enum problem_cause cause, const char *detail);
    /* Lets the instance's channel and eventfd go; the instance is freed by the pool. */
    void (*release)(void *user, struct instance *instance);
};

int pool_new(struct loop *loop, const struct pool_actions *actions, void *user,
             struct pool **ret_pool, struct err *err);
/* Releases every instance; calls that still wait are forgotten. NULL is fine. */
void pool_free(struct pool *pool);

/* ---- what the supervisor says ---- */

/* A new function, or a change of one: instances of older generations leave. -ENOMEM, -E2BIG. */
int pool_function_set(struct pool *pool, const struct gateway_function *facts, struct err *err);
void pool_function_gone(struct pool *pool, uint32_t function_id);
/*
 * The instance of a token, or NULL. Afterwards the gateway attaches the channel and calls
 * pool_started().
 */
struct instance *pool_instance(struct pool *pool, uint64_t token);
void pool_started(struct pool *pool, struct instance *instance,
                  const struct gateway_started *started);
/* Its code is of a newer generation now; what it holds has stayed. */
void pool_updated(struct pool *pool, const struct gateway_updated *updated);
/* The instance is no more. Calls that it had have been answered by the gateway or taken back. */
void pool_ended(struct pool *pool, struct instance *instance, const struct gateway_ended *ended);
/* From now on spares are prepared (GATEWAY_READY). */
void pool_ready(struct pool *pool);

/* ---- what callers do ---- */

struct pool_function *pool_function_find(struct pool *pool, const char *name, size_t bytes);
/* How many instances are to be ready, by its policy. */
uint32_t pool_spares(const struct pool_function *function, uint64_t now_ns);
/* And at least, whatever comes. */
static inline uint32_t pool_spares_least(const struct pool_function *function)
{
    return function->facts.spares_by_rate ? 0 : function->facts.spares;
}
/* The nearest name, or NULL when none is near. */
const char *pool_suggest(const struct pool *pool, const char *name, size_t bytes);
/*
 * Gives the call to an idle instance at once, else behind others to a busy one whose calls are
 * short, else queues it. -EBUSY: the queue is full, nothing was done. The call is the pool's until
 * give() or fail(), or pool_withdraw(); one that was given may be queued again until it is begun.
 */
int pool_submit(struct pool *pool, struct pool_function *function, struct pool_call *call);
/* Takes a waiting call out of its queue. */
void pool_withdraw(struct pool *pool, struct pool_call *call);
/*
 * The instance has answered its first call, which is detached. `finished`: it ends by itself.
 * Returns true when it has further calls or was given some at once.
 */
bool pool_answered(struct pool *pool, struct instance *instance, bool finished);
/* Of a start that failed with this -errno: "busy" when the machine has too little of something now
 * and a later call may find it, else "start". */
enum problem_cause pool_start_cause(int error);
/*
 * An instance was started and can't be used here (-errno, `message`): it is stopped, and a call
 * that waits for it is answered. Its GATEWAY_ENDED is yet to come.
 */
void pool_lost(struct pool *pool, struct instance *instance, int error, const char *message);
/*
 * The instance is to be ended, whatever it does. Its first call, which the caller answers, is
 * detached; the others wait for another instance, but for those that were begun.
 */
void pool_stop(struct pool *pool, struct instance *instance, enum gateway_stop_reason reason);
/* An instance that ends: its calls behind the first `keep` wait for another, unless begun. */
void pool_take_back(struct pool *pool, struct instance *instance, uint32_t keep);
/* The first call of an instance is detached: answered without the instance. NULL: it has none. */
struct pool_call *pool_detach(struct instance *instance);
/* Whole seconds after which a refused caller may try again. */
unsigned pool_retry_after(const struct pool_function *function);

unsigned pool_function_count(const struct pool *pool);
/* Calls `each` for every function that is not gone; stops at its first non-zero return. */
int pool_each(struct pool *pool, int (*each)(struct pool_function *function, void *user),
              void *user);
