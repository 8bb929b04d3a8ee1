/* Which instance serves which call, and how many there are, with actions that only take notes. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
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
    .fail = note_fail,
    .release = note_release,
};

static int open_pool(void **state)
{
    (void)state;
    begun_count = 1;
    started_count = stopped_count = given_count = failed_count = released_count = 0;
    ground_count = 0;
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

static void a_call_waits_for_its_first_instance(void **state)
{
    (void)state;
    struct pool_function *f = set(&usual);
    struct pool_call call = {0};
    assert_int_equal(pool_submit(pool, f, &call), 0);
    assert_int_equal(started_count, 1);
    assert_int_equal(given_count, 0);
    begin(started[0], 1);
    assert_ptr_equal(given[0], &call);
    assert_false(pool_answered(pool, started[0], false));
    assert_int_equal(f->idle, 1);
}

static void the_instance_used_last_is_used_next(void **state)
{
    (void)state;
    struct pool_function *f = set(&usual);
    struct pool_call calls[8] = {0};
    for (int i = 0; i < 8; i++) /* 8 times the guessed 0.2 ms is worth a second instance */
        assert_int_equal(pool_submit(pool, f, &calls[i]), 0);
    assert_true(started_count >= 2);
    struct instance *a = started[0], *b = started[1];
    begin(a, 1);
    begin(b, 1);
    while (a->call_first)
        pool_answered(pool, a, false);
    pool_answered(pool, b, false);
    struct pool_call next = {0};
    assert_int_equal(pool_submit(pool, f, &next), 0);
    assert_ptr_equal(next.instance, b);
}

static void calls_are_served_in_order(void **state)
{
    (void)state;
    struct gateway_function facts = usual;
    facts.instances_max = 1;
    struct pool_function *f = set(&facts);
    struct pool_call calls[5] = {0};
    for (int i = 0; i < 5; i++)
        assert_int_equal(pool_submit(pool, f, &calls[i]), 0);
    assert_int_equal(started_count, 1);
    begin(started[0], 1);
    pool_withdraw(pool, &calls[2]);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pool_answered(pool, started[0], false), i < 3);
    assert_ptr_equal(given[0], &calls[0]);
    assert_ptr_equal(given[1], &calls[1]);
    assert_ptr_equal(given[2], &calls[3]);
    assert_ptr_equal(given[3], &calls[4]);
    assert_int_equal(f->queued, 0);
}

static void a_full_queue_refuses(void **state)
{
    (void)state;
    struct pool_function *f = set(&usual);
    struct pool_call calls[9] = {0};
    for (int i = 0; i < 8; i++)
        assert_int_equal(pool_submit(pool, f, &calls[i]), 0);
    assert_int_equal(pool_submit(pool, f, &calls[8]), -EBUSY);
    assert_true(started_count <= 4);
    assert_in_range(pool_retry_after(f), 1, 60);
}

static void isolation_request_starts_one_for_each_call(void **state)
{
    (void)state;
    struct gateway_function facts = usual;
    facts.per_request = 1;
    facts.queue_max = 100;
    facts.instances_max = 7;
    struct pool_function *f = set(&facts);
    struct pool_call calls[40] = {0};
    for (int i = 0; i < 40; i++)
        assert_int_equal(pool_submit(pool, f, &calls[i]), 0);
    assert_int_equal(started_count, 7); /* exactly what was said */
    begin(started[0], 1);
    /* Even one that does not say that it ends never sees a second call. */
    assert_false(pool_answered(pool, started[0], false));
    assert_int_equal(stopped_count, 1);
    assert_int_equal(started_count, 7);
    end(started[0], GATEWAY_END_KILLED);
    assert_int_equal(started_count, 8);
    assert_int_equal(given_count, 1);
}

static void spares_are_prepared_and_prepared_again(void **state)
{
    (void)state;
    struct gateway_function facts = usual;
    facts.per_request = 1;
    facts.spares = 2;
    struct pool_function *f = set(&facts);
    assert_int_equal(started_count, 0); /* not before all functions are told */
    pool_ready(pool);
    assert_int_equal(started_count, 2);
    begin(started[0], 1);
    begin(started[1], 1);
    struct pool_call call = {0};
    assert_int_equal(pool_submit(pool, f, &call), 0);
    assert_non_null(call.instance);
    assert_int_equal(started_count, 3);
}

static void spares_that_do_not_start_are_not_tried_for_ever(void **state)
{
    (void)state;
    struct gateway_function facts = usual;
    facts.spares = 2;
    set(&facts);
    pool_ready(pool);
    assert_int_equal(started_count, 2);
    end(started[0], GATEWAY_END_NOT_STARTED);
    end(started[1], GATEWAY_END_NOT_STARTED);
    assert_int_equal(started_count, 2);
}

static void a_start_that_fails_fails_those_who_wait(void **state)
{
    (void)state;
    struct pool_function *f = set(&usual);
    struct pool_call calls[2] = {0};
    pool_submit(pool, f, &calls[0]);
    pool_submit(pool, f, &calls[1]);
    assert_int_equal(started_count, 1);
    end(started[0], GATEWAY_END_NOT_STARTED);
    assert_int_equal(failed_count, 2);
    assert_int_equal(causes[0], PROBLEM_START);
    assert_int_equal(f->queued, 0);
    assert_int_equal(released_count, 1);
}

static void a_shortage_is_told_from_a_function_that_cannot_start(void **state)
{
    (void)state;
    struct pool_function *f = set(&usual);
    struct pool_call call = {0};
    const struct gateway_ended short_of = {
        .end = GATEWAY_END_NOT_STARTED, .status = -EMFILE, .message = "no descriptor"};
    pool_submit(pool, f, &call);
    pool_ended(pool, started[0], &short_of);
    assert_int_equal(failed_count, 1);
    assert_int_equal(causes[0], PROBLEM_BUSY);
    assert_int_equal(pool_start_cause(-ENOMEM), PROBLEM_BUSY);
    assert_int_equal(pool_start_cause(-ENOENT), PROBLEM_START);
    assert_int_equal(pool_start_cause(0), PROBLEM_START);
}

static void an_instance_without_its_channel_is_stopped_and_nobody_waits_for_it(void **state)
{
    (void)state;
    struct pool_function *f = set(&usual);
    struct pool_call calls[2] = {0}, later = {0};
    pool_submit(pool, f, &calls[0]);
    pool_submit(pool, f, &calls[1]);
    pool_lost(pool, started[0], -EMFILE, "no descriptor");
    assert_int_equal(stopped_count, 1);
    assert_ptr_equal(stopped[0], started[0]);
    assert_int_equal(failed_count, 2);
    assert_int_equal(causes[0], PROBLEM_BUSY);
    pool_lost(pool, started[0], -EMFILE, "told twice");
    assert_int_equal(stopped_count, 1);
    /* Its end comes later and starts nothing; a new call does. */
    end(started[0], GATEWAY_END_KILLED);
    assert_int_equal(released_count, 1);
    assert_int_equal(started_count, 1);
    pool_submit(pool, f, &later);
    assert_int_equal(started_count, 2);
}

static void instances_of_older_generations_get_no_call(void **state)
{
    (void)state;
    struct pool_function *f = set(&usual);
    struct pool_call first = {0}, second = {0}, third = {0};
    pool_submit(pool, f, &first);
    begin(started[0], 1);
    struct gateway_function newer = usual;
    newer.generation = 2;
    set(&newer); /* the busy one finishes */
    assert_int_equal(stopped_count, 0);
    pool_submit(pool, f, &second);
    assert_false(pool_answered(pool, started[0], false));
    assert_int_equal(reasons[0], GATEWAY_STOP_OLD);
    assert_int_equal(given_count, 1);
    begin(started[1], 1); /* its start was decided before the deploy */
    assert_int_equal(reasons[1], GATEWAY_STOP_OLD);
    assert_int_equal(given_count, 1);
    begin(started[2], 2);
    assert_ptr_equal(given[1], &second);
    pool_answered(pool, started[2], false);
    newer.generation = 3;
    set(&newer); /* an idle one goes at once */
    assert_int_equal(stopped_count, 3);
    pool_submit(pool, f, &third);
    assert_int_equal(started_count, 4);
}

static void a_function_that_is_gone_fails_its_queue_and_finishes(void **state)
{
    (void)state;
    struct gateway_function facts = usual;
    facts.instances_max = 1;
    struct pool_function *f = set(&facts);
    struct pool_call running = {0}, waiting = {0};
    pool_submit(pool, f, &running);
    begin(started[0], 1);
    pool_submit(pool, f, &waiting);
    pool_function_gone(pool, 1);
    assert_null(pool_function_find(pool, "f", 1));
    assert_ptr_equal(failed[0], &waiting);
    assert_int_equal(causes[0], PROBLEM_NOT_FOUND);
    assert_int_equal(stopped_count, 0);
    pool_answered(pool, started[0], false);
    assert_int_equal(stopped_count, 1);
    end(started[0], GATEWAY_END_KILLED);
    assert_int_equal(released_count, 1);
    pool_function_gone(pool, 1); /* again, and of nothing */
    assert_int_equal(pool_function_count(pool), 0);
}

static void idle_instances_are_stopped_in_time(void **state)
{
    (void)state;
    struct pool_function *f = set(&usual);
    struct pool_call call = {0};
    pool_submit(pool, f, &call);
    begin(started[0], 1);
    pool_answered(pool, started[0], false);
    for (int i = 0; i < 100 && stopped_count == 0; i++)
        loop_round(loop, 10);
    assert_int_equal(stopped_count, 1);
    assert_int_equal(reasons[0], GATEWAY_STOP_IDLE);
    assert_int_equal(f->leaving, 1);
}

static void a_call_that_waits_long_gets_another_instance(void **state)
{
    (void)state;
    struct pool_function *f = set(&usual);
    struct pool_call first = {0}, second = {0};
    pool_submit(pool, f, &first);
    begin(started[0], 1);
    f->service_ns = 1000; /* the estimate says: it is quick */
    pool_submit(pool, f, &second);
    assert_int_equal(started_count, 1);
    for (int i = 0; i < 100 && started_count == 1; i++)
        loop_round(loop, 10);
    assert_int_equal(started_count, 2);
}

static void an_old_token_finds_nothing(void **state)
{
    (void)state;
    struct pool_function *f = set(&usual);
    struct pool_call call = {0};
    pool_submit(pool, f, &call);
    uint64_t token = started[0]->token;
    end(started[0], GATEWAY_END_NOT_STARTED);
    pool_submit(pool, f, &call);
    assert_int_not_equal(started[1]->token, token);
    assert_null(pool_instance(pool, token));
    assert_null(pool_instance(pool, 0));
    assert_null(pool_instance(pool, UINT64_MAX));
}

static void improper_facts_are_refused(void **state)
{
    (void)state;
    struct gateway_function bad[6];
    for (int i = 0; i < 6; i++)
        bad[i] = usual;
    bad[0].name[0] = '\0';
    memset(bad[1].name, 'a', sizeof bad[1].name); /* no end */
    strcpy(bad[2].name, "A\"b");
    bad[3].request_bytes = REQUEST_BODY_MAX_BYTES + 1;
    bad[4].answer_bytes = RESPONSE_BODY_MAX_BYTES + 1;
    bad[5].instances_max = 0;
    for (int i = 0; i < 6; i++)
        assert_int_equal(pool_function_set(pool, &bad[i], NULL), -EBADMSG);
    set(&usual);
    struct gateway_function renamed = usual; /* a number is one function's for ever */
    strcpy(renamed.name, "g");
    assert_int_equal(pool_function_set(pool, &renamed, NULL), -EBADMSG);
}

static void near_names_are_suggested(void **state)
{
    (void)state;
    struct gateway_function facts = usual;
    static const char *const names[] = {"markdown", "resize", "checksum"};
    for (uint32_t i = 0; i < 3; i++) {
        facts.function_id = i + 1;
        strcpy(facts.name, names[i]);
        set(&facts);
    }
    assert_string_equal(pool_suggest(pool, "markdwon", 8), "markdown");
    assert_string_equal(pool_suggest(pool, "resise", 6), "resize");
    assert_string_equal(pool_suggest(pool, "checksums", 9), "checksum");
    assert_null(pool_suggest(pool, "thumbnail", 9));
    assert_null(pool_suggest(pool, "x", 1));
    char longer[5000];
    memset(longer, 'a', sizeof longer);
    assert_null(pool_suggest(pool, longer, sizeof longer));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pool, close_pool)

/* ---- several calls in one instance ---- */

/* A function with one instance whose calls are short; `calls[0]` has been answered. */
static struct pool_function *short_calls(const struct gateway_function *facts,
                                         struct pool_call *calls)
{
    struct pool_function *f = set(facts);

    assert_int_equal(pool_submit(pool, f, &calls[0]), 0);
    begin(started[0], 1);
    pool_answered(pool, started[0], false);
    f->service_ns = 1000;
    return f;
}

static void short_calls_lie_in_one_instance(void **state)
{
    (void)state;
    struct pool_call calls[40] = {0};
    struct gateway_function facts = usual;
    facts.queue_max = 100;
    struct pool_function *f = short_calls(&facts, calls);
    for (int i = 1; i < 40; i++)
        assert_int_equal(pool_submit(pool, f, &calls[i]), 0);
    assert_int_equal(started_count, 1);
    assert_int_equal(started[0]->call_count, CHANNEL_SLOTS / 2); /* never more */
    assert_int_equal(f->queued, 39 - CHANNEL_SLOTS / 2);
    for (int i = 1; i < 40; i++) {
        assert_ptr_equal(started[0]->call_first, &calls[i]);
        assert_int_equal(pool_answered(pool, started[0], false), i < 39);
    }
    assert_int_equal(f->idle, 1);
    assert_int_equal(f->given, 0);
    assert_int_equal(f->queued, 0);
}

static void a_function_not_measured_yet_has_one_call_in_an_instance(void **state)
{
    (void)state;
    struct pool_function *f = set(&usual);
    struct pool_call calls[3] = {0};
    for (int i = 0; i < 3; i++)
        assert_int_equal(pool_submit(pool, f, &calls[i]), 0);
    begin(started[0], 1);
    assert_int_equal(started[0]->call_count, 1);
    assert_int_equal(f->queued, 2);
}

static void calls_behind_one_that_takes_long_go_back(void **state)
{
    (void)state;
    struct pool_call calls[5] = {0};
    struct pool_function *f = short_calls(&usual, calls);
    for (int i = 1; i < 5; i++)
        assert_int_equal(pool_submit(pool, f, &calls[i]), 0);
    assert_int_equal(started[0]->call_count, 4);
    poll(NULL, 0, 5);
    loop_round(loop, 50); /* the timer */
    assert_int_equal(started[0]->call_count, 1);
    assert_ptr_equal(started[0]->call_first, &calls[1]);
    assert_int_equal(f->queued, 3);
    assert_ptr_equal(f->queue_first, &calls[2]);
    assert_ptr_equal(f->queue_last, &calls[4]);
    assert_int_equal(started_count, 2); /* for them */
    begin(started[1], 1);
    assert_ptr_equal(calls[2].instance, started[1]);
}

static void a_long_call_runs_in_the_background_and_a_short_one_does_not(void **state)
{
    (void)state;
    struct pool_function *f = set(&usual);
    struct pool_call calls[2] = {0};
    f->service_ns = 10000000; /* one call in an instance */
    assert_int_equal(pool_submit(pool, f, &calls[0]), 0);
    begin(started[0], 1);
    assert_int_equal(pool_submit(pool, f, &calls[1]), 0);
    for (int i = 0; i < 200 && started_count < 2; i++)
        loop_round(loop, 1);
    begin(started[1], 1);
    pool_answered(pool, started[1], false);
    assert_int_equal(ground_count, 0);
    for (int i = 0; i < 200 && ground_count == 0; i++)
        loop_round(loop, 1);
    assert_int_equal(ground_count, 1);
    assert_ptr_equal(grounded[0], started[0]);
    assert_true(grounds[0]);
    /* Nobody is woken on its behalf any more. */
    assert_int_equal(f->long_timer.place, 0);
    pool_answered(pool, started[0], false);
    assert_int_equal(ground_count, 2);
    assert_ptr_equal(grounded[1], started[0]);
    assert_false(grounds[1]);
}

static void what_an_instance_had_not_begun_outlives_it(void **state)
{
    (void)state;
    struct pool_call calls[4] = {0};
    struct pool_function *f = short_calls(&usual, calls);
    for (int i = 1; i < 4; i++)
        assert_int_equal(pool_submit(pool, f, &calls[i]), 0);
    pool_stop(pool, started[0], GATEWAY_STOP_TIMEOUT); /* calls[1] is its caller's to answer */
    assert_null(calls[1].instance);
    assert_int_equal(stopped_count, 1);
    assert_int_equal(started[0]->call_count, 1); /* begun, the double says */
    assert_ptr_equal(f->queue_first, &calls[3]);
    assert_ptr_equal(pool_detach(started[0]), &calls[2]);
    assert_null(pool_detach(started[0]));
    end(started[0], GATEWAY_END_KILLED);
    assert_int_equal(started_count, 2);
    assert_int_equal(f->given, 0);
}

static void calls_of_a_removed_function_that_went_back_fail(void **state)
{
    (void)state;
    struct pool_call calls[4] = {0};
    struct pool_function *f = short_calls(&usual, calls);
    for (int i = 1; i < 4; i++)
        assert_int_equal(pool_submit(pool, f, &calls[i]), 0);
    begun_count = 0;
    pool_function_gone(pool, f->facts.function_id);
    assert_int_equal(started[0]->call_count, 3); /* they may end */
    pool_stop(pool, started[0], GATEWAY_STOP_MISBEHAVED);
    assert_int_equal(failed_count, 2);
    assert_int_equal(causes[0], PROBLEM_NOT_FOUND);
    end(started[0], GATEWAY_END_KILLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_waits_for_its_first_instance),
        TEST(the_instance_used_last_is_used_next),
        TEST(calls_are_served_in_order),
        TEST(a_full_queue_refuses),
        TEST(short_calls_lie_in_one_instance),
        TEST(a_function_not_measured_yet_has_one_call_in_an_instance),
        TEST(calls_behind_one_that_takes_long_go_back),
        TEST(a_long_call_runs_in_the_background_and_a_short_one_does_not),
        TEST(what_an_instance_had_not_begun_outlives_it),
        TEST(calls_of_a_removed_function_that_went_back_fail),
        TEST(isolation_request_starts_one_for_each_call),
        TEST(spares_are_prepared_and_prepared_again),
        TEST(spares_that_do_not_start_are_not_tried_for_ever),
        TEST(a_start_that_fails_fails_those_who_wait),
        TEST(a_shortage_is_told_from_a_function_that_cannot_start),
        TEST(an_instance_without_its_channel_is_stopped_and_nobody_waits_for_it),
        TEST(instances_of_older_generations_get_no_call),
        TEST(a_function_that_is_gone_fails_its_queue_and_finishes),
        TEST(idle_instances_are_stopped_in_time),
        TEST(a_call_that_waits_long_gets_another_instance),
        TEST(an_old_token_finds_nothing),
        TEST(improper_facts_are_refused),
        TEST(near_names_are_suggested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
