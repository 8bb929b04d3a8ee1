/*
 * What control groups cost by themselves, at 1, 8, 32 and 64 at once, beside 0 and 1,000 other live
 * groups: plain (every group made, limited, entered and removed) and from the pool.
 *
 *   cgroup_bench [--count N]     N cycles a cell (default 1500); needs root; ends within a minute
 *
 * Prints Markdown: the machine and one table. "enter" is a fork of this program whose child is born
 * in the group, ends and is reaped; "fork" the same without a group.
 */
#include <errno.h>
#include <getopt.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>

#include "cgroup/internal.h"

#define THREADS_MAX 64
#define LIVE 1000
#define ROOT_OPENS 20

enum step { CREATE, LIMIT, ENTER, REMOVE, FORK, TAKE, ENTER_POOLED, PUT, STEPS };

static const char *const step_names[STEPS] = {
    [CREATE] = "plain: create",      [LIMIT] = "plain: write limits",
    [ENTER] = "plain: enter",        [REMOVE] = "plain: remove",
    [FORK] = "fork without a group", [TAKE] = "pool: take with limits",
    [ENTER_POOLED] = "pool: enter",  [PUT] = "pool: put, cleaned",
};

static const struct cgroup_limits limits = {
    .memory_bytes = 64 << 20, .cpu_millis = 500, .pids = 16};

struct cell {
    struct cgroup_root *root;
    struct cgroup_pool *pool;
    struct cgroup_limits limits;
    pthread_barrier_t start;
    unsigned at_once, cycles; /* of each thread */
    float *samples_us[STEPS];
    _Atomic unsigned failed;
};

struct worker {
    struct cell *cell;
    unsigned index;
};

static double now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* A child that is born inside (NULL: nowhere), ends and is reaped. */
static bool enter(const struct cgroup *group)
{
    int clone_fd = -1, tasks[CGROUP_TREES_MAX], count = 0, status = -1;
    struct clone_args args = {.exit_signal = SIGCHLD};

    if (group)
        count = cgroup_entry_fds(group, &clone_fd, tasks);
    if (clone_fd >= 0) {
        args.flags = CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)clone_fd;
    }
    pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0) {
        for (int i = 0; i < count; i++)
            if (write(tasks[i], "0", 1) != 1)
                _exit(1);
        _exit(0);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static double note(struct worker *worker, unsigned cycle, enum step step, double since)
{
    struct cell *cell = worker->cell;
    double now = now_us();

    cell->samples_us[step][worker->index * cell->cycles + cycle] = (float)(now - since);
    return now;
}

static bool cycle_plain(struct worker *worker, unsigned cycle)
{
    struct cell *cell = worker->cell;
    struct cgroup *group;

    double at = now_us();
    if (cgroup_group_new(cell->root, &group, NULL) < 0)
        return false;
    at = note(worker, cycle, CREATE, at);
    bool good = cgroup_limits_apply(group, &cell->limits, NULL) == 0;
    at = note(worker, cycle, LIMIT, at);
    good &= enter(group);
    at = note(worker, cycle, ENTER, at);
    good &= cgroup_group_remove(group) == 0;
    cgroup_group_free(group);
    note(worker, cycle, REMOVE, at);
    return good;
}

static bool cycle_fork(struct worker *worker, unsigned cycle)
{
    double at = now_us();
    bool good = enter(NULL);

    note(worker, cycle, FORK, at);
    return good;
}

static bool cycle_pool(struct worker *worker, unsigned cycle)
{
    struct cell *cell = worker->cell;
    struct cgroup *group;

    double at = now_us();
    if (cgroup_pool_take(cell->pool, &cell->limits, &group, NULL) < 0)
        return false;
    at = note(worker, cycle, TAKE, at);
    bool good = enter(group);
    at = note(worker, cycle, ENTER_POOLED, at);
    cgroup_pool_put(cell->pool, group, false);
    note(worker, cycle, PUT, at);
    return good;
}

/* One phase after the other, all threads beginning each together. */
static void *work(void *argument)
{
    static bool (*const phases[])(struct worker *, unsigned) = {cycle_plain, cycle_fork,
                                                                cycle_pool};
    struct worker *worker = argument;
    struct cell *cell = worker->cell;

    for (size_t phase = 0; phase < ARRAY_LEN(phases); phase++) {
        pthread_barrier_wait(&cell->start);
        for (unsigned i = 0; i < cell->cycles; i++)
            cell->failed += !phases[phase](worker, i);
    }
    return NULL;
}

static int compare(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

static void row_print(const char *name, unsigned live, unsigned at_once, float *samples, unsigned n)
{
    double sum_us = 0;

    qsort(samples, n, sizeof *samples, compare);
    for (unsigned i = 0; i < n; i++)
        sum_us += samples[i];
    printf("| %s | %u | %u | %u | %.1f | %.1f | %.0f |\n", name, live, at_once, n, samples[n / 2],
           samples[n - 1 - n / 100], at_once * n / sum_us * 1e6);
}

static int cell_run(struct cell *cell, unsigned live, unsigned count)
{
    struct worker workers[THREADS_MAX];
    pthread_t threads[THREADS_MAX];
    unsigned n = 0;

    cell->cycles = count / cell->at_once ? count / cell->at_once : 1;
    cell->failed = 0;
    pthread_barrier_init(&cell->start, NULL, cell->at_once);
    for (unsigned i = 0; i < cell->at_once; i++) {
        workers[i] = (struct worker){cell, i};
        if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0) {
            fprintf(stderr, "cannot start %u threads\n", cell->at_once);
            exit(1); /* those that wait at the barrier would wait for ever */
        }
    }
    for (unsigned i = 0; i < cell->at_once; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&cell->start);
    n = cell->cycles * cell->at_once;
    for (int step = 0; step < STEPS; step++)
        row_print(step_names[step], live, cell->at_once, cell->samples_us[step], n);
    fflush(stdout);
    return cell->failed ? -1 : 0;
}

static void machine_print(void)
{
    struct utsname kernel;
    char line[256], model[256] = "unknown processor";
    FILE *file = fopen("/proc/cpuinfo", "re");

    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "model name%*[^:]: %255[^\n]", model) == 1)
            break;
    if (file)
        fclose(file);
    uname(&kernel);
    printf("%s, %ld cores, Linux %s\n\n", model, sysconf(_SC_NPROCESSORS_ONLN), kernel.release);
}

/* Finding the trees, making our directories, turning controllers on; and the way back. */
static int root_measure(void)
{
    float open_us[ROOT_OPENS], close_us[ROOT_OPENS];
    char name[64];

    snprintf(name, sizeof name, "vireo-bench-%d-open", getpid());
    for (int i = 0; i < ROOT_OPENS; i++) {
        struct cgroup_root *root;
        struct err err = {0};
        double at = now_us();
        if (cgroup_root_open(name, &root, &err) < 0) {
            fprintf(stderr, "%s\n", err.message);
            return -1;
        }
        open_us[i] = (float)(now_us() - at);
        at = now_us();
        cgroup_root_close(root);
        close_us[i] = (float)(now_us() - at);
    }
    row_print("discover, enable, make our directory", 0, 1, open_us, ROOT_OPENS);
    row_print("remove our directory", 0, 1, close_us, ROOT_OPENS);
    return 0;
}

static int live_make(struct cgroup_root *root, struct cgroup *live[LIVE])
{
    struct err err = {0};

    for (int i = 0; i < LIVE; i++)
        if (cgroup_group_new(root, &live[i], &err) < 0) {
            fprintf(stderr, "%s\n", err.message);
            return -1;
        }
    return 0;
}

static void live_end(struct cgroup *live[LIVE])
{
    for (int i = 0; i < LIVE && live[i]; i++) {
        cgroup_group_remove(live[i]);
        cgroup_group_free(live[i]);
    }
}

static int measure(struct cell *cell, unsigned count)
{
    static const unsigned at_once[] = {1, 8, 32, 64};
    static struct cgroup *live[LIVE];
    const char *missing[4];
    int r = 0;

    cell->limits = limits;
    for (unsigned i = cgroup_limits_clip(cell->root, &cell->limits, missing); i-- > 0;)
        printf("| (no limit of %s here) | | | | | | |\n", missing[i]);
    for (unsigned others = 0; others <= LIVE && r == 0; others += LIVE) {
        if (others)
            r = live_make(cell->root, live);
        for (size_t i = 0; i < ARRAY_LEN(at_once) && r == 0; i++) {
            cell->at_once = at_once[i];
            struct err err = {0};
            r = cgroup_pool_new(cell->root, THREADS_MAX, &cell->pool, &err);
            if (r < 0) {
                fprintf(stderr, "%s\n", err.message);
                break;
            }
            r = cell_run(cell, others, count);
            cgroup_pool_free(cell->pool);
        }
    }
    live_end(live);
    return r;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"count", required_argument, NULL, 'n'}, {0}};
    struct cell cell = {0};
    struct err err = {0};
    char name[64];
    long count = 1500;

    for (int option; (option = getopt_long(argc, argv, "n:", options, NULL)) != -1;)
        if (option == 'n')
            count = strtol(optarg, NULL, 10);
        else
            return 2;
    if (count < THREADS_MAX || count > 1000000) {
        fprintf(stderr, "cannot measure: --count is %d to 1000000\n", THREADS_MAX);
        return 2;
    }
    for (int step = 0; step < STEPS; step++) {
        cell.samples_us[step] = calloc((size_t)count, sizeof(float));
        if (!cell.samples_us[step])
            return 1;
    }
    machine_print();
    printf("| step | other live groups | at once | n | p50 µs | p99 µs | a second |\n"
           "| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n");
    if (root_measure() < 0)
        return 1;
    snprintf(name, sizeof name, "vireo-bench-%d", getpid());
    if (cgroup_root_open(name, &cell.root, &err) < 0) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    int r = measure(&cell, (unsigned)count);
    cgroup_root_close(cell.root);
    if (r < 0)
        fprintf(stderr, "cannot measure: %u cycles failed\n", cell.failed);
    for (int step = 0; step < STEPS; step++)
        free(cell.samples_us[step]);
    return r < 0;
}
