/* Writes a tar of regular files: ustar, one header a file, nothing in it but names and contents. */
#pragma once

#include <stddef.h>

struct tar_writer {
    char *bytes; /* the caller's to free, whatever happened */
    size_t size, capacity;
};

/* Adds a file; `path` is relative. -ENAMETOOLONG: the format has no room for the path (it is split
 * at a slash, into 155 and 100 bytes: not each can be). -ENOMEM. */
int tar_writer_add(struct tar_writer *writer, const char *path, const void *data, size_t size);
/* Ends it, without the padding to a tape's block. -ENOMEM. */
int tar_writer_end(struct tar_writer *writer);
