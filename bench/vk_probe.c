/*
 * What happens in a container, for bench/run-vk-*.sh: what calls cost, how late a neighbour is, and
 * what a hostile one does. Static, for any root file system.
 *   vk_probe calls [ROUNDS]  the least of many rounds: getpid, read, futex and openat, in ns
 *   vk_probe late SECONDS each millisecond a little work: how late it was done, p50 and p99 in us
 *   vk_probe futex|fork|log|commit|denied   a storm of that, until it is ended
 *   vk_probe contend own|global SECONDS     futexes beside a neighbour's storm, each with a table
 * of its own or both with the machine's: ns a call, p50 and p99 of 1,000 calls
 *   vk_probe allowed PROGRAM [ARG...]       the program under a filter of one instruction
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CALLS 2000
#define STORM_THREADS 8
#define STORM_WORDS 4096
#define COMMIT_BYTES (1 << 20)
/* Linux 6.16: newer than the headers. */
#define FUTEX_HASH 78
#define FUTEX_HASH_SET_SLOTS 1
#define CONTEND_CALLS 1000

static int64_t now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

/* ---- what calls cost ---- */

static int zero;
static uint32_t word;

static void do_getpid(void)
{
    syscall(SYS_getpid);
}

static void do_read(void)
{
    char byte;

    if (read(zero, &byte, 1) != 1)
        abort();
}

static void do_futex(void)
{
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void do_openat(void)
{
    close(open("/dev/zero", O_RDONLY | O_CLOEXEC));
}

static void calls(int rounds)
{
    static const struct {
        const char *name;
        void (*call)(void);
    } kinds[] = {
        {"getpid", do_getpid}, {"read", do_read}, {"futex", do_futex}, {"openat+close", do_openat}};

    zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        double least = 1e12;
        for (int round = 0; round < rounds; round++) {
            int64_t begin = now_ns();
            for (int n = 0; n < CALLS; n++)
                kinds[i].call();
            double each = (double)(now_ns() - begin) / CALLS;
            least = each < least ? each : least;
        }
        printf("%s %.1f\n", kinds[i].name, least);
    }
}

/* ---- a neighbour ---- */

static int compare(const void *one, const void *other)
{
    int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;

    return (a > b) - (a < b);
}

/* A little of what servers do: memory, a file, a futex. */
static void work(void)
{
    static char bytes[4096];

    memset(bytes, (int)word++, sizeof bytes);
    do_openat();
    do_futex();
}

static void late(int seconds)
{
    const size_t count = (size_t)seconds * 1000;
    int64_t *times = calloc(count, sizeof *times), next = now_ns();

    if (!times || count == 0)
        abort();
    for (size_t i = 0; i < count; i++) {
        /* Those that a stall has missed are late each: nothing waits for a better time. */
        next += 1000000;
        const struct timespec until = {next / 1000000000, next % 1000000000};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
            ;
        work();
        times[i] = now_ns() - next;
    }
    qsort(times, count, sizeof *times, compare);
    printf("p50 %.0f\np99 %.0f\n", (double)times[count / 2] / 1000,
           (double)times[count * 99 / 100] / 1000);
    free(times);
}

/* ---- storms ---- */

/* Waits that time out at once and wakes, over words of its own and over shared ones. */
static void *futex_storm(void *unused)
{
    static uint32_t words[STORM_WORDS];
    const struct timespec soon = {0, 1000};

    for (unsigned i = 0;; i += 7) {
        uint32_t *at = &words[i % STORM_WORDS];
        int private = i & 1 ? FUTEX_PRIVATE_FLAG : 0;
        syscall(SYS_futex, at, FUTEX_WAKE | private, 1, NULL, NULL, 0);
        syscall(SYS_futex, at, FUTEX_WAIT | private, 0, &soon, NULL, 0);
    }
    return unused;
}

static void *fork_storm(void *unused)
{
    for (;;) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        if (pid < 0) /* at its limit */
            while (waitpid(-1, NULL, WNOHANG) > 0)
                ;
    }
    return unused;
}

static void raise_fault(void)
{
    volatile int *volatile nowhere = (volatile int *)16;

    *nowhere = 1;
}

/* Own words where it has a log, and faults, of which the kernel says something. */
static void *log_storm(void *unused)
{
    int log = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);

    for (;;) {
        for (int i = 0; log >= 0 && i < 100; i++)
            if (write(log, "a flood\n", 8) < 0)
                break;
        pid_t pid = fork();
        if (pid == 0)
            raise_fault();
        while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    return unused;
}

/* All that it may have, and more, again and again: in children, for who has too much is ended. */
static void *commit_storm(void *unused)
{
    for (;;) {
        pid_t pid = fork();
        while (pid == 0) {
            char *bytes = mmap(NULL, COMMIT_BYTES, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if (bytes == MAP_FAILED)
                _exit(0);
            memset(bytes, 1, COMMIT_BYTES);
        }
        while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    return unused;
}

/* What every profile refuses, and what a table of its own does. */
static void *denied_storm(void *unused)
{
    for (;;) {
        syscall(SYS_swapon, "", 0);
        syscall(SYS_mkdirat, -1, "/x", 0755);
        syscall(SYS_sched_setscheduler, 0, -1, NULL);
    }
    return unused;
}

static int storm(void *(*body)(void *))
{
    pthread_t threads[STORM_THREADS];

    for (int i = 0; i < STORM_THREADS; i++)
        if (pthread_create(&threads[i], NULL, body, NULL) != 0)
            return 1;
    pause();
    return 0;
}

/* ---- tables of futexes ---- */

/* A second thread is what makes the kernel give a process a table. */
static void *wait_for_ever(void *unused)
{
    pause();
    return unused;
}

static int64_t futex_calls_ns(void)
{
    static uint32_t words[STORM_WORDS];
    const int64_t begin = now_ns();

    for (unsigned i = 0; i < CONTEND_CALLS; i++) {
        /* Its value is another one: the bucket is locked, looked at and left. */
        syscall(SYS_futex, &words[i * 7 % STORM_WORDS], FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 1, NULL,
                NULL, 0);
    }
    return (now_ns() - begin) / CONTEND_CALLS;
}

static int contend(bool global, int seconds)
{
    static int64_t times[1 << 20];
    size_t count = 0;
    pthread_t thread;

    pid_t neighbour = fork();
    if (global && prctl(FUTEX_HASH, FUTEX_HASH_SET_SLOTS, 0, 0, 0) < 0) {
        if (neighbour > 0)
            perror("vk_probe: PR_FUTEX_HASH");
        return 1;
    }
    if (neighbour == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        return storm(futex_storm);
    }
    if (pthread_create(&thread, NULL, wait_for_ever, NULL) != 0)
        return 1;
    for (int64_t end = now_ns() + seconds * INT64_C(1000000000);
         now_ns() < end && count < sizeof times / sizeof *times; count++)
        times[count] = futex_calls_ns();
    kill(neighbour, SIGKILL);
    qsort(times, count, sizeof *times, compare);
    printf("p50 %lld\np99 %lld\n", (long long)times[count / 2], (long long)times[count * 99 / 100]);
    return 0;
}

/* ---- what any filter costs ---- */

/* The least that there is: one instruction, which allows everything. */
static int allowed(char **argv)
{
    struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    const struct sock_fprog program = {.len = 1, .filter = &allow};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0) {
        perror("vk_probe: filter");
        return 1;
    }
    execvp(argv[0], argv);
    perror(argv[0]);
    return 1;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void *(*body)(void *);
    } storms[] = {{"futex", futex_storm},
                  {"fork", fork_storm},
                  {"log", log_storm},
                  {"commit", commit_storm},
                  {"denied", denied_storm}};

    if (argc > 1 && strcmp(argv[1], "calls") == 0) {
        calls(argc > 2 ? atoi(argv[2]) : 400);
        return 0;
    }
    if (argc > 2 && strcmp(argv[1], "late") == 0) {
        late(atoi(argv[2]));
        return 0;
    }
    if (argc > 2 && strcmp(argv[1], "allowed") == 0)
        return allowed(argv + 2);
    if (argc > 3 && strcmp(argv[1], "contend") == 0)
        return contend(strcmp(argv[2], "global") == 0, atoi(argv[3]));
    for (size_t i = 0; argc > 1 && i < sizeof storms / sizeof *storms; i++)
        if (strcmp(argv[1], storms[i].name) == 0)
            return storm(storms[i].body);
    fprintf(stderr, "usage: vk_probe calls [ROUNDS] | late SECONDS | contend own|global SECONDS | "
                    "allowed PROGRAM [ARG...] | futex | fork | log | commit | denied\n");
    return 2;
}
