/* Native code: the C library, accessors, static data that stays from call to call, an export. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vireo/function.h>

static int calls;
static const char *const words[] = {"one", "two", "three"};

__attribute__((visibility("default"))) int twice(int x)
{
    return 2 * x;
}

static int64_t recurse(volatile uint8_t *above)
{
    volatile uint8_t room[4096];

    room[0] = above ? above[0] : 1;
    return recurse(room) + room[0];
}

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    const char *name = vireo_request_header("X-Name");
    char *copy = malloc(in_len + 1);

    if (!copy)
        return -1;
    memcpy(copy, in, in_len);
    copy[in_len] = '\0';
    if (strcmp(copy, "stack") == 0)
        return recurse(NULL);
    if (strcmp(copy, "fault") == 0)
        *(volatile char *)16 = 1;
    if (strcmp(copy, "call") == 0) /* getppid: no table has it */
        __asm__ volatile("syscall" : : "a"(110L) : "rcx", "r11", "memory");
    if (strcmp(copy, "large") == 0) {
        memset(out, 'x', out_cap);
        return (int64_t)out_cap;
    }
    vireo_response_header("X-Calls", words[calls++ % 3]);
    if (name)
        vireo_response_status(201);
    int n = snprintf((char *)out, out_cap, "%s %s%s %s %d\n", vireo_request_method(),
                     vireo_request_path(), name ? name : "", copy, twice(calls));
    free(copy);
    return n;
}
