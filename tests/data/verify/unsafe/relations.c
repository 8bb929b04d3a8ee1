/* What is a step beyond what products, quotients, bits, equal bytes and equalities of variables
 * show. */
#include "unsafe.h"

static uint8_t powers[512], logs[256];
static int16_t block[8][8];
static uint8_t code[256];

/* ---- bits that are cleared, or are not ---- */

H(doubling_by_another_polynomial)
{
    unsigned x = 1;
    for (unsigned i = 0; i < 255; i++) {
        powers[i] = (uint8_t)x;
        logs[x] = (uint8_t)i;
        x <<= 1;
        if (x & 0x100)
            x ^= 0x01d; /* leaves the ninth bit */
    }
    return in_len + out_cap > 0 ? logs[1] : 0;
}
H(doubling_asks_the_wrong_bit)
{
    unsigned x = 1;
    for (unsigned i = 0; i < 255; i++) {
        logs[x] = (uint8_t)i;
        x <<= 1;
        if (x & 0x200)
            x ^= 0x21d;
    }
    return in_len + out_cap > 0 ? logs[1] : 0;
}
H(one_bit_of_more_than_that)
{
    unsigned x = in_len > 1 ? in[0] * 4u : 0;
    if (x & 0x100)
        return 0;
    return out_cap > 0 ? logs[x] : 0; /* 512 has it clear, too */
}
H(masked_zero_below_a_hole)
{
    unsigned x = in_len > 1 ? in[0] * 2u : 0;
    if (x & 0x140)
        return 0;
    return out_cap > 0 ? code[x + 128] : 0; /* up to 190 */
}
H(masked_bit_says_less)
{
    unsigned x = in_len > 0 ? in[0] : 0;
    if ((x & 0x82) != 0)
        return code[x - 3]; /* 2 has one of them */
    return (int64_t)out_cap;
}

/* ---- products and quotients ---- */

H(quotient_of_product_at_its_end)
{
    if (in_len < 4)
        return -1;
    unsigned sw = in[0], sh = in[1], dw = in[2], dh = in[3];
    if (!sw || !sh || !dw || !dh || in_len < 4 + sw * sh || out_cap < dw * (dh + 1))
        return -1;
    for (unsigned y = 0; y <= dh; y++)
        for (unsigned x = 0; x < dw; x++)
            out[y * dw + x] = in[4 + (y * sh / dh) * sw + x * sw / dw];
    return dw;
}
H(quotient_of_product_that_wraps)
{
    if (in_len < 16)
        return -1;
    uint32_t y, h, d;
    memcpy(&y, in, 4);
    memcpy(&h, in + 4, 4);
    memcpy(&d, in + 8, 4);
    if (h == 0 || d == 0 || h > in_len || y > d)
        return -1;
    return out_cap > 0 ? in[y * h / d] : 0; /* y == d: h, where it does not wrap */
}
H(quotient_by_another)
{
    if (in_len < 4)
        return -1;
    unsigned s = in[0], d = in[1], e = in[2];
    if (!s || !d || !e || in_len < 4 + s || out_cap < d)
        return -1;
    for (unsigned x = 0; x < d; x++)
        out[x] = in[4 + x * s / e];
    return d;
}
H(blocks_of_eight_by_nine)
{
    if (in_len < 2)
        return -1;
    size_t bw = in[0], bh = in[1], w = bw * 8, h = bh * 8;
    if (in_len - 2 < w * h || out_cap < 1)
        return -1;
    for (size_t by = 0; by < bh; by++)
        for (size_t bx = 0; bx < bw; bx++)
            for (int y = 0; y < 8; y++)
                for (int x = 0; x < 8; x++)
                    block[y][x] = in[2 + (by * 8 + (size_t)y) * w + bx * 9 + (size_t)x];
    return block[0][0];
}
H(blocks_of_a_narrow_width)
{
    if (in_len < 2)
        return -1;
    uint8_t w8 = (uint8_t)(in[0] * 8u); /* 32 blocks are none */
    size_t bw = in[0], bh = in[1], w = w8, h = bh * 8;
    if (in_len - 2 < w * h || out_cap < 1)
        return -1;
    int64_t sum = 0;
    for (size_t by = 0; by < bh; by++)
        for (size_t bx = 0; bx < bw; bx++)
            for (size_t y = 0; y < 8; y++)
                sum += in[2 + (by * 8 + y) * (bw * 8) + bx * 8];
    return sum;
}
H(twice_a_square_less_one)
{
    if (in_len < 1)
        return -1;
    size_t n = in[0];
    if (n > 64 || in_len < 2 * n * n || out_cap < n * n)
        return -1;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            out[i * n + j] = in[1 + n * n + j * n + i];
    return (int64_t)(n * n);
}
H(coefficients_are_others)
{
    if (in_len < 2)
        return -1;
    size_t bw = in[0], bh = in[1], w = bw * 8, h = bh * 4;
    if (in_len - 2 < w * h || out_cap < 64 * bw * bh)
        return -1;
    for (size_t at = 0; at < 64 * bw * bh; at++)
        out[at] = in[2 + at];
    return 0;
}

/* ---- bytes that are read twice ---- */

H(read_again_after_it_changed)
{
    if (in_len < 1 || in_len > 256 || out_cap < in_len)
        return -1;
    memcpy(out, in, in_len);
    size_t i = 0, rounds = 0;
    while (i < in_len && out[i] != 0) {
        if (out[i] == 1) { /* this one is not gone past */
            out[0] = in[in_len - 1];
            i = out[0] == 1 ? i : i + 1;
        } else {
            i++;
        }
        rounds++;
    }
    return (int64_t)rounds;
}
H(another_byte_was_asked)
{
    size_t i = 0;
    while (i < in_len && in[i] >= '0') {
        size_t k = i + 1; /* not the one that was compared */
        while (k < in_len && in[k] >= '0' && k < i)
            k++;
        i = k > i + 1 ? k : i;
    }
    return (int64_t)(i + out_cap);
}

/* ---- what variables add up to ---- */

H(every_second_round_from_the_wrong_one)
{
    size_t n = in_len * 2 + 1, p = 0; /* an odd number of halves */
    int second = 0, held = 0;
    int64_t sum = 0;
    for (size_t k = 0; k < n; k++) {
        if (!second)
            held = in[p++];
        sum += held;
        second = !second;
    }
    return out_cap > 0 ? sum : 0;
}
H(every_second_round_but_one)
{
    size_t n = in_len * 2, p = 0;
    int second = 0, held = 0;
    int64_t sum = 0;
    for (size_t k = 0; k < n; k++) {
        if (!second)
            held = in[p++];
        sum += held;
        if (held != 77) /* then twice in a row */
            second = !second;
    }
    return out_cap > 0 ? sum : 0;
}
H(pairs_from_a_stack_of_one)
{
    int stack[16], top = 0;
    if (in_len < 4)
        return -1;
    stack[top++] = 1;
    stack[top++] = 2;
    for (size_t i = 0; i < in_len && top > 0; i++) {
        int a = stack[--top];
        int b = stack[--top]; /* below the first, once a single one was put */
        if (in[i] > 128 && top < 12) {
            stack[top++] = a;
            stack[top++] = b;
        }
        if (in[i] == 7 && top < 12)
            stack[top++] = b;
    }
    return out_cap > 0 ? top : 0;
}
H(three_go_together_at_times)
{
    size_t a = 0, b = 0, c = 0;
    for (size_t i = 0; i < in_len; i++) {
        if (in[i] < 85)
            a++;
        else if (in[i] < 170)
            b++;
        else
            c += in[i] == 200 ? 2 : 1;
    }
    return a + b + c > out_cap + in_len ? in[a + b + c - 1] : 0;
}
