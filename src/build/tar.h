/*
 * Reads a packed source: the one check of it, on the trusted side before anything is built and in
 * the sandbox when it is unpacked. ustar, with the long names of pax and GNU tar; regular files and
 * directories only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

#define TAR_NAME_MAX 255
/* At the top of a source: what its author asks for. No compiler sees it. */
#define SOURCE_MANIFEST "vireo.yaml"

struct tar_reader {
    const uint8_t *bytes;
    size_t size, at;
    unsigned entries; /* read so far; at most SOURCE_MAX_FILES */
};

struct tar_entry {
    /* Relative, without "." and ".." and without control characters. */
    char name[TAR_NAME_MAX + 1];
    bool directory;
    const uint8_t *data; /* inside the packed source */
    size_t size;
};

/*
 * The next entry: 1, or 0 at the end. -EINVAL with the reason and the entry's name when it is not
 * one that a source may have: a link, a device, a name that leads out, a damaged or cut header.
 * -EFBIG when there are too many.
 */
int tar_next(struct tar_reader *reader, struct tar_entry *ret_entry, struct err *err);
