/* Time for measuring and for deadlines. */
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
