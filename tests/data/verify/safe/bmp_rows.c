/* A 24-bit BMP turned upside down, row by row. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    if (in_len < 54 || in[0] != 'B' || in[1] != 'M' || out_cap < in_len)
        return -1;
    uint32_t start = get32(in + 10), width = get32(in + 18), height = get32(in + 22);
    if (width == 0 || height == 0 || width > 4096 || height > 4096 || start < 54 || start > in_len)
        return -2;
    size_t row = (width * 3u + 3) / 4 * 4;
    if ((in_len - start) / row < height)
        return -3;
    memcpy(out, in, start);
    for (size_t y = 0; y < height; y++)
        memcpy(out + start + row * y, in + start + row * (height - 1 - y), row);
    return (int64_t)(start + row * height);
}
