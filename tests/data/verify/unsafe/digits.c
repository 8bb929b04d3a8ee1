/* The digits of a number, a step beyond: one more than the buffer has room for, loops that another
 * number ends, buffers that are filled from their ends and read before what is set. */
#include "unsafe.h"

static uint32_t number(const uint8_t *in, size_t in_len)
{
    if (in_len < 4)
        return 0;
    return in[0] | in[1] << 8 | in[2] << 16 | (uint32_t)in[3] << 24;
}

/* ---- one digit too many ---- */

H(nine_places_for_ten_digits)
{
    char text[9];
    uint32_t v = number(in, in_len);
    unsigned n = 0;
    do {
        text[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    (void)out;
    return out_cap ? text[n - 1] : 0;
}
H(ten_places_for_a_sign)
{
    char text[10];
    uint32_t v = number(in, in_len);
    unsigned n = 0;
    if (v > 4000000000u)
        text[n++] = '-';
    do {
        text[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    (void)out;
    return out_cap ? text[n - 1] : 0;
}
H(as_decimal_digits_but_octal)
{
    char text[10];
    uint32_t v = number(in, in_len);
    unsigned n = 0;
    while (v) {
        text[n++] = (char)('0' + v % 8);
        v >>= 3;
    }
    (void)out;
    return out_cap && n ? text[n - 1] : 0;
}
H(digits_of_more_bits)
{
    char text[10];
    uint64_t v = (uint64_t)number(in, in_len) * (in_len > 8 ? in[8] : 1);
    unsigned n = 0;
    do {
        text[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    (void)out;
    return out_cap ? text[n - 1] : 0;
}

/* ---- which do not end, or not for that ---- */

H(divided_by_one)
{
    uint32_t v = number(in, in_len), n = 0;
    while (v > 0) {
        n++;
        v /= in_len > 9 && in[9] == 77 ? 1 : 10;
    }
    (void)out;
    return out_cap ? n : 0;
}
H(a_sign_that_stays)
{
    int32_t v = (int32_t)number(in, in_len), n = 0;
    while (v != 0) {
        n++;
        v >>= 4; /* of a negative number -1 is left */
        if (v < -1)
            n += v;
        if (v == -1 && in[2] != 77)
            break;
    }
    (void)out;
    return out_cap ? n & 1 : 0;
}
H(grows_again_in_between)
{
    char text[10];
    uint32_t v = number(in, in_len);
    unsigned n = 0;
    while (v > 0) {
        text[n++] = '0';
        v = (v == 7777 ? v * 1000 : v) / 10;
    }
    (void)out;
    return out_cap && n ? text[n - 1] : 0;
}
H(at_least_five_more)
{
    char text[10];
    uint32_t v = number(in, in_len);
    unsigned n = 0;
    while (v / 10 > 0 || n < 11) {
        text[n++] = '0';
        v /= 10;
        if (n == 9 && v < 2)
            break;
    }
    (void)out;
    return out_cap && n ? text[n - 1] : 0;
}

/* ---- filled from the end ---- */

H(from_the_end_one_too_many)
{
    char text[9];
    size_t k = sizeof text;
    uint32_t v = number(in, in_len);
    do {
        text[--k] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    (void)out;
    return out_cap ? text[k] : 0;
}
H(from_the_end_read_before_it)
{
    char text[12];
    size_t k = sizeof text;
    uint32_t v = number(in, in_len);
    do {
        text[--k] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    if (out_cap < 12)
        return -1;
    memcpy(out, text + k - (in[2] == 77 && in[3] == 78), sizeof text - k);
    return 1;
}
H(from_the_end_all_of_it)
{
    char text[12];
    size_t k = sizeof text;
    uint32_t v = number(in, in_len);
    do {
        text[--k] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    if (out_cap < 12)
        return -1;
    memcpy(out, text, v == 0 && k < 3 ? 12 : 1);
    return 1;
}
H(from_the_end_but_for_the_last)
{
    char text[12];
    size_t k = sizeof text - 1;
    uint32_t v = number(in, in_len);
    do {
        text[--k] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    if (out_cap < 12)
        return -1;
    memcpy(out, text + k, sizeof text - k);
    return 1;
}
H(from_the_end_with_a_gap)
{
    char text[12];
    size_t k = sizeof text;
    uint32_t v = number(in, in_len);
    do {
        text[--k] = (char)('0' + v % 10);
        v /= 10;
        if (v == 424)
            k--;
    } while (v && k > 0);
    if (out_cap < 12)
        return -1;
    memcpy(out, text + k, sizeof text - k);
    return 1;
}
H(from_the_end_of_the_round_before)
{
    int sum = 0;
    for (size_t i = 0; i + 4 <= in_len; i++) {
        char text[8];
        size_t k = sizeof text;
        if (i == 0 || in[i] != 77)
            do
                text[--k] = (char)in[i];
            while (k > 4);
        sum += text[7]; /* set in the first round, in another life */
    }
    (void)out;
    return out_cap ? sum : 0;
}
H(from_both_ends_not_the_middle)
{
    char text[16];
    size_t low = 0, high = sizeof text;
    if (in_len < 8 || out_cap < 16)
        return -1;
    while (low < 4)
        text[low++] = (char)in[low & 7];
    while (high > 5)
        text[--high] = (char)in[high & 7];
    memcpy(out, text + (in[7] == 77 && in[6] == 78 ? 4 : 5), 11);
    return 11;
}
