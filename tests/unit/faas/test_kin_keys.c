/* The table of families' keys: what it knows, and what it costs whatever keys tenants choose. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <search.h>
#include <stdbool.h>
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

/* The kernel, of one family and kind: the keys that are there. */
struct kernel {
    int32_t keys[8];
    unsigned count, looks, looked_at;
    bool all; /* every key is */
};

static void look(void *context, uint64_t family, const struct kin_key *const *keys, unsigned count,
                 bool *ret_there)
{
    struct kernel *kernel = context;

    (void)family;
    kernel->looks++;
    kernel->looked_at += count;
    for (unsigned i = 0; i < count; i++) {
        ret_there[i] = kernel->all;
        for (unsigned k = 0; k < kernel->count; k++)
            ret_there[i] |= kernel->keys[k] == keys[i]->key;
    }
}

#define NOW (1000 * KIN_SECOND_NS)
#define LATER (NOW + KIN_WANTED_NS)

static void make(struct kin_keys *keys, enum kin_key_kind kind, int32_t key, int32_t id)
{
    assert_int_equal(kin_keys_want(keys, kind, key, NOW), 0);
    kin_keys_made(keys, kind, key, id, NOW);
}

static void a_key_is_anothers_until_it_is_removed(void **state)
{
    (void)state;
    struct kernel kernel = {.all = true};
    struct kin_key_table table = {.look = look, .context = &kernel};
    struct kin_keys near = {.table = &table, .family = 8193}, far = {.table = &table, .family = 9};

    assert_int_equal(kin_keys_holder(&table, 9, KIN_QUEUE, 7, NOW), 0);
    make(&near, KIN_QUEUE, 7, 0);
    assert_int_equal(kin_keys_holder(&table, 9, KIN_QUEUE, 7, NOW), 8193);
    assert_int_equal(kin_keys_holder(&table, 8193, KIN_QUEUE, 7, NOW), 0);
    assert_int_equal(kin_keys_holder(&table, 9, KIN_MEMORY, 7, NOW), 0);
    assert_int_equal(kin_keys_holder(&table, 9, KIN_QUEUE, -7, NOW), 0);
    /* Each has its own. */
    make(&far, KIN_QUEUE, 7, 0);
    assert_int_equal(kin_keys_holder(&table, 9, KIN_QUEUE, 7, NOW), 0);
    assert_int_not_equal(kin_keys_holder(&table, 10, KIN_QUEUE, 7, NOW), 0);
    kin_keys_remove(&far, KIN_MEMORY, 7, 0, NOW);
    kin_keys_remove(&far, KIN_QUEUE, 8, 0, NOW);
    kin_keys_remove(&far, KIN_QUEUE, 7, 1, NOW);
    assert_int_equal(far.count, 1);
    kin_keys_remove(&far, KIN_QUEUE, 7, 0, NOW);
    assert_int_equal(far.count, 0);
    assert_int_equal(kin_keys_holder(&table, 10, KIN_QUEUE, 7, NOW), 8193);
    kin_keys_drop(&near);
    kin_keys_drop(&far);
    assert_null(table.root);
    assert_null(near.root);
}

static void what_is_made_anew_outlives_what_was_removed(void **state)
{
    (void)state;
    struct kernel kernel = {.all = true};
    struct kin_key_table table = {.look = look, .context = &kernel};
    struct kin_keys keys = {.table = &table, .family = 8193};

    /* The second was made before the word of the first's removal came. */
    make(&keys, KIN_MEMORY, 7, 100);
    make(&keys, KIN_MEMORY, 7, 32868);
    kin_keys_remove(&keys, KIN_MEMORY, 7, 100, NOW);
    assert_int_equal(keys.count, 1);
    /* It came while the third is about to be made. */
    assert_int_equal(kin_keys_want(&keys, KIN_MEMORY, 7, NOW), 0);
    kin_keys_remove(&keys, KIN_MEMORY, 7, 32868, NOW);
    assert_int_equal(keys.count, 1);
    kin_keys_made(&keys, KIN_MEMORY, 7, 65636, NOW);
    kin_keys_remove(&keys, KIN_MEMORY, 7, 32868, NOW);
    assert_int_equal(keys.count, 1);
    kin_keys_remove(&keys, KIN_MEMORY, 7, 65636, NOW);
    assert_int_equal(keys.count, 0);
    /* Two want it, one makes it and removes it before the other makes its own. */
    assert_int_equal(kin_keys_want(&keys, KIN_MEMORY, 7, NOW), 0);
    assert_int_equal(kin_keys_want(&keys, KIN_MEMORY, 7, NOW), 0);
    kin_keys_made(&keys, KIN_MEMORY, 7, 1, NOW);
    kin_keys_remove(&keys, KIN_MEMORY, 7, 1, NOW);
    kin_keys_made(&keys, KIN_MEMORY, 7, 2, NOW);
    assert_int_equal(kin_keys_holder(&table, 9, KIN_MEMORY, 7, NOW), 8193);
    /* It could not be made: its own was there. */
    assert_int_equal(kin_keys_want(&keys, KIN_MEMORY, 7, NOW), 0);
    kin_keys_made(&keys, KIN_MEMORY, 7, -1, NOW);
    assert_int_equal(keys.count, 1);
    assert_int_equal(kin_keys_want(&keys, KIN_MEMORY, 8, NOW), 0);
    kin_keys_made(&keys, KIN_MEMORY, 8, -1, NOW);
    assert_int_equal(keys.count, 1);
    kin_keys_drop(&keys);
    assert_null(table.root);
}

static void what_killed_members_leave_is_as_the_kernel_has_it(void **state)
{
    (void)state;
    struct kernel kernel = {.keys = {2, 3}, .count = 2};
    struct kin_key_table table = {.look = look, .context = &kernel};
    struct kin_keys keys = {.table = &table, .family = 8193};

    /* 1: before it was made; 2: before it was said; 4: before the removal was said; 5: as 4. */
    assert_int_equal(kin_keys_want(&keys, KIN_QUEUE, 1, NOW), 0);
    assert_int_equal(kin_keys_want(&keys, KIN_QUEUE, 2, NOW), 0);
    for (int32_t key = 3; key < 6; key++)
        make(&keys, KIN_QUEUE, key, key);
    assert_int_equal(keys.count, 5);
    /* It may still be at it. */
    assert_int_equal(kin_keys_holder(&table, 9, KIN_QUEUE, 1, LATER - 1), 8193);
    assert_int_equal(kernel.looks, 0);
    assert_int_equal(kin_keys_holder(&table, 9, KIN_QUEUE, 1, LATER), 0);
    assert_int_equal(kin_keys_holder(&table, 9, KIN_QUEUE, 2, LATER), 8193);
    assert_int_equal(kin_keys_holder(&table, 9, KIN_QUEUE, 3, LATER), 8193);
    assert_int_equal(kin_keys_holder(&table, 9, KIN_QUEUE, 4, LATER), 0);
    assert_int_equal(keys.count, 3);
    /* Nor does it hide another's from its own family. */
    struct kin_keys far = {.table = &table, .family = 9};
    make(&far, KIN_QUEUE, 5, 5);
    assert_int_equal(kin_keys_holder(&table, 8193, KIN_QUEUE, 5, LATER), 0);
    assert_int_equal(keys.count, 2);
    assert_int_equal(far.count, 0);
    /* One that was never said to be made is removed by whom it may be. */
    kin_keys_remove(&keys, KIN_QUEUE, 2, 77, LATER);
    assert_int_equal(keys.count, 1);
    kin_keys_drop(&keys);
    assert_null(table.root);
}

static void a_family_has_so_many_keys_at_once(void **state)
{
    (void)state;
    struct kernel kernel = {.all = true};
    struct kin_key_table table = {.look = look, .context = &kernel};
    struct kin_keys keys = {.table = &table, .family = 8193};

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < (int)KIN_KEYS_MAX; i++)
            make(&keys, KIN_QUEUE, i, i);
        assert_int_equal(kin_keys_want(&keys, KIN_QUEUE, 999, NOW), -ENOSPC);
        make(&keys, KIN_QUEUE, 5, 5);
        for (int i = 0; i < (int)KIN_KEYS_MAX; i++)
            kin_keys_remove(&keys, KIN_QUEUE, i, i, NOW);
        assert_int_equal(keys.count, 0);
    }
    /* Those that went without a word make room, however they went; looked for so often and no
     * more. */
    for (int i = 0; i < (int)KIN_KEYS_MAX; i++)
        make(&keys, KIN_QUEUE, i, i);
    kernel = (struct kernel){.keys = {17, 255}, .count = 2};
    assert_int_equal(kin_keys_want(&keys, KIN_QUEUE, 999, LATER), 0);
    assert_int_equal(keys.count, 3);
    kernel.all = true;
    for (int i = 0; i < (int)KIN_KEYS_MAX + 100; i++)
        kin_keys_want(&keys, KIN_QUEUE, i, LATER);
    assert_int_equal(keys.count, KIN_KEYS_MAX);
    assert_in_range(kernel.looks, 2, 5);
    kin_keys_drop(&keys);
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
        struct kernel kernel = {.all = true};
        struct kin_key_table table = {.look = look, .context = &kernel};
        for (int f = 0; f < FAMILIES; f++) {
            families[f] = (struct kin_keys){.table = &table, .family = 8192u + (unsigned)f};
            for (int i = 0; i < (int)KIN_KEYS_MAX; i++) {
                compared = 0;
                make(&families[f], KIN_QUEUE, chosen(attack, f, i), i);
                kin_keys_holder(&table, 1, KIN_QUEUE, chosen(attack, f, i) + 1, NOW);
                assert_in_range(kin_keys_holder(&table, 1, KIN_QUEUE, chosen(attack, f, i), NOW),
                                8192, 8192 + FAMILIES);
                most = compared > most ? compared : most;
                all += compared > 0;
            }
        }
        for (int f = 0; f < FAMILIES; f++) {
            compared = 0;
            kin_keys_remove(&families[f], KIN_QUEUE, chosen(attack, f, 3), 3, NOW);
            most = compared > most ? compared : most;
            kin_keys_drop(&families[f]);
        }
        assert_null(table.root);
    }
    assert_int_equal(all, 3 * FAMILIES * KIN_KEYS_MAX);
    /* Two trees, eight questions; a red-black tree of 2^18 is at most 36 deep. */
    assert_in_range(most, 1, 8 * 36);
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
        cmocka_unit_test(what_killed_members_leave_is_as_the_kernel_has_it),
        cmocka_unit_test(a_family_has_so_many_keys_at_once),
        cmocka_unit_test(no_choice_of_keys_makes_others_wait),
        cmocka_unit_test(a_rate_allows_its_burst_and_then_so_many_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
