/*
 * What each program of this folder is made of: work() is timed by itself, so that the start of a
 * process, an engine or a sandbox is no part of the figure. The checksum goes to standard output,
 * the time to standard error. Input is made by a generator here: no files, no libraries.
 */
#pragma once

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline uint64_t timed_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* xorshift32: the same numbers for every translation. */
static uint32_t timed_random_state = 2463534242u;

static inline uint32_t timed_random(void)
{
    timed_random_state ^= timed_random_state << 13;
    timed_random_state ^= timed_random_state >> 17;
    timed_random_state ^= timed_random_state << 5;
    return timed_random_state;
}

static inline void *timed_memory(size_t size)
{
    void *memory = malloc(size);

    if (!memory) {
        fprintf(stderr, "out of memory\n");
        exit(1);
    }
    return memory;
}

/* FNV-1a over bytes, to make one number of a result. */
static inline uint64_t timed_hash(uint64_t hash, const void *data, size_t size)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 1099511628211u;
    return hash;
}

#define TIMED_HASH_START 14695981039346656037u

#define TIMED_MAIN(prepare, work)                            \
    int main(void)                                           \
    {                                                        \
        prepare();                                           \
        uint64_t start = timed_now_ns();                     \
        uint64_t checksum = work();                          \
        uint64_t taken = timed_now_ns() - start;             \
        printf("%016" PRIx64 "\n", checksum);                \
        fprintf(stderr, "nanoseconds %" PRIu64 "\n", taken); \
        return 0;                                            \
    }
