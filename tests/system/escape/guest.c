/*
 * A WebAssembly guest that tries what WASI has: the query says what. The answer tells how many
 * attempts there were and how many of them did not fail.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wasi/api.h>

#include <vireo/function.h>

static unsigned attempts, successes;

static void count(__wasi_errno_t error)
{
    attempts++;
    successes += error == 0;
}

/* Every use of a descriptor number that the guest was not given. */
static void try_descriptor(uint32_t fd)
{
    static uint8_t bytes[64];
    __wasi_iovec_t in = {bytes, sizeof bytes};
    __wasi_ciovec_t out = {bytes, sizeof bytes};
    __wasi_fdstat_t fdstat;
    __wasi_filestat_t filestat;
    __wasi_prestat_t prestat;
    __wasi_size_t size;
    __wasi_filesize_t offset;
    __wasi_fd_t opened;
    __wasi_roflags_t flags;

    count(__wasi_fd_fdstat_get((int)fd, &fdstat));
    count(__wasi_fd_filestat_get((int)fd, &filestat));
    count(__wasi_fd_prestat_get((int)fd, &prestat));
    count(__wasi_fd_read((int)fd, &in, 1, &size));
    count(__wasi_fd_pread((int)fd, &in, 1, 0, &size));
    count(__wasi_fd_pwrite((int)fd, &out, 1, 0, &size));
    count(__wasi_fd_readdir((int)fd, bytes, sizeof bytes, 0, &size));
    count(__wasi_fd_seek((int)fd, 0, 0, &offset));
    count(__wasi_fd_sync((int)fd));
    count(__wasi_fd_filestat_set_size((int)fd, 0));
    count(__wasi_fd_allocate((int)fd, 0, 4096));
    count(__wasi_path_open((int)fd, 1, "/etc/passwd", 0, 2, 0, 0, &opened));
    count(__wasi_path_open((int)fd, 1, "../../etc/passwd", 0, 2, 0, 0, &opened));
    count(__wasi_path_open((int)fd, 1, ".", 0, 2, 0, 0, &opened));
    count(__wasi_path_create_directory((int)fd, "made"));
    count(__wasi_sock_accept((int)fd, 0, &opened));
    count(__wasi_sock_recv((int)fd, &in, 1, 0, &size, &flags));
    count(__wasi_sock_send((int)fd, &out, 1, 0, &size));
    count(__wasi_sock_shutdown((int)fd, 3));
    if (fd > 2) {
        count(__wasi_fd_write((int)fd, &out, 1, &size));
        count(__wasi_fd_renumber((int)fd, 1));
        count(__wasi_fd_close((int)fd));
    }
}

/* Addresses that end behind the memory, or wrap. */
static void try_pointers(void)
{
    const uint32_t end = (uint32_t)__builtin_wasm_memory_size(0) * 65536;
    const uint32_t bad[] = {end - 1, end, end + 8, 0x7ffffff0u, 0xfffffff0u, 0xffffffffu};
    __wasi_size_t size;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint8_t *at = (uint8_t *)(uintptr_t)bad[i];
        __wasi_ciovec_t outside = {at, 16};
        __wasi_ciovec_t long_one = {(const uint8_t *)"x", 0xffffffffu};
        count(__wasi_random_get(at, 16));
        count(__wasi_clock_time_get(0, 0, (__wasi_timestamp_t *)at));
        count(__wasi_fd_write(1, &outside, 1, &size));
        count(__wasi_fd_write(1, &long_one, 1, &size));
        count(__wasi_fd_write(1, (const __wasi_ciovec_t *)at, 2, &size));
        count(__wasi_args_sizes_get((__wasi_size_t *)at, (__wasi_size_t *)at));
        count(__wasi_environ_sizes_get((__wasi_size_t *)at, (__wasi_size_t *)at));
        count(__wasi_fd_fdstat_get(1, (__wasi_fdstat_t *)at));
        count(
            __wasi_poll_oneoff((const __wasi_subscription_t *)at, (__wasi_event_t *)at, 4, &size));
    }
}

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    const char *what = vireo_request_query();

    (void)in;
    (void)in_len;
    attempts = successes = 0;
    if (!what)
        return -1;
    if (strcmp(what, "descriptors") == 0) {
        for (uint32_t fd = 3; fd < 2048; fd++)
            try_descriptor(fd);
        try_descriptor(0x7fffffff);
        try_descriptor(0xffffffffu);
    } else if (strcmp(what, "pointers") == 0) {
        try_pointers();
    } else if (strcmp(what, "names") == 0) {
        static const char *const names[] = {
            "/etc/passwd",    "etc/passwd", "/proc/self/mem",      "/proc/1/environ",
            "/sys/fs/cgroup", "/dev/null",  "../../../etc/passwd", "."};
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            FILE *file = fopen(names[i], "r");
            attempts++;
            successes += file != NULL;
            if (file)
                fclose(file);
        }
    } else if (strcmp(what, "random") == 0) {
        __wasi_random_get(out, 16);
        return 16;
    } else if (strcmp(what, "works") == 0) {
        /* The same calls with what the guest has. */
        static uint8_t bytes[16];
        __wasi_fdstat_t fdstat;
        __wasi_timestamp_t now;
        count(__wasi_random_get(bytes, sizeof bytes));
        count(__wasi_clock_time_get(0, 0, &now));
        count(__wasi_fd_fdstat_get(1, &fdstat));
    }
    return snprintf((char *)out, out_cap, "%u of %u", successes, attempts);
}
