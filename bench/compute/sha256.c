/* SHA-256 of 96 MiB: rotates, additions and a table of constants. */
#include <string.h>

#include "timed.h"

#define BUFFER_BYTES (1u << 20)
#define ROUNDS 96

static uint8_t *buffer;
static uint32_t constants[64];

/* The first 32 bits of the fractional part of a prime's root, by bisection in integers. */
static uint32_t cube_root_fraction(uint32_t prime)
{
    unsigned __int128 target = (unsigned __int128)prime << 96;
    uint64_t low = 0, high = (uint64_t)8 << 32;

    while (low + 1 < high) {
        uint64_t middle = low + (high - low) / 2;
        if ((unsigned __int128)middle * middle * middle <= target)
            low = middle;
        else
            high = middle;
    }
    return (uint32_t)low;
}

static void prepare(void)
{
    int count = 0;

    for (uint32_t candidate = 2; count < 64; candidate++) {
        uint32_t divisor = 2;
        while (divisor * divisor <= candidate && candidate % divisor)
            divisor++;
        if (divisor * divisor > candidate)
            constants[count++] = cube_root_fraction(candidate);
    }
    buffer = timed_memory(BUFFER_BYTES);
    for (size_t i = 0; i < BUFFER_BYTES; i++)
        buffer[i] = (uint8_t)timed_random();
}

static uint32_t rotate(uint32_t value, int bits)
{
    return value >> bits | value << (32 - bits);
}

static void compress(uint32_t state[8], const uint8_t *block)
{
    uint32_t w[64], s[8];

    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[i * 4] << 24 | (uint32_t)block[i * 4 + 1] << 16 |
               (uint32_t)block[i * 4 + 2] << 8 | block[i * 4 + 3];
    for (int i = 16; i < 64; i++)
        w[i] = w[i - 16] + w[i - 7] +
               (rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3) +
               (rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10);
    memcpy(s, state, sizeof s);
    for (int i = 0; i < 64; i++) {
        uint32_t t1 = s[7] + (rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25)) +
                      ((s[4] & s[5]) ^ (~s[4] & s[6])) + constants[i] + w[i];
        uint32_t t2 = (rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22)) +
                      ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        s[7] = s[6];
        s[6] = s[5];
        s[5] = s[4];
        s[4] = s[3] + t1;
        s[3] = s[2];
        s[2] = s[1];
        s[1] = s[0];
        s[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++)
        state[i] += s[i];
}

static uint64_t work(void)
{
    uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

    for (int round = 0; round < ROUNDS; round++)
        for (size_t at = 0; at < BUFFER_BYTES; at += 64)
            compress(state, buffer + at);
    return timed_hash(TIMED_HASH_START, state, sizeof state);
}

TIMED_MAIN(prepare, work)
