/*
 * What a fork waits for a control group of its child's own: 24 children at once, then 8, one every
 * 600 ms, all of whom live to the end. Prints a line a child: its number, microseconds until fork()
 * has returned in the parent, and until the child runs and has said so. Built as a function, whose
 * manifest says whether its children have groups; and by gcc, which does by hand what the
 * supervisor does: makes a group in each of DIRECTORIES and moves the child there before it goes
 * on. Usage: groups [DIRECTORY...]
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifndef __wasm__
#include <sys/stat.h>
#endif

#define AT_ONCE 24
#define SPACED 8
#define CHILDREN (AT_ONCE + SPACED)

static double now_us(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static void must(int good)
{
    if (!good)
        exit(1);
}

static void pause_ms(long ms)
{
    const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};

    nanosleep(&pause, NULL);
}

#ifndef __wasm__
static void move(char **directories, int count, pid_t pid)
{
    char path[4096];

    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/m%d", directories[i], (int)pid);
        must(mkdir(path, 0755) == 0);
        snprintf(path, sizeof path, "%s/m%d/cgroup.procs", directories[i], (int)pid);
        FILE *file = fopen(path, "w");
        must(file && fprintf(file, "%d", (int)pid) > 0 && fclose(file) == 0);
    }
}

static void leave(char **directories, int count, pid_t pid)
{
    char path[4096];

    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/m%d", directories[i], (int)pid);
        must(rmdir(path) == 0);
    }
}
#else
static void move(char **directories, int count, pid_t pid)
{
    (void)directories, (void)count, (void)pid;
}

static void leave(char **directories, int count, pid_t pid)
{
    (void)directories, (void)count, (void)pid;
}
#endif

int main(int argc, char **argv)
{
    static struct {
        pid_t pid;
        double returned, runs;
    } children[CHILDREN];
    int runs[2], go[2];
    char byte;

    must(pipe(runs) == 0 && pipe(go) == 0);
    for (int i = 0; i < CHILDREN; i++) {
        if (i >= AT_ONCE)
            pause_ms(600);
        double begin = now_us();
        pid_t pid = fork();
        if (pid == 0) {
            if (argc > 1)
                must(read(go[0], &byte, 1) == 1);
            must(write(runs[1], "", 1) == 1);
            pause_ms(60000);
            _exit(0);
        }
        children[i].returned = now_us() - begin;
        must(pid > 0);
        children[i].pid = pid;
        if (argc > 1) {
            move(argv + 1, argc - 1, pid);
            must(write(go[1], "", 1) == 1);
        }
        must(read(runs[0], &byte, 1) == 1);
        children[i].runs = now_us() - begin;
    }
    pause_ms(3000); /* to be counted */
    for (int i = 0; i < CHILDREN; i++) {
        printf("%d %.1f %.1f\n", i, children[i].returned, children[i].runs);
        kill(children[i].pid, SIGKILL);
        must(waitpid(children[i].pid, NULL, 0) == children[i].pid);
        leave(argv + 1, argc - 1, children[i].pid);
    }
    return 0;
}
