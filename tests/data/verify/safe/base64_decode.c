#include <stdint.h>
#include <stddef.h>
static int digit(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    if (c == '/')
        return 63;
    return -1;
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    size_t o = 0;
    uint32_t bits = 0;
    int count = 0;
    for (size_t i = 0; i < in_len; i++) {
        int d = digit(in[i]);
        if (in[i] == '=' || in[i] == '\n')
            continue;
        if (d < 0)
            return -1;
        bits = bits << 6 | (uint32_t)d;
        count += 6;
        if (count >= 8) {
            count -= 8;
            if (o == out_cap)
                return -2;
            out[o++] = (uint8_t)(bits >> count);
        }
    }
    return (int64_t)o;
}
