/* Native calls and their processor time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "guest/native.h"
#include "guest/wasm_internal.h"

static volatile bool go_on;

static void spin(void *argument)
{
    (void)argument;
    native_call_begins();
    while (go_on)
        continue;
    native_call_ends();
}

static void spin_shortly(void *argument)
{
    volatile unsigned n = 0;

    (void)argument;
    native_call_begins();
    while (n < 1000000)
        n++;
    native_call_ends();
}

static void a_call_that_takes_more_time_than_proved_is_left(void **state)
{
    (void)state;
    struct host host = {0};
    struct err *none = NULL;

    assert_int_equal(wasm_runtime_init(none), 0);
    assert_int_equal(wasm_stack_prepare(), 0);
    assert_int_equal(native_limit_cpu(50), 0);
    /* Many short ones take longer together, and none of them is the one. */
    for (int i = 0; i < 200; i++)
        assert_int_equal(wasm_enter(&host, spin_shortly, NULL), HOST_RETURNED);
    go_on = true;
    assert_int_equal(wasm_enter(&host, spin, NULL), HOST_TRAPPED);
    assert_string_equal(host.trap, "more processor time than was proved");
    assert_int_equal(wasm_enter(&host, spin_shortly, NULL), HOST_RETURNED);
}

static void buffers_have_guards(void **state)
{
    (void)state;
    struct native_buffers buffers;

    assert_int_equal(native_prepare(&buffers, NULL), 0);
    memset(buffers.in, 1, REQUEST_BODY_MAX_BYTES);
    memset(buffers.out, 1, RESPONSE_BODY_MAX_BYTES);
    assert_true(buffers.out - buffers.in > REQUEST_BODY_MAX_BYTES + 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_that_takes_more_time_than_proved_is_left),
        cmocka_unit_test(buffers_have_guards),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
