/*
 * <time.h> of wasi-libc, whose sleep has no word for a signal that ends it; and what of it is not
 * here.
 */
#ifndef VIREO_POSIX_TIME_H
#define VIREO_POSIX_TIME_H

#ifdef __cplusplus
#include_next <time.h>
#else
#define nanosleep vireo_no_nanosleep
#include_next <time.h>
#undef nanosleep

#include <errno.h>

/* The C library's: ours has another name for the linker. */
int vireo_default_nanosleep(const struct timespec *request,
                            struct timespec *rest) __asm__("nanosleep");
static inline int nanosleep(const struct timespec *request,
                            struct timespec *rest) __asm__("vireo_nanosleep");

/* The C library's own ends with ENOTSUP when a handler has run, and does not say what was left. */
static inline int nanosleep(const struct timespec *request, struct timespec *rest)
{
    struct timespec begin, now;

    if (request->tv_sec < 0 || request->tv_nsec < 0 || request->tv_nsec >= 1000000000) {
        errno = EINVAL;
        return -1;
    }
    clock_gettime(CLOCK_MONOTONIC, &begin);
    if (vireo_default_nanosleep(request, (void *)0) == 0)
        return 0;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long long left = ((long long)request->tv_sec + begin.tv_sec - now.tv_sec) * 1000000000 +
                     request->tv_nsec + begin.tv_nsec - now.tv_nsec;
    if (rest) {
        rest->tv_sec = left > 0 ? left / 1000000000 : 0;
        rest->tv_nsec = left > 0 ? (long)(left % 1000000000) : 0;
    }
    errno = EINTR;
    return -1;
}

struct sigevent;
int timer_create(clockid_t clock, struct sigevent *event, void **timer)
    __attribute__((unavailable("a pVM has one timer: setitimer(ITIMER_REAL, ...) or alarm()")));
#endif

#endif
