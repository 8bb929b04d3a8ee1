/* A test module's library, as the tests of the run time open it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "guest/linker.h"
#include "guest/wasm_runtime.h"
#include "library_file.h"

#include <fcntl.h>

uint8_t *library_bytes(const char *name, size_t *ret_size)
{
    char path[512];
    struct err err = {0};
    char *bytes;

    snprintf(path, sizeof path, "%s/%s.so", TEST_LIBRARIES, name);
    if (fd_read_file(AT_FDCWD, path, 16u << 20, &bytes, ret_size, &err) < 0)
        fail_msg("%s", err.message);
    return (uint8_t *)bytes;
}

int library_fd(const uint8_t *bytes, size_t size)
{
    struct err err = {0};
    int fd = -1;

    if (fd_sealed_copy("test", bytes, size, &fd, &err) < 0)
        fail_msg("%s", err.message);
    return fd;
}

struct library *library_of(const char *name)
{
    struct err err = {0};
    struct library *library = NULL;
    size_t size;

    /* Each test anew: cmocka puts its own handlers in place. */
    assert_int_equal(wasm_runtime_init(&err), 0);
    _cleanup_(freep) uint8_t *bytes = library_bytes(name, &size);
    _cleanup_(closep) int fd = library_fd(bytes, size);
    if (library_open(fd, &library, &err) < 0)
        fail_msg("%s", err.message);
    return library;
}

void instance_of(const struct library *library, uint32_t pages_max, struct host *ret_host)
{
    struct err err = {0};

    assert_int_equal(wasm_runtime_init(&err), 0);
    *ret_host = (struct host){.memory_pages_max = pages_max};
    if (wasm_instance_open(library, ret_host, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(wasm_instance_initialize(ret_host), HOST_RETURNED);
}

struct handle_call {
    struct host *host;
    uint32_t a, b;
    int64_t result;
};

static void enter_handle(void *argument)
{
    struct handle_call *call = argument;

    call->result =
        (int64_t)library_face(call->host->library)->handle(call->host->instance, call->a, call->b);
}

enum host_exit instance_handle(struct host *host, uint32_t a, uint32_t b, int64_t *ret_result)
{
    struct handle_call call = {.host = host, .a = a, .b = b};

    enum host_exit exit = wasm_enter(host, enter_handle, &call);
    if (exit == HOST_RETURNED && ret_result)
        *ret_result = call.result;
    return exit;
}
