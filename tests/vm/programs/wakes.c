/*
 * wakes CPU MS: two threads on one CPU. The first wakes the second, which waits, and goes on to
 * compute until it has had MS of it. Says when the first ended and when the second ran, in ms of
 * the monotonic clock.
 */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static sem_t bell;
static long ended_ms, ran_ms;

static long ms_of(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void *wait_for_bell(void *unused)
{
    while (sem_wait(&bell) != 0)
        ;
    ran_ms = ms_of(CLOCK_MONOTONIC);
    return unused;
}

static void *ring(void *wanted_ms)
{
    sem_post(&bell);
    while (ms_of(CLOCK_THREAD_CPUTIME_ID) < (long)wanted_ms)
        ;
    ended_ms = ms_of(CLOCK_MONOTONIC);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t waits, rings;
    cpu_set_t set;

    if (argc != 3)
        return 2;
    CPU_ZERO(&set);
    CPU_SET(atoi(argv[1]), &set);
    sched_setaffinity(0, sizeof set, &set);
    sem_init(&bell, 0, 0);
    pthread_create(&waits, NULL, wait_for_bell, NULL);
    /* By then it waits. */
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    pthread_create(&rings, NULL, ring, (void *)atol(argv[2]));
    pthread_join(waits, NULL);
    pthread_join(rings, NULL);
    printf("ended %ld\nran %ld\n", ended_ms, ran_ms);
    return 0;
}
