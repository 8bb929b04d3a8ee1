#include <stdint.h>
#include <stddef.h>
/* A block of LZ4: literals, then a match behind us. */
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    size_t i = 0, o = 0;
    while (i < in_len) {
        uint8_t token = in[i++];
        size_t literals = token >> 4;
        if (literals == 15) {
            uint8_t more;
            do {
                if (i >= in_len)
                    return -1;
                more = in[i++];
                literals += more;
            } while (more == 255);
        }
        if (literals > in_len - i || literals > out_cap - o)
            return -1;
        for (size_t k = 0; k < literals; k++)
            out[o++] = in[i++];
        if (i == in_len)
            break;
        if (in_len - i < 2)
            return -1;
        size_t distance = in[i] | (size_t)in[i + 1] << 8;
        i += 2;
        if (distance == 0 || distance > o)
            return -1;
        size_t length = (token & 15) + 4;
        if ((token & 15) == 15) {
            uint8_t more;
            do {
                if (i >= in_len)
                    return -1;
                more = in[i++];
                length += more;
            } while (more == 255);
        }
        if (length > out_cap - o)
            return -1;
        for (size_t k = 0; k < length; k++) {
            out[o] = out[o - distance];
            o++;
        }
    }
    return (int64_t)o;
}
