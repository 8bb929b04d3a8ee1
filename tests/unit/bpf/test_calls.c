/* How far the calls between functions go, as the kernel would go them. */
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bpf/calls.h"

#define EXIT (BPF_JMP | BPF_EXIT)
#define NOTHING (BPF_ALU64 | BPF_MOV | BPF_K)

static struct bpf_insn code[4096];
static uint32_t count;

static void add(uint8_t instruction, uint8_t source, int32_t number)
{
    code[count++] = (struct bpf_insn){.code = instruction, .src_reg = source & 0xf, .imm = number};
}

/* `times` calls of the function that begins where this one ends. */
static void add_caller(uint32_t times)
{
    uint32_t next = count + times + 1;

    for (uint32_t i = 0; i < times; i++)
        add(BPF_JMP | BPF_CALL, BPF_PSEUDO_CALL, (int32_t)(next - count - 1));
    add(EXIT, 0, 0);
}

static int begin(void **state)
{
    (void)state;
    memset(code, 0, sizeof code);
    count = 0;
    return 0;
}

static void a_program_without_functions_is_as_long_as_it_is(void **state)
{
    (void)state;
    add(NOTHING, 0, 1);
    add(BPF_JMP | BPF_CALL, 0, BPF_FUNC_ktime_get_ns);
    add(BPF_LD | BPF_IMM | BPF_DW, 0, 5);
    add(BPF_JMP | BPF_CALL, BPF_PSEUDO_CALL, 9999); /* the second half of what is before it */
    add(EXIT, 0, 0);
    assert_int_equal(calls_length(code, count), 5);
}

static void each_call_counts_all_that_is_called(void **state)
{
    (void)state;
    add_caller(3);
    add_caller(2);
    add(NOTHING, 0, 0);
    add(EXIT, 0, 0);
    assert_int_equal(calls_length(code, count), 4 + 3 * (3 + 2 * 2));
}

static void levels_multiply_and_never_overflow(void **state)
{
    (void)state;
    for (int level = 0; level < 6; level++)
        add_caller(100);
    add(EXIT, 0, 0);
    assert_true(calls_length(code, count) > UINT64_C(1000000000000));
    begin(NULL);
    for (int level = 0; level < 38; level++)
        add_caller(100);
    add(EXIT, 0, 0);
    assert_true(calls_length(code, count) == UINT64_MAX);
}

static void a_function_whose_address_is_taken_counts(void **state)
{
    (void)state;
    add(BPF_LD | BPF_IMM | BPF_DW, BPF_PSEUDO_FUNC, 2);
    add(0, 0, 0);
    add(EXIT, 0, 0);
    for (int i = 0; i < 7; i++)
        add(NOTHING, 0, 0);
    add(EXIT, 0, 0);
    assert_int_equal(calls_length(code, count), 3 + 8);
}

static void one_that_is_called_by_nobody_is_gone_through_too(void **state)
{
    (void)state;
    add(EXIT, 0, 0);
    /* Itself begins because the last one calls it. */
    add_caller(50);
    add(NOTHING, 0, 0);
    add(BPF_JMP | BPF_CALL, BPF_PSEUDO_CALL, -(int32_t)count);
    add(EXIT, 0, 0);
    assert_true(calls_length(code, count) > 50);
}

static void recursion_and_calls_out_of_the_program_have_no_length(void **state)
{
    (void)state;
    add(BPF_JMP | BPF_CALL, BPF_PSEUDO_CALL, -1);
    add(EXIT, 0, 0);
    assert_true(calls_length(code, count) == UINT64_MAX);
    begin(NULL);
    add(BPF_JMP | BPF_CALL, BPF_PSEUDO_CALL, 1); /* the next but one, which calls back */
    add(EXIT, 0, 0);
    add(BPF_JMP | BPF_CALL, BPF_PSEUDO_CALL, -3);
    add(EXIT, 0, 0);
    assert_true(calls_length(code, count) == UINT64_MAX);
    static const int32_t out[] = {2, 1000000, INT32_MAX, -2, INT32_MIN};
    for (size_t i = 0; i < sizeof out / sizeof *out; i++) {
        begin(NULL);
        add(BPF_JMP | BPF_CALL, BPF_PSEUDO_CALL, out[i]);
        add(EXIT, 0, 0);
        assert_true(calls_length(code, count) == UINT64_MAX);
    }
}

static void more_functions_than_the_kernel_takes_have_none(void **state)
{
    (void)state;
    for (int i = 0; i < 255; i++)
        add_caller(1);
    add(EXIT, 0, 0);
    assert_int_equal(calls_length(code, count), 255 * 2 + 1);
    begin(NULL);
    for (int i = 0; i < 256; i++)
        add_caller(1);
    add(EXIT, 0, 0);
    assert_true(calls_length(code, count) == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_program_without_functions_is_as_long_as_it_is, begin),
        cmocka_unit_test_setup(each_call_counts_all_that_is_called, begin),
        cmocka_unit_test_setup(levels_multiply_and_never_overflow, begin),
        cmocka_unit_test_setup(a_function_whose_address_is_taken_counts, begin),
        cmocka_unit_test_setup(one_that_is_called_by_nobody_is_gone_through_too, begin),
        cmocka_unit_test_setup(recursion_and_calls_out_of_the_program_have_no_length, begin),
        cmocka_unit_test_setup(more_functions_than_the_kernel_takes_have_none, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
