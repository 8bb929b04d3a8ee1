/* Shared by gateway_pool.c, gateway_functions.c and gateway_instances.c, and nobody else's. */
#pragma once

#include "faas/gateway_pool.h"

#define BUCKETS 4096 /* of each hash; a power of two */
/* A call that runs longer than this goes on in the background. */
#define LONG_CALL_NS 10000000u

struct pool {
    struct loop *loop;
    const struct pool_actions *actions;
    void *user;
    bool ready;
    uint32_t function_count;
    struct pool_function *by_name[BUCKETS], *by_id[BUCKETS];
    /* A token is a slot here and a serial number above it, so that an old token finds nothing. */
    struct instance **slots;
    uint32_t slot_count, slots_used;
    uint32_t *free_slots;
    uint32_t free_count;
    uint32_t serial;
    /* Calls of more than one function have come lately. */
    uint64_t shared_until_ns;
    uint32_t called_last; /* the function, by its id; 0: none yet */
};

/* gateway_functions.c */

/* Instances of the function, in any state. */
uint32_t pool_live(const struct pool_function *function);
/* Of a version before: one that was updated in place may be ahead of what is told of its function.
 */
static inline bool pool_is_old(const struct instance *instance)
{
    return instance->generation < instance->function->facts.generation;
}
/* A function that is gone is freed when its last instance is. */
void pool_function_let_go(struct pool_function *function);

/* gateway_instances.c: one step each; what follows from it is gateway_pool.c's. */

/* Out of the queue of its function. */
void pool_queue_remove(struct pool_call *call);
/* Takes the first that somebody still waits for; the others before it are answered with a problem.
 */
struct pool_call *pool_queue_take(struct pool_function *function);
/* The first of the queue is answered with a problem. */
void pool_queue_fail(struct pool_function *function, enum problem_cause cause, const char *detail);
/* Takes the instance out of its present state's count and list. */
void pool_leave_state(struct instance *instance);
/* It has left its state before. */
void pool_idle_push(struct instance *instance);
/* Asks for an instance. -ENOMEM. */
int pool_start_one(struct pool_function *function);
void pool_instance_free(struct pool *pool, struct instance *instance);
/* To an idle instance, one that has just begun, or a busy one with room. */
void pool_give(struct pool_call *call, struct instance *instance);

/* gateway_pool.c */

/*
 * Gives waiting calls to instances with room and asks for more where they are worth it. Called
 * whenever something changed; in a steady state it finds nothing to do after a few comparisons.
 */
void pool_balance(struct pool_function *function);
void pool_idle_expired(struct loop_timer *timer);
void pool_grow_expired(struct loop_timer *timer);
/* Calls that run for long go on in the background. */
void pool_long_expired(struct loop_timer *timer);
