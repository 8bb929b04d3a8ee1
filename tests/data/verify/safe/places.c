/* What depends on where variables lie: their order, low bits, a hash. */
#include <stddef.h>
#include <stdint.h>

static const uint8_t small[16] = "0123456789abcdef",
                     large[48] = "ghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ";

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    if (in_len < 1 || out_cap < 4)
        return 0;
    const uint8_t *a = small + (in[0] & 15), *b = large + (in[0] >> 4);
    out[0] = a < b ? *a : *b;
    out[1] = a == b ? 'e' : 'd';
    out[2] = large[(uintptr_t)a & 31];
    out[3] = small[((uintptr_t)b >> 4) % 16];
    return 4;
}
