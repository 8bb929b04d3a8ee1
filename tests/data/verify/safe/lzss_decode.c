/* LZSS: flags, literals, and pairs of distance and length. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    size_t i = 0, n = 0;
    while (i < in_len) {
        unsigned flags = in[i++];
        for (int bit = 0; bit < 8 && i < in_len; bit++) {
            if (flags >> bit & 1) {
                if (n >= out_cap)
                    return -1;
                out[n++] = in[i++];
                continue;
            }
            if (in_len - i < 2)
                return -2;
            size_t back = ((size_t)in[i] | (size_t)(in[i + 1] & 0xf0) << 4) + 1,
                   len = (in[i + 1] & 15u) + 3;
            i += 2;
            if (back > n || len > out_cap - n)
                return -3;
            for (size_t k = 0; k < len; k++) {
                out[n] = out[n - back];
                n++;
            }
        }
    }
    return (int64_t)n;
}
