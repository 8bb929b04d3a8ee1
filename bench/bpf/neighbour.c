/* What a system call costs one who has nothing to do with it: nanoseconds, the median of 15 times
 * 200,000 getppid(). With SECONDS: how many thousands of them it gets done in that time, on all
 * processors, whatever else runs there. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 15
#define CALLS 200000

static int by_size(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

static unsigned long calls_in(double seconds)
{
    struct timespec begin, now;
    unsigned long calls = 0;

    clock_gettime(CLOCK_MONOTONIC, &begin);
    do {
        for (int i = 0; i < 1000; i++)
            syscall(SYS_getppid);
        calls++;
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((double)(now.tv_sec - begin.tv_sec) + (double)(now.tv_nsec - begin.tv_nsec) / 1e9 <
             seconds);
    return calls;
}

static int on_all(double seconds)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned long *calls = mmap(NULL, sizeof *calls * (size_t)processors, PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    unsigned long sum = 0;

    if (calls == MAP_FAILED)
        return 1;
    for (long i = 0; i < processors; i++)
        if (fork() == 0) {
            calls[i] = calls_in(seconds);
            _exit(0);
        }
    while (wait(NULL) > 0)
        ;
    for (long i = 0; i < processors; i++)
        sum += calls[i];
    printf("%.0f\n", (double)sum / seconds);
    return 0;
}

int main(int argc, char **argv)
{
    double took[ROUNDS];

    if (argc > 1)
        return on_all(atof(argv[1]));

    for (int round = 0; round < ROUNDS; round++) {
        struct timespec begin, end;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
        for (int i = 0; i < CALLS; i++)
            syscall(SYS_getppid);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
        took[round] =
            ((double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec)) /
            CALLS;
    }
    qsort(took, ROUNDS, sizeof took[0], by_size);
    printf("%.0f %.0f %.0f\n", took[ROUNDS / 2], took[0], took[ROUNDS - 1]);
    return 0;
}
