/* Work for somebody else is a part of one CPU's time in the long run. */
#include "base/pace.h"

#include "cmocka_all.h"

#define MS 1000000

static void little_work_never_rests(void **state)
{
    struct pace pace = {0};

    (void)state;
    for (int i = 0; i < 10000; i++)
        assert_int_equal(pace_count(&pace, 10 * MS, 9 * MS / 10), 0);
}

static void a_burst_is_not_held_up_and_what_follows_is(void **state)
{
    struct pace pace = {0};

    (void)state;
    assert_int_equal(pace_count(&pace, PACE_BURST_NS, PACE_BURST_NS), 0);
    assert_int_equal(pace_count(&pace, PACE_BURST_NS / 10, PACE_BURST_NS / 10), 0);
    assert_true(pace_count(&pace, PACE_BURST_NS, PACE_BURST_NS) > 0);
}

static void whoever_works_all_the_time_gets_its_part(void **state)
{
    struct pace pace = {0};
    int64_t wall = 0, cpu = 0;
    const int64_t second = 1000 * MS;
    int64_t rest = 0;

    (void)state;
    while (wall < 60 * second) {
        const int64_t work = 3 * MS;
        int64_t more = pace_count(&pace, rest + work, work);
        wall += rest + work;
        cpu += work;
        assert_true(more <= 100 * MS);
        rest = more;
    }
    assert_true(cpu <= wall * PACE_PERCENT / 100 + PACE_BURST_NS + 3 * MS);
    assert_true(cpu >= wall * PACE_PERCENT / 100);
}

static void a_rest_is_forgiven_but_not_saved_up(void **state)
{
    struct pace pace = {0};

    (void)state;
    assert_int_equal(pace_count(&pace, 1000000LL * MS, 0), 0);
    assert_true(pace_count(&pace, 0, PACE_BURST_NS + MS) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(little_work_never_rests),
        cmocka_unit_test(a_burst_is_not_held_up_and_what_follows_is),
        cmocka_unit_test(whoever_works_all_the_time_gets_its_part),
        cmocka_unit_test(a_rest_is_forgiven_but_not_saved_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
