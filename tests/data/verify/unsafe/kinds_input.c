/* Kinds of mistakes that public sets have, each beside its safe twin: BAD(unsafe, safe) is what
 * differs. The line that is wrong ends with a mark. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "unsafe.h"
#ifdef SAFE
#define BAD(bad, good) good
#else
#define BAD(bad, good) bad
#endif
#define ROOM(a) (sizeof(a) / sizeof((a)[0]))
#define LAST(a) ((a) + ROOM(a) - 1)
#define CLAMP(x, lo, hi) ((x) < (lo) ? (lo) : (x) > (hi) ? (hi) : (x))

static uint8_t t8[8], t10[10], t16[16], t100[100], t128[128], t255[255], t256[256];
static uint32_t w4[4], w16[16];
static int32_t i10[10];
static int64_t q8[8];

/* Off by one through macros, operators' precedence, the comma. */
#define HALF_BAD(n) n / 2
#define HALF(n) ((n) / 2)
#define IN_RANGE(i, n) ((i)BAD(<=, <)(n))
#define WORDS(n) (((n) + 3) / BAD(2, 4))
H(macro_precedence)
{
    size_t n = in_len & 7;
    return t8[BAD(HALF_BAD, HALF)(n + 10) & 15 & BAD(15, 7)]; //!
}
H(macro_range)
{
    if (IN_RANGE(in_len, 10))
        return t10[in_len]; //!
    return 0;
}
H(macro_words)
{
    uint32_t n = in_len < 16 ? (uint32_t)in_len : 16;
    int64_t r = 0;
    for (uint32_t i = 0; i < WORDS(n); i++)
        r += w4[i]; //!
    return r;
}
H(macro_evaluates_twice)
{
    size_t i = in_len % 10;
    int64_t v = CLAMP(t10[i], 1, 9);
#define NEXT(a) ((a)[i] + (a)[BAD(++i, i)])
    v += NEXT(t10); //!
#undef NEXT
    return v;
}
H(macro_last)
{
    uint8_t *p = LAST(t16) - (in_len & 15);
    return BAD(p[1], p[0]) + (BAD(0, 0)); //!
}
H(macro_before)
{
    const uint8_t *p = t16 + sizeof t16 - BAD(17, 16);
    return p[BAD(in_len & 1, in_len & 15)]; //!
}
H(comma_in_subscript)
{
    size_t i = in_len & 3, j = in_len & 15;
    return w4[BAD((i, j), (j, i))]; //!
}
H(comma_in_condition)
{
    size_t i = 0;
    int64_t r = 0;
    for (; BAD((i < 8, i < 9), (i < 9, i < 8)); i++)
        r += t8[i]; //!
    return r;
}
H(shift_before_sum)
{
    unsigned k = in_len & 3;
    return t16[BAD(1 << k + 1, (1 << k) + 1)]; //!
}
H(mask_before_compare)
{
    size_t i = in_len;
    if (BAD(i & 7 != i, (i & 7) == i))
        return t8[i]; //!
    return 0;
}
H(not_before_compare)
{
    int i = (int)(in_len & 31);
    if (BAD(!i < 8, i < 8))
        return t8[i]; //!
    return 0;
}
H(ternary_nests)
{
    size_t n = in_len, i = n < 8 ? n : n < 100 ? BAD(n / 8, n / 16) : 7;
    return t8[i]; //!
}
H(ternary_mixes_signs)
{
    int below = -1;
    unsigned n = (unsigned)(in_len & 15);
    long i = n > 7 ? BAD(below, 0) : n;
    return t8[i]; //!
}
H(ternary_as_address)
{
    uint8_t *p = in_len & 1 ? t8 : t16;
    return p[in_len & BAD(15, 7)]; //!
}
H(assigned_for_compared)
{
    size_t n = in_len & 15;
    if (BAD(n = 8, n == 8))
        return BAD(t8[n], t8[n - 1]); //!
    return 0;
}
H(semicolon_behind_if)
{
    size_t i = in_len;
    if (i < 8)
        BAD(;, )
    return t8[i]; //!
    return 0;
}
H(dangling_else)
{
    size_t i = in_len;
    if (i > 2)
        if (i > 7)
            return 0;
        else
            i = BAD(i + 2, i);
    return t8[i]; //!
}
H(case_falls_into_index)
{
    size_t i = in_len & 7;
    switch (in_len & 3) {
    case 0:
        i += 8;
        BAD(, return t16[i];)
    case 1:
        return t8[i]; //!
    default:
        return 0;
    }
}
H(case_default_first)
{
    size_t i;
    switch (in_len & 7) {
    default:
        i = BAD(8, 7);
        break;
    case 0:
        i = 0;
    }
    return t8[i]; //!
}
H(case_of_char)
{
    int c = in_len ? (signed char)in[0] : 0;
    switch (c) {
    case -128 ... - 1:
        c = BAD(c, -c - 1);
    }
    return t128[c]; //!
}
H(duff)
{
    size_t n = in_len & 15, i = 0;
    int64_t r = 0;
    if (n == 0 || n > BAD(9, 8))
        return 0;
    switch (n % 4) {
    case 0:
        do {
            r += t8[i++]; //!
        case 3:
            r += t8[i++]; //!
        case 2:
            r += t8[i++]; //!
        case 1:
            r += t8[i++]; //!
        } while (i < n);
    }
    return r;
}
H(goto_past_check)
{
    size_t i = in_len;
    if (in_len & 1)
        goto BAD(read, check);
check:
    if (i >= 8)
        return 0;
    BAD(read, read) : return t8[i]; //!
}
H(goto_into_loop)
{
    size_t i = in_len & 15;
    int64_t r = 0;
    if (i > 3)
        goto BAD(inside, around);
around:
    for (i = 0; i < 8; i++) {
        BAD(inside, inside) : r += t8[i]; //!
    }
    return r;
}
H(goto_out_keeps_index)
{
    size_t i, j = 0;
    for (i = 0; i < 8; i++)
        for (j = 0; j < 10; j++)
            if (i + j == in_len)
                goto out;
out:
    return t10[BAD(j, j % 10)]; //!
}
H(break_of_the_switch)
{
    size_t i = 0;
    for (;;) {
        switch (in_len > i ? in[i] : 0) {
        case 0:
            BAD(break, return 0);
        default:
            i++; //!
        }
        if (i == 100)
            return 0;
    }
}

/* Signs and widths. */
H(char_of_body_as_index)
{
    char c = in_len ? (char)in[0] : 0;
    return t256[BAD(c, (unsigned char)c)]; //!
}
H(char_plus_128)
{
    signed char c = in_len ? (signed char)in[0] : 0;
    return t256[BAD(c + 127, c + 128)]; //!
}
H(char_sum_is_int)
{
    uint8_t a = in_len > 1 ? in[0] : 0, b = in_len > 1 ? in[1] : 0;
    return t256[BAD(a + b, (uint8_t)(a + b))]; //!
}
H(char_complement)
{
    uint8_t a = in_len ? in[0] : 0;
    return t256[BAD(~a, (uint8_t)~a)]; //!
}
H(char_shifted_back)
{
    uint8_t a = in_len ? in[0] : 0;
    return t128[BAD((a << 1) >> 1, (uint8_t)(a << 1) >> 1)]; //!
}
H(short_length_negative)
{
    short n = (short)in_len;
    uint8_t to[100];
    if (BAD(n, in_len) < 100 && in_len >= BAD(100, 0))
        memcpy(to, in, BAD((size_t)n, in_len)); //!
    return 0;
}
H(int_length_negative_memset)
{
    int n = (int)(in_len & 255) - 100;
    if (n < 16 BAD(, &&n >= 0))
        memset(t16, 0, (size_t)n); //!
    return 0;
}
H(unsigned_short_promotes)
{
    uint16_t a = (uint16_t)in_len, b = 10;
    if (a - b < BAD(0, 1) || a - b > 20)
        return 0;
    return t10[BAD(a - b, (a - b) % 10)]; //!
}
H(unsigned_difference_below_zero)
{
    unsigned a = (unsigned)in_len & 15, b = 8;
    if (BAD(a - b < 16 || a < b, a - b < 8))
        return t8[a - b]; //!
    return 0;
}
H(long_truncated_to_int)
{
    int64_t v = 0;
    if (in_len >= 8)
        memcpy(&v, in, 8);
    if (BAD((int)v, v) >= 0 && BAD((int)v, v) < 10)
        return i10[v]; //!
    return 0;
}
H(size_truncated_to_char)
{
    uint8_t n = (uint8_t)in_len;
    uint8_t to[255];
    if (n < 255)
        memcpy(to, in, BAD(in_len, n)); //!
    return 0;
}
H(enum_of_byte)
{
    enum color { RED, GREEN, BLUE } c = in_len ? (enum color)in[0] : RED;
    static const uint8_t names[3] = {1, 2, 3};
    if (c <= BAD(BLUE + 1, BLUE))
        return names[c]; //!
    return 0;
}
H(bool_of_number)
{
    bool b = in_len & 6;
    static const uint8_t two[2] = {1, 2};
    return two[b + BAD(b, 0)]; //!
}
H(bit_field_wraps)
{
    struct {
        unsigned n : 4;
    } f = {0};
    for (unsigned i = 0; i < (in_len & 15); i++)
        f.n++;
    return t16[f.n + BAD(1, 0)]; //!
}
H(bit_field_signed_top)
{
    struct {
        int n : 4;
    } f;
    f.n = (int)(in_len & 15);
    return t16[BAD(f.n, f.n & 15)]; //!
}
H(bit_field_neighbour)
{
    struct {
        uint8_t a : 3, b : 5;
    } f = {.a = 0, .b = 0};
    f.b = (uint8_t)in_len;
    f.a = (uint8_t)out_cap;
    return t8[BAD(f.b, f.a)]; //!
}
H(shift_of_int_sign)
{
    int v = 0;
    if (in_len >= 4)
        memcpy(&v, in, 4);
    return t16[BAD(v >> 28, (uint32_t)v >> 28)]; //!
}
H(shift_left_drops)
{
    uint32_t v = (uint32_t)in_len;
    return t16[(v << BAD(27, 28)) >> BAD(27, 28)]; //!
}
H(shift_by_width_32)
{
    unsigned s = (unsigned)in_len & BAD(63, 31);
    return (int64_t)(1u << s); //!
}
H(shift_by_width_64)
{
    unsigned s = (unsigned)in_len & BAD(127, 63);
    return (int64_t)(1ull << s); //!
}
H(shift_of_promoted_byte)
{
    uint8_t a = in_len ? in[0] : 0;
    return a << (in_len & BAD(63, 15)); //!
}
H(rotate_zero)
{
    uint32_t v = (uint32_t)in_len;
    unsigned s = (unsigned)out_cap & 31;
    return (int64_t)(v << s | v >> BAD((32 - s), (-s & 31))); //!
}
H(shift_by_difference)
{
    unsigned hi = (unsigned)in_len & 31, lo = (unsigned)out_cap & 31;
    if (BAD(hi != lo, hi > lo))
        return (int64_t)(1u << (hi - lo)); //!
    return 0;
}
H(mask_of_field)
{
    unsigned bits = (unsigned)in_len & 63;
    uint64_t mask = BAD((1ull << (bits + 1)), (1ull << bits)) - 1; //!
    return (int64_t)mask;
}

/* Division, the least number, floats. */
H(least_by_minus_one_32)
{
    int32_t a = 0, b = 0;
    if (in_len < 8)
        return 0;
    memcpy(&a, in, 4);
    memcpy(&b, in + 4, 4);
    if (b == 0 BAD(, || (a == INT32_MIN && b == -1)))
        return 0;
    return a / b; //!
}
H(least_by_minus_one_64)
{
    int64_t a = 0, b = 0;
    if (in_len < 16)
        return 0;
    memcpy(&a, in, 8);
    memcpy(&b, in + 8, 8);
    if (b == 0 BAD(, || (a == INT64_MIN && b == -1)))
        return 0;
    return a % b; //!
}
H(least_by_byte)
{
    int32_t a = 0;
    if (in_len < 5)
        return 0;
    memcpy(&a, in, 4);
    signed char b = (signed char)in[4];
    return BAD(b, b > 0) ? a / b : 0; //!
}
H(short_by_minus_one_is_well)
{
    int16_t a = 0, b = 0;
    if (in_len < 4)
        return 0;
    memcpy(&a, in, 2);
    memcpy(&b, in + 2, 2);
    int q = b ? a / b : 0;
    return t100[BAD(q < 100, q >= 0 && q < 100) ? q : 0]; //!
}
H(divisor_wraps_to_zero)
{
    uint32_t a = 0;
    if (in_len >= 4)
        memcpy(&a, in, 4);
    return 100 / BAD((a + 1), (a / 2 + 1)); //!
}
H(divisor_product_is_zero)
{
    uint16_t a = 0, b = 0;
    if (in_len < 4)
        return 0;
    memcpy(&a, in, 2);
    memcpy(&b, in + 2, 2);
    if (a == 0 || b == 0)
        return 0;
    return 100 / BAD((uint16_t)(a * b), (a | b)); //!
}
H(divisor_narrowed)
{
    uint32_t n = (uint32_t)in_len;
    if (n == 0)
        return 0;
    return 1000 / BAD((uint8_t)n, n); //!
}
H(divisor_squared)
{
    uint32_t n = (uint32_t)in_len | 1;
    uint32_t s = BAD((n & 0xfff0u) * (n & 0xfff0u), n * n | 1);
    return 1000 / s; //!
}
H(divisor_average)
{
    uint32_t n = 0;
    int64_t sum = 0;
    for (size_t i = 0; i < in_len; i++)
        if (in[i] > 10) {
            sum += in[i];
            n++;
        }
    return sum / BAD(n, (n ? n : 1)); //!
}
H(remainder_by_table)
{
    static const uint8_t mods[4] = {3, 5, BAD(0, 7), 9};
    return (int64_t)(in_len % mods[in_len & 3]); //!
}
H(float_to_int_large)
{
    float f = 0;
    if (in_len < 4)
        return 0;
    memcpy(&f, in, 4);
    if (BAD(f <= 2147483648.0f, f < 2147483648.0f) && f >= -2147483648.0f)
        return (int32_t)f; //!
    return 0;
}
H(float_to_int_nan)
{
    double f = 0;
    if (in_len < 8)
        return 0;
    memcpy(&f, in, 8);
    if (BAD(f < -1e6 || f > 1e6, !(f >= -1e6 && f <= 1e6)))
        return 0;
    return (int32_t)f; //!
}
H(float_to_byte_256)
{
    float f = (float)(in_len & 1023) / 2;
    if (f < BAD(256.5f, 256.0f))
        return (uint8_t)f; //!
    return 0;
}
H(float_negative_to_unsigned)
{
    float f = (float)(int)(in_len & 255) - 128.0f;
    return (uint32_t)BAD(f, (f < 0 ? 0 : f)); //!
}
H(float_rounds_to_limit)
{
    uint32_t n = 0;
    if (in_len >= 4)
        memcpy(&n, in, 4);
    n &= BAD(0xffffffffu, 0xffffffu);
    return (uint32_t)(float)n; //!
}
H(float_product_index)
{
    float share = (float)(in_len & 255) / BAD(255.0f, 256.0f);
    return t100[(int)(share * 100)]; //!
}
H(float_counter_stalls)
{
    int64_t n = 0;
    for (float f = BAD(16777215.0f, 16777205.0f); f < BAD(16777220.0f, 16777215.0f); f += 1.0f) //!
        n++;
    return n;
}
H(float_step_not_met)
{
    int64_t n = 0;
    for (double d = 0; d != BAD(1.0, 1.0) && BAD(true, n < 100); d += 0.1) //!
        n++;
    return n;
}
H(double_quotient_infinite)
{
    double d = 100.0 / (double)(in_len & 15);
    return (int32_t)BAD(d, (in_len & 15 ? d : 0)); //!
}

/* Bounds and lives. */
struct record {
    uint8_t kind;
    uint8_t name[7];
    uint32_t values[4];
};
struct group {
    struct record records[3];
    uint16_t used;
    uint8_t map[4][5];
};
static struct record records[5];
static struct group groups[2], group;
H(array_of_structs_last)
{
    return records[in_len % BAD(6, 5)].kind; //!
}
H(array_in_struct_in_array)
{
    return groups[in_len & 1].records[in_len % 3].values[in_len % BAD(5, 4)]; //!
}
H(row_and_column_swapped)
{
    size_t y = in_len % 4, x = in_len % 5;
    return group.map[BAD(x, y)][BAD(y, x)]; //!
}
H(name_walks_into_values)
{
    uint8_t *p = group.records[0].name;
    for (int i = 0; i < BAD(8, 7); i++)
        p[i] = 0; //!
    return 0;
}
H(struct_pointer_steps)
{
    struct record *p = records;
    for (size_t i = 0; i < (in_len & 7) && i < BAD(5, 4); i++)
        p++;
    return p->kind; //!
}
H(struct_copy_of_array)
{
    if (out_cap >= sizeof records[0])
        memcpy(out, &records[in_len % 5], BAD(2, 1) * sizeof records[0]); //!
    return 0;
}
H(struct_by_byte_offset)
{
    const uint8_t *base = (const uint8_t *)records;
    size_t at = (in_len % BAD(6, 5)) * sizeof(struct record);
    return base[at]; //!
}
H(field_offset_of_type)
{
    uint8_t *base = (uint8_t *)&group;
    size_t i = in_len % 3;
    uint16_t v;
    memcpy(&v, base + offsetof(struct group, used) + BAD(i * sizeof group, 0), 2); //!
    return v;
}
H(used_kept_too_large)
{
    if (group.used < BAD(4, 3))
        group.used++;
    int64_t r = 0;
    for (uint16_t i = 0; i < group.used; i++)
        r += group.records[i].kind; //!
    return r;
}
H(one_past_is_read)
{
    const uint8_t *p = t16, *end = t16 + 16;
    while (p != end && *p != 1)
        p++;
    return BAD(*p, p == end ? 0 : *p); //!
}
H(one_past_is_written)
{
    uint8_t *p = t16, *end = t16 + sizeof t16;
    for (size_t i = 0; i < in_len && p < end; i++)
        *p++ = in[i];
    *BAD(p, (p == end ? p - 1 : p)) = 0; //!
    return 0;
}
H(before_the_first)
{
    size_t n = in_len < 16 ? in_len : 16;
    while (BAD(true, n > 0) && t16[n - 1] == 0) //!
        n--;
    return (int64_t)n;
}
H(trim_at_the_front)
{
    size_t i = in_len;
    while (BAD(1, i > 0) && in[i - 1] == ' ') //!
        i--;
    return (int64_t)i;
}
H(two_ends)
{
    size_t i = 0, j = in_len;
    int64_t n = 0;
    while (i BAD(<=, <) j) {
        n += in[i] == in[j - 1]; //!
        i++;
        j--;
    }
    return n;
}
H(reversed_in_out)
{
    if (out_cap < in_len)
        return -1;
    for (size_t i = 0; i < in_len; i++)
        out[in_len - i BAD(, -1)] = in[i]; //!
    return (int64_t)in_len;
}
H(every_fourth)
{
    uint32_t r = 0;
    for (size_t i = 0; i < in_len; i += 4) {
        uint32_t v = 0;
        memcpy(&v, in + i, BAD(4, in_len - i < 4 ? in_len - i : 4)); //!
        r ^= v;
    }
    return r;
}
H(insert_shifts_out)
{
    static uint32_t n;
    if (n > 15)
        n = 0;
    for (uint32_t i = n; i > 0; i--)
        w16[i] = w16[i - 1];
    w16[0] = (uint32_t)in_len;
    n += BAD(2, 1);
    return w16[n - 1]; //!
}
H(remove_shifts_in)
{
    uint32_t n = (uint32_t)in_len & 15;
    for (uint32_t i = 0; i < BAD(16, 15); i++)
        w16[i] = w16[i + 1]; //!
    return n;
}
H(merge_two)
{
    uint8_t to[20];
    size_t i = 0, j = 0, k = 0;
    while (BAD(k < 20, i < 10 && j < 10)) {
        if (t10[i] < t16[j]) //!
            to[k++] = t10[i++];
        else
            to[k++] = t16[j++];
    }
    return (int64_t)k;
}
H(bitmap_bytes)
{
    size_t bit = in_len % BAD(130, 128);
    return t16[bit / 8] >> (bit % 8) & 1; //!
}
H(nibbles)
{
    for (size_t i = 0; i < in_len && i < BAD(33, 32); i++)
        t16[i / 2] |= (uint8_t)((in[i] & 15) << (i % 2 * 4)); //!
    return 0;
}
H(utf8_tail)
{
    int64_t n = 0;
    for (size_t i = 0; i < in_len; n++) {
        size_t k = in[i] < 0x80 ? 1 : in[i] < 0xe0 ? 2 : 3;
        if (BAD(i + k > in_len + 1, k > in_len - i))
            return -1;
        n += in[i + k - 1]; //!
        i += k;
    }
    return n;
}
H(chunk_header)
{
    size_t at = 0;
    int64_t sum = 0;
    for (int rounds = 0; rounds < 100 && in_len - at >= 2; rounds++) {
        size_t n = in[at] * 256u + in[at + 1];
        if (BAD(at + n > in_len, n > in_len - at - 2))
            return -1;
        for (size_t i = 0; i < n; i++)
            sum += in[at + 2 + i]; //!
        at += n + 2;
    }
    return sum;
}
H(offset_and_length_wrap)
{
    uint32_t at = 0, n = 0;
    if (in_len < 8 || in_len > UINT32_MAX)
        return 0;
    memcpy(&at, in, 4);
    memcpy(&n, in + 4, 4);
    if (BAD(at + n > (uint32_t)in_len, at > in_len || n > in_len - at))
        return 0;
    return n ? in[at] : 0; //!
}
H(rows_times_columns_wrap)
{
    uint32_t w = 0, h = 0;
    if (in_len < 8)
        return 0;
    memcpy(&w, in, 4);
    memcpy(&h, in + 4, 4);
    if (BAD(w * h > 256, w > 16 || h > 16) || w == 0 || h == 0)
        return 0;
    return t256[(h - 1) * w + (w - 1)]; //!
}
H(count_times_size_wraps)
{
    uint32_t n = 0;
    if (in_len >= 4)
        memcpy(&n, in, 4);
    if (BAD(n * 4 <= sizeof w16, n <= 16))
        for (uint32_t i = 0; i < n; i++)
            w16[i] = i; //!
    return 0;
}
H(plus_one_for_end_wraps)
{
    uint8_t n = in_len ? in[0] : 0, room = (uint8_t)(n + 1);
    if (room > BAD(100, 100) BAD(, || room == 0))
        return 0;
    t100[n] = 0; //!
    return 0;
}
H(align_up_wraps)
{
    uint32_t n = 0;
    if (in_len >= 4)
        memcpy(&n, in, 4);
    if (BAD((n + 15) / 16 * 16 > 128, n > 128))
        return 0;
    return n ? t128[n - 1] : 0; //!
}
H(difference_of_pointers)
{
    const uint8_t *a = in, *b = in + in_len / 2;
    ptrdiff_t d = BAD(a - b, b - a);
    return d != 0 && in_len ? in[BAD(d, d - 1)] : 0; //!
}
H(difference_in_words)
{
    uint32_t *a = w16, *b = w16 + (in_len & 15);
    size_t d = BAD((size_t)((char *)b - (char *)a), (size_t)(b - a));
    return w16[d]; //!
}
H(compare_of_objects)
{
    uint8_t *a = t8, *b = t16;
    return BAD(a < b, a == b) ? t8[8 * (BAD(a < b, a == b))] : 0; //!
}
H(difference_of_objects)
{
    ptrdiff_t d = t16 - t8;
    return BAD(t8[d > 0 ? 8 : 0], t8[0]); //!
}
H(back_from_past_the_end)
{
    uint8_t *p = t16 + 16;
    p -= in_len % BAD(17, 16) + BAD(0, 1);
    return *p; //!
}
H(two_past_the_end)
{
    uint8_t *p = t16 + in_len % 16;
    p += BAD(2, 0);
    return p[BAD(-1, 0)]; //!
}
H(negative_step)
{
    int step = in_len & 1 ? -1 : 1, i = 4;
    for (int k = 0; k < BAD(5, 4); k++)
        i += step;
    return t8[i == 8 ? 7 : i]; //!
}
H(copies_over)
{
    size_t n = in_len & 15;
    memcpy(t100 + n, t100, BAD(16, 0)); //!
    return 0;
}
H(copies_down_over)
{
    size_t n = in_len & 7;
    BAD(memcpy, memmove)(t100, t100 + n + 1, 8); //!
    return 0;
}
H(copies_same_struct)
{
    struct group *a = &groups[in_len & 1], *b = &groups[out_cap & 1];
    memcpy((uint8_t *)a BAD(+1, ), (uint8_t *)b, BAD(sizeof *a - 1, 0)); //!
    return 0;
}
static void add_to(uint32_t *restrict a, const uint32_t *restrict b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        a[i] += b[i]; //!
}
H(restrict_callee_length)
{
    add_to(w16, w4, in_len % BAD(6, 5));
    return 0;
}
static uint32_t read_wide(const void *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v); //!
    return v;
}
H(wide_at_the_end)
{
    return in_len > 3 ? read_wide(in + in_len - BAD(3, 4)) : 0;
}
H(aliased_as_other_type)
{
    static int32_t number;
    float *f = (float *)&number;
    f[BAD(in_len & 1, 0)] = 1; //!
    return number;
}
H(index_through_float)
{
    union {
        float f;
        uint32_t n;
    } u;
    u.f = (float)(in_len & 7);
    return t8[BAD(u.n >> 20, (uint32_t)u.f)]; //!
}
H(union_of_lengths)
{
    union {
        uint8_t small;
        uint16_t large;
    } u;
    u.large = (uint16_t)in_len;
    return u.small < 100 ? t100[BAD(u.large, u.small)] : 0; //!
}
H(union_larger_member_unset)
{
    union {
        uint8_t small;
        uint32_t large;
    } u;
    BAD(u.small, u.large) = 1;
    return u.large; //!
}
H(padding_compared)
{
    struct {
        char c;
        int i;
    } a, b;
    BAD(, memset(&a, 0, sizeof a); memset(&b, 0, sizeof b);)
    a.c = b.c = 1;
    a.i = b.i = (int)in_len;
    return memcmp(&a, &b, sizeof a); //!
}
H(initialised_in_part)
{
    uint8_t line[16];
    memset(line, 0, BAD(15, 16));
    return line[in_len & 15]; //!
}
H(initialised_by_a_loop_with_continue)
{
    uint8_t line[16];
    for (int i = 0; i < 16; i++) {
        if (BAD(in_len > (size_t)i && in[i] == 0, 0))
            continue;
        line[i] = 1;
    }
    return line[out_cap & 15]; //!
}
H(initialised_if_found)
{
    size_t at BAD(, = 0);
    for (size_t i = 0; i < in_len; i++)
        if (in[i] == 'x')
            at = i;
    return (int64_t)at; //!
}
H(initialised_in_all_cases_but_one)
{
    int v;
    switch (in_len & 3) {
    case 0:
        v = 1;
        break;
    case 1:
    case 2:
        v = 2;
        break;
        BAD(, default : v = 3;)
    }
    return v; //!
}
H(initialised_by_and)
{
    int v BAD(, = 0);
    if (in_len > 3 && (v = in[0]) > 4)
        return v;
    return v; //!
}
static bool fill(uint8_t *to, size_t n, size_t limit)
{
    if (n > limit)
        return false;
    memset(to, 1, n);
    return true;
}
H(initialised_by_a_callee_that_fails)
{
    uint8_t line[16];
    bool filled = fill(line, 16, in_len);
    return BAD(true, filled) ? line[3] : 0; //!
}
H(callee_fills_less)
{
    uint8_t line[16];
    if (!fill(line, in_len & 15, 16))
        return 0;
    return BAD(line[in_len & 15], (in_len & 15 ? line[0] : 0)); //!
}
static uint8_t *local_of(size_t n)
{
    uint8_t line[16];
    static uint8_t kept[16];
    line[0] = (uint8_t)n;
    return BAD(line, kept);
}
H(returned_local_array)
{
    return *local_of(in_len); //!
}
H(block_local_by_pointer)
{
    const uint8_t *p = t8;
    if (in_len > 2) {
        uint8_t line[8] = {1};
        BAD(p = line;, line[0]++;)
    }
    return p[0]; //!
}
H(block_of_a_loop_by_pointer)
{
    uint32_t *last = w4, sum = 0;
    for (size_t i = 0; i < (in_len & 7); i++) {
        uint32_t v = (uint32_t)i;
        sum += *last BAD(, *0); //!
        BAD(last = &v;, sum += v;)
    }
    return sum;
}
H(compound_literal)
{
    const int *p = i10;
    if (in_len)
#define THREE ((int[]){1, 2, 3})
        BAD(p = THREE;, ;)
    return *p; //!
}

/* Pools: items given back, twice, or never. */
static struct item {
    uint32_t next; /* 0: none */
    uint32_t used;
    uint8_t data[8];
} items[8];
static uint32_t first_free;
H(pool_put_twice_makes_a_ring)
{
    items[1].next = BAD(1, 2);
    items[2].next = BAD(1, 0);
    uint32_t n = 0;
    for (uint32_t i = 1; i && BAD(1, n < 8); i = items[i & 7].next) //!
        n++;
    return n;
}
H(pool_number_unchecked)
{
    uint32_t i = in_len ? in[0] : 0;
    return items[BAD(i, i & 7)].used; //!
}
H(pool_free_list_of_input)
{
    if (first_free >= BAD(9, 8))
        first_free = 0;
    uint32_t i = first_free;
    first_free = (uint32_t)in_len;
    return items[i].used; //!
}
H(pool_next_of_input)
{
    items[0].next = (uint32_t)(in_len & BAD(15, 7));
    return items[items[0].next & BAD(15, 7)].used; //!
}
H(pool_of_bytes)
{
    static uint8_t arena[64];
    static uint32_t top;
    uint32_t n = (uint32_t)(in_len & 31);
    if (BAD(top > 64, top > 64 - n))
        top = 0;
    uint8_t *p = arena + top;
    top += n;
    memset(p, 0, n); //!
    return 0;
}
H(pool_of_aligned_bytes)
{
    static uint8_t arena[64];
    static uint32_t top;
    uint32_t n = (uint32_t)(in_len & 15), need = (n + 7) & ~7u;
    if (top > 64 || 64 - top < BAD(n, need))
        return 0;
    uint8_t *p = arena + top;
    top += need;
    memset(p, 0, need); //!
    return 0;
}

/* Texts without their end. */
H(text_filled_to_the_end)
{
    char text[16];
    size_t n = in_len < BAD(16, 15) ? in_len : BAD(16, 15);
    memcpy(text, in, n);
    if (n < 16)
        text[n] = 0;
    return (int64_t)strlen(text); //!
}
H(text_strncpy_leaves_none)
{
    char text[8];
    strncpy(text, "a long text", sizeof text);
    BAD(, text[7] = 0;)
    return (int64_t)strlen(text); //!
}
H(text_strcat_over)
{
    char text[12] = "hello ";
    strcat(text, in_len & 1 ? BAD("world!", "worl") : "you"); //!
    return 0;
}
H(text_strcpy_over)
{
    char text[6];
    strcpy(text, in_len & 1 ? BAD("123456", "12345") : "1"); //!
    return text[0];
}
H(text_body_has_no_end)
{
    return in_len ? (int64_t)BAD(strlen((const char *)in), strnlen((const char *)in, in_len))
                  : 0; //!
}
H(text_strchr_none)
{
    static const char words[] = "a=b";
    const char *p = strchr(words, BAD((int)(in_len & 127), '='));
    return *p; //!
}
H(text_strchr_behind)
{
    static const char digits[] = "0123456789";
    const char *p = in_len ? strchr(digits, in[0]) : NULL;
    return p ? i10[BAD(p - digits, (p - digits) % 10)] : 0; //!
}
H(text_strspn_whole)
{
    static const char word[8] = "aaaabbb";
    size_t n = strspn(word, in_len & 1 ? "ab" : "a");
    return word[n + BAD(1, 0)]; //!
}
H(text_memchr_behind)
{
    const uint8_t *p = memchr(in, ':', in_len);
    return p ? p[BAD(1, 0)] : 0; //!
}
H(text_array_of_exact)
{
    static const char kind[4] = BAD("abcd", "abc");
    return (int64_t)strlen(kind); //!
}
H(text_wide_bytes)
{
    uint16_t to[8];
    memset(to, 0, BAD(8 * sizeof to[0] + 2, 8 * sizeof to[0])); //!
    return to[in_len & 7];
}
H(text_sizeof_of_pointer)
{
    uint8_t line[4] = {0};
    uint8_t *p = line;
    memset(p, 1, BAD(sizeof p, sizeof line)); //!
    return line[in_len & 3];
}

/* Loops that need not end. */
H(loop_gcd_of_zero)
{
    uint32_t a = in_len ? in[0] : 0, b = in_len > 1 ? in[1] : 0;
    if (BAD(a == 0, a == 0 || b == 0))
        return 0;
    while (a != b) //!
        if (a > b)
            a -= b;
        else
            b -= a;
    return a;
}
H(loop_collatz_unsigned)
{
    uint32_t n = (uint32_t)in_len, steps = 0;
    while (n > 1 && BAD(1, steps < 1000)) { //!
        n = n & 1 ? 3 * n + 1 : n / 2;
        steps++;
    }
    return steps;
}
H(loop_64_by_32)
{
    uint64_t n = 0;
    if (in_len >= 8)
        memcpy(&n, in, 8);
    BAD(, n &= 0xffff;)
    int64_t r = 0;
    for (uint32_t i = 0; i < n; i++) //!
        r++;
    return r;
}
H(loop_64_le_max)
{
    uint64_t n = 0;
    if (in_len >= 8)
        memcpy(&n, in, 8);
    BAD(, n &= 0xfffff;)
    uint64_t i = 0;
    while (i <= n) //!
        i++;
    return (int64_t)i;
}
H(loop_64_all_numbers)
{
    uint64_t n = 0;
    if (in_len >= 8)
        memcpy(&n, in, 8);
    n |= BAD(0, 1);
    n &= 1023;
    while (n != 1) //!
        n -= 2;
    return 0;
}
H(loop_down_by_three)
{
    uint32_t i = (uint32_t)in_len & 255;
    while (i BAD(!= 0, > 2)) //!
        i -= 3;
    return i;
}
H(loop_wraps_by_even_step)
{
    uint32_t i = 1;
    while (BAD(i != 0, i < 0x80000000u)) //!
        i += 2;
    return i;
}
H(loop_multiplies_zero)
{
    uint32_t i = (uint32_t)in_len & 15;
    BAD(, i |= 1;)
    while (i < 1000) //!
        i *= 2;
    return i;
}
H(loop_halves_negative)
{
    int i = (int)(in_len & 255) - 128;
    while (i BAD(!= 0, > 0)) //!
        i >>= 1;
    return i;
}
H(loop_divides_by_one)
{
    uint32_t n = (uint32_t)in_len, base = (uint32_t)(out_cap & 7) + BAD(1, 2), digits = 0;
    while (n) { //!
        n /= base;
        digits++;
    }
    return digits;
}
H(loop_clears_no_bit)
{
    uint32_t n = (uint32_t)in_len;
    while (n) //!
        n &= BAD(n - 2, n - 1);
    return 0;
}
H(loop_xor_toggles)
{
    uint32_t n = 0, k = (uint32_t)in_len & 3;
    while (n != BAD(4, 0)) //!
        n ^= k;
    return n;
}
H(loop_two_variables_chase)
{
    uint32_t i = 0, j = (uint32_t)in_len & 63;
    while (i != j) { //!
        i++;
        BAD(j++;, )
    }
    return i;
}
H(loop_resets_by_input)
{
    uint32_t i = 0;
    size_t at = 0;
    while (i < 10) { //!
        i++;
        if (at < in_len && in[at] == 0) {
            i = 0;
            BAD(, at++;)
        }
    }
    return i;
}
H(loop_position_by_length_zero)
{
    size_t at = 0;
    int64_t n = 0;
    while (at < in_len) { //!
        at += in[at] BAD(, +1u);
        n++;
    }
    return n;
}
H(loop_byte_counter_of_256)
{
    int64_t r = 0;
    for (uint8_t i = 0; i BAD(<= 255, < 255); i++) //!
        r += i;
    return r;
}
H(loop_signed_char_of_200)
{
    int64_t r = 0;
    for (signed char i = 0; i < BAD(200, 100); i++) //!
        r++;
    return r;
}
H(loop_short_of_length)
{
    int64_t r = 0;
    for (BAD(uint16_t, size_t) i = 0; i < in_len; i++) //!
        r += in[i];
    return r;
}
H(loop_square_below)
{
    uint32_t i = 0, n = 0;
    if (in_len >= 4)
        memcpy(&n, in, 4);
    BAD(, n &= 0xffff;)
    while (i * i < n) //!
        i++;
    return i;
}
H(loop_newton)
{
    uint32_t n = (uint32_t)in_len & 0xffff, x = n, rounds = 0;
    while (x * x != n && BAD(1, rounds++ < 50)) //!
        x = (x + n / (x ? x : 1)) / 2;
    return x;
}
H(loop_search_stuck)
{
    size_t lo = 0, hi = in_len;
    while (lo < hi) { //!
        size_t mid = lo + (hi - lo) / 2;
        if (in[mid] < 10)
            lo = mid BAD(, +1);
        else
            hi = mid;
    }
    return (int64_t)lo;
}
H(loop_bubble_swaps_equal)
{
    bool again = true;
    uint32_t rounds = 0;
    while (again && BAD(1, rounds++ < 16)) { //!
        again = false;
        for (int i = 0; i < 15; i++)
            if (w16[i] >= w16[i + 1]) {
                uint32_t t = w16[i];
                w16[i] = w16[i + 1];
                w16[i + 1] = t;
                again = true;
            }
    }
    return 0;
}
H(loop_follows_table)
{
    uint32_t at = 0, n = 0;
    while (at != 7 && BAD(1, n < 100)) { //!
        at = t8[at] & 7;
        n++;
    }
    return n;
}
H(loop_of_phases)
{
    int x = (int)(in_len & 127), y = (int)(out_cap & 127), steps = 0;
    while (x > 0 && y > 0 BAD(, &&steps < 300)) { //!
        if (steps & 1)
            x--, y += BAD(1, 0);
        else
            y--, x += BAD(1, 0);
        steps++;
    }
    return steps;
}
H(loop_lexicographic)
{
    uint32_t x = (uint32_t)in_len & 15, y = (uint32_t)out_cap & 15;
    while (x > 0) //!
        if (y > 0)
            y--;
        else {
            BAD(, x--;)
            y = 5;
        }
    return 0;
}
H(loop_do_while_unsigned)
{
    uint32_t i = (uint32_t)in_len & 7;
    do //!
        i--;
    while (i BAD(>= 0, < 7 && i > 0));
    return 0;
}
H(loop_inner_changes_outer)
{
    int64_t r = 0;
    for (uint32_t i = 0; i < 10; i++) //!
        for (uint32_t j = 0; j < 5; j++) {
            r++;
            BAD(i = j;, r++;)
        }
    return r;
}
H(loop_continue_before_step)
{
    size_t i = 0;
    int64_t r = 0;
    while (i < in_len) { //!
        if (in[i] == ' ') {
            BAD(, i++;)
            continue;
        }
        r++;
        i++;
    }
    return r;
}
H(unreachable_switch)
{
    switch (in_len & 3) {
    case 0:
        return 1;
    case 1:
        return 2;
    case 2:
        return 3;
        BAD(, case 3 : return 4;)
    }
    __builtin_unreachable(); //!
}

/* Contents of what is kept, and of tables: one write that is wider, narrower or elsewhere. */
static uint32_t slots[8];
static uint16_t links[8];
static uint8_t order[8] = {0, 1, 2, 3, 4, 5, 6, 7};
static struct slot {
    uint16_t at;
    uint8_t size, flags;
} slot, slot_of[4];
H(content_set_by_a_copy)
{
    if (in_len >= 4)
        memcpy(&slots[out_cap & 7], BAD(in, "\1\0\0"), 4);
    return t8[slots[in_len & 7]]; //!
}
H(content_set_by_one_byte)
{
    slots[in_len & 7] = 3;
    ((uint8_t *)slots)[out_cap & 31] = BAD(7, 0);
    return t8[slots[out_cap & 7]]; //!
}
H(content_set_by_wider)
{
    uint32_t v = 0x00020001u;
    memcpy((uint8_t *)links + (out_cap & BAD(7, 4)), &v, 4);
    return t8[links[in_len & 7]]; //!
}
H(content_moved_by_a_byte)
{
    links[in_len & 7] = 5;
    memmove((uint8_t *)links + BAD(1, 2), links, 8);
    return t8[links[out_cap & 7]]; //!
}
H(content_copied_from_another)
{
    static uint8_t mixed[8];
    for (int i = 0; i < 8; i++)
        mixed[i] = BAD((uint8_t)(i + 1), (uint8_t)i);
    memcpy(order, mixed, 8);
    return t8[order[in_len & 7]]; //!
}
H(content_swapped_with_body)
{
    uint8_t i = (uint8_t)in_len & 7, t = order[i];
    order[i] = BAD(in_len ? in[0] : 0, order[7 - i]);
    order[7 - i] = t;
    return t8[order[out_cap & 7]]; //!
}
H(content_counts_up)
{
    if (order[in_len & 7]++ >= BAD(8, 7))
        order[in_len & 7] = 0;
    return t8[order[out_cap & 7] & BAD(15, 7)]; //!
}
H(content_of_a_negative_sum)
{
    order[in_len & 7] = (uint8_t)(order[out_cap & 7] - BAD(1, 0));
    return t8[order[in_len & 7]]; //!
}
H(content_checked_in_another)
{
    size_t i = in_len & 7, j = out_cap & 7;
    slots[i] = (uint32_t)in_len;
    return slots[i] < 8 ? t8[slots[BAD(j, i)]] : 0; //!
}
H(content_checked_then_written)
{
    size_t i = in_len & 7, j = out_cap & 7;
    slots[i] = (uint32_t)in_len;
    if (slots[i] >= 8)
        return 0;
    slots[j] = BAD(9, 3);
    return t8[slots[i]]; //!
}
H(content_checked_then_copied_over)
{
    if (slot.size > 8 || in_len < 4)
        return 0;
    BAD(memcpy(&slot, in, 4), (void)0);
    for (uint8_t i = 0; i < slot.size; i++)
        t8[i] = 0; //!
    slot.size = 0;
    return 0;
}
H(content_of_a_struct_copied)
{
    struct slot s = {.at = (uint16_t)in_len, .size = (uint8_t)in_len};
    if (s.BAD(size, at) < 8)
        slot_of[out_cap & 3] = s;
    return t8[slot_of[in_len & 3].at]; //!
}
H(content_field_beside)
{
    uint8_t *p = &slot_of[0].size;
    slot_of[in_len & 3].flags = BAD(200, 7);
    return t8[((uint8_t *)slot_of)[BAD(3, 2) + (in_len & 3) * 4]] + *p; //!
}
H(content_read_across_two)
{
    uint16_t v;
    links[0] = links[1] = 1;
    memcpy(&v, (uint8_t *)links + BAD(1, 2), 2);
    return t256[v]; //!
}
H(content_twice_read_changed_between)
{
    static uint32_t n;
    n = (uint32_t)in_len;
    uint32_t *p = &n;
    if (n < 8) {
        p[0] += BAD(1, 0);
        return t8[n]; //!
    }
    return 0;
}
H(content_changed_by_out_loop)
{
    static uint8_t line[16];
    line[0] = 7;
    for (size_t i = 0; i < in_len && i < 16; i++)
        line[i BAD(, | 1)] = in[i];
    return t8[line[0]]; //!
}
H(content_changed_by_a_callee)
{
    static uint8_t line[16];
    line[3] = 7;
    fill(line, in_len & BAD(15, 3), 16);
    line[0] = 0;
    memset(line + 4, 99, (in_len & 7) + BAD(0, 1));
    memset(line + BAD((out_cap & 3), 4), 9, 1);
    return t8[line[3]]; //!
}
H(content_after_the_last_round)
{
    uint32_t v = 0;
    for (size_t i = 0; i < in_len; i++) {
        if (v >= 8)
            v = 0;
        slots[i & 7] = v;
        v += BAD(in[i], 1);
    }
    return t10[v]; //!
}
H(content_or_of_two)
{
    uint32_t a = (uint32_t)in_len, b = (uint32_t)out_cap;
    if (a > 5 || b > BAD(9, 7))
        return 0;
    return t8[a | b]; //!
}
H(content_xor_of_two)
{
    uint32_t a = (uint32_t)in_len, b = (uint32_t)out_cap;
    if (a > BAD(8, 7) || b > 7)
        return 0;
    return t8[a ^ b]; //!
}
H(content_and_with_sign)
{
    int a = (int)in_len - 100;
    return t8[BAD(a % 8, a & 7)]; //!
}
H(content_multiple_of_three)
{
    uint32_t n = (uint32_t)in_len;
    if (n > BAD(300, 299))
        return 0;
    return t100[n / 3]; //!
}
H(content_remainder_and_quotient)
{
    uint32_t n = (uint32_t)in_len;
    if (n / 16 > BAD(8, 7))
        return 0;
    return t128[n / 16 * 16 + n % 16]; //!
}
H(content_midpoint)
{
    uint32_t lo = (uint32_t)in_len & 127, hi = (uint32_t)out_cap & 127;
    return t128[lo + (hi - lo) / BAD(2, 1)]; //!
}
H(content_min_of_unsigned)
{
    uint32_t n = (uint32_t)in_len - 1;
    uint32_t m = BAD((int32_t)n, n) < BAD((int32_t)16, 16) ? n : 15;
    return t16[m]; //!
}
H(content_saturates)
{
    uint8_t a = in_len ? in[0] : 0;
    int v = a + (a >> 1);
    v = v > 255 ? BAD(256, 255) : v;
    return t256[v]; //!
}
H(content_absolute)
{
    int32_t v = 0;
    if (in_len >= 4)
        memcpy(&v, in, 4);
    v = v < 0 ? -v : v;
    return t10[BAD(v % 10, (uint32_t)v % 10)]; //!
}
H(content_bytes_swapped)
{
    uint16_t n = (uint16_t)in_len;
    if (n > 255)
        return 0;
    n = BAD(__builtin_bswap16(n), n);
    return t256[n]; //!
}
H(content_leading_zeros)
{
    uint32_t n = 0;
    if (in_len >= 4)
        memcpy(&n, in, 4);
    return w16[n ? BAD(__builtin_clz(n), __builtin_clz(n) / 2) : 0]; //!
}
H(content_rotated)
{
    uint32_t n = (uint32_t)in_len & 7;
    n = n << 1 | n >> BAD(31, 2);
    return t8[BAD(n, n & 7)]; //!
}
H(content_rounds_down)
{
    uint32_t n = (uint32_t)in_len;
    if (n / 2 < BAD(5, 4))
        return t8[n]; //!
    return 0;
}
H(content_by_select_of_pointers)
{
    const uint8_t *p = in_len & 1 ? t8 : t10;
    size_t n = in_len & BAD(2, 1) ? 8 : 10;
    return p[BAD(n - 1, n < 10 ? 7 : 7)]; //!
}
H(content_of_struct_bound_kept_apart)
{
    struct {
        const uint8_t *at;
        size_t left;
    } s = {in, in_len};
    int64_t r = 0;
    while (s.left >= BAD(1, 2)) {
        r += s.at[0] + s.at[1]; //!
        s.at += 2;
        s.left -= BAD(s.left < 2 ? 1 : 2, 2);
    }
    return r;
}
