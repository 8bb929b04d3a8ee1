/* Owned locals: released when they leave their scope, handed over by stealing. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

/* Defines `free_fn##p`, for _cleanup_, from a destructor that accepts NULL. */
#define DEFINE_CLEANUP(type, free_fn)           \
    static inline void free_fn##p(type **owned) \
    {                                           \
        free_fn(*owned);                        \
    }

/* For _cleanup_ on memory from malloc. */
static inline void freep(void *owned)
{
    free(*(void **)owned);
}

/* For _cleanup_ on a descriptor that starts at -1. */
static inline void closep(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static inline void fclosep(FILE **file)
{
    if (*file)
        fclose(*file);
}

/* Hands a pointer over: the owned local becomes NULL and frees nothing. */
#define steal_ptr(owned)                    \
    ({                                      \
        __typeof__(*(owned)) _p = *(owned); \
        *(owned) = NULL;                    \
        _p;                                 \
    })

/* Hands a descriptor over: the owned local becomes -1 and closes nothing. */
static inline int steal_fd(int *fd)
{
    int stolen = *fd;
    *fd = -1;
    return stolen;
}

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))
