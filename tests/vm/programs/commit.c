/* Commits memory in every way that there is, in MiB: each word is a step, and says how it went. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)
#define PIECES 4096

static void *map(size_t mib, int prot, int flags)
{
    void *at = mmap(NULL, mib * MIB, prot, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

    return at == MAP_FAILED ? NULL : at;
}

static const char *word(int ok)
{
    return ok ? "ok" : errno == ENOMEM ? "ENOMEM" : strerror(errno);
}

/* How many pieces there are to have; all are given back. */
static void most(size_t unused)
{
    static void *pieces[PIECES];
    size_t count = 0;

    (void)unused;
    while (count < PIECES && (pieces[count] = map(1, PROT_READ | PROT_WRITE, 0)))
        count++;
    for (size_t i = 0; i < count; i++)
        munmap(pieces[i], MIB);
    printf("most %zu\n", count);
}

static void map_one(size_t mib)
{
    void *at = map(mib, PROT_READ | PROT_WRITE, 0);

    printf("map %s\n", word(at != NULL));
    if (at)
        munmap(at, mib * MIB);
}

static void noreserve(size_t mib)
{
    printf("noreserve %s\n", word(map(mib, PROT_READ | PROT_WRITE, MAP_NORESERVE) != NULL));
}

/* What may not be written is no commitment; to make it writable is one. */
static void protect(size_t mib)
{
    void *at = map(mib, PROT_NONE, MAP_NORESERVE);

    printf("none %s\n", word(at != NULL));
    if (at)
        printf("protect %s\n", word(mprotect(at, mib * MIB, PROT_READ | PROT_WRITE) == 0));
}

static void grow(size_t mib)
{
    void *at = map(1, PROT_READ | PROT_WRITE, 0);

    printf("grow %s\n", word(mremap(at, MIB, mib * MIB, MREMAP_MAYMOVE) != MAP_FAILED));
    munmap(at, MIB);
}

/* Memory that the kernel does not count grows uncounted too, by each of these. */
static void grow_noreserve(size_t mib)
{
    void *at = map(1, PROT_READ | PROT_WRITE, MAP_NORESERVE);

    printf("grown %s\n", word(mremap(at, MIB, mib * MIB, MREMAP_MAYMOVE) != MAP_FAILED));
    munmap(at, MIB);
    /* Where there is room behind it. */
    char *room = map(mib, PROT_NONE, MAP_NORESERVE);
    munmap(room, mib * MIB);
    at = mmap(room, MIB, PROT_READ | PROT_WRITE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    printf("widened %s\n", word(mremap(at, MIB, mib * MIB, 0) != MAP_FAILED));
    munmap(at, MIB);
}

/* As a program of 32 bits calls: memory below 4 GiB, arguments in other registers. */
static long call_i386(long number, long a, long b, long c, long d)
{
    long result;

    __asm__ volatile("push %%rbp\n\txor %%ebp, %%ebp\n\tint $0x80\n\tpop %%rbp"
                     : "=a"(result)
                     : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(-1L)
                     : "memory", "r8", "r9", "r10", "r11");
    if ((int)result < 0 && (int)result > -4096) {
        errno = -(int)result;
        return -1;
    }
    return (long)(unsigned)result;
}

static void i386(size_t mib)
{
    const long mmap2 = 192, mprotect32 = 125, flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

    printf("i386 map %s\n",
           word(call_i386(mmap2, 0, (long)(mib * MIB), PROT_READ | PROT_WRITE, flags) != -1));
    long at = call_i386(mmap2, 0, (long)(mib * MIB), PROT_NONE, flags);
    printf("i386 none %s\n", word(at != -1));
    printf("i386 protect %s\n",
           word(call_i386(mprotect32, at, (long)(mib * MIB), PROT_READ | PROT_WRITE, 0) != -1));
}

static void heap(size_t mib)
{
    printf("heap %s\n", word(sbrk((intptr_t)(mib * MIB)) != (void *)-1));
}

/* A copy of an address space commits as much again. */
static void forked(size_t mib)
{
    void *at = map(mib, PROT_READ | PROT_WRITE, 0);
    pid_t pid = fork();

    if (pid == 0)
        _exit(0);
    printf("fork %s\n", word(pid > 0));
    if (pid > 0)
        waitpid(pid, NULL, 0);
    munmap(at, mib * MIB);
}

/* Many that end with what they have: some of themselves, some by a signal, some as new programs. */
static void come_and_go(size_t mib)
{
    int failed = 0, status;

    for (int i = 0; i < 30; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            void *at = map(mib, PROT_READ | PROT_WRITE, 0);
            if (at)
                memset(at, 1, mib * MIB / 8);
            if (at && i % 3 == 1)
                abort();
            if (at && i % 3 == 2)
                execl("/proc/self/exe", "commit", "nothing", NULL);
            _exit(at ? 0 : 1);
        }
        if (pid < 0 || waitpid(pid, &status, 0) < 0 || (WIFEXITED(status) && WEXITSTATUS(status)))
            failed++;
    }
    printf("come and go %d failed\n", failed);
}

static void nothing(size_t mib)
{
    (void)mib;
}

static void *go_on(void *mib)
{
    usleep(200000); /* the first thread has ended */
    void *at = map(*(size_t *)mib, PROT_READ | PROT_WRITE, 0);
    pid_t pid = fork();

    /* Another process of the group may have what is left and no more. */
    if (pid == 0) {
        printf("orphan %s\n", word(map(*(size_t *)mib, PROT_READ | PROT_WRITE, 0) != NULL));
        fflush(stdout);
        _exit(0);
    }
    if (pid < 0)
        printf("orphan %s\n", word(0));
    else
        waitpid(pid, NULL, 0);
    if (!at)
        printf("orphan has none\n");
    exit(0);
}

/* A process whose first thread has ended is one all the same. */
static void orphan(size_t mib)
{
    static size_t size;
    pthread_t thread;

    size = mib;
    pthread_create(&thread, NULL, go_on, &size);
    pthread_exit(NULL);
}

static void hold(size_t mib)
{
    printf("hold %s\n", word(map(mib, PROT_READ | PROT_WRITE, 0) != NULL));
    fflush(stdout);
    pause();
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(size_t mib);
    } steps[] = {
        {"most", most},   {"map", map_one},      {"noreserve", noreserve},  {"protect", protect},
        {"grow", grow},   {"heap", heap},        {"grown", grow_noreserve}, {"i386", i386},
        {"fork", forked}, {"gone", come_and_go}, {"nothing", nothing},      {"orphan", orphan},
        {"hold", hold}};

    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i < argc; i++) {
        const char *number = strchr(argv[i], '=');
        size_t length = number ? (size_t)(number - argv[i]) : strlen(argv[i]);
        for (size_t k = 0; k < sizeof steps / sizeof *steps; k++)
            if (strlen(steps[k].name) == length && strncmp(steps[k].name, argv[i], length) == 0)
                steps[k].run(number ? strtoul(number + 1, NULL, 10) : 0);
    }
    return 0;
}
