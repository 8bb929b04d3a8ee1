/* The chunked coding of bodies (RFC 9112, 7.1), a byte at a time but for the data. */
#include "faas/http_head.h"

/* Of extensions and trailers together: nothing here uses them. */
#define OVERHEAD_MAX (16u << 10)
#define SIZE_DIGITS_MAX 15

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool is_text(char c)
{
    return (unsigned char)c >= 0x20 ? c != 0x7f : c == '\t';
}

static int size_byte(struct http_chunks *chunks, char c)
{
    int digit = hex(c);

    if (digit >= 0) {
        if (++chunks->digits > SIZE_DIGITS_MAX)
            return -1;
        chunks->left = chunks->left * 16 + (unsigned)digit;
        return 0;
    }
    if (chunks->digits == 0)
        return -1;
    if (c == '\r')
        chunks->state = CHUNK_SIZE_LF;
    else if (c == ';')
        chunks->state = CHUNK_EXTENSION;
    else
        return -1;
    return 0;
}

static int trailer_byte(struct http_chunks *chunks, char c)
{
    if (c == ':')
        chunks->named = true;
    if (c != '\r')
        return is_text(c) && ++chunks->overhead <= OVERHEAD_MAX ? 0 : -1;
    chunks->state = CHUNK_TRAILER_LF;
    return chunks->named ? 0 : -1;
}

/* One byte that is no data. */
static int framing_byte(struct http_chunks *chunks, char c)
{
    switch (chunks->state) {
    case CHUNK_SIZE:
        return size_byte(chunks, c);
    case CHUNK_EXTENSION:
        if (c == '\r')
            chunks->state = CHUNK_SIZE_LF;
        else if (!is_text(c) || ++chunks->overhead > OVERHEAD_MAX)
            return -1;
        return 0;
    case CHUNK_SIZE_LF:
        chunks->state = chunks->left > 0 ? CHUNK_DATA : CHUNK_TRAILER;
        return c == '\n' ? 0 : -1;
    case CHUNK_DATA_CR:
        chunks->state = CHUNK_DATA_LF;
        return c == '\r' ? 0 : -1;
    case CHUNK_DATA_LF:
        chunks->state = CHUNK_SIZE;
        chunks->digits = 0;
        return c == '\n' ? 0 : -1;
    case CHUNK_TRAILER:
        if (c == '\r') {
            chunks->state = CHUNK_END_LF;
            return 0;
        }
        chunks->state = CHUNK_TRAILER_LINE;
        chunks->named = false;
        return c == ':' || c == ' ' || c == '\t' ? -1 : trailer_byte(chunks, c);
    case CHUNK_TRAILER_LINE:
        return trailer_byte(chunks, c);
    case CHUNK_TRAILER_LF:
        chunks->state = CHUNK_TRAILER;
        return c == '\n' ? 0 : -1;
    case CHUNK_END_LF:
        chunks->state = CHUNK_OVER;
        return c == '\n' ? 0 : -1;
    default:
        return -1;
    }
}

ssize_t http_chunks_take(struct http_chunks *chunks, const char *data, size_t bytes, size_t *ret_at,
                         size_t *ret_bytes)
{
    size_t at = 0;

    *ret_at = *ret_bytes = 0;
    while (at < bytes && chunks->state != CHUNK_OVER) {
        if (chunks->state == CHUNK_DATA) {
            size_t piece = chunks->left < bytes - at ? (size_t)chunks->left : bytes - at;
            chunks->left -= piece;
            if (chunks->left == 0)
                chunks->state = CHUNK_DATA_CR;
            *ret_at = at;
            *ret_bytes = piece;
            return (ssize_t)(at + piece);
        }
        if (framing_byte(chunks, data[at++]) < 0)
            return -1;
    }
    return (ssize_t)at;
}
