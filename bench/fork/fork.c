/*
 * How long a fork takes with 64 MiB mapped and 16 MiB of them touched: to fork() having returned in
 * the parent, and to the child's end having been waited for; then what it costs the parent to write
 * its 16 MiB while a child has them too. Built as a function, and by gcc for plain fork: one
 * source. Prints microseconds, a line a round: FORK CYCLE WRITING.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAPPED (64ul << 20)
#define TOUCHED (16ul << 20)
#define PAGE 4096
#define ROUNDS_MAX 10000

static double clock_us(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static void write_pages(volatile char *memory, int value)
{
    for (unsigned long at = 0; at < TOUCHED; at += PAGE)
        memory[at] = (char)value;
}

/* A child that lives until its parent has written `memory`. */
static double write_beside_child(char *memory, int value)
{
    int fds[2];
    char byte;

    if (pipe(fds) < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[1]);
        _exit(read(fds[0], &byte, 1) == 0 ? 0 : 1);
    }
    double begin = clock_us(CLOCK_PROCESS_CPUTIME_ID);
    write_pages(memory, value);
    double end = clock_us(CLOCK_PROCESS_CPUTIME_ID);
    close(fds[0]);
    close(fds[1]);
    return waitpid(pid, NULL, 0) == pid ? end - begin : -1;
}

int main(int argc, char **argv)
{
    static struct {
        double fork, cycle;
    } times[ROUNDS_MAX];
    int rounds = argc > 1 ? atoi(argv[1]) : 200;
    char *memory = malloc(MAPPED);

    if (!memory || rounds > ROUNDS_MAX)
        return 1;
    for (int i = 0; i < rounds; i++) {
        write_pages(memory, i);
        double begin = clock_us(CLOCK_MONOTONIC), begin_cpu = clock_us(CLOCK_PROCESS_CPUTIME_ID);
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        double forked_cpu = clock_us(CLOCK_PROCESS_CPUTIME_ID);
        if (pid < 0 || waitpid(pid, NULL, 0) != pid)
            return 1;
        times[i].fork = forked_cpu - begin_cpu;
        times[i].cycle = clock_us(CLOCK_MONOTONIC) - begin;
    }
    /* Afterwards: it leaves small pages where there were huge ones. */
    for (int i = 0; i < rounds; i++)
        printf("%.1f %.1f %.1f\n", times[i].fork, times[i].cycle, write_beside_child(memory, i));
    return 0;
}
