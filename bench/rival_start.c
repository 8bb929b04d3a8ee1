/*
 * How long rivals take to start and end a program: posix_spawn of their own command, N times with
 * one at a time or several at once.
 *
 *     rival_start COUNT CONCURRENCY [PAUSE_MS] -- COMMAND [ARG...]
 *
 * "%" in an argument becomes the number of the start: container names must differ. The clock runs
 * from the spawn to the end of the command, as a caller waits; with a pause, so long passes between
 * two starts. Prints, in one line,
 *     p50_us p99_us starts_per_second failures cpu_us
 * $RIVAL_ENV (NAME=VALUE) is set for the command alone.
 * $RIVAL_SAMPLES (a file): each start's time (us) is added to it, then a line
 *     = starts seconds failures cpu_seconds
 * The last figure is the processor time of a start, of the command and what it waited for.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CONCURRENCY_MAX 256
#define ARGUMENTS_MAX 64
#define ARGUMENT_MAX 512

extern char **environ;

struct running {
    pid_t pid; /* 0: free */
    uint64_t started_ns;
};

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The command with "%" replaced. */
static void expand(char *const *command, long number, char text[][ARGUMENT_MAX], char **ret_command)
{
    int count = 0;

    for (; command[count] && count < ARGUMENTS_MAX - 1; count++) {
        size_t used = 0;
        for (const char *c = command[count]; *c && used < ARGUMENT_MAX - 24; c++) {
            if (*c == '%')
                used += (size_t)sprintf(text[count] + used, "%ld", number);
            else
                text[count][used++] = *c;
        }
        text[count][used] = 0;
        ret_command[count] = text[count];
    }
    ret_command[count] = NULL;
}

static pid_t start(char *const *command, long number, posix_spawn_file_actions_t *quiet)
{
    static char text[ARGUMENTS_MAX][ARGUMENT_MAX];
    char *expanded[ARGUMENTS_MAX];
    pid_t pid;

    expand(command, number, text, expanded);
    int r = posix_spawnp(&pid, expanded[0], quiet, NULL, expanded, environ);
    if (r != 0) {
        fprintf(stderr, "cannot start '%s': %s\n", expanded[0], strerror(r));
        exit(1);
    }
    return pid;
}

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return (a > b) - (a < b);
}

static uint64_t percentile(const uint64_t *sorted, long count, int p)
{
    long at = (count * p + 99) / 100;

    return sorted[at > 0 ? at - 1 : 0];
}

static long number_of(const char *text, long max)
{
    char *end;
    long number = strtol(text, &end, 10);

    if (*end || number < 1 || number > max) {
        fprintf(stderr, "'%s' is not a number from 1 to %ld\n", text, max);
        exit(2);
    }
    return number;
}

/* So that several runs, of rivals in turns, make one set of figures. */
static void add_samples(const uint64_t *taken_ns, long count, double seconds, long failures,
                        double cpu_us)
{
    const char *path = getenv("RIVAL_SAMPLES");

    if (!path || !*path)
        return;
    FILE *out = fopen(path, "ae");
    if (!out) {
        perror(path);
        exit(1);
    }
    for (long i = 0; i < count; i++)
        fprintf(out, "%.1f\n", (double)taken_ns[i] / 1e3);
    fprintf(out, "= %ld %.6f %ld %.6f\n", count, seconds, failures, cpu_us / 1e6);
    if (fclose(out) != 0) {
        perror(path);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    static struct running running[CONCURRENCY_MAX];
    posix_spawn_file_actions_t quiet;

    const int paused = argc > 5 && strcmp(argv[4], "--") == 0;
    if (!paused && (argc < 5 || strcmp(argv[3], "--") != 0)) {
        fprintf(stderr, "usage: %s COUNT CONCURRENCY [PAUSE_MS] -- COMMAND [ARG...]\n", argv[0]);
        return 2;
    }
    const long pause_ms = paused ? number_of(argv[3], 10000) : 0;
    long count = number_of(argv[1], 1000000), width = number_of(argv[2], CONCURRENCY_MAX);
    long started = 0, ended = 0, failures = 0;
    uint64_t *taken_ns = calloc((size_t)count, sizeof *taken_ns);
    if (!taken_ns)
        return 1;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);

    if (getenv("RIVAL_ENV"))
        putenv(getenv("RIVAL_ENV"));
    uint64_t begin = now_ns();
    while (ended < count) {
        for (long i = 0; i < width && started < count; i++) {
            if (running[i].pid)
                continue;
            if (pause_ms)
                usleep((useconds_t)pause_ms * 1000);
            running[i].started_ns = now_ns();
            running[i].pid = start(argv + 4 + paused, started++, &quiet);
        }
        int status;
        pid_t pid = waitpid(-1, &status, 0);
        if (pid < 0) {
            if (errno == EINTR)
                continue;
            perror("cannot wait");
            return 1;
        }
        uint64_t now = now_ns();
        for (long i = 0; i < width; i++) {
            if (running[i].pid != pid)
                continue;
            taken_ns[ended++] = now - running[i].started_ns;
            running[i].pid = 0;
            if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
                failures++;
            break;
        }
    }
    double seconds = (double)(now_ns() - begin) / 1e9;
    struct rusage used;
    getrusage(RUSAGE_CHILDREN, &used);
    double cpu_us = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
                    (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);

    add_samples(taken_ns, count, seconds, failures, cpu_us);
    qsort(taken_ns, (size_t)count, sizeof *taken_ns, compare);
    printf("%.0f %.0f %.0f %ld %.0f\n", (double)percentile(taken_ns, count, 50) / 1e3,
           (double)percentile(taken_ns, count, 99) / 1e3, (double)count / seconds, failures,
           cpu_us / (double)count);
    posix_spawn_file_actions_destroy(&quiet);
    free(taken_ns);
    return failures ? 3 : 0;
}
