/*
 * Linking in one process, without a daemon: a library of native code into a tree (the linker of
 * vireo-guest) beside dlopen(3) of the same file.
 * Usage: link_bench LIBRARY.so SYMBOL; prints "what value unit" lines.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

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

int main(int argc, char **argv)
{
    char *bytes;
    size_t size;
    int fd;
    struct err err = {0};

    if (argc < 3)
        fail("usage: link_bench LIBRARY.so SYMBOL");
    if (fd_read_file(-100, argv[1], 128u << 20, &bytes, &size, &err) < 0 ||
        fd_sealed_copy("library", bytes, size, &fd, &err) < 0)
        fail(err.message);
    printf("size %.1f KiB\n", (double)size / 1024);
    measure_link(fd, size, argv[2]);
    measure_dlopen(argv[1], argv[2]);
    return 0;
}
