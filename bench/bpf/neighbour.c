/* What a system call costs one who has nothing to do with it: nanoseconds, the median of 15 times
 * 200,000 getppid(). */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 15
#define CALLS 200000

static int by_size(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

int main(void)
{
    double took[ROUNDS];

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
