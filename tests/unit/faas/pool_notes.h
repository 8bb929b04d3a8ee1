/*
 * A pool whose actions only take notes, for the tests of its policy: what it asked for, in order.
 * Included by one program each.
 */
#pragma once

#include <string.h>

#include "base/err.h"
#include "faas/gateway_pool.h"
#include "gateway_test.h"

#define NOTES 64

static struct loop *loop;
static struct pool *pool;
static struct instance *started[NOTES], *stopped[NOTES];
static enum gateway_stop_reason reasons[NOTES];
static struct pool_call *given[NOTES], *failed[NOTES];
static enum problem_cause causes[NOTES];
static unsigned started_count, stopped_count, given_count, failed_count, released_count;

static void note_start(void *user, struct instance *instance)
{
    (void)user;
    started[started_count++ % NOTES] = instance;
}

static void note_stop(void *user, struct instance *instance, enum gateway_stop_reason reason)
{
    (void)user;
    reasons[stopped_count % NOTES] = reason;
    stopped[stopped_count++ % NOTES] = instance;
}

static struct instance *grounded[NOTES];
static bool grounds[NOTES];
static unsigned ground_count;

static void note_ground(void *user, struct instance *instance, bool background)
{
    (void)user;
    grounds[ground_count % NOTES] = background;
    grounded[ground_count++ % NOTES] = instance;
}

static void note_give(void *user, struct pool_call *call, struct instance *instance)
{
    (void)user;
    assert_ptr_equal(call->instance, instance);
    given[given_count++ % NOTES] = call;
}

/* How many of the instance's calls it has begun, as far as the test says. */
static uint32_t begun_count;

static bool note_take_back(void *user, struct instance *instance)
{
    (void)user;
    return instance->call_count > begun_count;
}

static bool note_look(void *user, struct instance *instance)
{
    (void)user, (void)instance;
    return true;
}

static void note_fail(void *user, struct pool_call *call, enum problem_cause cause,
                      const char *detail)
{
    (void)user, (void)detail;
    assert_null(call->instance);
    causes[failed_count % NOTES] = cause;
    failed[failed_count++ % NOTES] = call;
}

/* Its caller has gone. */
static struct pool_call *gone_call;
static unsigned looked_count;

static bool note_gone(void *user, struct pool_call *call)
{
    (void)user;
    looked_count++;
    return call == gone_call;
}

static void note_release(void *user, struct instance *instance)
{
    (void)user, (void)instance;
    released_count++;
}

static const struct pool_actions actions = {
    .start = note_start,
    .stop = note_stop,
    .ground = note_ground,
    .give = note_give,
    .take_back = note_take_back,
    .look = note_look,
    .gone = note_gone,
    .fail = note_fail,
    .release = note_release,
};

static int open_pool(void **state)
{
    (void)state;
    begun_count = 1;
    started_count = stopped_count = given_count = failed_count = released_count = 0;
    ground_count = looked_count = 0;
    gone_call = NULL;
    return loop_new(&loop, NULL) || pool_new(loop, &actions, NULL, &pool, NULL);
}

static int close_pool(void **state)
{
    (void)state;
    pool_free(pool);
    loop_free(loop);
    return 0;
}

static const struct gateway_function usual = {
    .type = GATEWAY_FUNCTION,
    .function_id = 1,
    .name = "f",
    .generation = 1,
    .timeout_ms = 1000,
    .request_bytes = 1000,
    .answer_bytes = 1000,
    .instances_max = 4,
    .queue_max = 8,
    .idle_ms = 20,
};

static struct pool_function *set(const struct gateway_function *facts)
{
    assert_int_equal(pool_function_set(pool, facts, NULL), 0);
    return pool_function_find(pool, facts->name, strlen(facts->name));
}

static void begin(struct instance *instance, uint32_t generation)
{
    struct gateway_started message = {.generation = generation, .start_kind = GATEWAY_FORK};
    assert_ptr_equal(pool_instance(pool, instance->token), instance);
    pool_started(pool, instance, &message);
}

static void end(struct instance *instance, uint32_t how)
{
    struct gateway_ended message = {.end = how};
    pool_ended(pool, instance, &message);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pool, close_pool)
