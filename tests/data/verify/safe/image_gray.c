#include <stdint.h>
#include <stddef.h>
/* RGB to gray, rows with a stride. */
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    if (in_len < 8)
        return -1;
    uint32_t w = in[0] | (uint32_t)in[1] << 8, h = in[2] | (uint32_t)in[3] << 8,
             stride = in[4] | (uint32_t)in[5] << 8;
    if (stride < w * 3)
        return -1;
    if ((uint64_t)stride * h > in_len - 8 || (uint64_t)w * h > out_cap)
        return -1;
    for (uint32_t y = 0; y < h; y++) {
        const uint8_t *row = in + 8 + (size_t)y * stride;
        uint8_t *to = out + (size_t)y * w;
        for (uint32_t x = 0; x < w; x++)
            to[x] = (uint8_t)((row[3 * x] * 77 + row[3 * x + 1] * 151 + row[3 * x + 2] * 28) >> 8);
    }
    return (int64_t)((uint64_t)w * h);
}
