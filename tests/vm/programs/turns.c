/*
 * turns CPU MS THREADS [FILE]: so many threads on one CPU, each of which computes until it has had
 * MS of it. As each ends it prints its number and when it began and ended, in ms since the start.
 * They are started one after another from the other CPU; the last one when there is FILE, if one is
 * named: "waiting" is printed before.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 16

static struct timespec origin;
static long wanted_ms;

static long ms_of(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static long since_start_ms(void)
{
    return ms_of(CLOCK_MONOTONIC) - origin.tv_sec * 1000 - origin.tv_nsec / 1000000;
}

static void *compute(void *number)
{
    long began = since_start_ms();

    while (ms_of(CLOCK_THREAD_CPUTIME_ID) < wanted_ms)
        ;
    printf("%ld %ld %ld\n", (long)number, began, since_start_ms());
    fflush(stdout);
    return NULL;
}

static void start_on(int cpu, long number, pthread_t *ret_thread)
{
    pthread_attr_t attributes;
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    pthread_attr_init(&attributes);
    pthread_attr_setaffinity_np(&attributes, sizeof set, &set);
    if (pthread_create(ret_thread, &attributes, compute, (void *)number) != 0)
        exit(1);
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS_MAX];
    cpu_set_t other;

    if (argc < 4 || argc > 5 || atoi(argv[3]) > THREADS_MAX)
        return 2;
    int cpu = atoi(argv[1]), count = atoi(argv[3]);
    wanted_ms = atol(argv[2]);
    CPU_ZERO(&other);
    CPU_SET(cpu == 0, &other);
    sched_setaffinity(0, sizeof other, &other);
    clock_gettime(CLOCK_MONOTONIC, &origin);
    for (int i = 0; i < count; i++) {
        if (argc == 5 && i == count - 1) {
            puts("waiting");
            fflush(stdout);
            while (access(argv[4], F_OK) < 0)
                nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        }
        start_on(cpu, i, &threads[i]);
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
