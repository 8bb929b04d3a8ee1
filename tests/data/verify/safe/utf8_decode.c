#include <stdint.h>
#include <stddef.h>
/* UTF-8 to code points of 32 bits. */
static int next(const uint8_t *s, size_t left, uint32_t *cp)
{
    if (s[0] < 0x80) {
        *cp = s[0];
        return 1;
    }
    if ((s[0] & 0xe0) == 0xc0 && left >= 2) {
        *cp = (uint32_t)(s[0] & 0x1f) << 6 | (s[1] & 0x3f);
        return 2;
    }
    if ((s[0] & 0xf0) == 0xe0 && left >= 3) {
        *cp = (uint32_t)(s[0] & 0x0f) << 12 | (uint32_t)(s[1] & 0x3f) << 6 | (s[2] & 0x3f);
        return 3;
    }
    if ((s[0] & 0xf8) == 0xf0 && left >= 4) {
        *cp = (uint32_t)(s[0] & 7) << 18 | (uint32_t)(s[1] & 0x3f) << 12 |
              (uint32_t)(s[2] & 0x3f) << 6 | (s[3] & 0x3f);
        return 4;
    }
    return -1;
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    const uint8_t *p = in, *end = in + in_len;
    size_t o = 0;
    while (p < end) {
        uint32_t cp;
        int n = next(p, (size_t)(end - p), &cp);
        if (n < 0)
            return -1;
        if (out_cap - o < 4)
            return -2;
        for (int i = 0; i < 4; i++)
            out[o++] = (uint8_t)(cp >> (8 * i));
        p += n;
    }
    return (int64_t)o;
}
