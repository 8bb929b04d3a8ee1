/* Indices of 64 bits whose bytes come round to the array again: the machine would stay in it, C
 * does not say so. */
#include "unsafe.h"
static int32_t t10[10];
static struct {
    int32_t a, b, c;
} s8[8];
static int16_t m[4][6];
static uint64_t number(const uint8_t *in, size_t in_len)
{
    uint64_t n = 0;
    for (size_t i = 0; i < 8 && i < in_len; i++)
        n = n << 8 | in[i];
    return n;
}
H(bytes_are_compared)
{
    uint64_t n = number(in, in_len);
    if (n * 4 < sizeof t10)
        t10[n] = 1;
    return 0;
}
H(bytes_of_a_signed_one)
{
    int64_t n = (int64_t)number(in, in_len);
    if (n * 4 >= 0 && n * 4 < (int64_t)sizeof t10)
        return t10[n];
    return 0;
}
H(a_pointer_that_comes_round)
{
    uint64_t n = number(in, in_len);
    const int32_t *p = t10 + n;
    return (n << 2) < 40 ? *p : 0;
}
H(structures_come_round)
{
    uint64_t n = number(in, in_len);
    if (n * 12 <= sizeof s8 - 12 && n * 12 % 12 == 0)
        s8[n].b = 1;
    return 0;
}
H(rows_come_round)
{
    uint64_t n = number(in, in_len);
    if (n * 12 < sizeof m && n * 12 % 12 == 0)
        m[n][1] = 1;
    return 0;
}
H(the_top_bit_is_lost)
{
    uint64_t n = number(in, in_len);
    if ((n & INT64_MAX) < 10)
        return t10[n];
    return 0;
}
H(backwards_and_round)
{
    uint64_t n = number(in, in_len);
    const int32_t *end = t10 + 10;
    return (0 - n) * 4 <= 40 && n ? end[n] : 0;
}
