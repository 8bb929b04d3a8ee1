/* Instances of a function: their states, and the calls that they have. */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "faas/gateway_pool_internal.h"

/* A caller that waited for so long may have given up, and is looked at before its call is run. */
#define GONE_LOOK_NS 100000000u

void pool_queue_remove(struct pool_call *call)
{
    struct pool_function *function = call->function;

    *(call->previous ? &call->previous->next : &function->queue_first) = call->next;
    *(call->next ? &call->next->previous : &function->queue_last) = call->previous;
    call->next = call->previous = NULL;
    function->queued--;
}

struct pool_call *pool_queue_take(struct pool_function *function)
{
    const struct pool *pool = function->pool;
    struct pool_call *call;

    while ((call = function->queue_first)) {
        if (loop_now(pool->loop) - call->waiting_since_ns < GONE_LOOK_NS ||
            !pool->actions->gone(pool->user, call)) {
            pool_queue_remove(call);
            return call;
        }
        pool_queue_fail(function, PROBLEM_GONE, "the connection was closed while the call waited");
    }
    return NULL;
}

void pool_queue_fail(struct pool_function *function, enum problem_cause cause, const char *detail)
{
    struct pool_call *call = function->queue_first;

    pool_queue_remove(call);
    function->pool->actions->fail(function->pool->user, call, cause, detail);
}

/* The idle and the busy instances of a function are a list each. */
static void list_push(struct instance **newest, struct instance **oldest, struct instance *instance)
{
    instance->newer = NULL;
    instance->older = *newest;
    *(*newest ? &(*newest)->newer : oldest) = instance;
    *newest = instance;
}

static void list_remove(struct instance **newest, struct instance **oldest,
                        struct instance *instance)
{
    *(instance->newer ? &instance->newer->older : newest) = instance->older;
    *(instance->older ? &instance->older->newer : oldest) = instance->newer;
    instance->newer = instance->older = NULL;
}

void pool_idle_push(struct instance *instance)
{
    struct pool_function *function = instance->function;

    instance->state = INSTANCE_IDLE;
    instance->idle_since_ns = loop_now(function->pool->loop);
    list_push(&function->idle_newest, &function->idle_oldest, instance);
    function->idle++;
    /* The timer is left alone while instances come and go: it looks at their times when it is
     * due. */
    if (function->idle_timer.place == 0 && function->idle > pool_spares_least(function))
        loop_timer_set(function->pool->loop, &function->idle_timer,
                       instance->idle_since_ns + function->facts.idle_ms * 1000000ull);
}

void pool_leave_state(struct instance *instance)
{
    struct pool_function *function = instance->function;

    switch (instance->state) {
    case INSTANCE_STARTING:
        function->starting--;
        break;
    case INSTANCE_IDLE:
        list_remove(&function->idle_newest, &function->idle_oldest, instance);
        function->idle--;
        break;
    case INSTANCE_BUSY:
        list_remove(&function->busy_last, &function->busy_next, instance);
        function->busy--;
        function->given -= instance->call_count;
        break;
    case INSTANCE_LEAVING:
        function->leaving--;
        break;
    }
}

static int slot_take(struct pool *pool, struct instance *instance)
{
    if (pool->free_count == 0 && pool->slots_used == pool->slot_count) {
        uint32_t count = pool->slot_count ? pool->slot_count * 2 : 64;
        struct instance **slots = realloc(pool->slots, count * sizeof(*slots));
        if (slots)
            pool->slots = slots;
        uint32_t *free_slots = realloc(pool->free_slots, count * sizeof *free_slots);
        if (free_slots)
            pool->free_slots = free_slots;
        if (!slots || !free_slots)
            return -ENOMEM;
        pool->slot_count = count;
    }
    uint32_t slot =
        pool->free_count > 0 ? pool->free_slots[--pool->free_count] : pool->slots_used++;
    pool->slots[slot] = instance;
    instance->token = (uint64_t)++pool->serial << 32 | slot;
    return 0;
}

void pool_instance_free(struct pool *pool, struct instance *instance)
{
    uint32_t slot = (uint32_t)instance->token;

    pool->actions->release(pool->user, instance);
    pool->slots[slot] = NULL;
    pool->free_slots[pool->free_count++] = slot;
    free(instance);
}

int pool_start_one(struct pool_function *function)
{
    struct pool *pool = function->pool;
    struct instance *instance = calloc(1, sizeof *instance);

    if (!instance)
        return -ENOMEM;
    instance->function = function;
    instance->state = INSTANCE_STARTING;
    instance->generation = function->facts.generation;
    instance->watch.fd = instance->meter.cpu_fd = -1;
    if (slot_take(pool, instance) < 0) {
        free(instance);
        return -ENOMEM;
    }
    function->starting++;
    pool->actions->start(pool->user, instance);
    return 0;
}

struct instance *pool_instance(struct pool *pool, uint64_t token)
{
    uint32_t slot = (uint32_t)token;

    if (slot >= pool->slots_used || !pool->slots[slot] || pool->slots[slot]->token != token)
        return NULL;
    return pool->slots[slot];
}

/* ---- calls in instances ---- */

void pool_give(struct pool_call *call, struct instance *instance)
{
    struct pool_function *function = instance->function;
    struct pool *pool = function->pool;
    uint64_t now = loop_now(pool->loop);

    pool_leave_state(instance);
    instance->state = INSTANCE_BUSY;
    list_push(&function->busy_last, &function->busy_next, instance);
    function->busy++;
    if (instance->call_count == 0)
        instance->progress_ns = now;
    call->next = NULL;
    call->previous = instance->call_last;
    *(instance->call_last ? &instance->call_last->next : &instance->call_first) = call;
    instance->call_last = call;
    function->given += ++instance->call_count;
    call->instance = instance;
    call->given_ns = now;
    /* Left alone while calls come and go: it looks at their times when it is due. */
    if (function->long_timer.place == 0)
        loop_timer_set(pool->loop, &function->long_timer, now + LONG_CALL_NS);
    pool->actions->give(pool->user, call, instance);
}

/* Takes a call out of its instance. */
static void detach(struct pool_call *call)
{
    struct instance *instance = call->instance;

    *(call->previous ? &call->previous->next : &instance->call_first) = call->next;
    *(call->next ? &call->next->previous : &instance->call_last) = call->previous;
    call->next = call->previous = NULL;
    call->instance = NULL;
    instance->call_count--;
    if (instance->state == INSTANCE_BUSY)
        instance->function->given--;
}

struct pool_call *pool_detach(struct instance *instance)
{
    struct pool_call *call = instance->call_first;

    if (call)
        detach(call);
    return call;
}

void pool_take_back(struct pool *pool, struct instance *instance, uint32_t keep)
{
    struct pool_function *function = instance->function;

    while (instance->call_count > keep && pool->actions->take_back(pool->user, instance)) {
        struct pool_call *call = instance->call_last;
        detach(call);
        call->next = function->queue_first;
        *(function->queue_first ? &function->queue_first->previous : &function->queue_last) = call;
        function->queue_first = call;
        function->queued++;
    }
}
