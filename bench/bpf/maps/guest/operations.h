/* maps SECONDS: operations a second, for so long each: an element written and read by a call, many
 * read by one, one written and read where it is mapped. What guest and native program share. */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ELEMENTS 1024u

/* 0 or less than it, but where it says. */
int write_one(uint32_t key, uint64_t value);
int read_one(uint32_t key, uint64_t *value);
int read_many(uint32_t *keys, uint64_t *values); /* the number of elements */
int map_write(uint32_t key, uint64_t value);
int map_read(uint32_t key, uint64_t *value);

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Each value is read as it was written, or the program ends. */
static double pairs(double seconds, int put(uint32_t, uint64_t), int get(uint32_t, uint64_t *))
{
    double begin = now();
    uint64_t count = 0, value = 0;

    do {
        for (uint32_t i = 0; i < 256; i++, count++) {
            uint32_t key = (uint32_t)count % ELEMENTS;
            if (put(key, count) < 0 || get(key, &value) < 0 || value != count)
                exit(1);
        }
    } while (now() - begin < seconds);
    return 2 * (double)count / (now() - begin);
}

static double many(double seconds)
{
    static uint32_t keys[ELEMENTS];
    static uint64_t values[ELEMENTS];
    double begin = now(), count = 0;

    do {
        int n = read_many(keys, values);
        if (n != (int)ELEMENTS)
            exit(1);
        count += n;
    } while (now() - begin < seconds);
    return count / (now() - begin);
}

static void run_all(double seconds)
{
    printf("%.0f ", pairs(seconds, write_one, read_one));
    printf("%.0f ", many(seconds));
    printf("%.0f\n", pairs(seconds, map_write, map_read));
    fflush(stdout);
}
