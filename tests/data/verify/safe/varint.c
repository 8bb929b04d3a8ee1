#include <stdint.h>
#include <stddef.h>
#include <string.h>
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    size_t i = 0, o = 0;
    while (i < in_len) {
        uint64_t v = 0;
        unsigned shift = 0;
        for (;;) {
            if (i >= in_len || shift > 56)
                return -1;
            uint8_t b = in[i++];
            v |= (uint64_t)(b & 127) << shift;
            if (!(b & 128))
                break;
            shift += 7;
        }
        if (out_cap - o < 8)
            return -2;
        memcpy(out + o, &v, 8);
        o += 8;
    }
    return (int64_t)o;
}
