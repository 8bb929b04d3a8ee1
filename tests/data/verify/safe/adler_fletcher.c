#include <stdint.h>
#include <stddef.h>
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    uint32_t a = 1, b = 0;
    uint16_t c = 0, d = 0;
    while (in_len > 0) {
        size_t block = in_len < 5552 ? in_len : 5552;
        for (size_t i = 0; i < block; i++) {
            a += in[i];
            b += a;
            c = (uint16_t)((c + in[i]) % 255);
            d = (uint16_t)((d + c) % 255);
        }
        a %= 65521;
        b %= 65521;
        in += block;
        in_len -= block;
    }
    return (int64_t)((uint64_t)(b << 16 | a) ^ (uint64_t)d << 8 ^ c);
}
