/* A Roman numeral as a number, and back in digits. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static int value(uint8_t c)
{
    switch (c) {
    case 'I':
        return 1;
    case 'V':
        return 5;
    case 'X':
        return 10;
    case 'L':
        return 50;
    case 'C':
        return 100;
    case 'D':
        return 500;
    case 'M':
        return 1000;
    default:
        return 0;
    }
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    int total = 0;
    if (in_len > 32)
        return -1;
    for (size_t i = 0; i < in_len; i++) {
        int v = value(in[i]), after = i + 1 < in_len ? value(in[i + 1]) : 0;
        if (v == 0)
            return -2;
        total += v < after ? -v : v;
    }
    char digits[12];
    int n = 0;
    if (total <= 0)
        return -3;
    while (total > 0 && n < 12) {
        digits[n++] = (char)('0' + total % 10);
        total /= 10;
    }
    if ((size_t)n > out_cap)
        return -4;
    for (int i = 0; i < n; i++)
        out[i] = (uint8_t)digits[n - 1 - i];
    return n;
}
