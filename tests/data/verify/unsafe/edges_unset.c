/* Corners of what C leaves undefined: what is set and when, copies, sums. */
#include <stdint.h>
#include <stddef.h>
#include <string.h>
#include <stdlib.h>
#include "unsafe.h"

struct pair {
    uint32_t a, b;
};
struct row {
    uint16_t cells[6];
    uint8_t tag;
};
static uint8_t small[16];
static uint8_t large[300];
static int32_t numbers[32];

/* What is set, and when. */
H(set_on_one_way_of_switch)
{
    int v;
    if (in_len < 1)
        return 0;
    switch (in[0] & 3) {
    case 0:
        v = 1;
        break;
    case 1:
        v = 2;
        /* falls through */
    case 2:
        v = 3;
        break;
    case 3:
        if (in_len > 1)
            v = 4;
    }
    return v;
}
H(set_but_the_last)
{
    uint8_t line[20];
    for (int i = 0; i < 19; i++)
        line[i] = ' ';
    return in_len < 20 ? line[in_len] : 0;
}
H(set_in_columns)
{
    uint8_t grid[4][4];
    for (int x = 0; x < 4; x++)
        for (int y = 0; y < (x == 3 ? 3 : 4); y++)
            grid[y][x] = 1;
    return in_len < 16 ? grid[in_len / 4][in_len % 4] : 0;
}
H(set_backwards_but_first)
{
    uint8_t line[10];
    for (int i = 9; i > 0; i--)
        line[i] = 0;
    return line[in_len % 10];
}
H(set_every_other)
{
    uint16_t line[10];
    for (int i = 0; i < 10; i += 2)
        line[i] = 0;
    return line[in_len % 10];
}
H(copied_less)
{
    struct pair p, q = {1, 2};
    memcpy(&p, &q, in_len < 8 ? in_len : 8);
    return p.b;
}
H(cleared_half)
{
    uint32_t line[8];
    memset(line, 0, 8);
    return line[in_len & 7];
}
H(returned_half)
{
    struct pair p;
    p.a = 1;
    if (out_cap >= sizeof p)
        memcpy(out, &p, sizeof p);
    return 0;
}

/* Bytes between fields, and what a call leaves unset for the next one. */
struct mix {
    uint8_t kind;
    uint32_t number;
};
struct flat {
    uint8_t bytes[8];
};
static struct pair kept;
static struct row row;
static struct mix mixes[8];
static struct flat flat;
H(padding_read)
{
    struct row r, copy;
    for (int i = 0; i < 6; i++)
        r.cells[i] = 0;
    r.tag = 1;
    copy = r;
    return ((uint8_t *)&copy)[in_len % sizeof copy];
}
H(padding_read_of_static)
{
    struct row r;
    for (int i = 0; i < 6; i++)
        r.cells[i] = 0;
    r.tag = 1;
    row = r;
    return ((uint8_t *)&row)[in_len % sizeof row];
}
H(padding_of_one_of_many)
{
    struct mix m;
    m.kind = 1;
    m.number = 2;
    mixes[in_len % 8] = m;
    return ((uint8_t *)mixes)[out_cap % sizeof mixes];
}
H(padding_given_out)
{
    struct mix m;
    m.kind = 1;
    m.number = 2;
    if (out_cap >= sizeof m)
        memcpy(out, &m, sizeof m);
    return 0;
}
H(padding_as_a_field)
{
    struct mix m;
    m.kind = 1;
    m.number = 2;
    memcpy(&flat, &m, sizeof m);
    return flat.bytes[in_len % 8];
}
H(padding_as_a_field_on_stack)
{
    struct mix m;
    struct flat f;
    m.kind = 1;
    m.number = 2;
    memcpy(&f, &m, sizeof m);
    return f.bytes[in_len % 8];
}
H(padding_by_a_third)
{
    struct mix m, n[2];
    m.kind = 1;
    m.number = 2;
    n[in_len & 1] = m;
    n[~in_len & 1] = m;
    memcpy(&flat, &n[1], sizeof m);
    return flat.bytes[2];
}
H(padding_kept_from_last_call)
{
    static struct mix here;
    struct mix m;
    int64_t r = 0;
    if (out_cap >= 8)
        memcpy(out, &here, 8);
    m.kind = 1;
    m.number = 2;
    here = m;
    return r;
}
H(padding_kept_and_read)
{
    static struct mix here;
    struct mix m;
    int64_t r = ((uint8_t *)&here)[in_len % 8];
    m.kind = 1;
    m.number = 2;
    here = m;
    return r;
}
H(field_kept_unset)
{
    struct pair p;
    int64_t r = kept.b;
    p.a = 1;
    kept = p;
    return r;
}
H(field_kept_unset_sometimes)
{
    struct pair p;
    int64_t r = kept.b;
    p.a = 1;
    if (in_len > 4)
        p.b = 2;
    kept = p;
    return r;
}

/* Copies. */
H(overlap_by_one)
{
    memcpy(small + 1, small, in_len < 15 ? in_len : 15);
    return 0;
}
H(overlap_as_it_comes)
{
    if (in_len < 2)
        return 0;
    memcpy(large + in[0], large + in[1] % 40, 40);
    return 0;
}
H(overlap_within_out)
{
    if (out_cap < 20)
        return 0;
    memcpy(out + out_cap / 3, out, out_cap / 2);
    return 0;
}
H(copy_of_difference)
{
    if (in_len < 2 || in_len > 300)
        return 0;
    memcpy(large, in + in[0] % in_len, in_len);
    return 0;
}
H(move_too_long)
{
    if (in_len < 1)
        return 0;
    memmove(large + in[0], large, 300 - in[0] + (in[0] == 200));
    return 0;
}

/* Sums that wrap. */
H(sum_wraps)
{
    uint32_t at, n;
    if (in_len < 8)
        return 0;
    memcpy(&at, in, 4);
    memcpy(&n, in + 4, 4);
    if (at + n > in_len)
        return 0;
    return in[at];
}
H(product_wraps)
{
    uint32_t w, h;
    if (in_len < 8)
        return 0;
    memcpy(&w, in, 4);
    memcpy(&h, in + 4, 4);
    if (w == 0 || h == 0 || w * h > out_cap)
        return 0;
    for (uint32_t y = 0; y < h; y++)
        out[y] = 0;
    return 0;
}
H(rounded_up)
{
    size_t n = (in_len + 7) & ~(size_t)7;
    if (in_len <= out_cap)
        memset(out, 0, n);
    return 0;
}
H(average_too_high)
{
    if (in_len < 2)
        return 0;
    uint8_t a = in[0], b = in[1];
    if (a > 15 || b > 16)
        return 0;
    return small[(a + b + 1) / 2];
}
H(wide_sum)
{
    uint64_t a;
    if (in_len < 8)
        return 0;
    memcpy(&a, in, 8);
    unsigned __int128 w = (unsigned __int128)a + a;
    return small[(size_t)(w >> 64) * 16];
}
H(saturated_one_less)
{
    uint32_t n;
    if (in_len < 4)
        return 0;
    memcpy(&n, in, 4);
    n = n + 16 < n ? 15 : n;
    return n < 17 ? small[n] : 0;
}
H(mask_not_power)
{
    return small[in_len & 21];
}
H(bit_trick_off)
{
    if (in_len < 1)
        return 0;
    uint8_t x = in[0];
    x |= x >> 1;
    x |= x >> 2;
    return small[x - (x >> 1) > 0 ? (x ^ x >> 1) / 4 : 0];
}
R(one_run_wraps_table)
{
    unsigned char i = 0;
    int sum = 0;
    do
        sum += large[i + 45];
    while (++i);
    return sum;
}
R(one_run_pointer_walks)
{
    int32_t *p = numbers;
    for (int i = 0; i < 33; i++)
        *p++ = i;
    return numbers[3];
}
R(one_run_unset_by_condition)
{
    int v;
    for (int i = 3; i < 3; i++)
        v = i;
    return v;
}
