/* Lengths that overflow, casts that lose, divisions, shifts, conversions. */
#include <math.h>

#include "unsafe.h"

static uint8_t table[256];

H(length_sum_32)
{
    if (in_len < 8)
        return -1;
    uint32_t a, b;
    memcpy(&a, in, 4);
    memcpy(&b, in + 4, 4);
    if (a + b > in_len)
        return -1;
    int s = 0;
    for (uint32_t i = 0; i < a; i++)
        s += in[i];
    return s;
}
H(length_sum_64)
{
    if (in_len < 16)
        return -1;
    uint64_t a, b;
    memcpy(&a, in, 8);
    memcpy(&b, in + 8, 8);
    if (a + b > in_len)
        return -1;
    return in[a];
}
H(length_product_32)
{
    if (in_len < 8)
        return -1;
    uint32_t w, h;
    memcpy(&w, in, 4);
    memcpy(&h, in + 4, 4);
    if (w * h > in_len)
        return -1;
    int s = 0;
    for (uint32_t y = 0; y < h; y++)
        for (uint32_t x = 0; x < w; x++)
            s += in[(uint64_t)y * w + x];
    return s;
}
H(length_minus)
{
    size_t n = in_len - 4;
    int s = 0;
    for (size_t i = 0; i < n; i++)
        s += in[i + 4];
    return s;
}
H(length_minus_one)
{
    int s = 0;
    for (size_t i = 0; i < in_len - 1; i++)
        s += in[i + 1];
    return s;
}
H(length_cast_u8)
{
    uint8_t n = (uint8_t)out_cap;
    if (n < 4)
        return -1;
    uint16_t m = (uint16_t)in_len;
    if (m > 100)
        return -1;
    uint8_t a[100];
    memcpy(a, in, in_len);
    return a[0];
}
H(length_cast_u16)
{
    uint16_t n = (uint16_t)in_len;
    if (n > out_cap)
        return -1;
    memcpy(out, in, in_len);
    return 0;
}
H(length_cast_i8)
{
    int8_t n = (int8_t)in_len;
    if (n > 16)
        return -1;
    uint8_t a[16];
    memset(a, 0, sizeof a);
    for (size_t i = 0; i < in_len; i++)
        a[i] = in[i];
    return a[0];
}
H(length_signed)
{
    if (in_len < 4)
        return -1;
    int32_t n;
    memcpy(&n, in, 4);
    if (n > 64)
        return -1;
    uint8_t a[64];
    memset(a, 0, 64);
    memcpy(a, in, (size_t)n);
    return a[0];
}
H(length_negated)
{
    if (in_len < 1)
        return -1;
    int n = (int8_t)in[0];
    if (n < 0)
        n = -n;
    static uint8_t t[128];
    return t[n];
}
H(absolute_of_minimum)
{
    if (in_len < 4)
        return -1;
    int32_t n;
    memcpy(&n, in, 4);
    if (n < 0)
        n = -n;
    return table[n % 255];
}
H(index_wraps_u8)
{
    static uint8_t t[200];
    uint8_t i = 0;
    for (size_t k = 0; k < in_len; k++)
        t[i++] = in[k];
    return t[0];
}
H(index_signed_char)
{
    if (in_len < 1)
        return 0;
    int8_t c = (int8_t)in[0];
    return table[c];
}
H(index_sign_extended)
{
    if (in_len < 1)
        return 0;
    int8_t c = (int8_t)in[0];
    return table[(unsigned)c];
}
H(index_truncated_check)
{
    if (in_len < 4)
        return 0;
    uint32_t i;
    memcpy(&i, in, 4);
    if ((uint8_t)i < 200)
        return table[i];
    return 0;
}
H(index_doubled)
{
    if (in_len < 1)
        return 0;
    uint32_t i = in[0];
    return table[i * 2];
}
H(index_xor)
{
    static uint8_t t[100];
    if (in_len < 2)
        return 0;
    unsigned a = in[0], b = in[1];
    if (a < 100 && b < 100)
        return t[a ^ b];
    return 0;
}
H(index_or)
{
    static uint8_t t[100];
    if (in_len < 2)
        return 0;
    unsigned a = in[0], b = in[1];
    if (a < 100 && b < 100)
        return t[a | b];
    return 0;
}
H(index_float)
{
    if (in_len < 1)
        return 0;
    float f = in[0] * 1.01f;
    return table[(int)f];
}
H(average_overflow)
{
    if (in_len < 8)
        return 0;
    uint32_t a, b;
    memcpy(&a, in, 4);
    memcpy(&b, in + 4, 4);
    if (a >= in_len || b >= in_len)
        return 0;
    return in[a + b];
}
H(round_up)
{
    size_t n = (in_len + 15) & ~(size_t)15;
    int s = 0;
    for (size_t i = 0; i < n; i++)
        s += in[i];
    return s;
}
H(signed_loop_bound)
{
    if (in_len < 4)
        return 0;
    int n;
    memcpy(&n, in, 4);
    int s = 0;
    for (unsigned i = 0; i < (unsigned)n && i < 1000000; i++)
        s += table[i];
    return s;
}
H(divide)
{
    if (in_len < 2)
        return 0;
    return in[0] / in[1];
}
H(divide_signed)
{
    if (in_len < 8)
        return 0;
    int a, b;
    memcpy(&a, in, 4);
    memcpy(&b, in + 4, 4);
    if (b == 0)
        return 0;
    return a / b;
}
H(remainder_of)
{
    return (int64_t)(out_cap % in_len);
}
H(remainder_signed)
{
    if (in_len < 16)
        return 0;
    int64_t a, b;
    memcpy(&a, in, 8);
    memcpy(&b, in + 8, 8);
    if (b == 0)
        return 0;
    return a % b;
}
H(divide_by_difference)
{
    if (in_len < 2)
        return 0;
    return 100 / (in[0] - in[1]);
}
H(divide_by_count)
{
    int n = 0, s = 0;
    for (size_t i = 0; i < in_len; i++)
        if (in[i] > 10) {
            n++;
            s += in[i];
        }
    return s / n;
}
H(divide_by_masked)
{
    if (in_len < 1)
        return 0;
    return 100 / (in[0] & 15);
}
H(divide_by_shifted)
{
    if (in_len < 1)
        return 0;
    return 100 / (in[0] >> 4);
}
H(divide_by_truncated)
{
    if (in_len < 4)
        return 0;
    uint32_t n;
    memcpy(&n, in, 4);
    if (n == 0)
        return 0;
    return 100 / (uint8_t)n;
}
H(divide_checked_other)
{
    if (in_len < 2)
        return 0;
    if (in[0] == 0)
        return 0;
    return 100 / in[1];
}
H(divide_checked_late)
{
    if (in_len < 1)
        return 0;
    int r = 100 / in[0];
    if (in[0] == 0)
        return 0;
    return r;
}
H(divide_in_loop)
{
    int s = 0;
    for (int i = -3; i < 4; i++)
        s += 100 / i;
    return s;
}
H(divide_by_persistent)
{
    static int n;
    n = (n + 1) & 7;
    return 100 / n;
}
H(shift_left)
{
    if (in_len < 1)
        return 0;
    return 1 << in[0];
}
H(shift_32)
{
    if (in_len < 1)
        return 0;
    if (in[0] > 32)
        return 0;
    return 1u << in[0];
}
H(shift_right_64)
{
    if (in_len < 9)
        return 0;
    uint64_t v;
    memcpy(&v, in, 8);
    return (int64_t)(v >> (in[8] & 127));
}
H(shift_negative)
{
    if (in_len < 1)
        return 0;
    return 1 << (int8_t)in[0];
}
H(shift_accumulated)
{
    uint32_t v = 0;
    int n = 0;
    for (size_t i = 0; i < in_len; i++) {
        v |= (uint32_t)(in[i] & 127) << n;
        n += 7;
        if (!(in[i] & 128))
            break;
    }
    return v;
}
H(shift_rotate)
{
    if (in_len < 5)
        return 0;
    uint32_t v;
    memcpy(&v, in, 4);
    unsigned n = in[4] & 31;
    return v << n | v >> (32 - n);
}
H(shift_difference)
{
    if (in_len < 2)
        return 0;
    unsigned a = in[0] & 31, b = in[1] & 31;
    return 1u << (a - b);
}
H(convert_to_int)
{
    double d;
    if (in_len < 8)
        return 0;
    memcpy(&d, in, 8);
    return (int)d;
}
H(convert_not_a_number)
{
    double d;
    if (in_len < 8)
        return 0;
    memcpy(&d, in, 8);
    if (d > 100)
        return 0;
    if (d < 0)
        return 0;
    return (int)d;
}
H(convert_large)
{
    if (in_len < 4)
        return 0;
    uint32_t v;
    memcpy(&v, in, 4);
    double d = v * 2.0;
    return (int32_t)d;
}
H(convert_to_unsigned)
{
    if (in_len < 1)
        return 0;
    double d = in[0] - 10.0;
    return (uint8_t)d;
}
H(convert_quotient)
{
    if (in_len < 2)
        return 0;
    double d = (double)in[0] / in[1];
    return (int)d;
}
H(convert_float_char)
{
    if (in_len < 1)
        return 0;
    float f = in[0] * 2.0f;
    return (uint8_t)f;
}
H(convert_index)
{
    if (in_len < 8)
        return 0;
    double d;
    memcpy(&d, in, 8);
    if (!(d >= 0 && d < 257))
        return 0;
    return table[(int)d];
}
static int cells[4];
H(nan_bound)
{
    float x = in_len ? in[0] : 0;
    if (!(x > NAN))
        return cells[(int)x];
    return 0;
}
H(sine_bound)
{
    double big = 1e308;
    for (size_t i = 0; i < in_len; i++)
        big *= 10;
    double x = in_len ? in[0] : 0, most = sin(big);
    if (!(x > most) && x >= 0)
        return cells[(int)x];
    return 0;
}
H(quotient_of_zero)
{
    if (in_len < 2)
        return 0;
    uint64_t s = 0;
    uint64_t u = 16 + (in_len & 7), y = in[1], x = in_len & 15;
    uint64_t p = u * y, q = x / y;
    for (uint64_t i = 0; i < q; i++)
        s += i;
    for (uint64_t i = 0; i < p; i++)
        s += i;
    return s;
}
H(quotient_of_zero_later)
{
    if (in_len < 2)
        return 0;
    uint64_t s = 0;
    uint64_t u = 16 + (in_len & 7), y = in[1], x = in_len & 15;
    uint64_t p = u * y;
    for (uint64_t i = 0; i < p; i++)
        s += i;
    uint64_t q = x / y;
    for (uint64_t i = 0; i < q + p; i++)
        s += i;
    return s;
}
H(remainder_of_zero)
{
    if (in_len < 2)
        return 0;
    uint64_t s = 0;
    uint64_t u = 16 + (in_len & 7), y = in[1], x = in_len & 15;
    uint64_t p = u * y, q = x % y;
    for (uint64_t i = 0; i < q; i++)
        s += i;
    for (uint64_t i = 0; i < p; i++)
        s += i;
    return s;
}
H(exp_of_a_float_is_infinite)
{
    float x = expf(in_len ? (float)in[0] : 0);
    return cells[(int)(x * 0.0f)];
}
H(exp_of_a_float_less_itself)
{
    float x = expf(in_len ? (float)in[0] : 0), y = expf(in_len ? (float)in[0] : 0);
    float z = (x - y) * 0.0f;
    return cells[(int)z];
}
H(clz_by_one)
{
    return cells[__builtin_clz((unsigned)(in_len & 0x1ff) | 1) - 24];
}
H(clz_low)
{
    return cells[31 - __builtin_clz((unsigned)(in_len & 0x1ff) | 1)];
}
H(ctz_by_one)
{
    return cells[__builtin_ctz((unsigned)(in_len & 0x1ff) | 0x100)];
}
H(popcount_by_one)
{
    return cells[__builtin_popcountll(in_len & 0xff)];
}
H(popcount_is_none)
{
    return cells[__builtin_popcountll(in_len & 0x7f) - 1];
}
