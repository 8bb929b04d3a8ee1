/*
 * What the fuzz targets share: an input taken apart from its front, and checks that end the run.
 * Each target is a program of its own (libFuzzer's main), built and run by scripts/fuzz.
 */
#pragma once

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* libFuzzer's: called for every input; and once before the first. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* A property that must hold: libFuzzer keeps the input of a run that aborts. */
#define CHECK(condition)                                                                     \
    do {                                                                                     \
        if (!(condition)) {                                                                  \
            fprintf(stderr, "%s:%d: property broken: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                         \
        }                                                                                    \
    } while (0)

struct input {
    const uint8_t *at;
    size_t left;
};

/* Numbers are little-endian; what is behind the end reads as zero. */
static inline uint64_t take(struct input *input, size_t bytes)
{
    uint64_t value = 0;
    size_t have = bytes < input->left ? bytes : input->left;

    memcpy(&value, input->at, have);
    input->at += have;
    input->left -= have;
    return value;
}

/* At most `max` bytes; they stay in the input. */
static inline const uint8_t *take_bytes(struct input *input, size_t max, size_t *ret_bytes)
{
    const uint8_t *at = input->at;

    *ret_bytes = max < input->left ? max : input->left;
    input->at += *ret_bytes;
    input->left -= *ret_bytes;
    return at;
}

/* Bytes over the start of a structure that has been filled with something good. */
static inline void take_over(struct input *input, void *to, size_t max)
{
    size_t bytes;
    const uint8_t *from = take_bytes(input, max, &bytes);

    memcpy(to, from, bytes);
}

/* The lowest free descriptor: the same before and after means that none was leaked. */
static inline int lowest_free_fd(void)
{
    int fd = fcntl(0, F_DUPFD_CLOEXEC, 0);

    if (fd >= 0)
        close(fd);
    return fd;
}
