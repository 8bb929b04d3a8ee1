/* produce RATE: calls getppid() so many times a second, 0: as often as it can; until it is ended.
 */
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    long rate = argc > 1 ? atol(argv[1]) : 0;
    struct timespec next;

    if (getppid() == 1)
        return 1;
    clock_gettime(CLOCK_MONOTONIC, &next);
    for (;;) {
        /* A millisecond's, then the next millisecond. */
        for (long i = 0; i < (rate ? rate / 1000 : 1000); i++)
            syscall(SYS_getppid);
        if (!rate)
            continue;
        next.tv_nsec += 1000000;
        if (next.tv_nsec >= 1000000000) {
            next.tv_sec++;
            next.tv_nsec -= 1000000000;
        }
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
    }
}
