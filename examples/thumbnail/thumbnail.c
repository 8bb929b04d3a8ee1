/*
 * A picture scaled down: PNG, BMP, PPM or PGM in, PNG out; ?width=N says how wide (128).
 * A picture that is narrower keeps its size. Not read: interlaced PNG, compressed BMP.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vireo/function.h>

#include "image.h"

#define WIDTH_DEFAULT 128
#define WIDTH_MAX 2048

/* The status for a sentence about the picture: what we can't read is not always damaged. */
#define STATUS_BAD 400
#define STATUS_UNSUPPORTED 415

static int64_t refuse(int status, const char *cause, uint8_t *out, size_t out_cap)
{
    char message[200];
    int length = snprintf(message, sizeof message, "cannot scale the image: %s\n", cause);
    size_t size = (size_t)length < out_cap ? (size_t)length : out_cap;

    vireo_response_status(status);
    vireo_response_header("content-type", "text/plain; charset=utf-8");
    memcpy(out, message, size);
    return (int64_t)size;
}

/* false: the query is not "width=N" with 1 <= N <= WIDTH_MAX. */
static bool read_query(const char *query, uint32_t *ret_width)
{
    static const char key[] = "width=";
    uint32_t width = 0;

    *ret_width = WIDTH_DEFAULT;
    if (!query || !*query)
        return true;
    if (strncmp(query, key, sizeof key - 1) != 0)
        return false;
    for (query += sizeof key - 1; *query >= '0' && *query <= '9' && width <= WIDTH_MAX; query++)
        width = width * 10 + (uint32_t)(*query - '0');
    *ret_width = width;
    return *query == 0 && width >= 1 && width <= WIDTH_MAX;
}

typedef const char *image_reader(const uint8_t *data, size_t size, struct image *ret_image);

static image_reader *reader_of(const uint8_t *data, size_t size)
{
    if (size >= 8 && memcmp(data, "\x89PNG\r\n\x1a\n", 8) == 0)
        return png_read;
    if (size >= 2 && memcmp(data, "BM", 2) == 0)
        return bmp_read;
    if (size >= 2 && data[0] == 'P' &&
        (data[1] == '2' || data[1] == '3' || data[1] == '5' || data[1] == '6'))
        return pnm_read;
    return NULL;
}

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    struct image image = {0}, scaled = {0};
    uint32_t width;
    size_t size = 0;

    if (!read_query(vireo_request_query(), &width))
        return refuse(STATUS_BAD, "the query is width=N, N from 1 to 2048", out, out_cap);
    image_reader *read = reader_of(in, in_len);
    if (!read)
        return refuse(STATUS_UNSUPPORTED, "it is not PNG, BMP, PPM or PGM", out, out_cap);
    const char *wrong = read(in, in_len, &image);
    if (!wrong)
        wrong = image_scale(&image, width < image.width ? width : image.width, &scaled);
    image_free(&image);
    if (wrong)
        return refuse(STATUS_BAD, wrong, out, out_cap);

    image_classify(&scaled);
    uint8_t *png = png_write(&scaled, &size);
    image_free(&scaled);
    if (!png)
        return refuse(507, "out of memory", out, out_cap);
    if (size > out_cap) {
        free(png);
        return refuse(413, "the answer is too large", out, out_cap);
    }
    memcpy(out, png, size);
    free(png);
    vireo_response_header("content-type", "image/png");
    return (int64_t)size;
}
