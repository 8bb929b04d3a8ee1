/* PNG out: 8 bits a sample, each row with the filter whose differences are smallest. */
#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "zlib.h"

static void store_be32(uint8_t *p, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(value >> (24 - 8 * i));
}

static size_t put_chunk(uint8_t *out, const char *type, const uint8_t *body, size_t size)
{
    store_be32(out, (uint32_t)size);
    memcpy(out + 4, type, 4);
    /* The body may be in its place already. */
    if (size > 0 && body != out + 8)
        memcpy(out + 8, body, size);
    store_be32(out + 8 + size, png_crc32(0, out + 4, size + 4));
    return size + 12;
}

static uint8_t predict(int filter, int left, int above, int corner)
{
    int estimate = left + above - corner;
    int a = abs(estimate - left), b = abs(estimate - above), c = abs(estimate - corner);

    switch (filter) {
    case 1:
        return (uint8_t)left;
    case 2:
        return (uint8_t)above;
    case 3:
        return (uint8_t)((left + above) / 2);
    case 4:
        return (uint8_t)(a <= b && a <= c ? left : b <= c ? above : corner);
    default:
        return 0;
    }
}

/* Filters a row into `to`; returns the sum of its differences, taken as signed. */
static uint64_t filter_row(int filter, const uint8_t *row, const uint8_t *above, size_t size,
                           size_t step, uint8_t *to)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < size; i++) {
        int left = i >= step ? row[i - step] : 0, corner = i >= step ? above[i - step] : 0;
        to[i] = (uint8_t)(row[i] - predict(filter, left, above[i], corner));
        sum += to[i] < 128 ? to[i] : 256u - to[i];
    }
    return sum;
}

static void filter_best(const uint8_t *row, const uint8_t *above, size_t size, size_t step,
                        uint8_t *scratch, uint8_t *to)
{
    uint64_t best = UINT64_MAX;

    for (int filter = 0; filter <= 4; filter++) {
        uint64_t sum = filter_row(filter, row, above, size, step, scratch);
        if (sum >= best)
            continue;
        best = sum;
        to[0] = (uint8_t)filter;
        memcpy(to + 1, scratch, size);
    }
}

/* The image's samples without what all pixels agree on. */
static uint8_t *samples_of(const struct image *image, size_t channels)
{
    size_t count = (size_t)image->width * image->height;
    uint8_t *samples = malloc(count * channels);

    for (size_t i = 0; samples && i < count; i++) {
        const uint8_t *pixel = image->pixels + i * 4;
        uint8_t *to = samples + i * channels;
        to[0] = pixel[0];
        if (channels >= 3) {
            to[1] = pixel[1];
            to[2] = pixel[2];
        }
        if (channels % 2 == 0)
            to[channels - 1] = pixel[3];
    }
    return samples;
}

uint8_t *png_write(const struct image *image, size_t *ret_size)
{
    static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    size_t channels = (image->gray ? 1 : 3) + (image->opaque ? 0 : 1);
    size_t stride = image->width * channels, filtered_size = (stride + 1) * image->height;
    uint8_t header[13] = {
        [8] = 8, [9] = (uint8_t)((image->gray ? 0 : 2) + (image->opaque ? 0 : 4))};
    uint8_t *samples = samples_of(image, channels), *zeroes = calloc(2, stride);
    uint8_t *filtered = malloc(filtered_size), *out = malloc(zlib_bound(filtered_size) + 128);
    size_t at = 0, compressed = 0;

    if (samples && zeroes && filtered && out) {
        for (uint32_t y = 0; y < image->height; y++)
            filter_best(samples + y * stride, y > 0 ? samples + (y - 1) * stride : zeroes, stride,
                        channels, zeroes + stride, filtered + y * (stride + 1));
        store_be32(header, image->width);
        store_be32(header + 4, image->height);
        memcpy(out, signature, sizeof signature);
        at = sizeof signature;
        at += put_chunk(out + at, "IHDR", header, sizeof header);
        compressed = zlib_deflate(filtered, filtered_size, out + at + 8);
        at += put_chunk(out + at, "IDAT", out + at + 8, compressed);
        at += put_chunk(out + at, "IEND", NULL, 0);
    }
    free(samples);
    free(zeroes);
    free(filtered);
    if (compressed == 0) {
        free(out);
        return NULL;
    }
    *ret_size = at;
    return out;
}
