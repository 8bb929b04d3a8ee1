/* What may be asked of the opener of events: no bytes that are not one of four kinds within limits.
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "bpf/events.h"

static const struct event_request good[] = {
    {.kind = EVENT_TRACEPOINT, .number = 1},
    {.kind = EVENT_TRACEPOINT, .number = 0xffff},
    {.kind = EVENT_KPROBE, .function = "vfs_read"},
    {.kind = EVENT_KPROBE, .function = "vfs_read", .number = EVENT_OFFSET_MAX},
    {.kind = EVENT_KPROBE, .function = "__x64_sys_read", .returns = 1},
    {.kind = EVENT_SAMPLES, .type = PERF_TYPE_SOFTWARE, .frequency = 99},
    {.kind = EVENT_SAMPLES, .type = PERF_TYPE_HARDWARE, .frequency = 1, .processor = 8191},
    {.kind = EVENT_SAMPLES, .type = PERF_TYPE_HW_CACHE, .frequency = EVENT_FREQUENCY_MAX},
    {.kind = EVENT_SAMPLES, .type = PERF_TYPE_RAW, .number = UINT64_MAX, .frequency = 1},
    {.kind = EVENT_OUTPUT},
    {.kind = EVENT_OUTPUT, .processor = 63},
};

static void what_programs_hang_on_can_be_asked_for(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_int_equal(event_check(&good[i]), 0);
}

static void what_is_beyond_a_limit_is_refused(void **state)
{
    static const struct event_request bad[] = {
        {.kind = 0},
        {.kind = EVENT_OUTPUT + 1},
        {.kind = UINT32_MAX},
        /* A tracepoint has a number, and one processor that counts it. */
        {.kind = EVENT_TRACEPOINT},
        {.kind = EVENT_TRACEPOINT, .number = 0x10000},
        {.kind = EVENT_TRACEPOINT, .number = 1 | UINT64_C(1) << 32},
        {.kind = EVENT_TRACEPOINT, .number = 1, .processor = 1},
        /* A kprobe is in a function of the kernel: no module's, no address, no other's name. */
        {.kind = EVENT_KPROBE},
        {.kind = EVENT_KPROBE, .number = 0x1000},
        {.kind = EVENT_KPROBE, .function = "module:name"},
        {.kind = EVENT_KPROBE, .function = "name.cold"},
        {.kind = EVENT_KPROBE, .function = "../name"},
        {.kind = EVENT_KPROBE, .function = "a/b"},
        {.kind = EVENT_KPROBE, .function = "vfs_read", .number = EVENT_OFFSET_MAX + 1},
        {.kind = EVENT_KPROBE, .function = "vfs_read", .number = UINT64_MAX},
        {.kind = EVENT_KPROBE, .function = "vfs_read", .returns = 2},
        {.kind = EVENT_KPROBE, .function = "vfs_read", .number = 1, .returns = 1},
        {.kind = EVENT_KPROBE, .function = "vfs_read", .processor = 1},
        /* Samples: of processors' counters alone, not oftener than is bearable. */
        {.kind = EVENT_SAMPLES, .type = PERF_TYPE_SOFTWARE},
        {.kind = EVENT_SAMPLES, .type = PERF_TYPE_SOFTWARE, .frequency = EVENT_FREQUENCY_MAX + 1},
        {.kind = EVENT_SAMPLES, .type = PERF_TYPE_TRACEPOINT, .number = 1, .frequency = 1},
        {.kind = EVENT_SAMPLES, .type = PERF_TYPE_BREAKPOINT, .frequency = 1},
        {.kind = EVENT_SAMPLES, .type = 6, .frequency = 1}, /* kprobe's, as a rule */
        {.kind = EVENT_SAMPLES, .type = UINT32_MAX, .frequency = 1},
        {.kind = EVENT_SAMPLES, .type = PERF_TYPE_SOFTWARE, .frequency = 1, .processor = 8192},
        {.kind = EVENT_OUTPUT, .processor = 8192},
        {.kind = EVENT_OUTPUT, .processor = UINT32_MAX}, /* -1: any */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (event_check(&bad[i]) != -EINVAL)
            fail_msg("number %zu is let pass", i);
}

static void a_field_of_another_kind_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct event_request request = good[i];
        request.reserved = 1;
        assert_int_equal(event_check(&request), -EINVAL);
        request = good[i];
        if (request.kind != EVENT_SAMPLES) {
            request.type = 1;
            assert_int_equal(event_check(&request), -EINVAL);
            request = good[i];
            request.frequency = 1;
            assert_int_equal(event_check(&request), -EINVAL);
            request = good[i];
        }
        if (request.kind != EVENT_KPROBE) {
            request.function[0] = 'f';
            assert_int_equal(event_check(&request), -EINVAL);
            request = good[i];
            request.returns = 1;
            assert_int_equal(event_check(&request), -EINVAL);
        }
        if (request.kind == EVENT_OUTPUT) {
            request = good[i];
            request.number = 1;
            assert_int_equal(event_check(&request), -EINVAL);
        }
    }
}

static void a_name_without_an_end_is_refused(void **state)
{
    struct event_request request = {.kind = EVENT_KPROBE};

    (void)state;
    memset(request.function, 'f', sizeof request.function);
    assert_int_equal(event_check(&request), -EINVAL);
    request.function[sizeof request.function - 1] = '\0';
    assert_int_equal(event_check(&request), -EINVAL); /* it is longer than any */
    memset(request.function + 100, 0, sizeof request.function - 100);
    assert_int_equal(event_check(&request), 0);
}

/* Whatever bytes: one that passes is made of its kind's fields. */
static void random_bytes_are_no_request_but_by_their_kind(void **state)
{
    uint64_t seed = 88172645463325252;
    struct event_request request;
    size_t passed = 0;

    (void)state;
    for (unsigned round = 0; round < 200000; round++) {
        uint8_t *bytes = (uint8_t *)&request;
        request = good[round % ARRAY_LEN(good)];
        for (unsigned i = 0; i < 3; i++) {
            seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
            bytes[seed % sizeof request] = (uint8_t)(seed >> 32);
        }
        if (event_check(&request) < 0)
            continue;
        passed++;
        assert_in_range(request.kind, EVENT_TRACEPOINT, EVENT_OUTPUT);
        assert_true(request.frequency <= EVENT_FREQUENCY_MAX && request.processor < 8192);
        assert_true(request.kind == EVENT_SAMPLES || (!request.type && !request.frequency));
        assert_true(request.kind == EVENT_KPROBE || !request.function[0]);
        assert_true(request.kind != EVENT_SAMPLES || request.type != PERF_TYPE_TRACEPOINT);
        assert_true(request.kind != EVENT_SAMPLES || request.type != PERF_TYPE_BREAKPOINT);
    }
    assert_true(passed > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_programs_hang_on_can_be_asked_for),
        cmocka_unit_test(what_is_beyond_a_limit_is_refused),
        cmocka_unit_test(a_field_of_another_kind_is_refused),
        cmocka_unit_test(a_name_without_an_end_is_refused),
        cmocka_unit_test(random_bytes_are_no_request_but_by_their_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
