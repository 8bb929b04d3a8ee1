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
        "",          "evil.example", "evil.example:80", "localhost.",       "127.0.0.1.evil",
        "[::1",      "[::1]x",       "[evil]",          "localhost:80evil", "::1",
        ":80",       "10.0.0.2",     "[::2]",           "localhost:1:2",    "[::1]:x",
        "2130706433"};
    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        assert_true(admin_host_is_ours(ours[i], "10.0.0.1", "vireo.lan"));
    for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
        if (admin_host_is_ours(foreign[i], "10.0.0.1", NULL))
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
    struct telemetry_call call = {.type = TELEMETRY_CALL, .status = 200, .request_id = "r"};

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
    assert_int_equal(telemetry_check(&call, sizeof call, true), 0);
    assert_int_equal(telemetry_check(&call, sizeof call - 1, true), -EBADMSG);
    /* What would end up in a log is checked, not believed. */
    memset(call.request_id, 'r', sizeof call.request_id);
    assert_int_equal(telemetry_check(&call, sizeof call, true), -EBADMSG);
    strcpy(call.request_id, "r\nr");
    assert_int_equal(telemetry_check(&call, sizeof call, true), -EBADMSG);
    strcpy(call.request_id, "r");
    strcpy(call.trace, "00-1");
    assert_int_equal(telemetry_check(&call, sizeof call, true), -EBADMSG);
    call.trace[0] = '\0';
    call.cause = PROBLEM_CAUSES;
    assert_int_equal(telemetry_check(&call, sizeof call, true), -EBADMSG);
    call.cause = 0;
    call.start = METRICS_STARTS;
    assert_int_equal(telemetry_check(&call, sizeof call, true), -EBADMSG);
    call.start = 0;
    call.status = 1000;
    assert_int_equal(telemetry_check(&call, sizeof call, true), -EBADMSG);
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
    struct log_rings *rings = log_rings_new(LOG_RING_BYTES);
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
    struct log_rings *rings = log_rings_new(LOG_RING_BYTES);
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
    struct log_rings *rings = log_rings_new(LOG_RING_BYTES);
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
    struct log_rings *rings = log_rings_new(LOG_RING_BYTES);
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

static void values_fall_into_their_buckets(void **state)
{
    (void)state;
    struct histogram times = {0}, sizes = {0};
    metrics_observe(&times, metrics_bounds_us, 0, 1);
    metrics_observe(&times, metrics_bounds_us, 50, 1);
    metrics_observe(&times, metrics_bounds_us, 51, 3);
    metrics_observe(&times, metrics_bounds_us, 40000000, 1);
    assert_int_equal(times.bucket[0], 2);
    assert_int_equal(times.bucket[1], 3);
    assert_int_equal(times.bucket[METRICS_BUCKETS], 1);
    assert_int_equal(times.sum, 40000000 + 50 + 3 * 51);
    metrics_observe(&sizes, metrics_bounds_bytes, 1 << 20, 2);
    metrics_observe(&sizes, metrics_bounds_bytes, UINT64_C(1) << 35, 1);
    assert_int_equal(sizes.bucket[2], 2);
    assert_int_equal(sizes.bucket[METRICS_BUCKETS], 1);
    for (size_t i = 1; i < METRICS_BUCKETS; i++) {
        assert_true(metrics_bounds_us[i] > metrics_bounds_us[i - 1]);
        assert_true(metrics_bounds_bytes[i] > metrics_bounds_bytes[i - 1]);
    }
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
    struct metrics_function functions[2] = {{.name = "f"}, {.name = "g"}};
    static const char good[] = "{\"instances\":5,\"starts_fork\":\"x\",\"groups_ready\":-1,"
                               "\"falls_untranslated\":3,\"falls_refused\":0,"
                               "\"unknown\":1,\"memory\":{\"g\":77,\"f\":-1,\"h\":{}}}";
    static const char *const bad[] = {"", "[1]", "5",
                                      "{\"a\":", "{\"a\":{\"b\":{\"c\":{\"d\":1}}}}"};

    assert_int_equal(metrics_supervisor(&text, good, functions, 2), 0);
    assert_non_null(strstr(text.data, "# HELP vireo_instances_live Instances of all functions.\n"
                                      "# TYPE vireo_instances_live gauge\n"
                                      "vireo_instances_live 5\n"));
    assert_null(strstr(text.data, "unknown"));
    assert_non_null(strstr(text.data, "# TYPE vireo_falls_total counter\n"
                                      "vireo_falls_total{rung=\"container\","
                                      "reason=\"not-translated\"} 3\n"
                                      "vireo_falls_total{rung=\"none\",reason=\"demoted\"} 0\n"));
    assert_null(strstr(text.data, "\nvireo_starts_total"));
    assert_null(strstr(text.data, "\nvireo_cgroup_pool_groups"));
    assert_int_equal(functions[0].counters.memory_bytes, 0);
    assert_int_equal(functions[1].counters.memory_bytes, 77);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(metrics_supervisor(&text, bad[i], functions, 2), -EBADMSG);
    text_clear(&text);
}

static void usage_is_json(void **state)
{
    (void)state;
    struct metrics_function functions[2] = {{.name = "f", .counters = {.invocations = 4}},
                                            {.name = "g"}};
    struct text text = {0};
    json_object *list, *value;

    functions[0].counters.errors[PROBLEM_TIMEOUT] = 2;
    functions[0].counters.errors[PROBLEM_TRAP] = 1;
    metrics_observe(&functions[0].counters.duration, metrics_bounds_us, 60, 7);
    metrics_usage_all(&text, 5, functions, 2);
    json_object *object = json_tokener_parse(text.data);
    assert_non_null(object);
    assert_true(json_object_object_get_ex(object, "functions", &list));
    assert_int_equal(json_object_array_length(list), 2);
    json_object *f = json_object_array_get_idx(list, 0);
    assert_true(json_object_object_get_ex(f, "errors", &value));
    assert_int_equal(json_object_get_int(value), 3);
    assert_true(json_object_object_get_ex(f, "timeouts", &value));
    assert_int_equal(json_object_get_int(value), 2);
    assert_true(json_object_object_get_ex(f, "durations", &value));
    assert_int_equal(json_object_array_length(value), METRICS_BUCKETS + 1);
    assert_int_equal(json_object_get_int(json_object_array_get_idx(value, 1)), 7);
    json_object_put(object);
    text_clear(&text);
}

static void request_ids_are_harmless_words(void **state)
{
    (void)state;
    static const char *const good[] = {
        "a",
        "0123456789abcdef0123456789abcdef",
        "Root=1-67891233-abcdef012345678912345678",
        "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66",
        "a/b@c~d_e",
        "1234567890123456789012345678901234567890123456789012345678901234"};
    static const char *const bad[] = {
        "",
        " ",
        "a b",
        "a\"b",
        "a\nb",
        "a\tb",
        "<a>",
        "a;b",
        "a,b",
        "a%20",
        "\xc3\xa4",
        "a\\b",
        "12345678901234567890123456789012345678901234567890123456789012345"};

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(request_id_is_valid(good[i]));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(request_id_is_valid(bad[i]));
}

static void traces_are_as_w3c_says(void **state)
{
    (void)state;
    static const char *const good[] = {
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff",
        "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-comes",
    };
    static const char *const bad[] = {
        "",
        "00",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-012",
        "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-012",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319-cb7ad6b7169203331-01",
        " 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    };

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(trace_is_valid(good[i]));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(trace_is_valid(bad[i]));
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
        cmocka_unit_test(values_fall_into_their_buckets),
        cmocka_unit_test(metrics_are_prometheus_text),
        cmocka_unit_test(the_supervisors_numbers_are_checked),
        cmocka_unit_test(usage_is_json),
        cmocka_unit_test(request_ids_are_harmless_words),
        cmocka_unit_test(traces_are_as_w3c_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
