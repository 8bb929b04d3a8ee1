#include <stdint.h>
#include <stddef.h>
/* Follows a compressed DNS name at offset 12. */
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    size_t at = 12, o = 0;
    int jumps = 0;
    for (int labels = 0; labels < 128; labels++) {
        if (at >= in_len)
            return -1;
        uint8_t n = in[at];
        if (n == 0)
            return (int64_t)o;
        if ((n & 0xc0) == 0xc0) {
            if (at + 1 >= in_len || ++jumps > 16)
                return -1;
            at = (size_t)(n & 0x3f) << 8 | in[at + 1];
            continue;
        }
        if (n > 63 || in_len - at - 1 < n || out_cap - o < (size_t)n + 1)
            return -1;
        for (uint8_t i = 0; i < n; i++)
            out[o++] = in[at + 1 + i];
        out[o++] = '.';
        at += 1 + (size_t)n;
    }
    return -1;
}
