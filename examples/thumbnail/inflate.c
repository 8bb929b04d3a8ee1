/* Inflate (RFC 1951): canonical Huffman codes decoded by a table, into a buffer of known size. */
#include <stdbool.h>
#include <string.h>

#include "zlib.h"

#define CODE_BITS_MAX 15
#define FAST_BITS 9
#define LITERALS 288
#define DISTANCES 30

struct huffman {
    uint16_t fast[1 << FAST_BITS]; /* symbol << 4 | length for short codes; 0: a longer one */
    uint16_t count[CODE_BITS_MAX + 1];
    uint16_t symbols[LITERALS]; /* in order of their codes */
};

struct inflate {
    const uint8_t *in;
    size_t in_size, in_at;
    uint8_t *out;
    size_t out_size, out_at;
    uint32_t bits; /* read and not used, lowest first */
    unsigned bit_count;
    bool ended; /* more bits were asked for than there are */
};

static void refill(struct inflate *inflate, unsigned count)
{
    while (inflate->bit_count < count) {
        uint32_t byte = 0;
        if (inflate->in_at < inflate->in_size)
            byte = inflate->in[inflate->in_at];
        else if (inflate->in_at >= inflate->in_size + 4)
            inflate->ended = true; /* zeroes that were only looked at don't count */
        inflate->in_at++;
        inflate->bits |= byte << inflate->bit_count;
        inflate->bit_count += 8;
    }
}

static uint32_t take_bits(struct inflate *inflate, unsigned count)
{
    refill(inflate, count);
    uint32_t value = inflate->bits & ((1u << count) - 1);
    inflate->bits >>= count;
    inflate->bit_count -= count;
    return value;
}

static uint32_t reverse(uint32_t code, unsigned length)
{
    uint32_t reversed = 0;

    while (length-- > 0) {
        reversed = reversed << 1 | (code & 1);
        code >>= 1;
    }
    return reversed;
}

/* false: the lengths are those of no code. One code of one bit may stand alone. */
static bool huffman_make(struct huffman *huffman, const uint8_t *lengths, unsigned count)
{
    uint16_t offsets[CODE_BITS_MAX + 2] = {0}, codes[CODE_BITS_MAX + 2] = {0};
    int left = 1;

    memset(huffman, 0, sizeof *huffman);
    for (unsigned i = 0; i < count; i++)
        huffman->count[lengths[i]]++;
    unsigned used = count - huffman->count[0];
    huffman->count[0] = 0;
    for (unsigned length = 1; length <= CODE_BITS_MAX; length++) {
        left = left * 2 - huffman->count[length];
        if (left < 0)
            return false;
        offsets[length + 1] = (uint16_t)(offsets[length] + huffman->count[length]);
        codes[length + 1] = (uint16_t)((codes[length] + huffman->count[length]) << 1);
    }
    if (left > 0 && !(used == 0 || (used == 1 && huffman->count[1] == 1)))
        return false;
    for (unsigned i = 0; i < count; i++) {
        unsigned length = lengths[i];
        if (length == 0)
            continue;
        huffman->symbols[offsets[length]++] = (uint16_t)i;
        uint32_t code = reverse(codes[length]++, length);
        for (; length <= FAST_BITS && code < 1u << FAST_BITS; code += 1u << length)
            huffman->fast[code] = (uint16_t)(i << 4 | length);
    }
    return true;
}

/* The next symbol, or -1 for a code that there is not. */
static int take_symbol(struct inflate *inflate, const struct huffman *huffman)
{
    refill(inflate, CODE_BITS_MAX);
    uint16_t fast = huffman->fast[inflate->bits & ((1u << FAST_BITS) - 1)];
    if (fast) {
        take_bits(inflate, fast & 15);
        return fast >> 4;
    }
    int code = 0, first = 0, index = 0;
    for (unsigned length = 1; length <= CODE_BITS_MAX; length++) {
        code |= (int)(inflate->bits >> (length - 1) & 1);
        int count = huffman->count[length];
        if (code - count < first) {
            take_bits(inflate, length);
            return huffman->symbols[index + (code - first)];
        }
        index += count;
        first = (first + count) << 1;
        code <<= 1;
    }
    return -1;
}

static const char *copy_stored(struct inflate *inflate)
{
    /* Whole bytes that were read ahead are given back. */
    inflate->in_at -= inflate->bit_count / 8;
    inflate->bits = inflate->bit_count = 0;
    if (inflate->in_at > inflate->in_size || inflate->in_size - inflate->in_at < 4)
        return "the compressed data ends too early";

    const uint8_t *head = inflate->in + inflate->in_at;
    size_t length = (size_t)head[0] | (size_t)head[1] << 8;
    if ((length ^ 0xffff) != ((size_t)head[2] | (size_t)head[3] << 8))
        return "the compressed data is damaged (a stored block's length)";
    inflate->in_at += 4;
    if (inflate->in_size - inflate->in_at < length)
        return "the compressed data ends too early";
    if (inflate->out_size - inflate->out_at < length)
        return "there is more data than the image has pixels";
    memcpy(inflate->out + inflate->out_at, inflate->in + inflate->in_at, length);
    inflate->in_at += length;
    inflate->out_at += length;
    return NULL;
}

static const char *copy_match(struct inflate *inflate, unsigned symbol,
                              const struct huffman *distances)
{
    if (symbol >= 29)
        return "the compressed data is damaged (a length)";
    size_t length = zlib_length_base[symbol] + take_bits(inflate, zlib_length_bits[symbol]);
    int code = take_symbol(inflate, distances);
    if (code < 0 || code >= DISTANCES)
        return "the compressed data is damaged (a distance)";
    size_t distance = zlib_distance_base[code] + take_bits(inflate, zlib_distance_bits[code]);

    if (distance > inflate->out_at)
        return "the compressed data is damaged (a distance before its start)";
    if (length > inflate->out_size - inflate->out_at)
        return "there is more data than the image has pixels";
    /* Byte by byte: the two may overlap, and then a pattern repeats. */
    uint8_t *to = inflate->out + inflate->out_at;
    for (size_t i = 0; i < length; i++)
        to[i] = to[i - distance];
    inflate->out_at += length;
    return NULL;
}

static const char *inflate_codes(struct inflate *inflate, const struct huffman *literals,
                                 const struct huffman *distances)
{
    for (;;) {
        int symbol = take_symbol(inflate, literals);
        if (inflate->ended)
            return "the compressed data ends too early";
        if (symbol < 0)
            return "the compressed data is damaged (a code)";
        if (symbol == 256)
            return NULL;
        if (symbol < 256) {
            if (inflate->out_at == inflate->out_size)
                return "there is more data than the image has pixels";
            inflate->out[inflate->out_at++] = (uint8_t)symbol;
            continue;
        }
        const char *wrong = copy_match(inflate, (unsigned)symbol - 257, distances);
        if (wrong)
            return wrong;
    }
}

/* The code lengths of a dynamic block, themselves in a code. */
static const char *read_lengths(struct inflate *inflate, struct huffman *scratch, uint8_t *lengths,
                                unsigned count)
{
    for (unsigned at = 0; at < count;) {
        int symbol = take_symbol(inflate, scratch);
        unsigned repeat = 1, length = (unsigned)symbol;
        if (symbol < 0 || inflate->ended)
            return "the compressed data is damaged (a code of lengths)";
        if (symbol == 16) {
            if (at == 0)
                return "the compressed data is damaged (a repeat of nothing)";
            length = lengths[at - 1];
            repeat = 3 + take_bits(inflate, 2);
        } else if (symbol > 16) {
            length = 0;
            repeat = symbol == 17 ? 3 + take_bits(inflate, 3) : 11 + take_bits(inflate, 7);
        }
        if (repeat > count - at)
            return "the compressed data is damaged (too many lengths)";
        while (repeat-- > 0)
            lengths[at++] = (uint8_t)length;
    }
    return NULL;
}

static const char *inflate_dynamic(struct inflate *inflate)
{
    static const uint8_t order[19] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                      11, 4,  12, 3, 13, 2, 14, 1, 15};
    uint8_t lengths[LITERALS + 32] = {0};
    struct huffman literals, distances;
    unsigned literal_count = 257 + take_bits(inflate, 5);
    unsigned distance_count = 1 + take_bits(inflate, 5);
    unsigned code_count = 4 + take_bits(inflate, 4);

    if (literal_count > 286 || distance_count > DISTANCES)
        return "the compressed data is damaged (too many codes)";
    for (unsigned i = 0; i < code_count; i++)
        lengths[order[i]] = (uint8_t)take_bits(inflate, 3);
    if (!huffman_make(&literals, lengths, 19))
        return "the compressed data is damaged (a code of lengths)";
    memset(lengths, 0, 19);
    const char *wrong = read_lengths(inflate, &literals, lengths, literal_count + distance_count);
    if (wrong)
        return wrong;
    if (lengths[256] == 0 || !huffman_make(&literals, lengths, literal_count) ||
        !huffman_make(&distances, lengths + literal_count, distance_count))
        return "the compressed data is damaged (a set of codes)";
    return inflate_codes(inflate, &literals, &distances);
}

static const char *inflate_fixed(struct inflate *inflate)
{
    uint8_t lengths[LITERALS];
    struct huffman literals, distances;

    memset(lengths, 8, 144);
    memset(lengths + 144, 9, 112);
    memset(lengths + 256, 7, 24);
    memset(lengths + 280, 8, 8);
    huffman_make(&literals, lengths, LITERALS);
    /* All 32 codes of five bits, though two of them stand for nothing. */
    memset(lengths, 5, 32);
    huffman_make(&distances, lengths, 32);
    return inflate_codes(inflate, &literals, &distances);
}

const char *zlib_inflate(const uint8_t *in, size_t in_size, uint8_t *out, size_t out_size)
{
    struct inflate inflate = {
        .in = in, .in_size = in_size, .in_at = 2, .out = out, .out_size = out_size};
    bool last;

    if (in_size < 6)
        return "the compressed data ends too early";
    if ((in[0] & 15) != 8 || in[0] >> 4 > 7 || (in[0] * 256 + in[1]) % 31 != 0 || in[1] & 0x20)
        return "the compressed data does not begin as a zlib stream";
    do {
        const char *wrong;
        last = take_bits(&inflate, 1);
        switch (take_bits(&inflate, 2)) {
        case 0:
            wrong = copy_stored(&inflate);
            break;
        case 1:
            wrong = inflate_fixed(&inflate);
            break;
        case 2:
            wrong = inflate_dynamic(&inflate);
            break;
        default:
            wrong = "the compressed data is damaged (a kind of block)";
        }
        if (!wrong && inflate.ended)
            wrong = "the compressed data ends too early";
        if (wrong)
            return wrong;
    } while (!last);

    size_t end = inflate.in_at - inflate.bit_count / 8;
    if (inflate.out_at < out_size)
        return "there is less data than the image has pixels";
    if (end > in_size || in_size - end < 4)
        return "the compressed data ends too early";
    uint32_t sum = (uint32_t)in[end] << 24 | (uint32_t)in[end + 1] << 16 |
                   (uint32_t)in[end + 2] << 8 | in[end + 3];
    return sum == zlib_adler32(out, out_size) ? NULL : "the compressed data is damaged (its sum)";
}
