/*
 * A program of this folder (program.h) as a handler in native code: what it prints is the answer.
 * A child prints to its standard output, as it is by then.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

static char said[64 << 10];
static size_t said_bytes;
static pid_t root;

__attribute__((format(printf, 1, 2))) static int say_natively(const char *format, ...)
{
    char child[256];
    va_list list;

    va_start(list, format);
    int n;
    if (getpid() == root) {
        n = vsnprintf(said + said_bytes, sizeof said - said_bytes, format, list);
        said_bytes += (size_t)n;
    } else {
        n = vsnprintf(child, sizeof child, format, list);
        write(1, child, (size_t)n);
    }
    va_end(list);
    return n;
}

/* Memory that is shared with children: native code has it of the family. */
static void *map_shared(size_t bytes)
{
    int id = shmget(IPC_PRIVATE, bytes, 0600);
    void *at = shmat(id, NULL, 0);

    shmctl(id, IPC_RMID, NULL);
    return at;
}

#define printf say_natively
#define fflush(stream) 0
#define mmap(at, bytes, protection, flags, fd, offset) map_shared(bytes)
#define main program
#include "program.h"
#undef main

int64_t handler(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_cap)
{
    (void)in, (void)in_len, (void)out_cap;
    root = getpid();
    if (program() != 0)
        return -1;
    memcpy(out, said, said_bytes);
    return (int64_t)said_bytes;
}
