#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ROUNDS 32
static uint32_t load(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static void store(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}
static void xtea(uint32_t v[2], const uint32_t key[4])
{
    uint32_t a = v[0], b = v[1], sum = 0;
    for (int i = 0; i < ROUNDS; i++) {
        a += ((b << 4 ^ b >> 5) + b) ^ (sum + key[sum & 3]);
        sum += 0x9e3779b9;
        b += ((a << 4 ^ a >> 5) + a) ^ (sum + key[sum >> 11 & 3]);
    }
    v[0] = a;
    v[1] = b;
}
/* 16 bytes of key, 8 of iv, then the text; padded as PKCS #7 says. */
int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    if (in_len < 24)
        return -1;
    uint32_t key[4], chain[2];
    for (int i = 0; i < 4; i++)
        key[i] = load(in + 4 * i);
    chain[0] = load(in + 16);
    chain[1] = load(in + 20);
    const uint8_t *text = in + 24;
    size_t len = in_len - 24;
    size_t padded = (len / 8 + 1) * 8;
    if (padded > out_cap)
        return -2;
    for (size_t at = 0; at < padded; at += 8) {
        uint8_t block[8];
        size_t n = len - at < 8 ? len - at : 8;
        if (at > len)
            n = 0;
        memset(block, (int)(8 - n), sizeof block);
        memcpy(block, text + at, n);
        chain[0] ^= load(block);
        chain[1] ^= load(block + 4);
        xtea(chain, key);
        store(out + at, chain[0]);
        store(out + at + 4, chain[1]);
    }
    return (int64_t)padded;
}
