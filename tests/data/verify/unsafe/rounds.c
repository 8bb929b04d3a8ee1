/* What holds in one round and not in another; what was found, and where. */
#include "unsafe.h"
static uint8_t t16[16], t256[256], t64[64];
static int cells[16];
H(inner_of_no_rounds)
{
    for (size_t i = 0; i < in_len; i++) {
        size_t k = 0, n = in[i];
        if (n > out_cap)
            return -1;
        while (k + 1 < n)
            k++;
        out[k] = 0;
    }
    return 0;
}
H(inner_keeps_its_counter)
{
    size_t o = 0;
    for (size_t i = 0; i < in_len; i++) {
        uint8_t *p = i & 1 ? t16 : t256;
        size_t n = i & 1 ? 16 : 256;
        while (o + 1 < n)
            o++;
        p[o] = 0;
    }
    return 0;
}
H(bits_of_an_earlier_round)
{
    uint32_t a = 0, b = 0;
    for (size_t i = 0; i < in_len; i++) {
        b = a;
        a = (in[i] ^ b) & 63;
        b ^= a << 1;
    }
    return t64[b];
}
H(bits_when_the_loop_never_ran)
{
    uint32_t a = 64;
    for (size_t i = 0; i < in_len; i++)
        a = (a ^ in[i]) & 63;
    return t64[a];
}
H(branch_of_another_round)
{
    uint32_t k = 0;
    for (size_t i = 0; i < in_len; i++) {
        uint32_t x = in[i] * 3u;
        if ((x & 192) == 0)
            k = x ^ (uint32_t)i;
    }
    return t64[k & 127];
}
H(joined_by_two_branches)
{
    uint32_t x = in_len ? in[0] : 0, y;
    if (x & 1)
        y = x ^ 1;
    else
        y = x | 128;
    return (y & 1) ? 0 : t64[(y >> 1) ^ (x & 3)];
}
H(joined_bits_off_by_one)
{
    uint32_t x = in_len ? in[0] & 63 : 0, y;
    if (x & 1)
        y = x ^ 64;
    else
        y = x;
    return t64[y & ~(x << 6)];
}
H(do_while_overruns)
{
    size_t i = 0;
    do {
        t16[i] = 1;
        i++;
    } while (i < in_len);
    return 0;
}
H(do_while_one_more)
{
    size_t i = 0;
    if (in_len > 16)
        return 0;
    do {
        t16[i++] = 1;
    } while (i <= in_len);
    return 0;
}
H(two_exits)
{
    size_t i = 1;
    while (i + 1 < in_len) {
        if (in[i] == 9) {
            i += 2;
            break;
        }
        i++;
    }
    return in_len ? in[i] : 0;
}
H(later_through_continue)
{
    size_t o = 0;
    for (size_t i = 0; i < in_len && o + 2 < out_cap; i++) {
        if (in[i] & 1) {
            o += 3;
            continue;
        }
        out[o++] = in[i];
    }
    if (out_cap > 2)
        out[o] = 0;
    return 0;
}
H(later_with_other_bound)
{
    size_t o = 0, cap = out_cap;
    while (o + 1 < cap) {
        o++;
        if (o == 3)
            cap = in_len;
    }
    if (cap)
        out[o] = 1;
    return 0;
}
H(separator_is_the_last)
{
    const uint8_t *s = memchr(in, ':', in_len);
    return s ? s[1] : 0;
}
H(separator_twice)
{
    const uint8_t *s = memchr(in, ':', in_len);
    if (!s)
        return 0;
    const uint8_t *e = memchr(s + 1, ':', in_len);
    return e ? *e : 0;
}
H(separator_in_out)
{
    const uint8_t *s = memchr(in, ':', in_len);
    if (!s)
        return 0;
    size_t n = (size_t)(s - in);
    out[n] = 0;
    return (int64_t)n;
}
H(separator_of_a_copy)
{
    if (in_len > 16)
        return 0;
    memcpy(t16, in, in_len);
    const uint8_t *s = memchr(t16, ':', 16);
    if (!s)
        return 0;
    return in[s - t16];
}
/* what is read twice is the same only while nothing is stored between, and at one place */
H(word_that_is_changed)
{
    size_t i = 0;
    while (i < out_cap) {
        while (i < out_cap && out[i] == ' ')
            i++;
        if (i < out_cap && in_len > 3)
            out[i] = ' ';
        while (i < out_cap && out[i] != ' ')
            i++;
    }
    return 0;
}
H(word_of_another_letter)
{
    size_t i = 0;
    while (i < in_len) {
        while (i < in_len && in[i] == ' ')
            i++;
        while (i + 1 < in_len && in[i + 1] != ' ')
            i++;
    }
    return 0;
}
H(word_of_two_kinds)
{
    size_t i = 0;
    while (i < in_len) {
        while (i < in_len && (in[i] == ' ' || in[i] == '\t'))
            i++;
        while (i < in_len && in[i] != ' ' && in[i] != '\n')
            i++;
    }
    return 0;
}
H(merged_past_the_end)
{
    static int from[64], to[64];
    int mid = in_len < 32 ? (int)in_len : 32, high = 64, i = 0, j = mid;
    for (int k = 0; k <= high && k < 64 + (in_len == 99); k++) {
        if (i < mid && (j >= high || from[i] <= from[j]))
            to[k & 63] = from[i++];
        else
            to[k & 63] = from[j++];
    }
    return 0;
}
H(turned_with_the_wrong_side)
{
    if (in_len < 2)
        return 0;
    unsigned width = in[0], height = in[1];
    if (in_len - 2 < (size_t)width * height || out_cap < (size_t)width * height)
        return 0;
    for (unsigned y = 0; y < height; y++)
        for (unsigned x = 0; x < width; x++)
            out[x * width + (height - 1 - y)] = in[2 + y * width + x];
    return 0;
}

/* Cases that the round before had no use for are still cases of the rounds behind it. */
H(case_of_a_later_round)
{
    uint32_t n = 0, place = 1, hash = 0;
    if (in_len < 8)
        return 0;
    for (int i = 0; i < 8; i++)
        hash = (hash ^ in[i]) * 16777619u;
    for (int i = 3; i >= 0; i--) {
        place = place * place + 1;
        switch (i) {
        case 0:
            n += 1;
            break;
        case 1:
            n += hash == 0x12345678 ? 4096 : 0;
            break;
        case 2:
            n += 2;
            break;
        case 3:
            n += 3;
            break;
        default:
            break;
        }
    }
    return cells[n] + cells[(place - 677) & 0xFFFF];
}
