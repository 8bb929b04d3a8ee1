/* A function's loads have half a processor and a second at once, however many sessions it has. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "bpf/budget.h"

#define SECOND INT64_C(1000000000)

static int start(void **state)
{
    (void)state;
    return budget_open();
}

static void a_second_at_once_is_free_and_more_is_waited_for(void **state)
{
    struct budget *budget = budget_of(1);

    (void)state;
    budget_count(budget, 100 * SECOND, SECOND);
    assert_int_equal(budget_owed(budget, 100 * SECOND), 0);
    budget_count(budget, 100 * SECOND, SECOND / 2);
    assert_int_equal(budget_owed(budget, 100 * SECOND), SECOND);
    assert_int_equal(budget_owed(budget, 101 * SECOND), 0);
    /* Who rests for a day has no more than a second for that. */
    budget_count(budget, 100000 * SECOND, 3 * SECOND);
    assert_int_equal(budget_owed(budget, 100000 * SECOND), 4 * SECOND);
}

static void a_loop_of_loads_has_half_a_processor(void **state)
{
    struct budget *budget = budget_of(2);
    int64_t now = 5 * SECOND, used = 0;

    (void)state;
    while (now < 105 * SECOND) {
        now += budget_owed(budget, now);
        now += SECOND / 10; /* a load takes its time */
        budget_count(budget, now, SECOND / 10);
        used += SECOND / 10;
    }
    assert_true(used >= 49 * SECOND && used <= 52 * SECOND);
}

static void sessions_of_one_function_pay_together_and_others_do_not(void **state)
{
    struct budget *budget = budget_of(3), *other = budget_of(4);

    (void)state;
    assert_ptr_equal(budget_of(3), budget);
    for (int i = 0; i < 4; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            for (int j = 0; j < 1000; j++)
                budget_count(budget, SECOND, SECOND / 1000);
            _exit(0);
        }
        assert_true(pid > 0);
    }
    while (wait(NULL) > 0)
        ;
    assert_int_equal(budget_owed(budget, SECOND), 6 * SECOND);
    assert_int_equal(budget_owed(other, SECOND), 0);
}

static void a_function_that_is_gone_leaves_its_place_and_no_debt(void **state)
{
    struct budget *budget = NULL;

    (void)state;
    for (uint64_t owner = 100; (budget = budget_of(owner)); owner++)
        budget_count(budget, SECOND, 60 * SECOND);
    budget_forget(101);
    budget = budget_of(7);
    assert_non_null(budget);
    assert_int_equal(budget_owed(budget, SECOND), 0);
    assert_null(budget_of(8));
}

static void who_has_gone_is_not_waited_for(void **state)
{
    struct budget *budget = budget_of(7);
    int ends[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    assert_int_equal(budget_wait(budget, ends[0]), 0);
    budget_count(budget, clock_now_ns(), SECOND + SECOND / 20);
    int64_t before = clock_now_ns();
    assert_int_equal(budget_wait(budget, ends[0]), 0);
    assert_true(clock_now_ns() - before >= SECOND / 20);
    budget_count(budget, clock_now_ns(), 1000 * SECOND);
    close(ends[1]);
    assert_int_equal(budget_wait(budget, ends[0]), -EPIPE);
    close(ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_at_once_is_free_and_more_is_waited_for),
        cmocka_unit_test(a_loop_of_loads_has_half_a_processor),
        cmocka_unit_test(sessions_of_one_function_pay_together_and_others_do_not),
        cmocka_unit_test(a_function_that_is_gone_leaves_its_place_and_no_debt),
        cmocka_unit_test(who_has_gone_is_not_waited_for),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
