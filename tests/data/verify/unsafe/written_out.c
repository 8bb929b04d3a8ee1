/* Loops of a known number of rounds, and what is used behind them. */
#include "unsafe.h"
#include <string.h>
static uint8_t cells8[8];
static uint32_t kept9;
H(written_out_one_too_far)
{
    uint8_t set[12];
    for (int i = 11; i > 0; i--)
        set[i] = 0;
    return set[in_len % 12];
}
H(written_out_and_left)
{
    uint8_t set[4];
    int i;
    for (i = 0; i < 4; i++) {
        if (in_len > 6 && in[i] == 9)
            break;
        set[3 - i] = 1;
    }
    return set[i == 4 ? 0 : 3 - i];
}
H(written_out_last_value)
{
    int i, j = 0;
    for (i = 0; i < 8; i++)
        j = i;
    return cells8[i] + j;
}
H(written_out_inner)
{
    int n = 0;
    for (int i = 1; i < 8; i *= 2)
        for (int k = 0; k < i; k++)
            n++;
    return cells8[n + (in_len == 3)];
}
H(written_out_twice_left)
{
    int last = 0;
    for (int i = 0; i < 9; i++) {
        last = i;
        if (in_len > (size_t)i && in[i] == 0)
            goto out;
    }
    last = 0;
out:
    return cells8[last];
}
H(written_out_until_input)
{
    unsigned i = 0, n = in_len > 0 ? in[0] : 0;
    while (i != 8) {
        if (n == i)
            i += 2;
        else
            i++;
        cells8[i - 1] = 1;
        if (i > 8)
            break;
    }
    return 0;
}
H(written_out_swaps)
{
    unsigned a = 3, b = 9;
    for (int i = 0; i < 5; i++) {
        unsigned t = a;
        a = b;
        b = t;
    }
    return cells8[a];
}
H(written_out_kept)
{
    for (int i = 0; i < 4; i++)
        kept9 += 1;
    return cells8[kept9 & 15];
}
H(written_out_bits)
{
    unsigned j = 0;
    for (unsigned i = 1; i < 16; i++) {
        unsigned bit = 8;
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j ^= bit;
        if (j > 7 && in_len > 100)
            cells8[j] = 1;
    }
    return 0;
}
H(written_out_address)
{
    const uint8_t *p = cells8;
    for (int i = 0; i < 3; i++) {
        uint8_t here[2] = {0, 1};
        if (p[1] == 2)
            return 1;
        p = here;
    }
    return 0;
}
