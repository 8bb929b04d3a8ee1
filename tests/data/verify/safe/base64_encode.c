#include <stdint.h>
#include <stddef.h>
/* Base64, RFC 4648. */
static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    size_t need = (in_len + 2) / 3 * 4, o = 0, i = 0;
    if (need > out_cap)
        return -1;
    for (; i + 2 < in_len; i += 3) {
        uint32_t v = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | in[i + 2];
        out[o++] = (uint8_t)digits[v >> 18];
        out[o++] = (uint8_t)digits[v >> 12 & 63];
        out[o++] = (uint8_t)digits[v >> 6 & 63];
        out[o++] = (uint8_t)digits[v & 63];
    }
    if (i < in_len) {
        uint32_t v = (uint32_t)in[i] << 16;
        if (i + 1 < in_len)
            v |= (uint32_t)in[i + 1] << 8;
        out[o++] = (uint8_t)digits[v >> 18];
        out[o++] = (uint8_t)digits[v >> 12 & 63];
        out[o++] = i + 1 < in_len ? (uint8_t)digits[v >> 6 & 63] : '=';
        out[o++] = '=';
    }
    return (int64_t)o;
}
