/* A picture in memory and the formats that it is read from: PNM, BMP, PNG. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 32 MB of pixels: decoded once and held once, beside the file, in the function's memory. */
#define PIXELS_MAX 8000000
#define SIDE_MAX 30000

struct image {
    uint32_t width, height;
    uint8_t *pixels;   /* RGBA, rows from the top, malloc'ed */
    bool gray, opaque; /* all pixels are */
};

/*
 * Readers return NULL when the image is there, else a sentence that says what is wrong. Each looks
 * at no byte outside `data`; what the file claims is believed after it is checked against its size.
 */
const char *pnm_read(const uint8_t *data, size_t size, struct image *ret_image);
const char *bmp_read(const uint8_t *data, size_t size, struct image *ret_image);
const char *png_read(const uint8_t *data, size_t size, struct image *ret_image);

/* Takes memory for width x height pixels; NULL or what is wrong with these sizes. */
const char *image_new(struct image *image, uint32_t width, uint32_t height);
void image_free(struct image *image);
/* Looks whether it is gray, opaque. */
void image_classify(struct image *image);

/*
 * The picture at `width` pixels, its height in proportion: each new pixel is the average of the
 * area that it covers, weighted by opacity. `width` is at most the picture's.
 */
const char *image_scale(const struct image *image, uint32_t width, struct image *ret_scaled);

/* The picture as PNG, malloc'ed: gray, RGB or RGBA, whichever is enough. NULL: out of memory. */
uint8_t *png_write(const struct image *image, size_t *ret_size);
