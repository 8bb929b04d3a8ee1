/* Admin requests, telemetry, logs, problems and metrics: what comes in is checked, what goes out is
 * well made. */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "faas/admin_query.h"
#include "faas/log_ring.h"
#include "faas/metrics.h"
#include "faas/problem.h"
#include "faas/telemetry.h"
#include "gateway_test.h"

static void a_deploys_query_is_decoded(void **state)
{
    (void)state;
    struct admin_request request = {0};
    assert_int_equal(
        admin_query_deploy("name=a-1&memory=64MiB&&param=k%3Dv+w&param=x=%25", &request, NULL), 0);
    assert_string_equal(request.name, "a-1");
    assert_string_equal(request.memory, "64MiB");
    assert_int_equal(request.param_bytes, 10);
    assert_memory_equal(request.params, "k=v w\0x=%\0", 10);
}

static void improper_queries_are_refused(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "colour=red",
        "=x",
        "name=a&name=b",
        "name=A",
        "name=-a",
        "name=a%2Fb",
        "name=a%00b",
        "name=a%",
        "name=a%4",
        "name=a%zz",
        "name=a%0Ab",
        "name=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "memory=1234567890123456",
        "param=novalue",
        "param=k=%7f",
    };
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct admin_request request = {0};
        if (admin_query_deploy(refused[i], &request, NULL) != -EINVAL)
            fail_msg("'%s' was accepted", refused[i]);
    }
    _cleanup_(freep) char *many = calloc(1, 40000);
    for (int i = 0; i < 3000; i++)
        strcpy(many + strlen(many), "param=a=b&");
    struct admin_request request = {0};
    assert_int_equal(admin_query_deploy(many, &request, NULL), -EINVAL);
    assert_true(request.param_bytes <= sizeof request.params);
}

static void only_our_own_host_is_ours(void **state)
{
    (void)state;
    static const char *const ours[] = {"127.0.0.1", "127.0.0.1:80", "localhost:8080", "[::1]",
                                       "[::1]:80",  "10.0.0.1",     "vireo.lan:1"};
    static const char *const foreign[] = {
        "",     "evil.example", "evil.example:80", "localhost.",       "127.0.0.1.evil",
        "[::1", "[::1]x",       "[evil]",          "localhost:80evil", "::1",
        ":80"};
    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        assert_true(admin_host_is_ours(ours[i], "vireo.lan"));
    for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
        if (admin_host_is_ours(foreign[i], NULL))
            fail_msg("'%s' was accepted", foreign[i]);
}

static void only_the_whole_token_matches(void **state)
{
    (void)state;
    static const char token[] = "0123456789abcdef";
    static const char *const wrong[] = {
        "",
        "Bearer",
        "Bearer ",
        "Bearer 0123456789abcde",
        "Bearer 0123456789abcdef0",
        "Bearer 0123456789abcdeF",
        "Bearer 0123456789abcdef0123456789abcdef",
        "Basic 0123456789abcdef",
        "0123456789abcdef",
    };
    assert_true(admin_token_matches("Bearer 0123456789abcdef", token));
    assert_true(admin_token_matches("bearer 0123456789abcdef", token));
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_false(admin_token_matches(wrong[i], token));
    assert_false(admin_token_matches("Bearer ", ""));
}

static void telemetry_has_exact_sizes(void **state)
{
    (void)state;
    static struct telemetry_log log = {.type = TELEMETRY_LOG, .bytes = 5, .function = "f"};
    struct telemetry_pull pull = {.type = TELEMETRY_PULL};
    struct telemetry_end over = {.type = TELEMETRY_END};
    struct telemetry_function function = {.type = TELEMETRY_FUNCTION, .metrics.name = "f"};

    assert_int_equal(telemetry_check(&log, TELEMETRY_LOG_HEAD + 5, true), 0);
    assert_int_equal(telemetry_check(&log, TELEMETRY_LOG_HEAD + 4, true), -EBADMSG);
    assert_int_equal(telemetry_check(&log, TELEMETRY_LOG_HEAD + 6, true), -EBADMSG);
    assert_int_equal(telemetry_check(&log, 8, true), -EBADMSG);
    assert_int_equal(telemetry_check(&log, 2, true), -EBADMSG);
    log.bytes = UINT32_MAX;
    assert_int_equal(telemetry_check(&log, sizeof log, true), -EBADMSG);
    log.bytes = 5;
    memset(log.function, 'a', sizeof log.function);
    assert_int_equal(telemetry_check(&log, TELEMETRY_LOG_HEAD + 5, true), -EBADMSG);
    strcpy(log.function, "a\"b");
    assert_int_equal(telemetry_check(&log, TELEMETRY_LOG_HEAD + 5, true), -EBADMSG);
    assert_int_equal(telemetry_check(&function, sizeof function, true), 0);
    function.metrics.name[0] = '\0';
    assert_int_equal(telemetry_check(&function, sizeof function, true), -EBADMSG);
    assert_int_equal(telemetry_check(&over, sizeof over, true), 0);
    /* Each side sends its own kinds only. */
    assert_int_equal(telemetry_check(&over, sizeof over, false), -EBADMSG);
    assert_int_equal(telemetry_check(&pull, sizeof pull, true), -EBADMSG);
    assert_int_equal(telemetry_check(&pull, sizeof pull, false), 0);
}

static void pieces_end_with_lines(void **state)
{
    (void)state;
    static char text[TELEMETRY_TEXT_BYTES * 2];
    memset(text, 'a', sizeof text);
    assert_int_equal(telemetry_piece(text, 10), 10);
    assert_int_equal(telemetry_piece(text, sizeof text), TELEMETRY_TEXT_BYTES);
    text[100] = '\n';
    assert_int_equal(telemetry_piece(text, sizeof text), 101);
}

static char *ring_text(struct log_ring *ring)
{
    uint64_t at = 0;
    char *text = calloc(1, LOG_RING_BYTES + 1);
    log_ring_read(ring, &at, text, LOG_RING_BYTES);
    return text;
}

static void lines_are_stamped_and_harmless(void **state)
{
    (void)state;
    struct log_rings *rings = log_rings_new();
    struct log_ring *ring = log_rings_get(rings, "f");
    static const char text[] = "one\r\ntw\x1b[2Jo\n\xff\xc2\x9b\xc3\xa4\tlast";

    log_ring_add(ring, 1769860800123, 7, text, sizeof text - 1, 3);
    _cleanup_(freep) char *lines = ring_text(ring);
    assert_string_equal(lines, "2026-01-31T12:00:00.123Z 7 vireo: 3 bytes of output were dropped\n"
                               "2026-01-31T12:00:00.123Z 7 one\n"
                               "2026-01-31T12:00:00.123Z 7 tw\\x1b[2Jo\n"
                               "2026-01-31T12:00:00.123Z 7 \\xff\\xc2\\x9b\xc3\xa4\tlast\n");
    log_rings_free(rings);
}

static void a_full_ring_forgets_whole_lines(void **state)
{
    (void)state;
    struct log_rings *rings = log_rings_new();
    struct log_ring *ring = log_rings_get(rings, "f");
    static char line[1000];
    uint64_t at = 0;
    char first[5] = {0};

    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\n';
    for (int i = 0; i < 9000; i++)
        log_ring_add(ring, 0, 1, line, sizeof line, 0);
    assert_true(log_ring_end(ring) - log_ring_start(ring) <= LOG_RING_BYTES);
    assert_true(log_ring_end(ring) - log_ring_start(ring) > LOG_RING_BYTES - 2048);
    assert_true(log_ring_start(ring) > 0);
    log_ring_read(ring, &at, first, 4); /* an old position moves to the oldest line's start */
    assert_string_equal(first, "1970");
    assert_int_equal(at, log_ring_start(ring) + 4);
    log_rings_free(rings);
}

static void a_long_line_is_cut(void **state)
{
    (void)state;
    struct log_rings *rings = log_rings_new();
    struct log_ring *ring = log_rings_get(rings, "f");
    _cleanup_(freep) char *text = malloc(100000);
    memset(text, 1, 100000); /* each byte is shown as four */
    log_ring_add(ring, UINT64_MAX, UINT64_MAX, text, 100000, 0);
    assert_true(log_ring_end(ring) <= LOG_LINE_MAX);
    _cleanup_(freep) char *line = ring_text(ring);
    assert_non_null(strstr(line, "...\n"));
    log_rings_free(rings);
}

static void rings_come_and_go_by_name(void **state)
{
    (void)state;
    struct log_rings *rings = log_rings_new();
    assert_null(log_rings_find(rings, "f"));
    struct log_ring *f = log_rings_get(rings, "f");
    assert_ptr_equal(log_rings_get(rings, "f"), f);
    log_rings_get(rings, "g");
    log_rings_remove(rings, "f");
    log_rings_remove(rings, "f");
    assert_null(log_rings_find(rings, "f"));
    assert_non_null(log_rings_find(rings, "g"));
    log_rings_free(rings);
    log_rings_free(NULL);
}

static void a_problem_is_json_whatever_its_detail(void **state)
{
    (void)state;
    char json[PROBLEM_JSON_MAX];
    static char details[3][6000] = {"it's \"quoted\" \\ and\nmore \x01\xff"};
    memset(details[1], '"', sizeof details[1] - 1);
    memset(details[2], 1, sizeof details[2] - 1);
    for (int cause = 1; cause < PROBLEM_CAUSES; cause++)
        for (int i = 0; i < 3; i++) {
            size_t bytes = problem_json((enum problem_cause)cause, details[i], json);
            assert_true(bytes < PROBLEM_JSON_MAX);
            assert_int_equal(strlen(json), bytes);
            json_object *object = json_tokener_parse(json);
            assert_non_null(object);
            json_object *word;
            assert_true(json_object_object_get_ex(object, "cause", &word));
            assert_string_equal(json_object_get_string(word),
                                problem_word((enum problem_cause)cause));
            json_object_put(object);
        }
}

static void durations_fall_into_their_buckets(void **state)
{
    (void)state;
    uint64_t bucket[METRICS_BUCKETS + 1] = {0}, sum = 0;
    metrics_duration(bucket, &sum, 0);
    metrics_duration(bucket, &sum, 50);
    metrics_duration(bucket, &sum, 51);
    metrics_duration(bucket, &sum, 40000000);
    assert_int_equal(bucket[0], 2);
    assert_int_equal(bucket[1], 1);
    assert_int_equal(bucket[METRICS_BUCKETS], 1);
    assert_int_equal(sum, 40000101);
}

static void metrics_are_prometheus_text(void **state)
{
    (void)state;
    struct gateway_counters gateway = {.requests = 9};
    struct metrics_function function = {.name = "f", .counters = {.invocations = 4, .busy = 1}};
    struct text text = {0};

    function.counters.errors[PROBLEM_TRAP] = 2;
    metrics_text(&text, &gateway, &function, 1);
    assert_int_equal(text.failed, 0);
    assert_non_null(strstr(text.data, "vireo_requests_total 9\n"));
    assert_non_null(strstr(text.data, "faas_invocations_total{function=\"f\"} 4\n"));
    assert_non_null(strstr(text.data, "faas_errors_total{function=\"f\",cause=\"trap\"} 2\n"));
    assert_non_null(strstr(text.data, "vireo_instances{function=\"f\",state=\"busy\"} 1\n"));
    text_clear(&text);
}

static void the_supervisors_numbers_are_checked(void **state)
{
    (void)state;
    struct text text = {0};
    static const char good[] =
        "{\"a_1\":5,\"b\":1.5,\"C\":1,\"d\":\"x\",\"e{}\":1,\"f\":{\"g\":1}}";
    static const char *const bad[] = {"", "[1]", "5",
                                      "{\"a\":", "{\"a\":{\"b\":{\"c\":{\"d\":1}}}}"};

    assert_int_equal(metrics_supervisor_text(&text, good, sizeof good - 1), 0);
    assert_string_equal(text.data, "# TYPE vireo_supervisor_a_1 gauge\nvireo_supervisor_a_1 5\n"
                                   "# TYPE vireo_supervisor_b gauge\nvireo_supervisor_b 1.5\n");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(metrics_supervisor_text(&text, bad[i], strlen(bad[i])), -EBADMSG);
    text_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_deploys_query_is_decoded),
        cmocka_unit_test(improper_queries_are_refused),
        cmocka_unit_test(only_our_own_host_is_ours),
        cmocka_unit_test(only_the_whole_token_matches),
        cmocka_unit_test(telemetry_has_exact_sizes),
        cmocka_unit_test(pieces_end_with_lines),
        cmocka_unit_test(lines_are_stamped_and_harmless),
        cmocka_unit_test(a_full_ring_forgets_whole_lines),
        cmocka_unit_test(a_long_line_is_cut),
        cmocka_unit_test(rings_come_and_go_by_name),
        cmocka_unit_test(a_problem_is_json_whatever_its_detail),
        cmocka_unit_test(durations_fall_into_their_buckets),
        cmocka_unit_test(metrics_are_prometheus_text),
        cmocka_unit_test(the_supervisors_numbers_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
