/*
 * Linking in one process, without a daemon: a library of native code into a tree (the linker of
 * vireo-guest) beside dlopen(3) of the same file, and what 1,000 processes take that have it linked
 * from one sealed memory file, or each from a copy of its own.
 * Usage: link_bench LIBRARY.so SYMBOL [PROCESSES]; prints "what value unit" lines.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "guest/linker.h"
#include "guest/linker_tree.h"

#define ROUNDS 2000

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "link_bench: %s\n", what);
    exit(1);
}

static int ascending(const void *a, const void *b)
{
    const int64_t one = *(const int64_t *)a, two = *(const int64_t *)b;

    return (one > two) - (one < two);
}

static double us(int64_t ns)
{
    return (double)ns / 1000;
}

static void show(const char *what, int64_t *ns, size_t count)
{
    qsort(ns, count, sizeof *ns, ascending);
    printf("%s %.1f p50-us %.1f p99-us\n", what, us(ns[count / 2]), us(ns[count * 99 / 100]));
}

__attribute__((noreturn)) static void missing(const char *name, uintptr_t return_address)
{
    (void)return_address;
    fail(name);
}

static struct link_tree *tree_new(void)
{
    const struct link_tree_options options = {.host = library_host_function, .missing = missing};
    struct link_tree *tree;

    if (link_tree_new(&options, &tree, NULL) < 0)
        fail("no memory");
    return tree;
}

static void add(struct link_tree *tree, int fd, uint64_t bytes)
{
    const struct link_file file = {.fd = fd, .bytes = bytes, .name = "library"};
    struct err err = {0};

    if (link_tree_add(tree, &file, 1, &err) < 0)
        fail(err.message);
}

static void measure_link(int fd, uint64_t bytes, const char *symbol)
{
    static int64_t ns[ROUNDS];

    for (size_t i = 0; i < ROUNDS; i++) {
        struct link_tree *tree = tree_new();
        int64_t begin = clock_now_ns();
        add(tree, fd, bytes);
        if (!link_tree_symbol(tree, symbol))
            fail("the library does not export the symbol");
        ns[i] = clock_now_ns() - begin;
        link_tree_free(tree);
    }
    show("link", ns, ROUNDS);
}

static void measure_dlopen(const char *path, const char *symbol)
{
    static int64_t ns[ROUNDS];

    for (size_t i = 0; i < ROUNDS; i++) {
        int64_t begin = clock_now_ns();
        void *library = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
        if (!library || !dlsym(library, symbol))
            fail(dlerror());
        ns[i] = clock_now_ns() - begin;
        dlclose(library);
    }
    show("dlopen", ns, ROUNDS);
}

/* Proportional set size: a page that n processes share counts a n-th for each. */
static uint64_t pss_kib(pid_t pid)
{
    char path[64], line[256];
    uint64_t kib = 0;

    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "Pss: %lu", &kib) == 1)
            break;
    if (file)
        fclose(file);
    return kib;
}

static void measure_memory(int fd, uint64_t bytes, int processes, bool shared)
{
    pid_t *pids = calloc((size_t)processes, sizeof *pids);
    void *all = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    uint64_t kib = 0;
    int ready[2];

    if (!pids || all == MAP_FAILED || pipe(ready) < 0)
        fail("no memory");
    for (int i = 0; i < processes; i++) {
        pids[i] = fork();
        if (pids[i] < 0)
            fail("cannot fork");
        if (pids[i] > 0)
            continue;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int own = fd;
        if (!shared && fd_sealed_copy("library", all, bytes, &own, NULL) < 0)
            fail("no memory");
        struct link_tree *tree = tree_new();
        add(tree, own, bytes);
        /* All of it is read once, as calls would. */
        const uint8_t *file = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE | MAP_POPULATE, own, 0);
        if (file == MAP_FAILED || write(ready[1], "x", 1) != 1)
            fail("no memory");
        for (;;)
            pause();
    }
    for (int i = 0; i < processes; i++) {
        char byte;
        if (read(ready[0], &byte, 1) != 1)
            fail("a process ended");
    }
    for (int i = 0; i < processes; i++)
        kib += pss_kib(pids[i]);
    printf("memory-%s %.1f MiB of %d processes\n", shared ? "shared" : "private",
           (double)kib / 1024, processes);
    for (int i = 0; i < processes; i++) {
        kill(pids[i], SIGKILL);
        waitpid(pids[i], NULL, 0);
    }
    munmap(all, bytes);
    free(pids);
}

int main(int argc, char **argv)
{
    char *bytes;
    size_t size;
    int fd;
    struct err err = {0};

    if (argc < 3)
        fail("usage: link_bench LIBRARY.so SYMBOL [PROCESSES]");
    if (fd_read_file(-100, argv[1], 128u << 20, &bytes, &size, &err) < 0 ||
        fd_sealed_copy("library", bytes, size, &fd, &err) < 0)
        fail(err.message);
    printf("size %.1f KiB\n", (double)size / 1024);
    measure_link(fd, size, argv[2]);
    measure_dlopen(argv[1], argv[2]);
    int processes = argc > 3 ? atoi(argv[3]) : 1000;
    measure_memory(fd, size, processes, true);
    measure_memory(fd, size, processes, false);
    return 0;
}
