/* PNG (ISO 15948): all colour types, 1 to 16 bits a sample, not interlaced, no animation. */
#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "zlib.h"

/* A fuzzer that had to guess sums would never see what is behind them. */
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
#define SUMS_CHECKED 0
#else
#define SUMS_CHECKED 1
#endif

enum { GRAY = 0, RGB = 2, PALETTE = 3, GRAY_ALPHA = 4, RGB_ALPHA = 6 };

struct png {
    uint32_t width, height;
    unsigned depth, colour, channels;
    uint8_t palette[256][4];
    unsigned palette_count;
    bool has_key; /* one gray or RGB value is transparent */
    uint16_t key[3];
    uint8_t *compressed; /* the IDAT chunks, joined */
    size_t compressed_size;
};

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static const char *read_header(struct png *png, const uint8_t *data, size_t size)
{
    static const struct {
        unsigned colour, channels, depths; /* a bit for each depth that is allowed */
    } kinds[] = {{GRAY, 1, 0x10116},
                 {RGB, 3, 0x10100},
                 {PALETTE, 1, 0x116},
                 {GRAY_ALPHA, 2, 0x10100},
                 {RGB_ALPHA, 4, 0x10100}};

    if (size != 13)
        return "the header of the PNG file is damaged";
    png->width = be32(data);
    png->height = be32(data + 4);
    png->depth = data[8];
    png->colour = data[9];
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].colour == png->colour && png->depth <= 16 && kinds[i].depths >> png->depth & 1)
            png->channels = kinds[i].channels;
    if (png->channels == 0 || data[10] != 0 || data[11] != 0 || data[12] > 1)
        return "the header of the PNG file is damaged";
    if (data[12] == 1)
        return "interlaced PNG files are not read";
    return NULL;
}

static const char *read_palette(struct png *png, const uint8_t *data, size_t size)
{
    if (size == 0 || size % 3 != 0 || size > 256 * 3)
        return "the palette of the PNG file is damaged";
    png->palette_count = (unsigned)(size / 3);
    for (unsigned i = 0; i < png->palette_count; i++) {
        memcpy(png->palette[i], data + i * 3, 3);
        png->palette[i][3] = 255;
    }
    return NULL;
}

static const char *read_transparency(struct png *png, const uint8_t *data, size_t size)
{
    if (png->colour == PALETTE) {
        if (size > png->palette_count)
            return "the transparency of the PNG file is damaged";
        for (size_t i = 0; i < size; i++)
            png->palette[i][3] = data[i];
        return NULL;
    }
    if (png->colour != GRAY && png->colour != RGB)
        return "the transparency of the PNG file is damaged";
    if (size != png->channels * 2)
        return "the transparency of the PNG file is damaged";
    for (unsigned i = 0; i < png->channels; i++)
        png->key[i] = (uint16_t)(data[i * 2] << 8 | data[i * 2 + 1]);
    png->has_key = true;
    return NULL;
}

/* Walks the chunks; `compressed` has room for all that may be in them. */
static const char *read_chunks(struct png *png, const uint8_t *data, size_t size)
{
    const char *wrong = NULL;
    size_t at = 8;

    for (bool first = true; !wrong; first = false) {
        if (size - at < 12)
            return "the PNG file ends before its last chunk";
        uint32_t length = be32(data + at);
        const uint8_t *type = data + at + 4, *body = data + at + 8;
        if (length > size - at - 12)
            return "the PNG file ends before its last chunk";
        if (SUMS_CHECKED && png_crc32(0, type, (size_t)length + 4) != be32(body + length))
            return "the PNG file is damaged (a chunk's sum)";
        if (first != (memcmp(type, "IHDR", 4) == 0))
            return "the PNG file does not begin with one header";
        if (first)
            wrong = read_header(png, body, length);
        else if (memcmp(type, "PLTE", 4) == 0)
            wrong = read_palette(png, body, length);
        else if (memcmp(type, "tRNS", 4) == 0)
            wrong = read_transparency(png, body, length);
        else if (memcmp(type, "IDAT", 4) == 0) {
            memcpy(png->compressed + png->compressed_size, body, length);
            png->compressed_size += length;
        } else if (memcmp(type, "IEND", 4) == 0)
            return png->colour == PALETTE && png->palette_count == 0 ? "the PNG file has no palette"
                                                                     : NULL;
        else if (!(type[0] & 0x20))
            wrong = "the PNG file has a chunk that is not known and not optional";
        at += (size_t)length + 12;
    }
    return wrong;
}

static uint8_t paeth(int left, int above, int corner)
{
    int estimate = left + above - corner;
    int a = abs(estimate - left), b = abs(estimate - above), c = abs(estimate - corner);

    return (uint8_t)(a <= b && a <= c ? left : b <= c ? above : corner);
}

/* Undoes one row's filter; `above` is the row before it, or zeroes. */
static bool unfilter(uint8_t filter, uint8_t *row, const uint8_t *above, size_t size, size_t step)
{
    if (filter > 4)
        return false;
    for (size_t i = 0; i < size; i++) {
        uint8_t left = i >= step ? row[i - step] : 0, corner = i >= step ? above[i - step] : 0;
        switch (filter) {
        case 1:
            row[i] = (uint8_t)(row[i] + left);
            break;
        case 2:
            row[i] = (uint8_t)(row[i] + above[i]);
            break;
        case 3:
            row[i] = (uint8_t)(row[i] + (left + above[i]) / 2);
            break;
        case 4:
            row[i] = (uint8_t)(row[i] + paeth(left, above[i], corner));
            break;
        default:
            break;
        }
    }
    return true;
}

/* The sample `index` of a row as it is stored. */
static uint16_t sample_at(const struct png *png, const uint8_t *row, size_t index)
{
    if (png->depth == 16)
        return (uint16_t)(row[index * 2] << 8 | row[index * 2 + 1]);
    if (png->depth == 8)
        return row[index];
    size_t bit = index * png->depth;
    return row[bit / 8] >> (8 - png->depth - bit % 8) & ((1u << png->depth) - 1);
}

static uint8_t to_byte(const struct png *png, uint16_t sample)
{
    return (uint8_t)(png->depth == 16 ? sample >> 8 : sample * 255u / ((1u << png->depth) - 1));
}

static bool store_row(const struct png *png, const uint8_t *row, uint8_t *pixel)
{
    for (uint32_t x = 0; x < png->width; x++, pixel += 4) {
        uint16_t samples[4];
        bool is_key = png->has_key;
        for (unsigned i = 0; i < png->channels; i++) {
            samples[i] = sample_at(png, row, (size_t)x * png->channels + i);
            is_key = is_key && i < 3 && samples[i] == png->key[i];
        }
        if (png->colour == PALETTE) {
            if (samples[0] >= png->palette_count)
                return false;
            memcpy(pixel, png->palette[samples[0]], 4);
            continue;
        }
        bool rgb = png->colour == RGB || png->colour == RGB_ALPHA;
        for (unsigned i = 0; i < 3; i++)
            pixel[i] = to_byte(png, samples[rgb ? i : 0]);
        bool alpha = png->colour == GRAY_ALPHA || png->colour == RGB_ALPHA;
        pixel[3] = alpha ? to_byte(png, samples[png->channels - 1]) : is_key ? 0 : 255;
    }
    return true;
}

static const char *decode(struct png *png, uint8_t *raw, size_t stride, struct image *image)
{
    static const uint8_t zeroes[SIDE_MAX * 8];
    size_t step = (png->channels * png->depth + 7) / 8;
    const uint8_t *above = zeroes;
    const char *wrong =
        zlib_inflate(png->compressed, png->compressed_size, raw, (stride + 1) * png->height);

    for (uint32_t y = 0; !wrong && y < png->height; y++) {
        uint8_t *row = raw + (stride + 1) * y;
        if (!unfilter(row[0], row + 1, above, stride, step))
            wrong = "the PNG file is damaged (a row's filter)";
        else if (!store_row(png, row + 1, image->pixels + (size_t)y * png->width * 4))
            wrong = "a pixel of the PNG file is not in its palette";
        above = row + 1;
    }
    return wrong;
}

const char *png_read(const uint8_t *data, size_t size, struct image *ret_image)
{
    struct png png = {.compressed = malloc(size)};
    struct image image = {0};
    uint8_t *raw = NULL;
    const char *wrong = png.compressed ? read_chunks(&png, data, size) : "out of memory";

    if (!wrong)
        wrong = image_new(&image, png.width, png.height);
    if (!wrong) {
        size_t stride = ((size_t)png.width * png.channels * png.depth + 7) / 8;
        raw = malloc((stride + 1) * png.height);
        wrong = raw ? decode(&png, raw, stride, &image) : "out of memory";
    }
    free(png.compressed);
    free(raw);
    if (wrong)
        image_free(&image);
    else
        *ret_image = image;
    return wrong;
}
