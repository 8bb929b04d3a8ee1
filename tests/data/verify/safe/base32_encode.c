/* Base32 of five bytes at a time, with padding. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    static const char set[33] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    size_t n = 0;
    for (size_t i = 0; i < in_len; i += 5) {
        uint8_t b[5] = {0};
        size_t have = in_len - i < 5 ? in_len - i : 5;
        memcpy(b, in + i, have);
        uint64_t w = 0;
        for (int k = 0; k < 5; k++)
            w = w << 8 | b[k];
        if (out_cap - n < 8)
            return -1;
        for (int k = 0; k < 8; k++)
            out[n + k] = (size_t)k * 5 < have * 8 ? set[w >> (35 - 5 * k) & 31] : '=';
        n += 8;
    }
    return (int64_t)n;
}
