/* Time for measuring and for deadlines, and for what is kept. */
#pragma once

#include <stdint.h>
#include <time.h>

/* Nanoseconds of the monotonic clock. No system call where the vDSO serves it. */
static inline int64_t clock_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Milliseconds since 1970: jumps when the clock is set. */
static inline int64_t clock_wall_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
