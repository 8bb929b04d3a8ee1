/* A function for the tests: its query says what it is to do. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <vireo/function.h>

static int calls;

static int64_t text(uint8_t *out, size_t out_cap, const char *words)
{
    return snprintf((char *)out, out_cap, "%s", words);
}

/* What the request looks like from inside. */
static int64_t describe(uint8_t *out, size_t out_cap)
{
    const char *mark = vireo_request_header("x-mark");

    return snprintf((char *)out, out_cap, "%s %s %s %s", vireo_request_method(),
                    vireo_request_path(), vireo_request_query(), mark ? mark : "-");
}

static int64_t use_memory(uint8_t *out, size_t out_cap)
{
    for (size_t total = 0;; total += 1 << 20) {
        volatile char *block = malloc(1 << 20);
        /* A program that does not ask: it goes on with what it did not get. */
        if (!block)
            abort();
        for (size_t i = 0; i < 1 << 20; i += 4096)
            block[i] = 1;
        if (total > (size_t)3 << 30)
            return text(out, out_cap, "no limit");
    }
}

static int deeper(volatile int *depth)
{
    volatile char frame[1024];

    frame[0] = (char)*depth;
    *depth += 1;
    return deeper(depth) + frame[0];
}

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    const char *what = vireo_request_query();

    calls++;
    if (!what || !*what) {
        if (in_len > out_cap)
            return -1;
        memcpy(out, in, in_len);
        return (int64_t)in_len;
    }
    if (strncmp(what, "describe", 8) == 0)
        return describe(out, out_cap);
    if (strcmp(what, "teapot") == 0) {
        vireo_response_status(418);
        vireo_response_header("x-kind", "short and stout");
        vireo_response_header("content-type", "text/x-tea");
        return text(out, out_cap, "tea");
    }
    if (strncmp(what, "status=", 7) == 0) {
        /* As most do: without looking at what it returns. */
        vireo_response_status(atoi(what + 7));
        return text(out, out_cap, "said");
    }
    if (strcmp(what, "split") == 0) {
        vireo_response_header("x-split", "a\r\nx-injected: yes");
        return text(out, out_cap, "split");
    }
    if (strcmp(what, "calls") == 0)
        return snprintf((char *)out, out_cap, "%d", calls);
    if (strcmp(what, "trap") == 0)
        __builtin_trap();
    if (strcmp(what, "wild") == 0) {
        *(volatile int *)(uintptr_t)0xfffffff0u = 1;
        return text(out, out_cap, "it could be written");
    }
    if (strcmp(what, "stack") == 0)
        return deeper(&calls);
    if (strcmp(what, "loop") == 0)
        for (volatile int i = 0;; i++)
            ;
    if (strcmp(what, "memory") == 0)
        return use_memory(out, out_cap);
    if (strcmp(what, "fail") == 0)
        return -7;
    if (strcmp(what, "long") == 0) {
        /* More than it has room for, and says so. */
        return (int64_t)out_cap + 1;
    }
    if (strcmp(what, "fill") == 0) {
        memset(out, 'x', out_cap);
        return (int64_t)out_cap;
    }
    if (strcmp(what, "sleep") == 0) {
        nanosleep(&(struct timespec){.tv_nsec = 700000000}, NULL);
        return text(out, out_cap, "slept");
    }
    if (strcmp(what, "log") == 0) {
        fprintf(stderr, "a line for the log \033[31mred\033[0m\n");
        return text(out, out_cap, "logged");
    }
    if (strcmp(what, "env") == 0)
        return text(out, out_cap, getenv("GREETING") ? getenv("GREETING") : "unset");
    return text(out, out_cap, "what?");
}
