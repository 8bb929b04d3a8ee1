#include <stdint.h>
#include <stddef.h>
#include <string.h>
#define N 4096
static uint32_t bits[N / 32];
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    memset(bits, 0xff, sizeof bits);
    bits[0] &= ~3u;
    for (uint32_t p = 2; p * p < N; p++)
        if (bits[p / 32] >> (p % 32) & 1)
            for (uint32_t m = p * p; m < N; m += p)
                bits[m / 32] &= ~(1u << (m % 32));
    uint32_t count = 0;
    for (uint32_t i = 0; i < N; i++)
        count += bits[i >> 5] >> (i & 31) & 1;
    return count;
}
