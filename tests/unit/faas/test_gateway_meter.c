/* What calls cost: the kernel's counter is a file here. */
#include "gateway_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "faas/gateway_calls.h"
#include "faas/gateway_meter.h"

struct fixture {
    struct calls *calls;
    struct pool_function function;
    struct instance instance;
    struct call call;
    struct telemetry_call heard;
    int counter, ear;
};

static void heard(struct link *link, const void *data, size_t bytes, int *fds, size_t fd_count)
{
    (void)link, (void)data, (void)bytes, (void)fds, (void)fd_count;
}

static void closed(struct link *link)
{
    (void)link;
}

/* As v2's cpu.stat. */
static void counter_set(struct fixture *f, uint64_t us)
{
    char text[128];
    int n = snprintf(text, sizeof text, "usage_usec %llu\nuser_usec 1\n", (unsigned long long)us);
    assert_int_equal(ftruncate(f->counter, 0), 0);
    assert_int_equal(pwrite(f->counter, text, (size_t)n, 0), n);
}

static int open_all(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    int ends[2];

    f->calls = calloc(1, sizeof *f->calls);
    if (loop_new(&f->calls->loop, NULL) < 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -1;
    f->calls->telemetry.message = heard;
    f->calls->telemetry.closed = closed;
    if (link_open(&f->calls->telemetry, f->calls->loop, ends[0], NULL) < 0)
        return -1;
    f->ear = ends[1];
    f->counter = memfd_create("counter", MFD_CLOEXEC);
    strcpy(f->function.facts.name, "f");
    f->instance =
        (struct instance){.function = &f->function, .answers = 1, .pvm_id = 9, .gateway = f->calls};
    meter_attach(&f->instance.meter, fcntl(f->counter, F_DUPFD_CLOEXEC, 3), 1000000);
    f->call = (struct call){.calls = f->calls, .id = "id"};
    f->call.pool.function = &f->function;
    counter_set(f, 1000000);
    *state = f;
    return 0;
}

static int close_all(void **state)
{
    struct fixture *f = *state;

    meter_release(&f->instance.meter);
    link_close(&f->calls->telemetry);
    close(f->calls->telemetry.watch.fd);
    loop_free(f->calls->loop);
    close(f->ear);
    close(f->counter);
    free(f->calls);
    free(f);
    return 0;
}

static void call_of(struct fixture *f, uint64_t us)
{
    f->call.pool.given_ns = loop_now(f->calls->loop) - us * 1000;
    meter_call(&f->instance, &f->call, 200, PROBLEM_NONE, NULL);
}

static uint64_t count(const struct histogram *histogram)
{
    uint64_t sum = 0;

    for (size_t i = 0; i <= METRICS_BUCKETS; i++)
        sum += histogram->bucket[i];
    return sum;
}

static void milliseconds_are_rounded_up(void **state)
{
    (void)state;
    assert_int_equal(meter_ms(0), 1);
    assert_int_equal(meter_ms(1), 1);
    assert_int_equal(meter_ms(1000), 1);
    assert_int_equal(meter_ms(1001), 2);
    assert_int_equal(meter_ms(UINT64_MAX), UINT64_MAX / 1000 + 1);
}

static void both_kinds_of_counters_are_read(void **state)
{
    (void)state;
    uint64_t us = 5;
    static const char *const bad[] = {"",
                                      "\n",
                                      "-1\n",
                                      "12",
                                      "12 \n",
                                      "usage_usec\n",
                                      "usage_usec x\n",
                                      "usage_usec 18446744073709551616\n",
                                      "user_usec 5\n",
                                      " 5\n"};

    assert_int_equal(meter_cpu_parse("usage_usec 1234\nuser_usec 99\n", &us), 0);
    assert_int_equal(us, 1234);
    assert_int_equal(meter_cpu_parse("1234567\n", &us), 0);
    assert_int_equal(us, 1234);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(meter_cpu_parse(bad[i], &us), -EBADMSG);
    assert_int_equal(us, 1234);
}

static void short_calls_read_nothing_until_they_are_a_millisecond(void **state)
{
    struct fixture *f = *state;
    const struct function_counters *c = &f->function.counters;

    counter_set(f, 1000190);
    for (int i = 0; i < 9; i++)
        call_of(f, 100);
    assert_int_equal(c->cpu_us, 0); /* not looked at yet */
    assert_int_equal(count(&c->cpu), 0);
    call_of(f, 100);
    assert_int_equal(c->cpu_us, 190); /* and then all of it, shared among the ten */
    assert_int_equal(count(&c->cpu), 10);
    assert_int_equal(c->billed_ms, 10);
    assert_int_equal(c->billed_cpu_ms, 10);
    assert_int_equal(c->duration.sum, 1000);
    assert_true(f->call.metered);
}

static void a_long_call_has_what_the_kernel_counted(void **state)
{
    struct fixture *f = *state;
    const struct function_counters *c = &f->function.counters;

    counter_set(f, 1000000 + 7200);
    call_of(f, 9000);
    assert_int_equal(c->cpu_us, 7200);
    assert_int_equal(c->billed_ms, 9);
    assert_int_equal(c->billed_cpu_ms, 8);
    /* One that only waited. */
    call_of(f, 50000);
    assert_int_equal(c->cpu_us, 7200);
    assert_int_equal(c->billed_cpu_ms, 9);
    assert_int_equal(c->billed_ms, 59);
}

static void nobody_pays_for_more_than_their_time(void **state)
{
    struct fixture *f = *state;
    const struct function_counters *c = &f->function.counters;

    counter_set(f, 1000000 + 90000); /* it worked between its calls */
    call_of(f, 2000);
    assert_int_equal(c->cpu_us, 90000);
    assert_int_equal(c->billed_cpu_ms, 2);
}

static void a_counter_that_goes_back_or_is_gone_counts_nothing(void **state)
{
    struct fixture *f = *state;
    const struct function_counters *c = &f->function.counters;

    counter_set(f, 999);
    call_of(f, 5000);
    assert_int_equal(c->cpu_us, 0);
    meter_release(&f->instance.meter);
    call_of(f, 5000);
    assert_int_equal(c->cpu_us, 0);
    assert_int_equal(c->billed_ms, 10);
}

static void the_end_accounts_for_the_rest(void **state)
{
    struct fixture *f = *state;
    const struct function_counters *c = &f->function.counters;
    const struct gateway_ended ended = {.cpu_us = 500, .memory_peak_bytes = 3 << 20};

    call_of(f, 100);
    call_of(f, 100);
    meter_ended(&f->instance, &ended);
    assert_int_equal(c->cpu_us, 500);
    assert_int_equal(count(&c->cpu), 2);
    assert_int_equal(count(&c->memory), 2); /* each call had that peak */
    assert_int_equal(c->memory.sum, 2 * (3 << 20));
    assert_int_equal(c->memory_kib_ms, 3 * 1024 * 2);
}

static void isolation_request_is_exact_at_the_end(void **state)
{
    struct fixture *f = *state;
    const struct function_counters *c = &f->function.counters;
    const struct gateway_ended ended = {.cpu_us = 1234, .memory_peak_bytes = 5 << 20};

    f->function.facts.per_request = 1;
    f->calls->log_calls = true;
    call_of(f, 100);
    assert_int_equal(recv(f->ear, &f->heard, sizeof f->heard, MSG_DONTWAIT), -1);
    meter_ended(&f->instance, &ended);
    assert_int_equal(c->cpu_us, 1234);
    assert_int_equal(c->billed_cpu_ms, 2);
    assert_int_equal(recv(f->ear, &f->heard, sizeof f->heard, MSG_DONTWAIT), sizeof f->heard);
    assert_int_equal(f->heard.cpu_ms, 2);
    assert_int_equal(f->heard.memory_bytes, 5 << 20);
    assert_int_equal(f->heard.duration_us, 100);
    assert_string_equal(f->heard.request_id, "id");
}

static void a_call_is_told_when_that_is_wanted(void **state)
{
    struct fixture *f = *state;

    call_of(f, 1500);
    meter_refused(&f->call, PROBLEM_BUSY);
    assert_int_equal(recv(f->ear, &f->heard, sizeof f->heard, MSG_DONTWAIT), -1);
    f->calls->log_calls = true;
    counter_set(f, 1000000 + 1100);
    call_of(f, 1500);
    assert_int_equal(recv(f->ear, &f->heard, sizeof f->heard, MSG_DONTWAIT), sizeof f->heard);
    assert_int_equal(telemetry_check(&f->heard, sizeof f->heard, true), 0);
    assert_int_equal(f->heard.status, 200);
    assert_int_equal(f->heard.cpu_ms, 2);
    assert_int_equal(f->heard.pvm_id, 9);
    assert_int_equal(f->heard.start, METRICS_WARM);
    assert_string_equal(f->heard.function, "f");
    meter_refused(&f->call, PROBLEM_BUSY);
    assert_int_equal(recv(f->ear, &f->heard, sizeof f->heard, MSG_DONTWAIT), sizeof f->heard);
    assert_int_equal(f->heard.status, 429);
    assert_int_equal(f->heard.pvm_id, 0);
}

#define METER_TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(milliseconds_are_rounded_up),
        cmocka_unit_test(both_kinds_of_counters_are_read),
        METER_TEST(short_calls_read_nothing_until_they_are_a_millisecond),
        METER_TEST(a_long_call_has_what_the_kernel_counted),
        METER_TEST(nobody_pays_for_more_than_their_time),
        METER_TEST(a_counter_that_goes_back_or_is_gone_counts_nothing),
        METER_TEST(the_end_accounts_for_the_rest),
        METER_TEST(isolation_request_is_exact_at_the_end),
        METER_TEST(a_call_is_told_when_that_is_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
