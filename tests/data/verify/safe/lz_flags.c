/* Literals and copies, told apart by a byte of flags. */
#include <stddef.h>
#include <stdint.h>
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    size_t i = 0, o = 0;
    while (i < in_len) {
        uint8_t flags = in[i++];
        for (int b = 0; b < 8 && i < in_len; b++) {
            if (flags >> b & 1) {
                if (i + 2 > in_len)
                    return -1;
                size_t off = in[i] | (size_t)(in[i + 1] & 0xf0) << 4, len = (in[i + 1] & 15) + 3;
                i += 2;
                if (off == 0 || off > o || o + len > out_cap)
                    return -1;
                for (size_t k = 0; k < len; k++, o++)
                    out[o] = out[o - off];
            } else {
                if (o >= out_cap)
                    return -1;
                out[o++] = in[i++];
            }
        }
    }
    return (int64_t)o;
}
