/* A test module's library, as the tests of the run time open it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "guest/host.h"

/* The bytes of NAME.so (malloc'ed): built by library.sh, in the folder of these tests' binaries. */
uint8_t *library_bytes(const char *name, size_t *ret_size);

/* A sealed memfd of these bytes. */
int library_fd(const uint8_t *bytes, size_t size);

/* Opens NAME.so, run time ready; fails the test when it can't. */
struct library *library_of(const char *name);

/* Makes an instance with this limit, `initialize` run; fails the test when it can't. */
void instance_of(const struct library *library, uint32_t pages_max, struct host *ret_host);

/* Calls vireo_handle(a, b) in the instance. */
enum host_exit instance_handle(struct host *host, uint32_t a, uint32_t b, int64_t *ret_result);
