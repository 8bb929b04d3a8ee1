/* 8 MiB of made-up text compressed by an LZ77 with a hash table, and expanded: loads, compares. */
#include <string.h>

#include "timed.h"

#define PLAIN_BYTES (8u << 20)
#define ROUNDS 8
#define HASH_BITS 15
#define MATCH_MIN 4
#define MATCH_MAX 255
#define DISTANCE_MAX 65535

static uint8_t *plain, *packed, *back;
static uint32_t table[1 << HASH_BITS];

static void prepare(void)
{
    static const char *const words[] = {"the ",      "sandbox ", "of ",    "a ",
                                        "function ", "starts",   " when ", "called ",
                                        "with ",     "bytes, ",  "and ",   "ends.\n"};
    size_t at = 0;

    plain = timed_memory(PLAIN_BYTES + 64);
    packed = timed_memory(PLAIN_BYTES * 2);
    back = timed_memory(PLAIN_BYTES + 64);
    while (at < PLAIN_BYTES) {
        uint32_t random = timed_random();
        if (random % 7 == 0) {
            plain[at++] = (uint8_t)('0' + random / 7 % 10);
            continue;
        }
        const char *word = words[random / 7 % 12];
        size_t length = strlen(word);
        memcpy(plain + at, word, length);
        at += length;
    }
}

static uint32_t load32(const uint8_t *p)
{
    uint32_t value;

    memcpy(&value, p, sizeof value);
    return value;
}

/* Tokens: a count of literals, those, then length and distance (length 0 ends it all). */
static size_t compress(const uint8_t *in, size_t size, uint8_t *out)
{
    size_t at = 0, literals = 0, used = 0;

    memset(table, 0, sizeof table);
    while (at < size) {
        size_t length = 0, candidate = 0;
        if (size - at > MATCH_MIN) {
            uint32_t hash = load32(in + at) * 2654435761u >> (32 - HASH_BITS);
            candidate = table[hash];
            table[hash] = (uint32_t)at + 1;
            if (candidate-- > 0 && at - candidate <= DISTANCE_MAX &&
                load32(in + candidate) == load32(in + at)) {
                length = MATCH_MIN;
                while (length < MATCH_MAX && at + length < size &&
                       in[candidate + length] == in[at + length])
                    length++;
            }
        }
        if (length == 0 && literals < 255) {
            at++;
            literals++;
            if (literals < 255 && at < size)
                continue;
        }
        out[used++] = (uint8_t)literals;
        memcpy(out + used, in + at - literals, literals);
        used += literals;
        literals = 0;
        out[used++] = (uint8_t)length;
        if (length > 0) {
            size_t distance = at - candidate;
            out[used++] = (uint8_t)distance;
            out[used++] = (uint8_t)(distance >> 8);
            at += length;
        } else {
            out[used++] = 0;
            out[used++] = 0;
        }
    }
    return used;
}

static size_t expand(const uint8_t *in, size_t size, uint8_t *out)
{
    size_t at = 0, used = 0;

    while (at < size) {
        size_t literals = in[at++];
        for (size_t i = 0; i < literals; i++)
            out[used++] = in[at++];
        size_t length = in[at], distance = (size_t)in[at + 1] | (size_t)in[at + 2] << 8;
        at += 3;
        for (size_t i = 0; i < length; i++, used++)
            out[used] = out[used - distance];
    }
    return used;
}

static uint64_t work(void)
{
    size_t size = 0;

    for (int round = 0; round < ROUNDS; round++) {
        plain[round * 1000] ^= 1;
        size = compress(plain, PLAIN_BYTES, packed);
        if (expand(packed, size, back) != PLAIN_BYTES || memcmp(plain, back, PLAIN_BYTES) != 0)
            exit(1);
    }
    return timed_hash(TIMED_HASH_START ^ size, packed, size);
}

TIMED_MAIN(prepare, work)
