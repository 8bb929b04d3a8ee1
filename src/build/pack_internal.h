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

/*
 * What the build would refuse in a vireo.yaml is refused before anything is packed, so that the
 * message names the file as its author does: `where`. As manifest_parse().
 */
int pack_check_manifest(const char *where, const char *text, size_t size, struct err *err);
