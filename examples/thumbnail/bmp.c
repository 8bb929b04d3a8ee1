/* Windows bitmaps: 8 bits with a palette, 24 and 32 bits, not compressed. */
#include <string.h>

#include "image.h"

#define FILE_HEADER_BYTES 14
#define INFO_HEADER_BYTES 40

static uint32_t le16(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t le32(const uint8_t *p)
{
    return le16(p) | le16(p + 2) << 16;
}

/* What the two headers say, checked. */
struct bitmap {
    uint32_t width, height, bits, colours;
    bool top_down;
    const uint8_t *palette, *rows;
    size_t stride;
};

static const char *read_headers(const uint8_t *data, size_t size, struct bitmap *bitmap)
{
    if (size < FILE_HEADER_BYTES + INFO_HEADER_BYTES)
        return "the BMP file ends in its header";
    const uint8_t *info = data + FILE_HEADER_BYTES;
    uint32_t pixels_at = le32(data + 10), info_bytes = le32(info), compression = le32(info + 16);
    int32_t height = (int32_t)le32(info + 8);

    if (info_bytes < INFO_HEADER_BYTES || info_bytes > size - FILE_HEADER_BYTES)
        return "the header of the BMP file is damaged";
    bitmap->width = le32(info + 4);
    bitmap->top_down = height < 0;
    bitmap->height = height < 0 ? 0u - (uint32_t)height : (uint32_t)height;
    bitmap->bits = le16(info + 14);
    bitmap->colours = le32(info + 32);
    if (bitmap->bits != 8 && bitmap->bits != 24 && bitmap->bits != 32)
        return "BMP files are read with 8, 24 or 32 bits a pixel only";
    /* 3 is "bit fields", which 32-bit files use to name the usual order. */
    bool usual_fields = compression == 3 && bitmap->bits == 32 &&
                        size >= FILE_HEADER_BYTES + INFO_HEADER_BYTES + 12 &&
                        le32(info + 40) == 0xff0000 && le32(info + 44) == 0xff00 &&
                        le32(info + 48) == 0xff;
    if (compression != 0 && !usual_fields)
        return "compressed BMP files are not read";
    if (bitmap->width == 0 || bitmap->width > SIDE_MAX || bitmap->height > SIDE_MAX)
        return "the image has no pixels, or a side of more than 30,000";

    if (bitmap->bits == 8) {
        size_t palette_at = FILE_HEADER_BYTES + (size_t)info_bytes;
        if (bitmap->colours == 0)
            bitmap->colours = 256;
        if (bitmap->colours > 256 || size - palette_at < (size_t)bitmap->colours * 4)
            return "the palette of the BMP file is damaged";
        bitmap->palette = data + palette_at;
    }
    bitmap->stride = ((size_t)bitmap->width * bitmap->bits + 31) / 32 * 4;
    if (pixels_at > size || (uint64_t)bitmap->stride * bitmap->height > size - pixels_at)
        return "the BMP file ends before its last pixel";
    bitmap->rows = data + pixels_at;
    return NULL;
}

const char *bmp_read(const uint8_t *data, size_t size, struct image *ret_image)
{
    struct bitmap bitmap = {0};
    struct image image = {0};
    const char *wrong = read_headers(data, size, &bitmap);
    bool any_opacity = false;

    if (!wrong)
        wrong = image_new(&image, bitmap.width, bitmap.height);
    if (wrong)
        return wrong;

    for (uint32_t y = 0; y < bitmap.height; y++) {
        uint32_t from = bitmap.top_down ? y : bitmap.height - 1 - y;
        const uint8_t *row = bitmap.rows + (size_t)from * bitmap.stride;
        uint8_t *pixel = image.pixels + (size_t)y * bitmap.width * 4;
        for (uint32_t x = 0; x < bitmap.width; x++, pixel += 4) {
            const uint8_t *bgr = row + (size_t)x * (bitmap.bits / 8);
            if (bitmap.bits == 8) {
                if (*bgr >= bitmap.colours) {
                    image_free(&image);
                    return "a pixel of the BMP file is not in its palette";
                }
                bgr = bitmap.palette + (size_t)*bgr * 4;
            }
            pixel[0] = bgr[2];
            pixel[1] = bgr[1];
            pixel[2] = bgr[0];
            pixel[3] = bitmap.bits == 32 ? bgr[3] : 255;
            any_opacity = any_opacity || pixel[3] > 0;
        }
    }
    /* Old programs leave the fourth byte 0: they mean opaque, not invisible. */
    for (size_t i = 0; !any_opacity && i < (size_t)image.width * image.height; i++)
        image.pixels[i * 4 + 3] = 255;
    *ret_image = image;
    return NULL;
}
