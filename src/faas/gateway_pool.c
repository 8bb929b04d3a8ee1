/* Who serves which call, when another instance is wanted and when one is to go. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "faas/gateway_pool.h"
#include "base/suggest.h"

#define BUCKETS 4096 /* of each hash; a power of two */

/* A second instance is worth its start (about 0.3 ms) when the wait is longer than this. */
#define WORTH_A_START_NS 1000000u
/* So much work may lie in an instance's channel. */
#define GIVEN_AHEAD_NS 500000u
/* So many calls at most, so that a channel always has room: those that were withdrawn keep their
 * places until the instance has passed them, and there are fewer of them than this. */
#define GIVEN_MAX (CHANNEL_SLOTS / 2)
/* Waiting for so much is no longer than waking an idle instance takes, and costs less. */
#define WAKE_NS 60000u
/* What a call is taken to need before the first was measured. */
#define SERVICE_GUESS_NS 200000u

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
};

static void idle_expired(struct loop_timer *timer);
static void grow_expired(struct loop_timer *timer);
static void balance(struct pool_function *function);

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
            free(f);
        }
    }
    free(pool->slots);
    free(pool->free_slots);
    free(pool);
}

/* ---- functions ---- */

/* FNV-1a. Names in the table come from the supervisor, so nobody outside can make them collide. */
static uint32_t name_hash(const char *name, size_t bytes)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ (unsigned char)name[i]) * 16777619u;
    return hash % BUCKETS;
}

struct pool_function *pool_function_find(struct pool *pool, const char *name, size_t bytes)
{
    if (bytes == 0 || bytes > NAME_MAX_BYTES)
        return NULL;
    for (struct pool_function *f = pool->by_name[name_hash(name, bytes)]; f; f = f->next_by_name)
        if (strlen(f->facts.name) == bytes && memcmp(f->facts.name, name, bytes) == 0)
            return f;
    return NULL;
}

static struct pool_function *find_by_id(struct pool *pool, uint32_t id)
{
    for (struct pool_function *f = pool->by_id[id % BUCKETS]; f; f = f->next_by_id)
        if (f->facts.function_id == id)
            return f;
    return NULL;
}

static void unlink_name(struct pool_function *function)
{
    struct pool_function **at =
        &function->pool->by_name[name_hash(function->facts.name, strlen(function->facts.name))];
    for (; *at; at = &(*at)->next_by_name)
        if (*at == function) {
            *at = function->next_by_name;
            function->pool->function_count--;
            return;
        }
}

static uint32_t live(const struct pool_function *function)
{
    return function->starting + function->idle + function->busy + function->leaving;
}

/* A function that is gone is freed when its last instance is. */
static void free_if_over(struct pool_function *function)
{
    struct pool *pool = function->pool;

    if (!function->gone || live(function) > 0)
        return;
    struct pool_function **at = &pool->by_id[function->facts.function_id % BUCKETS];
    while (*at != function)
        at = &(*at)->next_by_id;
    *at = function->next_by_id;
    loop_timer_clear(pool->loop, &function->idle_timer);
    loop_timer_clear(pool->loop, &function->grow_timer);
    free(function);
}

static int facts_check(const struct gateway_function *facts, struct err *err)
{
    size_t bytes = strnlen(facts->name, sizeof facts->name);

    if (bytes == 0 || bytes > NAME_MAX_BYTES ||
        strspn(facts->name, "abcdefghijklmnopqrstuvwxyz0123456789-") != bytes)
        return err_say(err, -EBADMSG, "cannot take a function: its name is not proper");
    if (facts->request_bytes > REQUEST_BODY_MAX_BYTES ||
        facts->answer_bytes > RESPONSE_BODY_MAX_BYTES || facts->instances_max == 0)
        return err_say(err, -EBADMSG, "cannot take function '%s': its limits are not proper",
                       facts->name);
    return 0;
}

int pool_function_set(struct pool *pool, const struct gateway_function *facts, struct err *err)
{
    int r = facts_check(facts, err);
    if (r < 0)
        return r;

    struct pool_function *function = find_by_id(pool, facts->function_id);
    if (function && (function->gone || strcmp(function->facts.name, facts->name) != 0))
        return err_say(err, -EBADMSG, "cannot take function '%s': its number is another's",
                       facts->name);
    if (!function) {
        if (pool->function_count >= FUNCTIONS_MAX)
            return err_set(err, -E2BIG, "cannot take function '%s'", facts->name);
        function = calloc(1, sizeof *function);
        if (!function)
            return err_set(err, -ENOMEM, "cannot take function '%s'", facts->name);
        function->pool = pool;
        function->idle_timer.expired = idle_expired;
        function->grow_timer.expired = grow_expired;
        struct pool_function **name = &pool->by_name[name_hash(facts->name, strlen(facts->name))];
        struct pool_function **id = &pool->by_id[facts->function_id % BUCKETS];
        function->next_by_name = *name;
        function->next_by_id = *id;
        *name = *id = function;
        pool->function_count++;
    }
    function->facts = *facts;
    function->facts.version[VERSION_MAX_BYTES] = '\0';
    function->starts_fail = false;
    struct instance *older;
    for (struct instance *i = function->idle_newest; i; i = older) {
        older = i->older;
        if (i->generation != facts->generation)
            pool_stop(pool, i, GATEWAY_STOP_OLD);
    }
    balance(function);
    return 0;
}

static void queue_remove(struct pool_call *call)
{
    struct pool_function *function = call->function;

    *(call->previous ? &call->previous->next : &function->queue_first) = call->next;
    *(call->next ? &call->next->previous : &function->queue_last) = call->previous;
    call->next = call->previous = NULL;
    function->queued--;
}

static void queue_fail(struct pool_function *function, enum problem_cause cause, const char *detail)
{
    struct pool_call *call = function->queue_first;

    queue_remove(call);
    function->pool->actions->fail(function->pool->user, call, cause, detail);
}

void pool_function_gone(struct pool *pool, uint32_t function_id)
{
    struct pool_function *function = find_by_id(pool, function_id);

    if (!function || function->gone)
        return;
    unlink_name(function);
    function->gone = true;
    balance(function);
    while (function->idle_newest)
        pool_stop(pool, function->idle_newest, GATEWAY_STOP_OLD);
    free_if_over(function);
}

void pool_ready(struct pool *pool)
{
    pool->ready = true;
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct pool_function *f = pool->by_id[i]; f; f = f->next_by_id)
            if (f->facts.spares > 0)
                balance(f);
}

int pool_each(struct pool *pool, int (*each)(struct pool_function *function, void *user),
              void *user)
{
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct pool_function *f = pool->by_name[i]; f; f = f->next_by_name) {
            int r = each(f, user);
            if (r)
                return r;
        }
    return 0;
}

const char *pool_suggest(const struct pool *pool, const char *name, size_t bytes)
{
    struct suggestion best;

    suggestion_begin(&best, name, bytes);
    for (size_t i = 0; i < BUCKETS; i++)
        for (const struct pool_function *f = pool->by_name[i]; f; f = f->next_by_name)
            suggestion_try(&best, f->facts.name);
    return best.word;
}

/* ---- instances ---- */

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

static void idle_push(struct instance *instance)
{
    struct pool_function *function = instance->function;

    instance->state = INSTANCE_IDLE;
    instance->idle_since_ns = loop_now(function->pool->loop);
    list_push(&function->idle_newest, &function->idle_oldest, instance);
    function->idle++;
    /* The timer is left alone while instances come and go: it looks at their times when it is
     * due. */
    if (function->idle_timer.place == 0 && function->idle > function->facts.spares)
        loop_timer_set(function->pool->loop, &function->idle_timer,
                       instance->idle_since_ns + function->facts.idle_ms * 1000000ull);
}

/* Takes the instance out of its present state's count. */
static void leave_state(struct instance *instance)
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

static void instance_free(struct pool *pool, struct instance *instance)
{
    uint32_t slot = (uint32_t)instance->token;

    pool->actions->release(pool->user, instance);
    pool->slots[slot] = NULL;
    pool->free_slots[pool->free_count++] = slot;
    free(instance);
}

static int start_one(struct pool_function *function)
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

/* To an idle instance, one that has just begun, or a busy one with room. */
static void give(struct pool_call *call, struct instance *instance)
{
    struct pool_function *function = instance->function;
    struct pool *pool = function->pool;
    uint64_t now = loop_now(pool->loop);

    leave_state(instance);
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

/* It serves no further call; those that it has not begun wait for another. */
static void leave(struct pool *pool, struct instance *instance)
{
    leave_state(instance);
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

/* The instance that a call is given to now, or NULL: it waits. */
static struct instance *with_room(const struct pool_function *function)
{
    /* Each in its turn: where the next has no room, the others hardly have. */
    struct instance *busy = function->busy_next;
    struct instance *idle = function->idle_newest;
    uint32_t most = depth(function);

    if (!busy || busy->call_count >= most || busy->generation != function->facts.generation)
        return idle;
    return idle && most > 1 && busy->call_count * function->service_ns > WAKE_NS ? idle : busy;
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
    if (function->gone || instance->generation != function->facts.generation) {
        pool_stop(pool, instance, GATEWAY_STOP_OLD);
        balance(function);
        return;
    }
    struct pool_call *call = function->queue_first;
    if (call) {
        queue_remove(call);
        give(call, instance);
        balance(function);
    } else {
        leave_state(instance);
        idle_push(instance);
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
        queue_fail(function, cause, detail);
    if (!function->facts.per_request && function->starting + function->busy == 0)
        while (function->queue_first)
            queue_fail(function, cause, detail);
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
    leave_state(instance);
    instance_free(pool, instance);
    if (failed)
        start_failed(function, ended->status, ended->message);
    balance(function);
    free_if_over(function);
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
        balance(instance->function); /* others may have counted on it */
}

/* ---- policy ---- */

/* How many instances more are wanted now, apart from their limit. */
static uint32_t wanted(const struct pool_function *function)
{
    const struct gateway_function *facts = &function->facts;
    uint32_t waiting = function->queued + (function->given - function->busy);
    bool prepare = function->pool->ready && !function->starts_fail;
    uint32_t spares = prepare ? facts->spares : 0;
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

/*
 * Gives waiting calls to instances with room and asks for more where they are worth it. Called
 * whenever something changed; in a steady state it finds nothing to do after a few comparisons.
 */
static void balance(struct pool_function *function)
{
    struct instance *instance;

    while (function->gone && function->queue_first)
        queue_fail(function, PROBLEM_NOT_FOUND, "the function was removed");
    if (function->gone)
        return;
    while (function->queue_first && (instance = with_room(function))) {
        struct pool_call *call = function->queue_first;
        queue_remove(call);
        give(call, instance);
    }

    uint32_t room = function->facts.instances_max;
    room = room > live(function) ? room - live(function) : 0;
    uint32_t count = wanted(function);
    for (uint32_t i = 0; i < count && i < room; i++)
        if (start_one(function) < 0)
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

static void grow_expired(struct loop_timer *timer)
{
    struct pool_function *function =
        (struct pool_function *)((char *)timer - offsetof(struct pool_function, grow_timer));

    if (function->given > function->busy)
        take_back_stuck(function);
    const struct pool_call *first = function->queue_first;
    if (first && function->queued > function->starting &&
        loop_now(function->pool->loop) - first->waiting_since_ns >= WORTH_A_START_NS &&
        live(function) < function->facts.instances_max)
        start_one(function);
    balance(function);
}

static void idle_expired(struct loop_timer *timer)
{
    struct pool_function *function =
        (struct pool_function *)((char *)timer - offsetof(struct pool_function, idle_timer));
    struct pool *pool = function->pool;
    uint64_t idle_ns = function->facts.idle_ms * 1000000ull;
    uint64_t now = loop_now(pool->loop);

    while (function->idle > function->facts.spares &&
           function->idle_oldest->idle_since_ns + idle_ns <= now)
        pool_stop(pool, function->idle_oldest, GATEWAY_STOP_IDLE);
    if (function->idle > function->facts.spares)
        loop_timer_set(pool->loop, timer, function->idle_oldest->idle_since_ns + idle_ns);
}

int pool_submit(struct pool *pool, struct pool_function *function, struct pool_call *call)
{
    call->function = function;
    call->instance = NULL;
    call->next = call->previous = NULL;
    call->waiting_since_ns = loop_now(pool->loop);

    /* Those that wait are served first; a queue beside instances with room does not exist. */
    struct instance *instance = function->queue_first ? NULL : with_room(function);
    if (instance) {
        give(call, instance);
        /* A spare is used: prepare another. Calls behind others: is it worth another instance? */
        if (function->facts.per_request || instance->call_count > 1)
            balance(function);
        return 0;
    }
    if (function->queued >= function->facts.queue_max)
        return -EBUSY;
    call->previous = function->queue_last;
    *(function->queue_last ? &function->queue_last->next : &function->queue_first) = call;
    function->queue_last = call;
    function->queued++;
    balance(function);
    return 0;
}

void pool_withdraw(struct pool *pool, struct pool_call *call)
{
    (void)pool;
    queue_remove(call);
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
        balance(function);
        return false;
    }
    bool old = function->gone || instance->generation != function->facts.generation;
    if (old && instance->call_count > 0)
        return true;
    /* Of isolation `request`: it should have said that it ends; it never sees a second call. */
    if (old || function->facts.per_request) {
        pool_stop(pool, instance, old ? GATEWAY_STOP_OLD : GATEWAY_STOP_DONE);
        return false;
    }
    uint32_t most = depth(function);
    while (function->queue_first && instance->call_count < most) {
        struct pool_call *call = function->queue_first;
        queue_remove(call);
        give(call, instance);
    }
    if (instance->call_count > 0)
        return true;
    leave_state(instance);
    idle_push(instance);
    return false;
}

unsigned pool_retry_after(const struct pool_function *function)
{
    uint64_t service_ns = function->service_ns ? function->service_ns : SERVICE_GUESS_NS;
    uint64_t wait_ns = service_ns * (function->queued + 1) / function->facts.instances_max;
    uint64_t seconds = wait_ns / 1000000000u + 1;

    return seconds > 60 ? 60 : (unsigned)seconds;
}

unsigned pool_function_count(const struct pool *pool)
{
    return pool->function_count;
}
