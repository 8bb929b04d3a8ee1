/* A tar's header: what tar.c reads and tar_write.c writes. */
#pragma once

#include <assert.h>

#define TAR_BLOCK 512

/* POSIX.1-1988, the part that matters; offsets are the format's. */
struct tar_header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8];
    char type;
    char link[100], magic[6], version[2], owner[32], group[32], major[8], minor[8], prefix[155];
    char padding[12];
};
static_assert(sizeof(struct tar_header) == TAR_BLOCK, "a header is a block");
