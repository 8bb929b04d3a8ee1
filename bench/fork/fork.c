/*
 * How long a fork takes with 64 MiB mapped and 16 MiB of them touched: to fork() having returned in
 * the parent, and to the child's end having been waited for; then what it costs the parent to write
 * its 16 MiB while a child has them too. Built as a function, and by gcc for plain fork: one
 * source. Prints microseconds, a line a round, of the clock on the wall and of the processor:
 * FORK FORK-CPU CYCLE WRITING WRITING-CPU.
 * Usage: fork [ROUNDS [huge]]: plain memory is in huge pages, or not at all; a function's is as
 * vireo and its manifest make it.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#if !defined __wasm__ && !defined BENCH_PVM
#include <sys/mman.h>
#include <sys/prctl.h>
#endif

#define MAPPED (64ul << 20)
#define TOUCHED (16ul << 20)
#define PAGE 4096
#define HUGE_PAGE (2ul << 20)
#define ROUNDS_MAX 10000

struct time {
    double wall, cpu;
};

static double clock_us(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

/* The processor's clock inside of the wall's, which so has both calls. */
static struct time time_begin(void)
{
    struct time time = {.wall = clock_us(CLOCK_MONOTONIC)};

    time.cpu = clock_us(CLOCK_PROCESS_CPUTIME_ID);
    return time;
}

static struct time time_since(struct time begin)
{
    double cpu = clock_us(CLOCK_PROCESS_CPUTIME_ID) - begin.cpu;

    return (struct time){.wall = clock_us(CLOCK_MONOTONIC) - begin.wall, .cpu = cpu};
}

static char *map_memory(bool huge)
{
#if !defined __wasm__ && !defined BENCH_PVM
    char *memory = aligned_alloc(HUGE_PAGE, MAPPED);

    if (!memory ||
        (huge ? madvise(memory, MAPPED, MADV_HUGEPAGE) : prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)) < 0)
        return NULL;
    return memory;
#else
    (void)huge;
    return malloc(MAPPED);
#endif
}

static void write_pages(volatile char *memory, int value)
{
    for (unsigned long at = 0; at < TOUCHED; at += PAGE)
        memory[at] = (char)value;
}

/* A child that lives until its parent has written `memory`. */
static struct time write_beside_child(char *memory, int value)
{
    int fds[2];
    char byte;

    if (pipe(fds) < 0)
        exit(1);
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[1]);
        _exit(read(fds[0], &byte, 1) == 0 ? 0 : 1);
    }
    struct time begin = time_begin();
    write_pages(memory, value);
    struct time spent = time_since(begin);
    close(fds[0]);
    close(fds[1]);
    if (pid < 0 || waitpid(pid, NULL, 0) != pid)
        exit(1);
    return spent;
}

int main(int argc, char **argv)
{
    static struct time forks[ROUNDS_MAX], cycles[ROUNDS_MAX];
    int rounds = argc > 1 ? atoi(argv[1]) : 200;
    char *memory = map_memory(argc > 2 && strcmp(argv[2], "huge") == 0);

    if (!memory || rounds > ROUNDS_MAX)
        return 1;
    for (int i = 0; i < rounds; i++) {
        write_pages(memory, i);
        struct time begin = time_begin();
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        forks[i] = time_since(begin);
        if (pid < 0 || waitpid(pid, NULL, 0) != pid)
            return 1;
        cycles[i] = time_since(begin);
    }
    /* Afterwards: it leaves small pages where there were huge ones. */
    for (int i = 0; i < rounds; i++) {
        struct time writing = write_beside_child(memory, i);
        printf("%.1f %.1f %.1f %.1f %.1f\n", forks[i].wall, forks[i].cpu, cycles[i].wall,
               writing.wall, writing.cpu);
    }
    return 0;
}
