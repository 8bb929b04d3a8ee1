#include <stddef.h>
#include <stdint.h>
#include <string.h>

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    if (in_len % 2 != 0)
        return -1;
    int swap = 0;
    size_t i = 0, o = 0;
    if (in_len >= 2 && in[0] == 0xfe && in[1] == 0xff) {
        swap = 1;
        i = 2;
    } else if (in_len >= 2 && in[0] == 0xff && in[1] == 0xfe)
        i = 2;
    while (i < in_len) {
        uint32_t c = swap ? in[i] << 8 | in[i + 1] : in[i + 1] << 8 | in[i];
        i += 2;
        if (c >= 0xd800 && c < 0xdc00) {
            if (i >= in_len)
                return -2;
            uint32_t d = swap ? in[i] << 8 | in[i + 1] : in[i + 1] << 8 | in[i];
            if (d < 0xdc00 || d > 0xdfff)
                return -3;
            i += 2;
            c = 0x10000 + ((c - 0xd800) << 10) + (d - 0xdc00);
        } else if (c >= 0xdc00 && c <= 0xdfff) {
            return -4;
        }
        uint8_t buf[4];
        size_t n;
        if (c < 0x80) {
            buf[0] = (uint8_t)c;
            n = 1;
        } else if (c < 0x800) {
            buf[0] = (uint8_t)(0xc0 | c >> 6);
            buf[1] = (uint8_t)(0x80 | (c & 63));
            n = 2;
        } else if (c < 0x10000) {
            buf[0] = (uint8_t)(0xe0 | c >> 12);
            buf[1] = (uint8_t)(0x80 | (c >> 6 & 63));
            buf[2] = (uint8_t)(0x80 | (c & 63));
            n = 3;
        } else {
            buf[0] = (uint8_t)(0xf0 | c >> 18);
            buf[1] = (uint8_t)(0x80 | (c >> 12 & 63));
            buf[2] = (uint8_t)(0x80 | (c >> 6 & 63));
            buf[3] = (uint8_t)(0x80 | (c & 63));
            n = 4;
        }
        if (o + n > out_cap)
            return -5;
        for (size_t k = 0; k < n; k++)
            out[o++] = buf[k];
    }
    return (int64_t)o;
}
