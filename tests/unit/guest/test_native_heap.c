/* What native code has allocated is known, block by block. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guest/native_heap.h"

#define BLOCKS 400

struct seen {
    size_t blocks, bytes;
    const void *wanted;
    size_t wanted_bytes;
};

static int visit(void *block, size_t bytes, void *user)
{
    struct seen *seen = user;

    seen->blocks++;
    seen->bytes += bytes;
    if (block == seen->wanted)
        seen->wanted_bytes = bytes;
    return 0;
}

static struct seen look(const void *wanted)
{
    struct seen seen = {.wanted = wanted, .wanted_bytes = SIZE_MAX};

    assert_int_equal(native_heap_each(visit, &seen), 0);
    return seen;
}

static void every_block_is_visited_until_it_is_freed(void **state)
{
    (void)state;
    char *text = native_strdup("seven..");
    int *zeroes = native_calloc(10, sizeof *zeroes);
    char *part = native_strndup("one two", 3);

    assert_string_equal(text, "seven..");
    assert_string_equal(part, "one");
    for (int i = 0; i < 10; i++)
        assert_int_equal(zeroes[i], 0);
    assert_int_equal(look(text).blocks, 3);
    assert_int_equal(look(text).wanted_bytes, 8);
    assert_int_equal(look(zeroes).wanted_bytes, 10 * sizeof *zeroes);
    assert_int_equal(look(part).wanted_bytes, 4);
    native_free(zeroes);
    native_free(NULL);
    assert_int_equal(look(NULL).blocks, 2);
    native_free(text);
    native_free(part);
    assert_int_equal(look(NULL).blocks, 0);
}

static void a_block_that_grows_keeps_what_is_in_it_and_is_visited_where_it_is(void **state)
{
    (void)state;
    char *block = native_realloc(NULL, 10);

    memcpy(block, "0123456789", 10);
    for (size_t bytes = 20; bytes < 1u << 22; bytes *= 3) {
        void *other = native_malloc(bytes);
        block = native_realloc(block, bytes);
        assert_non_null(block);
        assert_memory_equal(block, "0123456789", 10);
        assert_int_equal(look(block).wanted_bytes, bytes);
        assert_int_equal(look(block).blocks, 2);
        native_free(other);
    }
    block = native_realloc(block, 5);
    assert_memory_equal(block, "01234", 5);
    assert_int_equal(look(block).wanted_bytes, 5);
    native_free(block);
}

static void aligned_blocks_are_aligned_and_may_grow(void **state)
{
    (void)state;
    for (size_t align = 1; align <= 1u << 16; align *= 2) {
        char *block = native_aligned_alloc(align, 100);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % align, 0);
        assert_int_equal((uintptr_t)block % 16, 0);
        memset(block, 7, 100);
        assert_int_equal(look(block).wanted_bytes, 100);
        block = native_realloc(block, 5000);
        assert_int_equal(block[99], 7);
        assert_int_equal(look(block).blocks, 1);
        native_free(block);
    }
    assert_null(native_aligned_alloc(24, 100));
}

static void sizes_that_overflow_are_refused(void **state)
{
    (void)state;
    char *block = native_malloc(8);
    volatile size_t most = SIZE_MAX;

    assert_null(native_malloc(most));
    assert_null(native_malloc(most - 8));
    assert_null(native_calloc(most / 2, 3));
    assert_null(native_calloc(1, most - 8));
    assert_null(native_aligned_alloc(4096, most - 4000));
    errno = 0;
    assert_null(native_realloc(block, most - 8));
    assert_int_equal(errno, ENOMEM);
    assert_int_equal(look(block).blocks, 1);
    assert_int_equal(look(block).wanted_bytes, 8);
    native_free(block);
}

static void blocks_freed_in_any_order_leave_the_others(void **state)
{
    (void)state;
    char *blocks[BLOCKS];
    size_t left = BLOCKS;

    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = native_malloc(i);
        memset(blocks[i], (int)i, i);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t at = i * 7 % BLOCKS; /* 7 and 400 have no common divisor */
        for (size_t k = 0; k < at; k++)
            assert_int_equal(blocks[at][k], (char)at);
        native_free(blocks[at]);
        assert_int_equal(look(NULL).blocks, --left);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_block_is_visited_until_it_is_freed),
        cmocka_unit_test(a_block_that_grows_keeps_what_is_in_it_and_is_visited_where_it_is),
        cmocka_unit_test(aligned_blocks_are_aligned_and_may_grow),
        cmocka_unit_test(sizes_that_overflow_are_refused),
        cmocka_unit_test(blocks_freed_in_any_order_leave_the_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
