/* Who serves which call, when another instance is wanted and when one is to go. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "faas/gateway_pool_internal.h"

/* A second instance is worth its start (about 0.3 ms) when the wait is longer than this. */
#define WORTH_A_START_NS 1000000u
/* So much work may lie in an instance's channel. */
#define GIVEN_AHEAD_NS 500000u
/* So many calls at most, so that a channel always has room: those that were withdrawn keep their
 * places until the instance has passed them, and there are fewer of them than this. */
#define GIVEN_MAX (CHANNEL_SLOTS / 2)
/* Waiting for so much is no longer than waking an idle instance takes, and costs less. */
#define WAKE_NS 60000u
/* A spare that a call took is replaced after this. */
#define REPLACE_AFTER_NS 5000000u
/* Before calls that perhaps run for long are looked at once more. */
#define LOOK_AGAIN_NS 2000000u
/*
 * While other functions have calls too, one function has so many short calls in its instances, and
 * the rest wait in its queue. The gateway takes all that came in turn: callers of one function that
 * ask again at once, 64 of them, would else make each other function's call wait for 64 of theirs.
 */
#define TURN_CALLS 4
/* So long after calls of two functions came. */
#define SHARED_NS 1000000000u
/* What a call is taken to need before the first was measured. */
#define SERVICE_GUESS_NS 200000u

DEFINE_CLEANUP(struct pool, pool_free)

int pool_new(struct loop *loop, const struct pool_actions *actions, void *user,
             struct pool **ret_pool, struct err *err)
{
    struct pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return err_set(err, -ENOMEM, "cannot make the pool of instances");
    pool->loop = loop;
    pool->actions = actions;
    pool->user = user;
    *ret_pool = pool;
    return 0;
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    for (uint32_t i = 0; i < pool->slots_used; i++) {
        if (!pool->slots[i])
            continue;
        pool->actions->release(pool->user, pool->slots[i]);
        free(pool->slots[i]);
    }
    for (size_t i = 0; i < BUCKETS; i++) {
        struct pool_function *next;
        for (struct pool_function *f = pool->by_id[i]; f; f = next) {
            next = f->next_by_id;
            loop_timer_clear(pool->loop, &f->idle_timer);
            loop_timer_clear(pool->loop, &f->grow_timer);
            loop_timer_clear(pool->loop, &f->long_timer);
            free(f);
        }
    }
    free(pool->slots);
    free(pool->free_slots);
    free(pool);
}

/* It serves no further call; those that it has not begun wait for another. */
static void leave(struct pool *pool, struct instance *instance)
{
    pool_leave_state(instance);
    instance->state = INSTANCE_LEAVING;
    instance->function->leaving++;
    pool_take_back(pool, instance, 0);
}

/* How many calls an instance may have. */
static uint32_t depth(const struct pool_function *function)
{
    if (function->facts.per_request || function->service_ns == 0)
        return 1;
    uint64_t ahead = GIVEN_AHEAD_NS / function->service_ns;
    return ahead >= GIVEN_MAX ? GIVEN_MAX : ahead > 0 ? (uint32_t)ahead : 1;
}

/* Its turn is over until it is answered: `most` is its depth. */
static bool has_had_turn(const struct pool_function *function, uint32_t most)
{
    const struct pool *pool = function->pool;

    return most > 1 && function->given >= TURN_CALLS &&
           loop_now(pool->loop) < pool->shared_until_ns;
}

/* What is in it is done sooner than an idle instance would have woken. */
static bool is_soon_done(const struct instance *busy, uint32_t most)
{
    return busy && busy->call_count < most && !pool_is_old(busy) &&
           (uint64_t)busy->call_count * busy->function->service_ns <= WAKE_NS;
}

/* The instance that a call is given to now, or NULL: it waits. */
static struct instance *with_room(const struct pool_function *function)
{
    struct instance *idle = function->idle_newest;
    uint32_t most = depth(function);

    if (most == 1)
        return idle;
    /* A full queue is not held back: nobody is refused while there is room. */
    if (has_had_turn(function, most) && function->queued < function->facts.queue_max)
        return NULL;
    /* That of the last call first: calls that come together are one batch of one instance. */
    if (is_soon_done(function->busy_last, most))
        return function->busy_last;
    struct instance *busy = function->busy_next;
    if (is_soon_done(busy, most))
        return busy;
    /* Each in its turn: where the next has no room, the others hardly have. */
    if (!idle && busy && busy->call_count < most && !pool_is_old(busy))
        return busy;
    return idle;
}

void pool_updated(struct pool *pool, const struct gateway_updated *updated)
{
    struct instance *instance = pool_instance(pool, updated->token);

    if (instance && instance->generation < updated->generation)
        instance->generation = updated->generation;
}

void pool_started(struct pool *pool, struct instance *instance,
                  const struct gateway_started *started)
{
    struct pool_function *function = instance->function;

    instance->pvm_id = started->pvm_id;
    instance->start_kind = started->start_kind;
    instance->start_us = started->start_us;
    instance->generation = started->generation;
    metrics_observe(&function->counters.init, metrics_bounds_us, started->start_us, 1);
    if (instance->state != INSTANCE_STARTING)
        return; /* stopped meanwhile: its GATEWAY_ENDED is on its way */
    function->starts_fail = false;
    if (function->gone || pool_is_old(instance)) {
        pool_stop(pool, instance, GATEWAY_STOP_OLD);
        pool_balance(function);
        return;
    }
    struct pool_call *call = pool_queue_take(function);
    if (call) {
        pool_give(call, instance);
        pool_balance(function);
    } else {
        pool_leave_state(instance);
        pool_idle_push(instance);
    }
}

enum problem_cause pool_start_cause(int error)
{
    static const int shortages[] = {EAGAIN, EMFILE, ENFILE, ENOMEM, ENOBUFS, EBUSY};

    for (size_t i = 0; i < ARRAY_LEN(shortages); i++)
        if (error == -shortages[i])
            return PROBLEM_BUSY;
    return PROBLEM_START;
}

/* One wish, one call; but when nothing else is there to serve the others, none waits. */
static void start_failed(struct pool_function *function, int error, const char *message)
{
    enum problem_cause cause = pool_start_cause(error);
    char detail[sizeof((struct gateway_ended *)0)->message + 32];

    snprintf(detail, sizeof detail, "cannot start an instance: %.*s", (int)sizeof detail - 32,
             message);
    function->starts_fail = true;
    if (function->queue_first)
        pool_queue_fail(function, cause, detail);
    if (!function->facts.per_request && function->starting + function->busy == 0)
        while (function->queue_first)
            pool_queue_fail(function, cause, detail);
}

void pool_lost(struct pool *pool, struct instance *instance, int error, const char *message)
{
    struct pool_function *function = instance->function;

    if (instance->state != INSTANCE_STARTING)
        return; /* stopped meanwhile */
    pool_stop(pool, instance, GATEWAY_STOP_OLD);
    start_failed(function, error, message);
}

void pool_ended(struct pool *pool, struct instance *instance, const struct gateway_ended *ended)
{
    struct pool_function *function = instance->function;
    bool failed = ended->end == GATEWAY_END_NOT_STARTED;

    assert(!instance->call_first);
    pool_leave_state(instance);
    pool_instance_free(pool, instance);
    if (failed)
        start_failed(function, ended->status, ended->message);
    pool_balance(function);
    pool_function_let_go(function);
}

void pool_stop(struct pool *pool, struct instance *instance, enum gateway_stop_reason reason)
{
    bool was_busy = instance->state == INSTANCE_BUSY;

    pool_detach(instance);
    if (instance->state == INSTANCE_LEAVING)
        return;
    leave(pool, instance);
    pool->actions->stop(pool->user, instance, reason);
    if (was_busy)
        pool_balance(instance->function); /* others may have counted on it */
}

/* ---- policy ---- */

/* As many are kept ready by rate as calls come within so long. */
#define READY_FOR_NS 1000000000ull

/* The moving average of the time between two calls. */
static void note_arrival(struct pool_function *function, uint64_t now_ns)
{
    uint64_t between_ns = now_ns - function->arrival_ns;

    if (function->arrival_ns)
        function->between_ns =
            function->between_ns ? (7 * function->between_ns + between_ns) / 8 : between_ns;
    function->arrival_ns = now_ns;
}

uint32_t pool_spares(const struct pool_function *function, uint64_t now_ns)
{
    const struct gateway_function *facts = &function->facts;

    if (!facts->spares_by_rate)
        return facts->spares;
    if (function->between_ns == 0)
        return 0;
    /* Nobody calls any more: what was is no longer so. */
    uint64_t silence_ns = now_ns - function->arrival_ns;
    uint64_t between_ns = silence_ns > function->between_ns ? silence_ns : function->between_ns;
    uint64_t count = READY_FOR_NS / between_ns;
    return count < facts->spares ? (uint32_t)count : facts->spares;
}

/* How many instances more are wanted now, apart from their limit. */
static uint32_t wanted(const struct pool_function *function)
{
    const struct gateway_function *facts = &function->facts;
    uint32_t waiting = function->queued + (function->given - function->busy);
    bool prepare = function->pool->ready && !function->starts_fail;
    uint32_t spares = prepare ? pool_spares(function, loop_now(function->pool->loop)) : 0;
    uint32_t coming = function->starting + function->idle;

    if (facts->per_request) {
        uint32_t goal = function->queued + spares;
        return goal > coming ? goal - coming : 0;
    }
    uint32_t serving = coming + function->busy;
    if (serving < spares)
        return spares - serving;
    if (waiting <= function->starting)
        return 0;
    if (serving == 0)
        return 1;
    uint64_t service_ns = function->service_ns ? function->service_ns : SERVICE_GUESS_NS;
    return service_ns * waiting / serving > WORTH_A_START_NS ? 1 : 0;
}

void pool_balance(struct pool_function *function)
{
    struct instance *instance;
    struct pool_call *call;

    while (function->gone && function->queue_first)
        pool_queue_fail(function, PROBLEM_NOT_FOUND, "the function was removed");
    if (function->gone)
        return;
    while ((instance = with_room(function)) && (call = pool_queue_take(function)))
        pool_give(call, instance);

    uint32_t room = function->facts.instances_max;
    room = room > pool_live(function) ? room - pool_live(function) : 0;
    uint32_t count = wanted(function);
    for (uint32_t i = 0; i < count && i < room; i++)
        if (pool_start_one(function) < 0)
            break;

    /* The estimate may be wrong (one call that takes long): look again when the first has waited.
     */
    bool waiting = function->given > function->busy || (function->queue_first && room > count);
    if (waiting && !function->facts.per_request && function->grow_timer.place == 0)
        loop_timer_set(function->pool->loop, &function->grow_timer,
                       loop_now(function->pool->loop) + WORTH_A_START_NS);
}

/* Calls behind one that takes long go back to the queue: nothing says that the rest are long. */
static void take_back_stuck(struct pool_function *function)
{
    struct instance *next;
    uint64_t now = loop_now(function->pool->loop);

    for (struct instance *i = function->busy_next; i; i = next) {
        next = i->newer;
        if (i->call_count < 2 || now - i->progress_ns < WORTH_A_START_NS)
            continue;
        /* One that was not given the CPU yet is not stuck, and others would not fare better. */
        if (!function->pool->actions->look(function->pool->user, i) || i->state != INSTANCE_BUSY ||
            now - i->progress_ns < WORTH_A_START_NS)
            continue;
        pool_take_back(function->pool, i, 1);
        if (function->service_ns < GIVEN_AHEAD_NS)
            function->service_ns = GIVEN_AHEAD_NS;
    }
}

void pool_grow_expired(struct loop_timer *timer)
{
    struct pool_function *function =
        (struct pool_function *)((char *)timer - offsetof(struct pool_function, grow_timer));

    if (function->given > function->busy)
        take_back_stuck(function);
    const struct pool_call *first = function->queue_first;
    if (first && function->queued > function->starting &&
        loop_now(function->pool->loop) - first->waiting_since_ns >= WORTH_A_START_NS &&
        pool_live(function) < function->facts.instances_max)
        pool_start_one(function);
    pool_balance(function);
}

void pool_long_expired(struct loop_timer *timer)
{
    struct pool_function *function =
        (struct pool_function *)((char *)timer - offsetof(struct pool_function, long_timer));
    struct pool *pool = function->pool;
    uint64_t now = loop_now(pool->loop), first_ns = UINT64_MAX;
    struct instance *next;

    for (struct instance *i = function->busy_next; i; i = next) {
        next = i->newer;
        if (i->background || i->state != INSTANCE_BUSY)
            continue;
        /* One that was not given the CPU yet has not used it for long either. */
        if (now - i->progress_ns >= LONG_CALL_NS && pool->actions->look(pool->user, i) &&
            i->state == INSTANCE_BUSY && now - i->progress_ns >= LONG_CALL_NS) {
            i->background = true;
            pool->actions->ground(pool->user, i, true);
        } else if (i->progress_ns < first_ns) {
            first_ns = i->progress_ns;
        }
    }
    if (first_ns == UINT64_MAX)
        return; /* the next call that is given sets it again */
    uint64_t due_ns = first_ns + LONG_CALL_NS;
    loop_timer_set(pool->loop, timer, due_ns > now + LOOK_AGAIN_NS ? due_ns : now + LOOK_AGAIN_NS);
}

void pool_idle_expired(struct loop_timer *timer)
{
    struct pool_function *function =
        (struct pool_function *)((char *)timer - offsetof(struct pool_function, idle_timer));
    struct pool *pool = function->pool;
    uint64_t idle_ns = function->facts.idle_ms * 1000000ull;
    uint64_t now = loop_now(pool->loop);

    uint32_t spares = pool_spares(function, now);
    while (function->idle > spares && function->idle_oldest->idle_since_ns + idle_ns <= now)
        pool_stop(pool, function->idle_oldest, GATEWAY_STOP_IDLE);
    if (function->idle <= pool_spares_least(function))
        return;
    /* By rate more may be too many later, of which nobody tells. */
    uint64_t due_ns = function->idle_oldest->idle_since_ns + idle_ns;
    loop_timer_set(pool->loop, timer,
                   due_ns > now + READY_FOR_NS || !function->facts.spares_by_rate
                       ? due_ns
                       : now + READY_FOR_NS);
}

/*
 * Another is prepared for a spare that a call took: a little later, or at once when it was the
 * last. To make one takes a processor for a while, which the call and its answer want now.
 */
static void spare_used(struct pool_function *function)
{
    if (!function->facts.per_request)
        return;
    if (function->idle == 0)
        pool_balance(function);
    else if (function->grow_timer.place == 0)
        loop_timer_set(function->pool->loop, &function->grow_timer,
                       loop_now(function->pool->loop) + REPLACE_AFTER_NS);
}

int pool_submit(struct pool *pool, struct pool_function *function, struct pool_call *call)
{
    call->function = function;
    call->instance = NULL;
    call->next = call->previous = NULL;
    call->waiting_since_ns = loop_now(pool->loop);
    note_arrival(function, call->waiting_since_ns);
    if (pool->called_last != function->facts.function_id) {
        pool->shared_until_ns = pool->called_last ? call->waiting_since_ns + SHARED_NS : 0;
        pool->called_last = function->facts.function_id;
    }

    /* Those that wait are served first; a queue beside instances with room does not exist. */
    struct instance *instance = function->queue_first ? NULL : with_room(function);
    if (instance) {
        pool_give(call, instance);
        spare_used(function);
        /* Calls behind others: is it worth another instance? */
        if (!function->facts.per_request && instance->call_count > 1)
            pool_balance(function);
        return 0;
    }
    if (function->queued >= function->facts.queue_max)
        return -EBUSY;
    call->previous = function->queue_last;
    *(function->queue_last ? &function->queue_last->next : &function->queue_first) = call;
    function->queue_last = call;
    function->queued++;
    pool_balance(function);
    return 0;
}

void pool_withdraw(struct pool *pool, struct pool_call *call)
{
    (void)pool;
    pool_queue_remove(call);
}

static void service_measured(struct instance *instance)
{
    struct pool_function *function = instance->function;
    uint64_t now = loop_now(function->pool->loop);
    uint64_t took_ns = now - instance->progress_ns;

    instance->progress_ns = now;
    function->service_ns = function->service_ns
                               ? function->service_ns - function->service_ns / 8 + took_ns / 8
                               : took_ns;
}

bool pool_answered(struct pool *pool, struct instance *instance, bool finished)
{
    struct pool_function *function = instance->function;

    service_measured(instance);
    instance->answers++;
    pool_detach(instance);
    if (instance->state == INSTANCE_LEAVING)
        return false;
    if (finished) {
        leave(pool, instance);
        if (function->facts.per_request && !function->queue_first)
            spare_used(function);
        else
            pool_balance(function);
        return false;
    }
    bool old = function->gone || pool_is_old(instance);
    /* They were given to it before it was old, or before its function was of isolation `request`.
     */
    if ((old || function->facts.per_request) && instance->call_count > 0)
        return true;
    /* Of isolation `request`: it should have said that it ends; it never sees a second call. */
    if (old || function->facts.per_request) {
        pool_stop(pool, instance, old ? GATEWAY_STOP_OLD : GATEWAY_STOP_DONE);
        return false;
    }
    uint32_t most = depth(function);
    struct pool_call *call;
    while (instance->call_count < most && !has_had_turn(function, most) &&
           (call = pool_queue_take(function)))
        pool_give(call, instance);
    if (instance->background) {
        instance->background = false;
        pool->actions->ground(pool->user, instance, false);
    }
    if (instance->call_count > 0)
        return true;
    pool_leave_state(instance);
    pool_idle_push(instance);
    return false;
}

unsigned pool_retry_after(const struct pool_function *function)
{
    uint64_t service_ns = function->service_ns ? function->service_ns : SERVICE_GUESS_NS;
    uint64_t wait_ns = service_ns * (function->queued + 1) / function->facts.instances_max;
    uint64_t seconds = wait_ns / 1000000000u + 1;

    return seconds > 60 ? 60 : (unsigned)seconds;
}
