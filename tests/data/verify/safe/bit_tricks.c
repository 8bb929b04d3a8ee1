/* Bounds that hold bit by bit: masks that are computed, exclusive or, rotations, products. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static uint32_t hashed[256], swapped[64], gray[16];
static uint8_t tree[128];
static uint32_t used;

/* A mask of a power of two, that is looked at as programs do. */
static uint32_t slot(uint32_t hash, uint32_t room)
{
    if (room == 0 || room > 256 || (room & (room - 1)) != 0)
        return 0;
    return hash & (room - 1);
}

static void butterfly(uint32_t at, uint32_t stage)
{
    if (at >= 64 || stage >= 6)
        return;
    uint32_t other = at ^ (1u << stage);
    uint32_t kept = swapped[at];
    swapped[at] = swapped[other];
    swapped[other] = kept;
}

static uint32_t next_gray(uint32_t n)
{
    uint32_t code = (n & 15) ^ ((n & 15) >> 1);
    return gray[code]++;
}

/* A tree in an array: the other child of its parent. */
static uint8_t sibling(uint32_t node)
{
    return node > 0 && node < 127 ? tree[((node - 1) ^ 1) + 1] : 0;
}

/* The lowest bit that is set, and what is left without it. */
static uint32_t without_lowest(uint32_t set)
{
    uint32_t small = set & 63;
    return swapped[small & (small - 1)];
}

static uint32_t average(uint8_t a, uint8_t b)
{
    return hashed[(a & b) + ((a ^ b) >> 1)];
}

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    uint32_t sum = 0;

    for (size_t i = 0; i + 4 <= in_len; i += 4) {
        uint32_t word;
        memcpy(&word, in + i, 4);
        hashed[slot(word * 2654435761u, in[i])]++;
        butterfly(word >> 20, word & 7);
        sum += next_gray(word) + sibling(word & 255) + without_lowest(word) +
               average(in[i], in[i + 1]);
        used ^= word;
    }
    if (out_cap < 4)
        return -1;
    memcpy(out, &sum, 4);
    return 4;
}
