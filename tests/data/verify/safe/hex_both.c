#include <stdint.h>
#include <stddef.h>
static const char digits[16] = "0123456789abcdef";
static int value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    if (in_len > 0 && in[0] == 'd') {
        size_t n = (in_len - 1) / 2;
        if (n > out_cap)
            return -1;
        for (size_t i = 0; i < n; i++) {
            int high = value(in[1 + 2 * i]), low = value(in[2 + 2 * i]);
            if (high < 0 || low < 0)
                return -1;
            out[i] = (uint8_t)(high << 4 | low);
        }
        return (int64_t)n;
    }
    if (in_len > out_cap / 2)
        return -1;
    for (size_t i = 0; i < in_len; i++) {
        out[2 * i] = (uint8_t)digits[in[i] >> 4];
        out[2 * i + 1] = (uint8_t)digits[in[i] & 15];
    }
    return (int64_t)(2 * in_len);
}
