/*
 * What each program of this folder is made of: work() is timed by itself, so that the start of a
 * process, an engine or a sandbox is no part of the figure, and by the process's CPU time, so that
 * other users of the machine are little of it. The checksum goes to standard output,
 * the time to standard error. Input is made by a generator here: no files, no libraries.
 */
#pragma once

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#ifdef __wasi__
#include <wasi/api.h>
#define TIMED_PROCESS_CPUTIME 2 /* of WASI preview 1; wasi-libc's time.h leaves it out */
#endif

static inline uint64_t timed_now_ns(void)
{
#ifdef __wasi__
    __wasi_timestamp_t now;

    if (__wasi_clock_time_get((__wasi_clockid_t)TIMED_PROCESS_CPUTIME, 1, &now) != 0) {
        fprintf(stderr, "no clock of CPU time\n");
        exit(1);
    }
    return now;
#else
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
#endif
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
