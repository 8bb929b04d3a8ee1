/*
 * The contracts of the layer base against what is called: every buffer ends where memory ends (and
 * begins where it begins), at every length that matters; what a contract says is read or written is
 * all that is, and results are within what it says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allow/allow.h"
#include "contract.h"
#include "vireo/base.h"

#define LENGTH_MAX 70u

/* Each function of the layer in one shape. */
static int64_t call(const char *name, const union argument *a)
{
    uint8_t *to = (uint8_t *)(uintptr_t)a[0].pointer;

    if (strcmp(name, "memcpy") == 0)
        return memcpy(to, a[1].pointer, a[2].number) == to;
    if (strcmp(name, "memmove") == 0)
        return memmove(to, a[1].pointer, a[2].number) == to;
    if (strcmp(name, "memset") == 0)
        return memset(to, (int)a[1].number, a[2].number) == to;
    if (strcmp(name, "memcmp") == 0)
        return memcmp(a[0].pointer, a[1].pointer, a[2].number);
    if (strcmp(name, "vireo_copy") == 0)
        return vireo_copy(to, a[1].number, a[2].pointer, a[3].number);
    if (strcmp(name, "vireo_equal") == 0)
        return vireo_equal(a[0].pointer, a[1].number, a[2].pointer, a[3].number);
    if (strcmp(name, "vireo_find") == 0)
        return vireo_find(a[0].pointer, a[1].number, (uint8_t)a[2].number);
    if (strcmp(name, "vireo_format_u64") == 0)
        return vireo_format_u64(to, a[1].number, a[2].number);
    if (strcmp(name, "vireo_format_i64") == 0)
        return vireo_format_i64(to, a[1].number, (int64_t)a[2].number);
    if (strcmp(name, "vireo_format_hex") == 0)
        return vireo_format_hex(to, a[1].number, a[2].pointer, a[3].number);
    if (strcmp(name, "vireo_parse_u64") == 0)
        return vireo_parse_u64(a[0].pointer, a[1].number, (uint64_t *)(uintptr_t)a[2].pointer);
    fail_msg("the test does not know '%s'", name);
    return 0;
}

static void each_keeps_its_contract_at_every_length(void **state)
{
    static const uint64_t values[] = {
        0, 1, 9, 10, 255, 999, 1u << 31, INT64_MAX, (uint64_t)INT64_MIN, UINT64_MAX};
    uint8_t *pages[ALLOW_PARAMS];
    unsigned seen = 0;

    (void)state;
    for (unsigned i = 0; i < ALLOW_PARAMS; i++)
        pages[i] = contract_page();
    for (size_t e = 0; e < allow_entry_count; e++) {
        const struct allow_entry *entry = &allow_entries[e];
        if (entry->layer != ALLOW_BASE)
            continue;
        seen++;
        for (unsigned one = 0; one < LENGTH_MAX; one++)
            for (unsigned two = 0; two < LENGTH_MAX; two += 1 + two / 8)
                for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
                    union argument a[ALLOW_PARAMS];
                    unsigned sizes = 0;
                    for (unsigned i = 0; i < ALLOW_PARAMS; i++)
                        a[i].number =
                            entry->params[i].kind == ALLOW_SIZE ? (sizes++ ? two : one) : values[v];
                    contract_check(entry, a, pages, (one + v) % 2, "0123456789", call);
                }
    }
    assert_true(seen >= 11);
}

static void numbers_come_back_as_they_were(void **state)
{
    uint64_t state_of_random = 88172645463325252u;
    uint8_t text[32];
    char wanted[32];

    (void)state;
    for (unsigned i = 0; i < 100000; i++) {
        /* xorshift64, of every length. */
        state_of_random ^= state_of_random << 13;
        state_of_random ^= state_of_random >> 7;
        state_of_random ^= state_of_random << 17;
        uint64_t number = state_of_random >> (i % 64);
        uint64_t back = 0;
        int64_t n = vireo_format_u64(text, sizeof text, number);
        assert_int_equal(n, snprintf(wanted, sizeof wanted, "%" PRIu64, number));
        assert_memory_equal(text, wanted, n);
        assert_int_equal(vireo_parse_u64(text, (size_t)n, &back), 0);
        assert_true(back == number);
        n = vireo_format_i64(text, sizeof text, (int64_t)number - 1);
        assert_int_equal(n, snprintf(wanted, sizeof wanted, "%" PRId64, (int64_t)number - 1));
        assert_memory_equal(text, wanted, n);
    }
    static const char *const refused[] = {
        "",    "18446744073709551616", "99999999999999999999", "-1", "1 ",
        "0x1", "100000000000000000000"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        uint64_t back = 7;
        assert_int_equal(vireo_parse_u64((const uint8_t *)refused[i], strlen(refused[i]), &back),
                         -1);
        assert_true(back == 7);
    }
}

struct item {
    uint64_t words[3];
};
VIREO_POOL(few, struct item, 3)

static void a_pool_hands_each_item_out_once_and_zeroed(void **state)
{
    int32_t numbers[3];

    (void)state;
    few_reset();
    for (int i = 0; i < 3; i++) {
        numbers[i] = few_get();
        assert_true(numbers[i] >= 0);
        struct item *item = few_at(numbers[i]);
        assert_non_null(item);
        assert_int_equal(item->words[2], 0);
        item->words[2] = 9;
        for (int j = 0; j < i; j++)
            assert_ptr_not_equal(few_at(numbers[j]), item);
    }
    assert_int_equal(few_get(), -1);
    assert_int_equal(few_put(numbers[1]), 1);
    int32_t again = few_get();
    assert_int_equal(few_at(again)->words[2], 0);
    assert_int_equal(few_get(), -1);
}

static void a_number_that_is_not_out_is_nobodys_item(void **state)
{
    (void)state;
    few_reset();
    int32_t number = few_get();
    assert_int_equal(few_put(number), 1);
    assert_null(few_at(number)); /* used after put */
    assert_int_equal(few_put(number), 0);
    int32_t next = few_get(); /* the same item, another number */
    assert_null(few_at(number));
    assert_int_equal(few_put(number), 0);
    assert_non_null(few_at(next));
    static const int32_t odd[] = {-1, INT32_MIN, INT32_MAX, 3, 4, 65535, 65536 * 3 + 3};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        assert_null(few_at(odd[i]));
        assert_int_equal(few_put(odd[i]), 0);
    }
    few_reset();
    assert_null(few_at(next));
    /* As often as the counter turns round, the number before is not the one now. */
    for (int i = 0; i < 70000; i++) {
        int32_t now = few_get();
        assert_true(now >= 0 && now != number);
        assert_int_equal(few_put(now), 1);
        number = now;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_keeps_its_contract_at_every_length),
        cmocka_unit_test(numbers_come_back_as_they_were),
        cmocka_unit_test(a_pool_hands_each_item_out_once_and_zeroed),
        cmocka_unit_test(a_number_that_is_not_out_is_nobodys_item),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
