/* Seams of the prover: what goes from memory to values and back, from call to call, from one life
 * of a variable to the next. */
#include <stdint.h>
#include <stddef.h>
#include <stdbool.h>
#include <string.h>
#include <stdio.h>
#include <stdlib.h>
#include "unsafe.h"

struct pair {
    uint32_t a, b;
};
struct nest {
    struct pair p[3];
    uint8_t n;
};
struct bits {
    unsigned low : 3, middle : 7, high : 6;
};
struct slice {
    uint32_t at, n;
};
static uint8_t pool[64];
static struct pair pairs[4];
static struct nest nest;

static struct pair half(uint32_t a)
{
    struct pair p;
    p.a = a;
    return p;
}
static uint32_t second(struct pair p)
{
    return p.b;
}
static int64_t nested(struct nest n, unsigned i)
{
    return n.p[i].b;
}
static struct slice cut(size_t n)
{
    struct slice s = {(uint32_t)n / 2, (uint32_t)n - (uint32_t)n / 3};
    return s;
}

H(half_returned)
{
    return half((uint32_t)in_len).b;
}
H(half_passed)
{
    struct pair p;
    p.a = 4;
    return second(p);
}
H(half_kept)
{
    pairs[0] = half(1);
    return pairs[0].b;
}
H(half_kept_by_index)
{
    pairs[in_len % 4] = half(1);
    return pairs[out_cap % 4].b;
}
H(nest_passed_unset)
{
    struct nest n;
    n.p[0] = n.p[1] = (struct pair){1, 2};
    n.n = 2;
    return nested(n, in_len % 3);
}
H(slice_beyond)
{
    struct slice s = cut(in_len);
    int64_t sum = 0;
    for (uint32_t i = 0; i < s.n; i++)
        sum += in[s.at + i];
    return sum;
}
H(static_unset_field)
{
    static struct pair last;
    struct pair now;
    int64_t r = last.a;
    if (in_len > 3)
        now.a = 1;
    now.b = 1;
    last = now;
    return r;
}
H(static_grows)
{
    static unsigned n;
    pool[n] = 1;
    if (in_len > 2)
        n++;
    if (n > 64)
        n = 0;
    return 0;
}
H(static_set_then_left)
{
    static unsigned at;
    int64_t r = pool[at];
    at = (unsigned)in_len;
    if (at < 64)
        return r;
    if (out_cap > 3)
        return r;
    at = 0;
    return r;
}
H(static_pair_apart)
{
    static unsigned first, count = 4;
    int64_t r = 0;
    for (unsigned i = first; i < first + count; i++)
        r += pool[i];
    first = in_len % 64;
    return r;
}
H(static_limit_moves)
{
    static unsigned n, most = 64;
    while (n < most && n < in_len)
        pool[n++] = 1;
    if (in_len == 3)
        most = 65;
    return n;
}
H(round_keeps_old)
{
    int64_t s = 0;
    for (size_t i = 0; i < in_len; i++) {
        int v;
        if (i > 0)
            s += v;
        v = in[i];
    }
    return s;
}
H(round_array_keeps_old)
{
    int64_t s = 0;
    for (size_t i = 0; i < in_len; i++) {
        uint8_t line[4];
        if (i > 0)
            s += line[i & 3];
        memset(line, in[i], 4);
    }
    return s;
}
H(address_of_last_round)
{
    uint8_t *last = pool;
    for (size_t i = 0; i < in_len; i++) {
        uint8_t v = in[i];
        if (*last == v)
            return 1;
        last = &v;
    }
    return 0;
}
H(jump_over_initialisation)
{
    if (in_len > 2)
        goto past;
    int v = 3;
past:
    return v;
}
H(selected_beyond)
{
    uint8_t one[4] = {0}, two[8] = {0};
    uint8_t *p = in_len > 2 ? one : two;
    return p[in_len > 3 ? 6 : 3] + p[in_len == 3 ? 4 : 0];
}
H(selected_null)
{
    uint8_t v = 1, *p = in_len > 2 ? &v : NULL;
    return in_len > 1 ? *p : 0;
}
H(joined_offsets)
{
    uint8_t a[10] = {0}, *p = a;
    if (in_len & 1)
        p += 5;
    if (in_len & 2)
        p += 5;
    return *p;
}
H(joined_in_loop)
{
    uint8_t a[16] = {0}, b[8] = {0}, *p = a;
    for (size_t i = 0; i < in_len && i < 12; i++) {
        if (in[i] == 1)
            p = b;
        if (p[i] != 0)
            break;
    }
    return 0;
}
H(field_walks_out)
{
    uint32_t *p = &nest.p[0].a;
    int64_t s = 0;
    for (unsigned i = 0; i < in_len && i < 7; i++)
        s += p[i];
    return s;
}
H(row_walks_into_next)
{
    static uint8_t rows[3][4];
    uint8_t *row = rows[1];
    return row[in_len % 9];
}
H(bits_unset)
{
    struct bits b;
    b.low = 3;
    return b.high;
}
H(bits_too_wide)
{
    struct bits b = {0};
    if (in_len < 1)
        return 0;
    b.middle = in[0];
    return pool[b.middle];
}
H(bits_of_sum)
{
    struct bits b = {7, 0, 60};
    b.high += in_len;
    return pool[b.high + b.low / 7];
}
H(boolean_of_two)
{
    bool b;
    if (in_len < 1)
        return 0;
    b = in[0];
    return 10 / (1 - b);
}
H(enumerated)
{
    enum { A, B, C, D } e;
    static const uint8_t names[4] = {1, 2, 3, 4};
    if (in_len < 1)
        return 0;
    e = in[0] & 7;
    return names[e];
}
H(switched_table)
{
    unsigned n;
    if (in_len < 1)
        return 0;
    switch (in[0]) {
    case 'a' ... 'f':
        n = in[0] - 'a' + 10;
        break;
    case '0' ... ':':
        n = in[0] - '0';
        break;
    default:
        return 0;
    }
    static const uint8_t digit[10] = {0};
    return n < 11 ? digit[n] : 0;
}
H(no_terminator)
{
    char s[8];
    strncpy(s, "12345678", sizeof s);
    return (int64_t)strlen(s);
}
H(no_terminator_of_input)
{
    char s[9];
    if (in_len < 8)
        return 0;
    memcpy(s, in, 8);
    s[in[0] & 15] = 0;
    return (int64_t)strlen(s);
}
H(terminator_in_front)
{
    return (int64_t)strnlen((const char *)in, in_len + 1);
}
H(compared_too_far)
{
    return memcmp(in, "0123456789", in_len < 12 ? in_len : 12);
}
H(found_null)
{
    const uint8_t *p = memchr(in, ':', in_len);
    return p[1];
}
H(found_last)
{
    const uint8_t *p = memchr(in, ':', in_len);
    return p ? p[1] : 0;
}
H(appended)
{
    char s[16] = "";
    for (size_t i = 0; i < in_len; i++)
        if (in[i] == 'x')
            strcat(s, "ab");
    return s[0];
}
H(printed_into_itself)
{
    char s[12] = "ab";
    for (int i = 0; i < 3; i++)
        snprintf(s + i, sizeof s, "%d", 1000000000);
    return s[1];
}
H(printed_too_wide)
{
    char s[4];
    if (in_len < 1)
        return 0;
    sprintf(s, "%d", in[0] * 4);
    return s[0];
}
H(length_from_print)
{
    char s[8];
    int n = snprintf(s, sizeof s, "%u-%u", (unsigned)in_len, 7u);
    return s[n];
}
H(number_as_index)
{
    char s[4] = {0};
    if (in_len < 3)
        return 0;
    memcpy(s, in, 3);
    return pool[atoi(s) & 127];
}
H(copy_of_half)
{
    uint8_t line[16];
    memset(line, 0, in_len < 16 ? in_len : 16);
    memcpy(pool, line, 16);
    return pool[0];
}
H(set_in_other_order)
{
    uint8_t line[16];
    for (unsigned i = 0; i < 16; i++)
        line[(i * 6) % 16] = 1;
    return line[in_len % 16];
}
H(set_behind_a_gap)
{
    uint8_t line[16];
    line[0] = 0;
    for (unsigned i = 2; i < 16; i++)
        line[i] = 0;
    return line[in_len % 16];
}
H(set_if_room)
{
    uint32_t line[4];
    for (unsigned i = 0; i < 4 && i < in_len; i++)
        line[i] = 1;
    return in_len > 2 ? line[3] : 0;
}
H(set_over_two_loops)
{
    uint8_t line[16];
    unsigned half = in_len % 17;
    for (unsigned i = 0; i < half; i++)
        line[i] = 1;
    for (unsigned i = half + 1; i < 16; i++)
        line[i] = 2;
    return line[7];
}
H(two_lengths)
{
    size_t n = in_len < out_cap ? out_cap : in_len;
    for (size_t i = 0; i < n; i++)
        out[i] = in[i];
    return 0;
}
H(quotient_rounds_up)
{
    size_t blocks = (in_len + 15) / 16;
    int64_t s = 0;
    for (size_t b = 0; b < blocks; b++)
        s += in[b * 16 + 15];
    return s;
}
H(twice_half)
{
    size_t half = (in_len + 1) / 2;
    int64_t s = 0;
    for (size_t i = 0; i < half; i++)
        s += in[2 * i + 1];
    return s;
}
H(triangle)
{
    uint8_t t[10] = {0};
    for (unsigned i = 0; i < 4; i++)
        for (unsigned j = 0; j <= i; j++)
            t[i * (i + 1) / 2 + j + (i == 3 && j == 3 && in_len == 9)] = 1;
    return t[0];
}
H(triangle_too_large)
{
    if (in_len < 1)
        return 0;
    unsigned n = in[0] % 12;
    for (unsigned i = 0; i < n; i++)
        for (unsigned j = 0; j <= i; j++)
            pool[i * (i + 1) / 2 + j] = 1;
    return 0;
}
H(square_too_large)
{
    if (in_len < 1)
        return 0;
    unsigned w = in[0] % 10;
    for (unsigned y = 0; y < w; y++)
        for (unsigned x = 0; x < w; x++)
            pool[y * w + x] = 1;
    return 0;
}
H(stride_and_width)
{
    if (in_len < 3)
        return 0;
    unsigned w = in[0], h = in[1], stride = in[2];
    if (w > stride || stride * h > out_cap + w)
        return 0;
    for (unsigned y = 0; y < h; y++)
        for (unsigned x = 0; x < w; x++)
            out[y * stride + x] = 1;
    return 0;
}
H(rounds_by_quotient)
{
    uint32_t n;
    if (in_len < 4)
        return 0;
    memcpy(&n, in, 4);
    unsigned digits = 0;
    uint8_t text[9];
    do
        text[digits++] = (uint8_t)(n % 10);
    while (n /= 10);
    return text[0];
}
H(rounds_by_shift)
{
    uint64_t n;
    uint8_t text[9];
    unsigned k = 0;
    if (in_len < 8)
        return 0;
    memcpy(&n, in, 8);
    while (n) {
        text[k++] = n & 127;
        n >>= 7;
    }
    return k ? text[0] : 0;
}
H(never_ends_by_xor)
{
    uint32_t n = (uint32_t)in_len;
    while (n != 1)
        n = (n >> 1) ^ (n & 1 ? 0xb4bcd35cu : 0);
    return 0;
}
H(collatz_of_negative)
{
    int32_t n;
    if (in_len < 4)
        return 0;
    memcpy(&n, in, 4);
    while (n != 1)
        n = n % 2 ? n * 3 + 1 : n / 2;
    return 0;
}
H(two_counters_race)
{
    size_t a = 0, b = in_len;
    while (a != b) {
        a += 1;
        b -= 1;
    }
    return 0;
}
H(greatest_of_zero)
{
    if (in_len < 2)
        return 0;
    unsigned a = in[0], b = in[1];
    while (a != b)
        if (a > b)
            a -= b;
        else
            b -= a;
    return a;
}
