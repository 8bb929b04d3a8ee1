/* memory.copy's memmove: every size, every overlap, not a byte beside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "guest/wasm_internal.h"

#define ROOM 20000

static uint8_t expected[ROOM], found[ROOM];

static void move_both(size_t to, size_t from, size_t bytes)
{
    for (size_t i = 0; i < ROOM; i++)
        expected[i] = found[i] = (uint8_t)(i * 131 + (i >> 8));
    memmove(expected + to, expected + from, bytes);
    assert_ptr_equal(wasm_move(found + to, found + from, bytes), found + to);
    if (memcmp(expected, found, ROOM) != 0)
        fail_msg("%zu bytes from %zu to %zu", bytes, from, to);
}

static void short_moves_are_right_at_every_distance(void **state)
{
    (void)state;
    for (size_t bytes = 0; bytes <= 260; bytes++)
        for (size_t to = 0; to <= 200; to += bytes % 3 + 1)
            move_both(to, 100, bytes);
}

static void long_moves_are_right_at_every_distance(void **state)
{
    static const size_t sizes[] = {511, 1000, 2047, 2048, 2049, 4096, 5003};
    static const size_t places[] = {0,    1,    7,    15,   63,   64,   65,   2000, 4990,
                                    4999, 5000, 5001, 5008, 5063, 5064, 7047, 7048, 10003};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t j = 0; j < sizeof places / sizeof *places; j++)
            move_both(places[j], 5000, sizes[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_moves_are_right_at_every_distance),
        cmocka_unit_test(long_moves_are_right_at_every_distance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
