/* For the tests of the build: cmocka and what it needs, and files to read. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"

/* The whole file, malloc'ed. */
static inline char *test_file(const char *path, size_t *ret_size)
{
    struct err err = {0};
    char *data = NULL;

    if (fd_read_file(-100 /* AT_FDCWD */, path, 64 << 20, &data, ret_size, &err) < 0)
        fail_msg("%s", err.message);
    return data;
}

/* Small pseudo-random numbers with a seed of their own (xorshift64): the same in each run. */
static inline uint64_t test_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#define assert_message(err, part)                                        \
    do {                                                                 \
        if (!strstr((err).message, part))                                \
            fail_msg("'%s' does not contain '%s'", (err).message, part); \
    } while (0)
