/* PGM and PPM, binary (P5, P6) and plain (P2, P3), up to 16 bits a sample. */
#include <string.h>

#include "image.h"

struct reader {
    const uint8_t *data;
    size_t size, at;
};

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A decimal number behind white space and comments. */
static bool read_number(struct reader *reader, uint32_t max, uint32_t *ret_number)
{
    uint32_t number = 0;
    size_t start;

    while (reader->at < reader->size) {
        uint8_t c = reader->data[reader->at];
        if (c == '#')
            while (reader->at < reader->size && reader->data[reader->at] != '\n')
                reader->at++;
        else if (is_space(c))
            reader->at++;
        else
            break;
    }
    start = reader->at;
    while (reader->at < reader->size && reader->data[reader->at] >= '0' &&
           reader->data[reader->at] <= '9') {
        number = number * 10 + (uint32_t)(reader->data[reader->at++] - '0');
        if (number > max)
            return false;
    }
    *ret_number = number;
    return reader->at > start;
}

static bool read_sample(struct reader *reader, bool plain, uint32_t max, uint8_t *ret_byte)
{
    uint32_t sample;

    if (plain) {
        if (!read_number(reader, max, &sample))
            return false;
    } else if (max < 256) {
        if (reader->at >= reader->size)
            return false;
        sample = reader->data[reader->at++];
    } else {
        if (reader->size - reader->at < 2)
            return false;
        sample = (uint32_t)reader->data[reader->at] << 8 | reader->data[reader->at + 1];
        reader->at += 2;
    }
    if (sample > max)
        return false;
    *ret_byte = (uint8_t)((sample * 255 + max / 2) / max);
    return true;
}

const char *pnm_read(const uint8_t *data, size_t size, struct image *ret_image)
{
    struct reader reader = {data, size, 2};
    uint32_t width, height, max;
    bool plain = data[1] < '4', gray = data[1] == '2' || data[1] == '5';
    size_t samples = gray ? 1 : 3;

    if (!read_number(&reader, SIDE_MAX, &width) || !read_number(&reader, SIDE_MAX, &height) ||
        !read_number(&reader, 65535, &max) || max == 0 || reader.at >= size ||
        !is_space(data[reader.at]))
        return "the header of the PNM file is damaged";
    reader.at++;
    /* Before memory is taken: a plain sample takes at least two bytes, the last one. */
    uint64_t needed = (uint64_t)width * height * samples * (max > 255 && !plain ? 2 : 1);
    if (size - reader.at < needed)
        return "the PNM file ends before its last pixel";

    struct image image = {0};
    const char *wrong = image_new(&image, width, height);
    if (wrong)
        return wrong;
    uint8_t *pixel = image.pixels;
    for (size_t i = 0; i < (size_t)width * height; i++, pixel += 4) {
        for (size_t s = 0; s < samples; s++) {
            if (!read_sample(&reader, plain, max, pixel + s)) {
                image_free(&image);
                return "the PNM file ends before its last pixel, or has a wrong one";
            }
        }
        if (gray)
            pixel[1] = pixel[2] = pixel[0];
        pixel[3] = 255;
    }
    *ret_image = image;
    return NULL;
}
