/*
 * A world for tests of WASI: a host whose memory is a malloc'ed buffer (so that a sanitizer sees a
 * byte too far), a directory with an outside next to it, and real descriptors. The C library's
 * cmocka is included here, in the order that it wants.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "guest/call.h"
#include "guest/host.h"
#include "guest/wasi.h"
#include "guest/wasi_functions.h"
#include "guest/wasi_types.h"

#define MEMORY_BYTES (1u << 20)
/* Numbers that the preopens of a world get. */
#define GRANTED 3u   /* top/granted, writable, "/granted" */
#define READ_ONLY 4u /* the same directory, read-only, "/read-only" */

struct world {
    struct host host;
    wasm_rt_memory_t memory;
    struct guest_call call;
    uint8_t answer[4096];
    char log[4096];
    size_t log_bytes;
    char top[64];   /* holds "granted" and "outside", with the file "secret" in it */
    int granted_fd; /* O_PATH */
    uint32_t next;  /* where put() puts */
    jmp_buf leave;
    struct wasi_directory directories[2];
    const char *args[3], *env[2];
};

/* cmocka's set-up and tear-down: *state is the struct world. */
int world_setup(void **state);
int world_teardown(void **state);
/* The same with the process's own standard streams. */
int world_setup_real(void **state);

/* Puts bytes into the guest's memory, 8-aligned, and returns their address. */
uint32_t put(struct world *world, const void *data, size_t bytes);
/* Reserves and clears. */
uint32_t room(struct world *world, size_t bytes);
void *at(struct world *world, uint32_t address);
uint32_t load32(struct world *world, uint32_t address);
uint64_t load64(struct world *world, uint32_t address);

/* Short hands: a path as text. They return the WASI errno. */
#define PATH(world, text) put(world, text, strlen(text)), (uint32_t)strlen(text)
#define EVERY_RIGHT ((UINT64_C(1) << 30) - 1)

uint32_t open_at(struct world *world, uint32_t fd, const char *path, uint32_t lookup,
                 uint32_t oflags, uint64_t rights, uint32_t fdflags, uint32_t *ret_fd);
/* Opens and expects success. */
uint32_t open_ok(struct world *world, const char *path, uint32_t oflags, uint64_t rights);
uint32_t write_text(struct world *world, uint32_t fd, const char *text);
/* Reads up to 64 bytes; "" at the end; the error's number is asserted to be 0. */
const char *read_text(struct world *world, uint32_t fd);
uint32_t stat_at(struct world *world, uint32_t fd, const char *path, uint32_t lookup,
                 struct wasi_filestat *ret_filestat);
struct wasi_fdstat fdstat_of(struct world *world, uint32_t fd);
/* Makes a file on the host, below world->top. */
void host_file(struct world *world, const char *path, const char *text);
void host_directory(struct world *world, const char *path);
void host_symlink(struct world *world, const char *target, const char *path);
/* "same", "gone" or another text: what the file outside says. */
void assert_outside_untouched(struct world *world);
