/* Corners of what C leaves undefined, each in the way of one rule of the prover: pointers, widths.
 */
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
struct table {
    struct row rows[5];
    uint32_t used;
};
union word {
    uint32_t whole;
    uint8_t bytes[4];
    float real;
};
static struct table table;
static uint8_t small[16];
static uint8_t large[300];
static int32_t numbers[32];

/* Aliasing through casts, unions and fields. */
H(cast_wider_at_end)
{
    struct pair p = {1, 2};
    if (in_len < 1 || out_cap < 1)
        return 0;
    return (int64_t) * (uint64_t *)((uint8_t *)&p + (in[0] & 7));
}
H(index_changed_through_alias)
{
    uint32_t i = 0;
    uint8_t *byte = (uint8_t *)&i;
    if (in_len < 2)
        return 0;
    if (i < 16) {
        byte[in[0] & 3] = in[1];
        return small[i];
    }
    return 0;
}
H(union_half_set)
{
    union word w;
    if (in_len < 1)
        return 0;
    w.bytes[0] = w.bytes[1] = w.bytes[2] = in[0];
    return (int64_t)w.whole;
}
H(union_index_by_float)
{
    union word w;
    if (in_len < 4)
        return 0;
    memcpy(&w.bytes, in, 4);
    if (w.real >= 0 && w.real < 16)
        return small[w.whole & 31];
    return 0;
}
H(row_beyond_by_used)
{
    if (in_len < 2)
        return 0;
    table.used = in[0];
    if (table.used > 5)
        table.used = in[1];
    return table.rows[table.used].tag;
}
H(cells_beyond_row)
{
    if (in_len < 2)
        return 0;
    unsigned r = in[0] % 5, c = in[1] % 7;
    return table.rows[r].cells[c];
}
H(field_of_last_row_plus_one)
{
    struct row *r = table.rows + 4;
    if (in_len < 1)
        return 0;
    if (in[0] == 'x')
        r++;
    return r->tag;
}
H(container_of_wrong)
{
    struct table *t = (struct table *)((uint8_t *)&table.rows[1].tag - offsetof(struct row, tag));
    if (in_len < 1)
        return 0;
    return (int64_t)t->used;
}
H(tag_kept_over_clear)
{
    uint8_t n = in_len > 0 ? in[0] % 16 : 0;
    uint8_t *where = &small[n];
    if (out_cap < 4)
        return 0;
    n = (uint8_t)in_len;
    where += n;
    *where = 1;
    return 0;
}

/* Differences and comparisons of pointers. */
H(difference_as_length)
{
    if (in_len < 4 || out_cap < 4)
        return 0;
    const uint8_t *a = in + in[0] % in_len, *b = in + in[1] % in_len;
    memcpy(out, a, (size_t)(b - a) & 0xff);
    return 0;
}
H(before_the_end_signed)
{
    const uint8_t *end = in + in_len, *p = in;
    while (p < end) {
        uint8_t n = *p++;
        if (n > end - p + 1)
            break;
        if (n > 0 && p[n - 1] == 0)
            break;
        p += n + 1;
    }
    return 0;
}
H(end_wrapped)
{
    if (in_len < 8)
        return 0;
    uint64_t n;
    memcpy(&n, in, 8);
    const uint8_t *p = in + n;
    if (p < in + in_len)
        return *p;
    return 0;
}
H(backwards_past_start)
{
    const uint8_t *p = in + in_len;
    while (p >= in && p[-1] == ' ')
        p--;
    return p - in;
}
H(difference_of_words)
{
    int32_t *p = numbers + 31;
    if (in_len < 1)
        return 0;
    ptrdiff_t d = (uint8_t *)p - (uint8_t *)numbers;
    return numbers[d - 92 + (in[0] == 1)];
}
H(midpoint_outside)
{
    size_t lo = 0, hi = in_len;
    while (lo <= hi) {
        size_t mid = (lo + hi) / 2;
        if (in[mid] < 'm')
            lo = mid + 1;
        else if (mid == 0)
            break;
        else
            hi = mid - 1;
    }
    return (int64_t)lo;
}

/* Signs and widths. */
H(sign_extended_index)
{
    if (in_len < 1)
        return 0;
    return small[(in[0] ^ 0x80) < 16 ? (int8_t)(in[0] ^ 0x80) - 1 : 0];
}
H(char_negative)
{
    char c = in_len > 0 ? (char)in[0] : 0;
    return c < 16 ? small[(int)c] : 0;
}
H(short_of_product)
{
    if (in_len < 2)
        return 0;
    short n = (short)(in[0] * in[1]);
    return n < 300 ? large[n] : 0;
}
H(unsigned_of_negative)
{
    if (in_len < 2)
        return 0;
    int d = in[0] - in[1];
    unsigned m = (unsigned)d % 20;
    return d < 16 ? small[m] : 0;
}
H(remainder_of_negative)
{
    if (in_len < 2)
        return 0;
    return small[(in[0] - in[1]) % 16];
}
H(absolute_of_least)
{
    int32_t v;
    if (in_len < 4)
        return 0;
    memcpy(&v, in, 4);
    if (v < 0)
        v = -v;
    return small[v % 15];
}
H(mixed_compare)
{
    if (in_len < 1)
        return 0;
    int i = (int)in[0] - 128;
    if (i < (int)sizeof small)
        return small[i];
    return 0;
}
H(size_compared_as_int)
{
    int n = (int)in_len - 5;
    if (n < (int)out_cap)
        memset(out, 0, (size_t)n);
    return 0;
}
H(truncated_length)
{
    uint16_t n = (uint16_t)in_len;
    if (n <= out_cap)
        memcpy(out, in, in_len);
    return 0;
}
H(shift_by_sum)
{
    if (in_len < 2)
        return 0;
    return 1u << (in[0] % 17 + in[1] % 17);
}
H(shift_of_long)
{
    if (in_len < 1)
        return 0;
    return (int64_t)(1ull << (in[0] & 127) % 65);
}
H(shift_by_negative)
{
    if (in_len < 1)
        return 0;
    int by = in[0] % 32;
    return (int64_t)((uint32_t)in_len >> (30 - by));
}
H(arithmetic_shift_index)
{
    int32_t v;
    if (in_len < 4)
        return 0;
    memcpy(&v, in, 4);
    return small[v >> 28];
}
H(divide_by_sum)
{
    if (in_len < 2)
        return 0;
    return 100 / (in[0] + (int8_t)in[1]);
}
H(least_by_minus_one)
{
    int32_t a, b;
    if (in_len < 8)
        return 0;
    memcpy(&a, in, 4);
    memcpy(&b, in + 4, 4);
    if (b == 0)
        return 0;
    return a % b;
}
H(float_to_byte)
{
    if (in_len < 2)
        return 0;
    double d = in[0] * 1.1;
    return small[(uint8_t)d & 15];
}
H(float_not_a_number)
{
    float f;
    if (in_len < 4)
        return 0;
    memcpy(&f, in, 4);
    if (f < 0 || f > 15)
        return 0;
    return small[(int)f];
}
