/* A Bloom filter that stays between calls: "+word" adds, "?word" asks. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static uint8_t bits[4096];
static uint32_t hash(const uint8_t *p, size_t n, uint32_t h)
{
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 16777619u;
    return h;
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    (void)out;
    (void)out_cap;
    if (in_len < 2)
        return -1;
    int all = 1;
    for (uint32_t k = 0; k < 4; k++) {
        uint32_t at = hash(in + 1, in_len - 1, 2166136261u + k * 7919) % (sizeof bits * 8);
        if (in[0] == '+')
            bits[at / 8] |= (uint8_t)(1 << (at % 8));
        else
            all &= bits[at / 8] >> (at % 8) & 1;
    }
    return all;
}
