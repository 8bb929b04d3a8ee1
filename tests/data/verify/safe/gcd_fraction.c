#include <stdint.h>
#include <stddef.h>
#include <string.h>
static uint32_t gcd(uint32_t a, uint32_t b)
{
    while (b != 0) {
        uint32_t t = a % b;
        a = b;
        b = t;
    }
    return a;
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    uint32_t f[2];
    if (in_len < 8 || out_cap < 8)
        return -1;
    memcpy(f, in, 8);
    uint32_t g = gcd(f[0], f[1]);
    if (g == 0)
        return -1;
    f[0] /= g;
    f[1] /= g;
    memcpy(out, f, 8);
    return 8;
}
