/* Memory of a picture, and scaling it down. */
#include <stdlib.h>
#include <string.h>

#include "image.h"

const char *image_new(struct image *image, uint32_t width, uint32_t height)
{
    if (width == 0 || height == 0)
        return "the image has no pixels";
    if (width > SIDE_MAX || height > SIDE_MAX || (uint64_t)width * height > PIXELS_MAX)
        return "the image has more than 8 million pixels, or a side of more than 30,000";
    image->width = width;
    image->height = height;
    image->pixels = calloc((size_t)width * height, 4);
    return image->pixels ? NULL : "out of memory";
}

void image_free(struct image *image)
{
    free(image->pixels);
    memset(image, 0, sizeof *image);
}

void image_classify(struct image *image)
{
    size_t count = (size_t)image->width * image->height;
    const uint8_t *pixel = image->pixels;

    image->gray = image->opaque = true;
    for (size_t i = 0; i < count; i++, pixel += 4) {
        image->gray = image->gray && pixel[0] == pixel[1] && pixel[1] == pixel[2];
        image->opaque = image->opaque && pixel[3] == 255;
    }
}

/* One axis of the box filter: new place `at` covers [at, at + 1) * old / new of the old ones. */
struct span {
    uint32_t first, last;            /* inclusive */
    float first_weight, last_weight; /* the part of them that is covered; between them: 1 */
};

static struct span span_of(uint32_t at, uint32_t old_size, uint32_t new_size)
{
    /* In units of 1 / new_size of an old pixel everything is whole. */
    uint64_t start = (uint64_t)at * old_size, end = start + old_size;
    struct span span = {.first = (uint32_t)(start / new_size),
                        .last = (uint32_t)((end - 1) / new_size)};

    span.first_weight = 1.0f - (float)(start % new_size) / (float)new_size;
    span.last_weight = (float)(end - (uint64_t)span.last * new_size) / (float)new_size;
    if (span.first == span.last)
        span.first_weight = span.last_weight = (float)old_size / (float)new_size;
    return span;
}

static float weight_of(const struct span *span, uint32_t at)
{
    return at == span->first ? span->first_weight : at == span->last ? span->last_weight : 1.0f;
}

/* Adds one old row to the sums of a new one: red, green, blue (times alpha) and alpha. */
static void add_row(float *sums, const uint8_t *row, const struct span *columns, uint32_t width,
                    float row_weight)
{
    for (uint32_t x = 0; x < width; x++, sums += 4) {
        for (uint32_t i = columns[x].first; i <= columns[x].last; i++) {
            const uint8_t *pixel = row + (size_t)i * 4;
            float weight = row_weight * weight_of(&columns[x], i);
            float opacity = weight * (float)pixel[3];
            sums[0] += opacity * (float)pixel[0];
            sums[1] += opacity * (float)pixel[1];
            sums[2] += opacity * (float)pixel[2];
            sums[3] += opacity;
        }
    }
}

static uint8_t to_byte(float value)
{
    return value <= 0 ? 0 : value >= 255 ? 255 : (uint8_t)(value + 0.5f);
}

static void store_row(uint8_t *row, const float *sums, uint32_t width, float area)
{
    for (uint32_t x = 0; x < width; x++, row += 4, sums += 4) {
        if (sums[3] <= 0)
            continue; /* transparent black: calloc'ed */
        for (int channel = 0; channel < 3; channel++)
            row[channel] = to_byte(sums[channel] / sums[3]);
        row[3] = to_byte(sums[3] / area);
    }
}

const char *image_scale(const struct image *image, uint32_t width, struct image *ret_scaled)
{
    uint64_t exact = (uint64_t)image->height * width + image->width / 2;
    uint32_t height = (uint32_t)(exact / image->width);
    struct image scaled = {0};

    const char *wrong = image_new(&scaled, width, height > 0 ? height : 1);
    if (wrong)
        return wrong;
    struct span *columns = calloc(scaled.width, sizeof *columns);
    float *sums = calloc((size_t)scaled.width * 4, sizeof *sums);
    if (!columns || !sums) {
        free(columns);
        free(sums);
        image_free(&scaled);
        return "out of memory";
    }

    for (uint32_t x = 0; x < scaled.width; x++)
        columns[x] = span_of(x, image->width, scaled.width);
    float area =
        (float)image->width / (float)scaled.width * (float)image->height / (float)scaled.height;
    for (uint32_t y = 0; y < scaled.height; y++) {
        struct span rows = span_of(y, image->height, scaled.height);
        memset(sums, 0, (size_t)scaled.width * 4 * sizeof *sums);
        for (uint32_t i = rows.first; i <= rows.last; i++)
            add_row(sums, image->pixels + (size_t)i * image->width * 4, columns, scaled.width,
                    weight_of(&rows, i));
        store_row(scaled.pixels + (size_t)y * scaled.width * 4, sums, scaled.width, area);
    }
    free(columns);
    free(sums);
    *ret_scaled = scaled;
    return NULL;
}
