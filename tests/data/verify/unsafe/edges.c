/* Corners of what C leaves undefined, each in the way of one rule of the prover. */
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
static uint8_t small[16], large[300];
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

/* Loops: counters that wrap, conditions that move. */
H(byte_counter)
{
    for (uint8_t i = 0; i < in_len; i++)
        if (in[i] == 0xff && out_cap == 1)
            return i;
    return 0;
}
H(down_past_zero)
{
    for (size_t i = in_len; i >= 0; i--)
        if (i < 16 && small[i] == 77)
            return 1;
    return 0;
}
H(step_over_the_end)
{
    for (uint32_t i = 0; i != 300; i += 7)
        large[i] = 0;
    return 0;
}
H(step_from_input)
{
    if (in_len < 1)
        return 0;
    for (unsigned i = 0; i < 100; i += in[0])
        large[i] = 1;
    return 0;
}
H(two_ahead)
{
    for (size_t i = 0; i + 1 < in_len; i++) {
        if (in[i] == '\\')
            i++;
        if (in[i + 1] == 0)
            return (int64_t)i;
    }
    return 0;
}
H(nested_continue_keeps)
{
    size_t i = 0;
    while (i < in_len) {
        if (in[i] == 7)
            continue;
        i++;
    }
    return 0;
}
H(nested_break_leaves_index)
{
    unsigned x = 0, y = 0;
    for (y = 0; y < 4; y++) {
        for (x = 0; x < 4; x++)
            if (in_len > x && in[x] == y)
                break;
    }
    return small[y * 4 + x];
}
H(found_never)
{
    int i;
    for (i = 0; i < 32; i++)
        if (in_len > 0 && numbers[i] == in[0])
            break;
    return numbers[i];
}
H(swapped_variables)
{
    unsigned a = 0, b = 20;
    for (size_t i = 0; i < in_len; i++) {
        unsigned t = a;
        a = b;
        b = t;
    }
    return small[a];
}
H(rotation_of_three)
{
    unsigned a = 1, b = 2, c = 17;
    for (size_t i = 0; i < in_len; i++) {
        unsigned t = a;
        a = b, b = c, c = t;
        if (in[i] == 9)
            break;
    }
    return small[a & 31];
}
H(fibonacci_index)
{
    unsigned a = 0, b = 1;
    for (unsigned i = 0; i < (in_len > 9 ? 9u : in_len); i++) {
        unsigned t = a + b;
        a = b;
        b = t;
    }
    return small[a];
}
H(doubling_too_often)
{
    unsigned n = 1;
    for (size_t i = 0; i < in_len && i < 5; i++)
        n *= 2;
    return small[n / 2];
}
H(every_second_one_too_far)
{
    uint8_t *to = small;
    int odd = 0;
    for (int i = 0; i < 33; i++) {
        if (odd)
            *to++ = (uint8_t)i;
        odd = !odd;
    }
    *to++ = 1;
    return 0;
}
H(goes_in_sideways)
{
    size_t i = 0;
    if (in_len > 3 && in[0] == 1)
        goto middle;
    for (i = 0; i < 16; i++) {
    middle:
        if (small[i] == 3)
            i += 2;
    }
    return 0;
}
H(stack_pops_below)
{
    int stack[8], top = 0;
    for (size_t i = 0; i < in_len; i++) {
        if (in[i] == '(' && top < 8)
            stack[top++] = (int)i;
        else if (in[i] == ')')
            top--;
        if (top > 0 && stack[top - 1] > 5)
            return 1;
    }
    return top;
}
H(ring_reads_unset)
{
    uint8_t ring[8];
    unsigned head = 0, tail = 0;
    for (size_t i = 0; i < in_len; i++) {
        if (in[i] & 1)
            ring[head++ % 8] = in[i];
        else if (head != tail + 1)
            (void)ring[tail++ % 8];
    }
    return ring[0];
}

/* Contents of arrays. */
H(content_too_large)
{
    uint8_t next[16];
    for (int i = 0; i < 16; i++)
        next[i] = (uint8_t)(i + 1);
    unsigned at = 0;
    for (size_t i = 0; i < in_len; i++)
        at = next[at];
    return at;
}
H(content_below_its_index_but_once)
{
    uint8_t parent[16];
    for (int i = 0; i < 16; i++)
        parent[i] = (uint8_t)(i > 0 ? i - 1 : 0);
    if (in_len > 1)
        parent[in[0] % 16] = in[1] % 16;
    unsigned at = 15;
    while (at > 0)
        at = parent[at];
    return 0;
}
H(skip_of_zero)
{
    unsigned skip[256];
    for (int i = 0; i < 256; i++)
        skip[i] = 3;
    for (unsigned i = 0; i < 3; i++)
        if (i < in_len)
            skip[in[i]] = 2 - i;
    size_t at = 0;
    while (at < in_len)
        at += skip[in[at]];
    return 0;
}
H(link_to_itself)
{
    static int32_t next[8];
    for (int i = 0; i < 8; i++)
        next[i] = i - 1;
    if (in_len > 0)
        next[in[0] % 8] = in[0] % 8;
    for (int i = 7; i >= 0;)
        i = next[i];
    return 0;
}
H(written_by_other_width)
{
    uint32_t fail[8];
    for (uint32_t i = 0; i < 8; i++)
        fail[i] = i;
    if (in_len > 0)
        ((uint8_t *)fail)[in[0] % 32] = 1;
    return small[fail[7] + fail[3] > 15 ? 0 : fail[2]] + large[fail[1]];
}
H(kept_from_last_call)
{
    static uint32_t depth;
    depth = depth + 1;
    return small[depth - 1];
}
H(kept_length_of_another)
{
    static uint32_t length;
    int64_t sum = 0;
    for (uint32_t i = 0; i < length; i++)
        sum += small[i];
    length = in_len > 0 ? in[0] % 18 : 0;
    return sum;
}

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
