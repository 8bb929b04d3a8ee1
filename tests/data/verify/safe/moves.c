/* Copies within one variable, whose bytes and fields are values of the proof. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#define H(name) int64_t name(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)

static int cells[8];
H(moved_by_one)
{
    uint8_t b[4] = {1, 2, 9, 9};
    memmove(b + 1, b, 2);
    return cells[b[2]] + cells[b[1]];
}
H(moved_back)
{
    uint8_t b[4] = {9, 2, 1, 3};
    memmove(b, b + 1, 3);
    return cells[b[2]] + cells[b[0]];
}
struct four {
    int a, b, c, d;
};
H(onto_itself)
{
    struct four f = {1, 2, 3, 4}, *p = &f;
    *p = f;
    return cells[f.c];
}
H(halves_change_places)
{
    uint8_t b[8] = {0, 1, 2, 3, 4, 5, 6, 7}, kept[4];
    memcpy(kept, b, 4);
    memmove(b, b + 4, 4);
    memcpy(b + 4, kept, 4);
    return cells[b[in_len & 7] & 7];
}
