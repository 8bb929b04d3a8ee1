/*
 * Deflate with fixed Huffman codes (RFC 1951, section 3.2.6): repeats are found by a hash of three
 * bytes and a short chain. Small code; a fifth or so larger than zlib's output.
 */
#include <stdbool.h>
#include <stdlib.h>

#include "zlib.h"

#define WINDOW 32768
#define HASH_BITS 14
#define CHAIN_MAX 48
#define MATCH_MIN 3
#define MATCH_MAX 258

struct writer {
    uint8_t *out;
    size_t size;
    uint64_t bits;
    unsigned bit_count;
};

struct finder {
    int32_t *head;     /* last place of each hash, -1: none */
    int32_t *previous; /* the place before it, for each place of the window */
};

static void put_bits(struct writer *writer, uint32_t value, unsigned count)
{
    writer->bits |= (uint64_t)value << writer->bit_count;
    writer->bit_count += count;
    for (; writer->bit_count >= 8; writer->bit_count -= 8, writer->bits >>= 8)
        writer->out[writer->size++] = (uint8_t)writer->bits;
}

/* A Huffman code goes out from its highest bit. */
static void put_code(struct writer *writer, uint32_t code, unsigned length)
{
    uint32_t reversed = 0;

    for (unsigned i = 0; i < length; i++)
        reversed |= (code >> i & 1) << (length - 1 - i);
    put_bits(writer, reversed, length);
}

static void put_symbol(struct writer *writer, uint32_t symbol)
{
    if (symbol < 144)
        put_code(writer, 0x30 + symbol, 8);
    else if (symbol < 256)
        put_code(writer, 0x190 + symbol - 144, 9);
    else if (symbol < 280)
        put_code(writer, symbol - 256, 7);
    else
        put_code(writer, 0xc0 + symbol - 280, 8);
}

static void put_match(struct writer *writer, size_t length, size_t distance)
{
    uint32_t code = 28;

    while (zlib_length_base[code] > length)
        code--;
    put_symbol(writer, 257 + code);
    put_bits(writer, (uint32_t)(length - zlib_length_base[code]), zlib_length_bits[code]);
    code = 29;
    while (zlib_distance_base[code] > distance)
        code--;
    put_code(writer, code, 5);
    put_bits(writer, (uint32_t)(distance - zlib_distance_base[code]), zlib_distance_bits[code]);
}

static uint32_t hash_of(const uint8_t *p)
{
    uint32_t three = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;

    return three * 2654435761u >> (32 - HASH_BITS);
}

static void note_place(struct finder *finder, const uint8_t *in, size_t in_size, size_t at)
{
    if (in_size - at < MATCH_MIN)
        return;
    uint32_t hash = hash_of(in + at);
    finder->previous[at % WINDOW] = finder->head[hash];
    finder->head[hash] = (int32_t)at;
}

static size_t find_match(const struct finder *finder, const uint8_t *in, size_t in_size, size_t at,
                         size_t *ret_distance)
{
    size_t best = 0, left = in_size - at;
    size_t longest = left < MATCH_MAX ? left : MATCH_MAX;

    if (left < MATCH_MIN)
        return 0;
    int32_t place = finder->head[hash_of(in + at)];
    for (int tries = 0; place >= 0 && at - (size_t)place <= WINDOW && tries < CHAIN_MAX; tries++) {
        const uint8_t *earlier = in + place;
        size_t length = 0;
        while (length < longest && earlier[length] == in[at + length])
            length++;
        if (length > best) {
            best = length;
            *ret_distance = at - (size_t)place;
            if (best == longest)
                break;
        }
        int32_t next = finder->previous[(size_t)place % WINDOW];
        if (next >= place)
            break; /* overwritten: it is outside the window */
        place = next;
    }
    return best >= MATCH_MIN ? best : 0;
}

size_t zlib_bound(size_t size)
{
    return size + size / 8 + 32; /* nine bits a byte at worst */
}

size_t zlib_deflate(const uint8_t *in, size_t in_size, uint8_t *out)
{
    struct writer writer = {.out = out};
    struct finder finder = {malloc((sizeof *finder.head) << HASH_BITS),
                            malloc(WINDOW * sizeof *finder.previous)};

    if (!finder.head || !finder.previous || in_size > INT32_MAX) {
        free(finder.head);
        free(finder.previous);
        return 0;
    }
    for (size_t i = 0; i < (size_t)1 << HASH_BITS; i++)
        finder.head[i] = -1;

    writer.out[writer.size++] = 0x78; /* zlib: deflate, 32 KiB window */
    writer.out[writer.size++] = 0x01; /* and no dictionary */
    put_bits(&writer, 1, 1);          /* the last block, */
    put_bits(&writer, 1, 2);          /* of fixed codes */
    for (size_t at = 0; at < in_size;) {
        size_t distance = 0, length = find_match(&finder, in, in_size, at, &distance);
        if (length > 0) {
            put_match(&writer, length, distance);
        } else {
            put_symbol(&writer, in[at]);
            length = 1;
        }
        while (length-- > 0)
            note_place(&finder, in, in_size, at++);
    }
    put_symbol(&writer, 256);
    if (writer.bit_count > 0)
        put_bits(&writer, 0, 8 - writer.bit_count);
    uint32_t sum = zlib_adler32(in, in_size);
    for (int shift = 24; shift >= 0; shift -= 8)
        writer.out[writer.size++] = (uint8_t)(sum >> shift);
    free(finder.head);
    free(finder.previous);
    return writer.size;
}
