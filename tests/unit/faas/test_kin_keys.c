/* The table of families' keys: what it knows, and what it costs whatever keys tenants choose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <search.h>
#include <stdlib.h>

#include "faas/kin_rate.h"
#include "faas/supervisor_kin_keys.h"

/* ---- every comparison is counted: the linker's --wrap ---- */

static unsigned compared;
static __compar_fn_t counted;

void *__real_tsearch(const void *item, void **root, __compar_fn_t compare);
void *__real_tfind(const void *item, void *const *root, __compar_fn_t compare);
void *__real_tdelete(const void *item, void **root, __compar_fn_t compare);
void *__wrap_tsearch(const void *item, void **root, __compar_fn_t compare);
void *__wrap_tfind(const void *item, void *const *root, __compar_fn_t compare);
void *__wrap_tdelete(const void *item, void **root, __compar_fn_t compare);

static int count_compare(const void *left, const void *right)
{
    compared++;
    return counted(left, right);
}

void *__wrap_tsearch(const void *item, void **root, __compar_fn_t compare)
{
    counted = compare;
    return __real_tsearch(item, root, count_compare);
}

void *__wrap_tfind(const void *item, void *const *root, __compar_fn_t compare)
{
    counted = compare;
    return __real_tfind(item, root, count_compare);
}

void *__wrap_tdelete(const void *item, void **root, __compar_fn_t compare)
{
    counted = compare;
    return __real_tdelete(item, root, count_compare);
}

/* ---- */

static void a_key_is_anothers_until_it_is_removed(void **state)
{
    (void)state;
    struct kin_key_table table = {0};
    struct kin_keys near = {.table = &table, .family = 8193}, far = {.table = &table, .family = 9};

    assert_int_equal(kin_key_holder(&table, 9, KIN_QUEUE, 7), 0);
    assert_int_equal(kin_key_add(&near, KIN_QUEUE, 7, 0), 0);
    assert_int_equal(kin_key_holder(&table, 9, KIN_QUEUE, 7), 8193);
    assert_int_equal(kin_key_holder(&table, 8193, KIN_QUEUE, 7), 0);
    assert_int_equal(kin_key_holder(&table, 9, KIN_MEMORY, 7), 0);
    assert_int_equal(kin_key_holder(&table, 9, KIN_QUEUE, -7), 0);
    /* Each has its own. */
    assert_int_equal(kin_key_add(&far, KIN_QUEUE, 7, 0), 0);
    assert_int_equal(kin_key_holder(&table, 9, KIN_QUEUE, 7), 0);
    assert_int_not_equal(kin_key_holder(&table, 10, KIN_QUEUE, 7), 0);
    kin_key_remove(&far, KIN_MEMORY, 0);
    kin_key_remove(&far, KIN_QUEUE, 1);
    assert_int_equal(far.count, 1);
    kin_key_remove(&far, KIN_QUEUE, 0);
    assert_int_equal(far.count, 0);
    assert_int_equal(kin_key_holder(&table, 10, KIN_QUEUE, 7), 8193);
    kin_keys_drop(&near);
    kin_keys_drop(&far);
    assert_null(table.root);
    assert_null(near.root);
}

static void what_is_made_anew_outlives_what_was_removed(void **state)
{
    (void)state;
    struct kin_key_table table = {0};
    struct kin_keys keys = {.table = &table, .family = 8193};

    /* The second was made before the word of the first's removal came. */
    assert_int_equal(kin_key_add(&keys, KIN_MEMORY, 7, 100), 0);
    assert_int_equal(kin_key_add(&keys, KIN_MEMORY, 7, 32868), 0);
    kin_key_remove(&keys, KIN_MEMORY, 100);
    kin_key_remove(&keys, KIN_MEMORY, 100);
    assert_int_equal(kin_key_holder(&table, 9, KIN_MEMORY, 7), 8193);
    assert_int_equal(keys.count, 1);
    /* An id that comes back with another key: the word of its removal was lost. */
    assert_int_equal(kin_key_add(&keys, KIN_MEMORY, 8, 32868), 0);
    assert_int_equal(keys.count, 1);
    assert_int_equal(kin_key_holder(&table, 9, KIN_MEMORY, 7), 0);
    assert_int_equal(kin_key_holder(&table, 9, KIN_MEMORY, 8), 8193);
    /* A liar's. */
    assert_int_equal(kin_key_add(&keys, KIN_MEMORY, 9, -1), 0);
    assert_int_equal(kin_key_holder(&table, 9, KIN_MEMORY, 9), 0);
    kin_keys_drop(&keys);
    assert_null(table.root);
}

static void a_family_has_so_many_keys_at_once(void **state)
{
    (void)state;
    struct kin_key_table table = {0};
    struct kin_keys keys = {.table = &table, .family = 8193};

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < (int)KIN_KEYS_MAX; i++)
            assert_int_equal(kin_key_add(&keys, KIN_QUEUE, i, i), 0);
        assert_int_equal(kin_key_add(&keys, KIN_QUEUE, 999, 999), -ENOSPC);
        assert_int_equal(kin_key_add(&keys, KIN_QUEUE, 5, 5), 0);
        for (int i = 0; i < (int)KIN_KEYS_MAX; i++)
            kin_key_remove(&keys, KIN_QUEUE, i);
        assert_int_equal(keys.count, 0);
    }
    assert_null(table.root);
}

/* A pool of 1,024 instances with 256 keys each: of one bucket of a known hash, in rising order, and
 * one and the same for all. */
static int32_t chosen(int attack, int family, int i)
{
    const uint32_t inverse = 244002641u; /* of 2654435761, modulo 2^32 */

    if (attack == 0)
        return (int32_t)((uint32_t)(family * (int)KIN_KEYS_MAX + i) * inverse);
    return attack == 1 ? family * (int)KIN_KEYS_MAX + i : 7;
}

static void no_choice_of_keys_makes_others_wait(void **state)
{
    (void)state;
    enum { FAMILIES = 1024 };
    static struct kin_keys families[FAMILIES];
    unsigned most = 0, all = 0;

    for (int attack = 0; attack < 3; attack++) {
        struct kin_key_table table = {0};
        for (int f = 0; f < FAMILIES; f++) {
            families[f] = (struct kin_keys){.table = &table, .family = 8192u + (unsigned)f};
            for (int i = 0; i < (int)KIN_KEYS_MAX; i++) {
                compared = 0;
                assert_int_equal(kin_key_add(&families[f], KIN_QUEUE, chosen(attack, f, i), i), 0);
                kin_key_holder(&table, 1, KIN_QUEUE, chosen(attack, f, i) + 1);
                assert_int_equal(kin_key_holder(&table, 1, KIN_QUEUE, chosen(attack, f, i)) >= 8192,
                                 1);
                most = compared > most ? compared : most;
                all += compared > 0;
            }
        }
        for (int f = 0; f < FAMILIES; f++) {
            compared = 0;
            kin_key_remove(&families[f], KIN_QUEUE, 3);
            most = compared > most ? compared : most;
            kin_keys_drop(&families[f]);
        }
        assert_null(table.root);
    }
    assert_int_equal(all, 3 * FAMILIES * KIN_KEYS_MAX);
    /* Two trees, three questions; a red-black tree of 2^18 is at most 36 deep. */
    assert_in_range(most, 1, 6 * 36);
}

static void a_rate_allows_its_burst_and_then_so_many_a_second(void **state)
{
    (void)state;
    struct kin_rate rate = {0};
    int64_t now_ns = 1000 * KIN_SECOND_NS;
    unsigned allowed = 0;

    for (int i = 0; i < 1000; i++)
        allowed += kin_rate_allows(&rate, 16, 2, now_ns);
    assert_int_equal(allowed, 16);
    /* Asked every millisecond for ten seconds. */
    for (int i = 0; i < 10000; i++)
        allowed += kin_rate_allows(&rate, 16, 2, now_ns += KIN_SECOND_NS / 1000);
    assert_int_equal(allowed, 16 + 20);
    now_ns += 3600 * KIN_SECOND_NS;
    for (int i = 0; i < 1000; i++)
        allowed += kin_rate_allows(&rate, 16, 2, now_ns);
    assert_int_equal(allowed, 16 + 20 + 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_anothers_until_it_is_removed),
        cmocka_unit_test(what_is_made_anew_outlives_what_was_removed),
        cmocka_unit_test(a_family_has_so_many_keys_at_once),
        cmocka_unit_test(no_choice_of_keys_makes_others_wait),
        cmocka_unit_test(a_rate_allows_its_burst_and_then_so_many_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
