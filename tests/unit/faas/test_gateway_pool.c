/* How many instances a function has, from the wish for one until its end. */
#include <errno.h>

#include "pool_notes.h"

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
    struct pool_call calls[2] = {0};
    assert_int_equal(pool_submit(pool, f, &calls[0]), 0);
    assert_non_null(calls[0].instance);
    /* A little later: the call wants the processor now. */
    assert_int_equal(started_count, 2);
    assert_int_not_equal(f->grow_timer.place, 0);
    /* At once when none is left. */
    assert_int_equal(pool_submit(pool, f, &calls[1]), 0);
    assert_non_null(calls[1].instance);
    assert_int_equal(started_count, 4);
}

static void spares_by_rate_follow_the_calls(void **state)
{
    const uint64_t ms = 1000000, now = 5000 * ms;
    struct pool_function f = {.facts = {.spares = 4}};

    (void)state;
    assert_int_equal(pool_spares(&f, now), 4);
    f.facts.spares_by_rate = 1;
    assert_int_equal(pool_spares(&f, now), 0);
    f.arrival_ns = now;
    f.between_ns = 400 * ms;
    assert_int_equal(pool_spares(&f, now), 2);
    f.between_ns = 10 * ms;
    assert_int_equal(pool_spares(&f, now), 4);
    /* Fewer, the longer nobody calls; then none. */
    assert_int_equal(pool_spares(&f, now + 300 * ms), 3);
    assert_int_equal(pool_spares(&f, now + 1001 * ms), 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_waits_for_its_first_instance),
        TEST(the_instance_used_last_is_used_next),
        TEST(isolation_request_starts_one_for_each_call),
        TEST(spares_are_prepared_and_prepared_again),
        TEST(spares_by_rate_follow_the_calls),
        TEST(spares_that_do_not_start_are_not_tried_for_ever),
        TEST(a_start_that_fails_fails_those_who_wait),
        TEST(a_shortage_is_told_from_a_function_that_cannot_start),
        TEST(an_instance_without_its_channel_is_stopped_and_nobody_waits_for_it),
        TEST(instances_of_older_generations_get_no_call),
        TEST(a_function_that_is_gone_fails_its_queue_and_finishes),
        TEST(idle_instances_are_stopped_in_time),
        TEST(an_old_token_finds_nothing),
        TEST(improper_facts_are_refused),
        TEST(near_names_are_suggested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
