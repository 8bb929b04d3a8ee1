/* 3 MiB to base64 and back, 80 times: bytes, shifts and small tables. */
#include <string.h>

#include "timed.h"

#define PLAIN_BYTES (3u << 20)
#define ROUNDS 80

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static uint8_t *plain, *back, meaning[256];
static char *encoded;

static void prepare(void)
{
    plain = timed_memory(PLAIN_BYTES);
    back = timed_memory(PLAIN_BYTES);
    encoded = timed_memory(PLAIN_BYTES / 3 * 4);
    for (size_t i = 0; i < PLAIN_BYTES; i++)
        plain[i] = (uint8_t)timed_random();
    memset(meaning, 0xff, sizeof meaning);
    for (uint8_t i = 0; i < 64; i++)
        meaning[(uint8_t)alphabet[i]] = i;
}

static void encode(const uint8_t *in, size_t size, char *out)
{
    for (size_t i = 0; i < size; i += 3, out += 4) {
        uint32_t three = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | in[i + 2];
        out[0] = alphabet[three >> 18];
        out[1] = alphabet[three >> 12 & 63];
        out[2] = alphabet[three >> 6 & 63];
        out[3] = alphabet[three & 63];
    }
}

static int decode(const char *in, size_t size, uint8_t *out)
{
    for (size_t i = 0; i < size; i += 4, out += 3) {
        uint8_t a = meaning[(uint8_t)in[i]], b = meaning[(uint8_t)in[i + 1]];
        uint8_t c = meaning[(uint8_t)in[i + 2]], d = meaning[(uint8_t)in[i + 3]];
        if ((a | b | c | d) & 0xc0)
            return -1;
        uint32_t three = (uint32_t)a << 18 | (uint32_t)b << 12 | (uint32_t)c << 6 | d;
        out[0] = (uint8_t)(three >> 16);
        out[1] = (uint8_t)(three >> 8);
        out[2] = (uint8_t)three;
    }
    return 0;
}

static uint64_t work(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        plain[round] ^= 0x55;
        encode(plain, PLAIN_BYTES, encoded);
        if (decode(encoded, PLAIN_BYTES / 3 * 4, back) < 0 || memcmp(plain, back, PLAIN_BYTES) != 0)
            exit(1);
    }
    return timed_hash(TIMED_HASH_START, encoded, PLAIN_BYTES / 3 * 4);
}

TIMED_MAIN(prepare, work)
