/*
 * One handler in three forms: proved native code and its translated form, linked by the guest's own
 * linker, and gcc's, in one process, by turns. Prints the quickest call of each, in microseconds.
 *
 *   proved_bench PROVED.so TRANSLATED.so GCC.so BODY ROUNDS
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/limits.h"
#include "guest/call.h"
#include "guest/linker.h"
#include "guest/wasm_runtime.h"

typedef int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap);

static struct {
    struct host host;
    const struct library_face *face;
    handler *native;
    int64_t result;
} forms[3];

static char *body;
static size_t body_bytes;
static uint8_t *out;

static _Noreturn void fail(const char *what, const struct err *err)
{
    fprintf(stderr, "proved_bench: %s%s%s\n", what, err ? ": " : "", err ? err->message : "");
    exit(1);
}

static void open_form(int at, const char *path)
{
    struct err err = {0};
    struct library *library;
    char *bytes;
    size_t size;
    int fd;

    if (fd_read_file(AT_FDCWD, path, LIBRARY_MAX_BYTES, &bytes, &size, &err) < 0 ||
        fd_sealed_copy("library", bytes, size, &fd, &err) < 0 ||
        library_open(fd, &library, &err) < 0)
        fail(path, &err);
    forms[at].host = (struct host){.memory_pages_max = 4096};
    if (wasm_instance_open(library, &forms[at].host, &err) < 0)
        fail(path, &err);
    forms[at].face = library_face(library);
    forms[at].native = forms[at].face->native_handler;
    wasm_instance_initialize(&forms[at].host);
}

static void enter(void *argument)
{
    int at = *(int *)argument;
    const struct library_face *face = forms[at].face;

    if (forms[at].native) {
        forms[at].result =
            forms[at].native((const uint8_t *)body, body_bytes, out, RESPONSE_BODY_MAX_BYTES);
        return;
    }
    uint32_t to = face->request_buffer(forms[at].host.instance, (uint32_t)body_bytes);
    memcpy(host_memory(&forms[at].host, to, body_bytes), body, body_bytes);
    forms[at].result = (int64_t)face->handle(forms[at].host.instance, (uint32_t)body_bytes,
                                             RESPONSE_BODY_MAX_BYTES);
}

static double now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
    double best[3] = {1e18, 1e18, 1e18};
    static struct guest_call call;
    struct err err = {0};

    if (argc != 6)
        fail("PROVED.so TRANSLATED.so GCC.so BODY ROUNDS", NULL);
    if (wasm_runtime_init(&err) < 0 ||
        fd_read_file(AT_FDCWD, argv[4], REQUEST_BODY_MAX_BYTES, &body, &body_bytes, &err) < 0)
        fail("cannot begin", &err);
    out = mmap(NULL, RESPONSE_BODY_MAX_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
               -1, 0);
    open_form(0, argv[1]);
    open_form(1, argv[2]);
    void *gcc = dlopen(argv[3], RTLD_NOW);
    forms[2].native = gcc ? (handler *)dlsym(gcc, "handler") : NULL;
    if (out == MAP_FAILED || !forms[0].native || !forms[2].native)
        fail("cannot load the native forms", NULL);
    for (int i = 0; i < 2; i++)
        forms[i].host.call = &call;
    for (int round = 0; round < atoi(argv[5]); round++) {
        for (int at = 0; at < 3; at++) {
            double begin = now_us();
            if (at == 2)
                enter(&at);
            else if (wasm_enter(&forms[at].host, enter, &at) != HOST_RETURNED)
                fail("a call did not return", NULL);
            double took = now_us() - begin;
            best[at] = took < best[at] ? took : best[at];
        }
        if (forms[0].result != forms[2].result)
            fail("the forms disagree", NULL);
    }
    printf("%.1f %.1f %.1f\n", best[0], best[1], best[2]);
    return 0;
}
