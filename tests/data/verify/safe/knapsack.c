/* What fits best into 200: pairs of weight and worth. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static uint32_t best[201];
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    (void)out;
    (void)out_cap;
    memset(best, 0, sizeof best);
    for (size_t i = 0; i + 1 < in_len; i += 2) {
        unsigned w = in[i], v = in[i + 1];
        for (unsigned c = 200; c >= w && c > 0; c--)
            if (best[c - w] + v > best[c])
                best[c] = best[c - w] + v;
    }
    return best[200];
}
