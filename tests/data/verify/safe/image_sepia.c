/* RGB pixels in sepia. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static uint8_t least(uint32_t x)
{
    return x > 255 ? 255 : (uint8_t)x;
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    size_t n = in_len / 3;
    if (out_cap / 3 < n)
        return -1;
    for (size_t i = 0; i < n; i++) {
        uint32_t r = in[3 * i], g = in[3 * i + 1], b = in[3 * i + 2];
        out[3 * i] = least((393 * r + 769 * g + 189 * b) / 1000);
        out[3 * i + 1] = least((349 * r + 686 * g + 168 * b) / 1000);
        out[3 * i + 2] = least((272 * r + 534 * g + 131 * b) / 1000);
    }
    return (int64_t)(3 * n);
}
