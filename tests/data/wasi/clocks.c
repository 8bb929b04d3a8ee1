/*
 * Clocks, sleeping and random bytes: what can be said without naming a time. Absolute
 * sleeps are left to the unit tests: node takes their deadline for a duration.
 */
#include <sched.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static long long now(clockid_t clock)
{
    struct timespec time;

    if (clock_gettime(clock, &time) < 0)
        return -1;
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(void)
{
    struct timespec resolution, nap = {0, 20000000};
    unsigned char random[300] = {0};
    int zeros = 0;

    printf("after 2020: %d\n", time(NULL) > 1577836800);
    printf("resolution: %d\n", clock_getres(CLOCK_MONOTONIC, &resolution) == 0 &&
                                   resolution.tv_sec == 0 && resolution.tv_nsec > 0);
    long long before = now(CLOCK_MONOTONIC);
    printf("nanosleep: %d\n", nanosleep(&nap, NULL));
    long long slept = now(CLOCK_MONOTONIC) - before;
    printf("slept: %d\n", slept >= 20000000 && slept < 5000000000LL);
    printf("entropy: %d\n", getentropy(random, 256));
    for (int i = 0; i < 256; i++)
        zeros += random[i] == 0;
    printf("random: %d, untouched: %d\n", zeros < 32, random[256] == 0 && random[299] == 0);
    printf("yield: %d\n", sched_yield());
    return 0;
}
