/* The mean of the last sixteen samples, kept between calls. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static int16_t window[16];
static unsigned at;
static int32_t sum;
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    size_t n = 0;
    for (size_t i = 0; i + 1 < in_len && n + 2 <= out_cap; i += 2) {
        int16_t x = (int16_t)(in[i] | in[i + 1] << 8);
        sum += x - window[at % 16];
        window[at % 16] = x;
        at++;
        int16_t mean = (int16_t)(sum / 16);
        out[n++] = (uint8_t)mean;
        out[n++] = (uint8_t)(mean >> 8);
    }
    return (int64_t)n;
}
