/* <sys/time.h> of wasi-libc, and the timer that it lacks: ITIMER_REAL, which sends SIGALRM. */
#ifndef VIREO_POSIX_SYS_TIME_H
#define VIREO_POSIX_SYS_TIME_H

#include_next <sys/time.h>

#include <vireo/family.h>

#define ITIMER_REAL 0

struct itimerval {
    struct timeval it_interval, it_value;
};

static inline uint64_t vireo_microseconds(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

static inline struct timeval vireo_timeval(uint64_t microseconds)
{
    return (struct timeval){.tv_sec = (time_t)(microseconds / 1000000),
                            .tv_usec = (suseconds_t)(microseconds % 1000000)};
}

static inline int setitimer(int which, const struct itimerval *wanted, struct itimerval *former)
{
    struct vireo_timer before;

    if (which != ITIMER_REAL || !wanted || wanted->it_value.tv_usec >= 1000000 ||
        wanted->it_interval.tv_usec >= 1000000 || wanted->it_value.tv_sec < 0 ||
        wanted->it_interval.tv_sec < 0) {
        errno = EINVAL;
        return -1;
    }
    if (vireo_errno(vireo_import_timer(vireo_microseconds(wanted->it_value),
                                       vireo_microseconds(wanted->it_interval), &before)) < 0)
        return -1;
    if (former) {
        former->it_value = vireo_timeval(before.value);
        former->it_interval = vireo_timeval(before.interval);
    }
    return 0;
}

/* What is left of it: it is stopped and goes on. */
static inline int getitimer(int which, struct itimerval *current)
{
    struct vireo_timer left, none;

    if (which != ITIMER_REAL) {
        errno = EINVAL;
        return -1;
    }
    if (vireo_errno(vireo_import_timer(0, 0, &left)) < 0)
        return -1;
    if (left.value > 0)
        vireo_import_timer(left.value, left.interval, &none);
    current->it_value = vireo_timeval(left.value);
    current->it_interval = vireo_timeval(left.interval);
    return 0;
}

#endif
