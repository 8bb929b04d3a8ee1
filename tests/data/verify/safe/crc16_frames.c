/* Frames of length, body and CRC-16: how many are right. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static uint16_t crc(const uint8_t *p, size_t n)
{
    uint16_t c = 0xffff;
    for (size_t i = 0; i < n; i++) {
        c ^= (uint16_t)(p[i] << 8);
        for (int k = 0; k < 8; k++)
            c = (uint16_t)(c & 0x8000 ? c << 1 ^ 0x1021 : c << 1);
    }
    return c;
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    size_t at = 0;
    int64_t good = 0;
    while (in_len - at >= 3) {
        size_t n = in[at];
        if (in_len - at - 3 < n)
            break;
        uint16_t want = (uint16_t)(in[at + 1 + n] << 8 | in[at + 2 + n]);
        if (crc(in + at + 1, n) == want) {
            if ((size_t)good < out_cap)
                out[good] = (uint8_t)n;
            good++;
        }
        at += n + 3;
    }
    return good;
}
