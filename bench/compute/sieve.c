/* The primes below 2^24, eight times, by a sieve of bits: strided reads and writes. */
#include <string.h>

#include "timed.h"

#define LIMIT (1u << 24)
#define ROUNDS 8

static uint32_t *composite;

static void prepare(void)
{
    composite = timed_memory(LIMIT / 8);
}

static uint32_t primes_below(uint32_t limit)
{
    uint32_t count = 0;

    memset(composite, 0, limit / 8);
    for (uint32_t i = 2; i < limit; i++) {
        if (composite[i / 32] >> i % 32 & 1)
            continue;
        count++;
        if (i > 65535)
            continue;
        for (uint32_t multiple = i * i; multiple < limit; multiple += i)
            composite[multiple / 32] |= 1u << multiple % 32;
    }
    return count;
}

static uint64_t work(void)
{
    uint64_t sum = 0;

    for (uint32_t round = 0; round < ROUNDS; round++)
        sum = sum * 31 + primes_below(LIMIT - round * 32);
    return sum;
}

TIMED_MAIN(prepare, work)
