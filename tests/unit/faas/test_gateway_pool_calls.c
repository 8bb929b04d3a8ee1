/* Which instance serves which call, who waits, and in which order. */
#include <errno.h>
#include <poll.h>

#include "faas/gateway_pool_internal.h"
#include "pool_notes.h"

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

static void calls_whose_callers_have_gone_are_not_run(void **state)
{
    (void)state;
    struct gateway_function facts = usual;
    facts.instances_max = 1;
    struct pool_function *f = set(&facts);
    struct pool_call calls[4] = {0};
    assert_int_equal(pool_submit(pool, f, &calls[0]), 0);
    begin(started[0], 1);
    for (int i = 1; i < 4; i++)
        assert_int_equal(pool_submit(pool, f, &calls[i]), 0);
    gone_call = &calls[1];
    calls[1].waiting_since_ns -= 1000000000; /* it waited long, and so did the next */
    calls[2].waiting_since_ns -= 1000000000;
    assert_true(pool_answered(pool, started[0], false));
    assert_ptr_equal(given[1], &calls[2]);
    assert_int_equal(failed_count, 1);
    assert_ptr_equal(failed[0], &calls[1]);
    assert_int_equal(causes[0], PROBLEM_GONE);
    assert_int_equal(looked_count, 2);
    gone_call = &calls[3]; /* one that came just now is not looked at */
    assert_true(pool_answered(pool, started[0], false));
    assert_ptr_equal(given[2], &calls[3]);
    assert_int_equal(looked_count, 2);
    assert_int_equal(f->queued, 0);
}

static void an_instance_is_idle_when_all_who_waited_have_gone(void **state)
{
    (void)state;
    struct pool_function *f = set(&usual);
    struct pool_call call = {0};
    assert_int_equal(pool_submit(pool, f, &call), 0);
    gone_call = &call;
    call.waiting_since_ns -= 1000000000;
    begin(started[0], 1);
    assert_int_equal(given_count, 0);
    assert_int_equal(failed_count, 1);
    assert_int_equal(f->idle, 1);
    assert_int_equal(f->queued, 0);
}

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

static void beside_other_functions_calls_wait_for_their_turn(void **state)
{
    (void)state;
    struct pool_call calls[40] = {0}, others[2] = {0};
    struct gateway_function facts = usual, other = usual;
    facts.queue_max = 10;
    other.function_id = 2;
    memcpy(other.name, "g", 2);
    struct pool_function *f = short_calls(&facts, calls);
    struct pool_function *g = set(&other);
    assert_int_equal(pool_submit(pool, g, &others[0]), 0);
    for (int i = 1; i < 14; i++)
        assert_int_equal(pool_submit(pool, f, &calls[i]), 0);
    assert_int_equal(f->given, 4);
    assert_int_equal(f->queued, 9);
    /* Nobody is refused for it while there is room in instances. */
    for (int i = 14; i < 16; i++)
        assert_int_equal(pool_submit(pool, f, &calls[i]), 0);
    assert_int_equal(f->given, 6);
    assert_int_equal(f->queued, 9);
    for (int i = 1; i < 16; i++) {
        assert_ptr_equal(started[0]->call_first, &calls[i]);
        pool_answered(pool, started[0], false);
        assert_true(i < 2 || f->given <= 4);
    }
    assert_int_equal(f->given, 0);
    /* A second later it is alone again. */
    pool->shared_until_ns = loop_now(loop);
    for (int i = 16; i < 30; i++)
        assert_int_equal(pool_submit(pool, f, &calls[i]), 0);
    assert_int_equal(f->given, 14);
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

static void calls_outlive_a_change_of_isolation(void **state)
{
    (void)state;
    struct pool_call calls[3] = {0};
    struct gateway_function facts = usual;
    struct pool_function *f = short_calls(&facts, calls);
    for (int i = 1; i < 3; i++)
        assert_int_equal(pool_submit(pool, f, &calls[i]), 0);
    facts.per_request = 1;
    set(&facts);
    assert_true(pool_answered(pool, started[0], false));
    assert_ptr_equal(started[0]->call_first, &calls[2]);
    assert_false(pool_answered(pool, started[0], false));
    assert_int_equal(stopped_count, 1);
    assert_int_equal(failed_count, 0);
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
        TEST(short_calls_lie_in_one_instance),
        TEST(beside_other_functions_calls_wait_for_their_turn),
        TEST(a_function_not_measured_yet_has_one_call_in_an_instance),
        TEST(calls_behind_one_that_takes_long_go_back),
        TEST(a_long_call_runs_in_the_background_and_a_short_one_does_not),
        TEST(what_an_instance_had_not_begun_outlives_it),
        TEST(calls_of_a_removed_function_that_went_back_fail),
        TEST(calls_outlive_a_change_of_isolation),
        TEST(calls_are_served_in_order),
        TEST(a_full_queue_refuses),
        TEST(a_call_that_waits_long_gets_another_instance),
        TEST(calls_whose_callers_have_gone_are_not_run),
        TEST(an_instance_is_idle_when_all_who_waited_have_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
