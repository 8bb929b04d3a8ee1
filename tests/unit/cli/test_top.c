/* What happened between two samples. */
#include "cmocka_all.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/top_sample.h"

/* What the command line links, too. */
const struct cli_verb cli_verbs[] = {{NULL, NULL, NULL, NULL, NULL}};

static struct top_sample *sample(const char *text)
{
    struct top_sample *made = NULL;

    assert_int_equal(top_sample_new(json_tokener_parse(text), &made), 0);
    return made;
}

#define BOUNDS "\"bounds_us\":[100,200]"

static void rates_are_by_time(void **state)
{
    (void)state;
    struct top_sample *before = sample(
        "{\"time_us\":1000000," BOUNDS ",\"functions\":["
        "{\"name\":\"a\",\"invocations\":10,\"errors\":1,\"cpu_us\":1000,\"durations\":[5,5,1]},"
        "{\"name\":\"b\",\"invocations\":500,\"cpu_us\":9,\"durations\":[1,1,1]}]}");
    struct top_sample *now = sample(
        "{\"time_us\":3000000," BOUNDS ",\"functions\":["
        "{\"name\":\"new\",\"invocations\":2,\"durations\":[2,0,0]},"
        "{\"name\":\"b\",\"invocations\":4,\"cpu_us\":4000,\"durations\":[4,0,0]},"
        "{\"name\":\"a\",\"invocations\":28,\"errors\":3,\"cpu_us\":1001000,\"durations\":[15,15,1]"
        ","
        "\"memory_bytes\":77,\"starting\":1,\"idle\":2,\"busy\":3,\"leaving\":4,\"queue\":5}]}");
    struct top_row *rows = top_rows(before, now, TOP_CPU);

    assert_non_null(rows);
    assert_string_equal(rows[0].name, "a");
    assert_true(rows[0].calls == 10);
    assert_true(rows[0].errors == 1);
    assert_true(rows[0].cpu_percent == 50);
    assert_true(rows[0].p50_us == 100);
    assert_true(rows[0].p99_us > 190 && rows[0].p99_us <= 200);
    assert_int_equal(rows[0].memory_bytes, 77);
    assert_int_equal(rows[0].instances, 10);
    assert_int_equal(rows[0].busy, 3);
    assert_int_equal(rows[0].queue, 5);
    /* A count that went back began anew: it was removed and deployed again. */
    assert_string_equal(rows[1].name, "b");
    assert_true(rows[1].calls == 2);
    assert_string_equal(rows[2].name, "new");
    assert_true(rows[2].calls == 1);
    free(rows);

    rows = top_rows(before, now, TOP_NAME);
    assert_string_equal(rows[2].name, "new");
    free(rows);
    rows = top_rows(before, now, TOP_CALLS);
    assert_string_equal(rows[1].name, "b");
    free(rows);
    /* The daemon was started anew: no time went by, by its clock. */
    rows = top_rows(now, now, TOP_CPU);
    assert_true(rows[0].calls == 0);
    assert_true(rows[0].p99_us == 0);
    free(rows);
    top_sample_free(before);
    top_sample_free(now);
}

static void percentiles_lie_within_their_bucket(void **state)
{
    (void)state;
    static const uint64_t bounds[] = {100, 200, 400};
    static const uint64_t none[4] = {0}, one[4] = {0, 0, 1, 0}, above[4] = {1, 0, 0, 99},
                          even[4] = {50, 50, 0, 0};

    assert_true(top_percentile(none, bounds, 4, 0.5) == 0);
    assert_true(top_percentile(one, bounds, 4, 0.5) == 300);
    assert_true(top_percentile(above, bounds, 4, 0.99) == 400);
    assert_true(top_percentile(even, bounds, 4, 0.5) == 100);
    assert_true(top_percentile(even, bounds, 4, 0.75) == 150);
}

static void what_is_no_sample_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "[]",
        "{}",
        "{\"time_us\":1,\"functions\":[]}",
        "{\"time_us\":1,\"bounds_us\":[],\"functions\":[]}",
        "{\"time_us\":1," BOUNDS "}",
        "{\"time_us\":1," BOUNDS ",\"functions\":{}}",
        "{\"time_us\":1," BOUNDS ",\"functions\":[1]}",
        "{\"time_us\":1," BOUNDS ",\"functions\":[{\"durations\":[1,2,3]}]}",
        "{\"time_us\":1," BOUNDS ",\"functions\":[{\"name\":\"a\"}]}",
        "{\"time_us\":1," BOUNDS ",\"functions\":[{\"name\":\"a\",\"durations\":[1,2]}]}",
    };
    struct top_sample *made = NULL;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(top_sample_new(json_tokener_parse(bad[i]), &made), -EBADMSG);
    assert_null(made);
    top_sample_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_are_by_time),
        cmocka_unit_test(percentiles_lie_within_their_bucket),
        cmocka_unit_test(what_is_no_sample_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
