/* Between pack.c and pack_image.c. */
#pragma once

#include <stddef.h>

struct err;

struct packed_file {
    char *path; /* in the tar */
    char *data;
    size_t size;
};

/* The tar of these files, in this order; *ret_tar is malloc'ed. `source` is for messages. */
int pack_files(const char *source, const struct packed_file *files, size_t count, void **ret_tar,
               size_t *ret_size, struct err *err);
