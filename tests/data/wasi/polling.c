/*
 * Polling streams and absolute sleeps. Not for node: it can't poll a redirected file, and takes an
 * absolute deadline for a duration.
 */
#include <poll.h>
#include <stdio.h>
#include <time.h>

static long long now(clockid_t clock)
{
    struct timespec time;

    if (clock_gettime(clock, &time) < 0)
        return -1;
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void sleep_until(const char *name, clockid_t clock)
{
    long long deadline = now(clock) + 20000000;
    struct timespec until = {deadline / 1000000000, deadline % 1000000000};

    printf("%s: %d", name, clock_nanosleep(clock, TIMER_ABSTIME, &until, NULL));
    printf(", there: %d\n", now(clock) >= deadline);
}

int main(void)
{
    struct pollfd both[2] = {{.fd = 1, .events = POLLWRNORM}, {.fd = 0, .events = POLLRDNORM}};
    struct pollfd none = {.fd = 99, .events = POLLRDNORM};

    sleep_until("monotonic", CLOCK_MONOTONIC);
    sleep_until("real time", CLOCK_REALTIME);
    printf("both: %d", poll(both, 2, 10000));
    printf(" %d %d\n", both[0].revents == POLLWRNORM, (both[1].revents & POLLRDNORM) != 0);
    printf("none: %d\n", poll(&none, 1, 1000));
    printf("sleep: %d\n", poll(NULL, 0, 10));
    return 0;
}
