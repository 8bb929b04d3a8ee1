/* State of every shape, for updates: what is carried over, and what a version may not change. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum shade { DARK, LIGHT };
struct inner {
    int a;
    short b;
};
union either {
    int whole;
    float part;
};
struct outer {
    struct inner in;
    union either either;
    unsigned flags : 3, mode : 5;
    enum shade shade;
};

struct outer outer = {{1, 2}, {3}, 4, 5, LIGHT};
int row[8] = {10, 11, 12, 13, 14, 15, 16, 17};
int *middle = &row[3];
static double ratio = 0.5;
static int bump(int n)
{
    return n + 1;
}
int (*step)(int) = bump;
__attribute__((weak)) int weak_one(int n)
{
    return n;
}
const int steps[] = {2, 3, 5};
static const char *const words[] = {"nought", "one", "two"};
const char *word = "kept";
int (**heap)(int);

static int count(void)
{
    static int calls;
    return ++calls;
}

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    int calls = count();

    (void)in;
    (void)in_len;
    if (!heap) {
        heap = malloc(sizeof *heap);
        *heap = bump;
    }
    outer.in.a = (*heap)(outer.in.a);
    outer.in.b++;
    outer.flags++;
    outer.mode++;
    outer.shade = outer.shade == DARK ? LIGHT : DARK;
    outer.either.whole += steps[0];
    *middle += weak_one(1);
    middle++;
    ratio *= 2;
    return snprintf((char *)out, out_cap, "%d: %d %d %d %d %d %d, row %d %d at %d, %.1f, %s %s",
                    calls, outer.in.a, outer.in.b, outer.either.whole, outer.flags, outer.mode,
                    outer.shade, row[3], row[4], (int)(middle - row), ratio, word,
                    words[calls % 3]);
}
