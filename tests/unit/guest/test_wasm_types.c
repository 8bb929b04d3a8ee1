/* Function types get the same number exactly when they are the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "guest/wasm_internal.h"

static void same_types_have_one_number(void **state)
{
    (void)state;
    uint32_t number = wasm_rt_register_func_type(2, 1, WASM_RT_I32, WASM_RT_F32, WASM_RT_I64);
    assert_int_not_equal(number, 0);
    assert_int_equal(wasm_rt_register_func_type(2, 1, WASM_RT_I32, WASM_RT_F32, WASM_RT_I64),
                     number);
    assert_true(wasm_types_complete());
}

static void different_types_have_different_numbers(void **state)
{
    (void)state;
    uint32_t number = wasm_rt_register_func_type(2, 1, WASM_RT_I32, WASM_RT_F32, WASM_RT_I64);
    assert_int_not_equal(wasm_rt_register_func_type(1, 2, WASM_RT_I32, WASM_RT_F32, WASM_RT_I64),
                         number);
    assert_int_not_equal(wasm_rt_register_func_type(3, 0, WASM_RT_I32, WASM_RT_F32, WASM_RT_I64),
                         number);
    assert_int_not_equal(wasm_rt_register_func_type(2, 1, WASM_RT_F32, WASM_RT_I32, WASM_RT_I64),
                         number);
    assert_int_not_equal(wasm_rt_register_func_type(0, 0), number);
    assert_int_not_equal(wasm_rt_register_func_type(0, 0), 0);
}

static void what_does_not_fit_is_told(void **state)
{
    (void)state;
    wasm_types_begin();
    assert_int_equal(wasm_rt_register_func_type(1001, 0), 0);
    assert_false(wasm_types_complete());
    wasm_types_begin();
    assert_true(wasm_types_complete());
    /* Every type of 14 i32 or i64 parameters: more than the register holds, all different. */
    uint32_t last = 0;
    bool full = false;
    for (int i = 0; i < 1 << 14 && !full; i++) {
        int v[14];
        for (int bit = 0; bit < 14; bit++)
            v[bit] = i >> bit & 1 ? WASM_RT_I64 : WASM_RT_I32;
        uint32_t number =
            wasm_rt_register_func_type(14, 0, v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8],
                                       v[9], v[10], v[11], v[12], v[13]);
        full = number == 0;
        if (!full)
            assert_true(number > last);
        last = number;
    }
    assert_true(full);
    assert_false(wasm_types_complete());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_types_have_one_number),
        cmocka_unit_test(different_types_have_different_numbers),
        cmocka_unit_test(what_does_not_fit_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
