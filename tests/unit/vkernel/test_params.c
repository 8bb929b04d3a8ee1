/* What may be written to a container's parameters, as the kernel would read it. */
#include <errno.h>
#include <string.h>

#include "cmocka_all.h"
#include "vkernel/params.h"
#include "vkernel/vkernel.h"

static void a_number_is_one_number_in_its_range(void **state)
{
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {{"0", 0}, {"7\n", 7}, {" \t9 \n", 9}, {"0x10", 16}, {"010", 8}, {"-5", -5}};
    static const char *const bad[] = {"",
                                      "\n",
                                      "x",
                                      "1x",
                                      "1 2",
                                      "--1",
                                      "+1",
                                      "0x",
                                      "-6",
                                      "101",
                                      "1.5",
                                      "1e1",
                                      "99999999999999999999999999999999",
                                      "9223372036854775808"};
    int64_t value;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(vk_params_number(good[i].text, strlen(good[i].text), -5, 100, &value), 0);
        assert_int_equal(value, good[i].value);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(vk_params_number(bad[i], strlen(bad[i]), -5, 100, &value), -EINVAL);
    assert_int_equal(vk_params_number("1\0", 2, -5, 100, &value), -EINVAL);
    /* No byte behind its length is looked at. */
    assert_int_equal(vk_params_number("123", 1, -5, 100, &value), 0);
    assert_int_equal(value, 1);
}

static void overcommit_has_the_kernels_ranges(void **state)
{
    uint32_t value;

    (void)state;
    assert_int_equal(vk_params_overcommit("2\n", 2, false, &value), 0);
    assert_int_equal(value, 2);
    assert_int_equal(vk_params_overcommit("3", 1, false, &value), -EINVAL);
    assert_int_equal(vk_params_overcommit("-1", 2, false, &value), -EINVAL);
    assert_int_equal(vk_params_overcommit("150", 3, true, &value), 0);
    assert_int_equal(value, 150);
    assert_int_equal(vk_params_overcommit("-1", 2, true, &value), -EINVAL);
    assert_int_equal(vk_params_overcommit("2147483648", 10, true, &value), -EINVAL);
}

static void a_granularity_is_the_nearest_slice(void **state)
{
    static const struct {
        const char *text;
        uint32_t slice_us;
    } rows[] = {{"0", 100},
                {"99999", 100},
                {"1000000", 1000},
                {"100000000", 100000},
                {"1000000000\n", 100000}};
    uint32_t slice;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(vk_params_granularity(rows[i].text, strlen(rows[i].text), &slice), 0);
        assert_int_equal(slice, rows[i].slice_us);
    }
    assert_int_equal(vk_params_granularity("-1", 2, &slice), -EINVAL);
    assert_int_equal(vk_params_granularity("1000000001", 10, &slice), -EINVAL);
}

static void swappiness_and_policies_have_their_ranges(void **state)
{
    uint32_t value;

    (void)state;
    assert_int_equal(vk_params_swappiness("200\n", 4, &value), 0);
    assert_int_equal(value, 200);
    assert_int_equal(vk_params_swappiness("201", 3, &value), -EINVAL);
    assert_int_equal(vk_params_swappiness("-1", 2, &value), -EINVAL);
    assert_int_equal(vk_params_policy("1\n", 2, &value), 0);
    assert_int_equal(value, VKERNEL_POLICY_FIFO);
    assert_int_equal(vk_params_policy("normal", 6, &value), 0);
    assert_int_equal(value, VKERNEL_POLICY_NORMAL);
    assert_int_equal(vk_params_policy("", 0, &value), -EINVAL);
    assert_int_equal(vk_params_policy("2", 1, &value), -EINVAL);
    assert_int_equal(vk_params_policy("fifo\0", 5, &value), -EINVAL);
    assert_int_equal(vk_params_policy("fifofifofifofifofifo", 20, &value), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_is_one_number_in_its_range),
        cmocka_unit_test(overcommit_has_the_kernels_ranges),
        cmocka_unit_test(a_granularity_is_the_nearest_slice),
        cmocka_unit_test(swappiness_and_policies_have_their_ranges),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
