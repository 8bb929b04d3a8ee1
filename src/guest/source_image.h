/*
 * A source that is not built: what stands in the place of a library's ELF file when a function is
 * run by an interpreter. One head of SOURCE_IMAGE_HEAD_BYTES, then the packed source (ustar);
 * behind it the signature, as behind a library. Checked by build/source_image.c, unpacked by the
 * template.
 */
#pragma once

#include <stdint.h>

#include "base/limits.h"

#define SOURCE_IMAGE_MAGIC "VIREOSRC"
#define SOURCE_IMAGE_VERSION 1u
#define SOURCE_IMAGE_HEAD_BYTES 512u

struct source_image_head {
    char magic[8];    /* SOURCE_IMAGE_MAGIC without its NUL */
    uint32_t version; /* SOURCE_IMAGE_VERSION */
    uint32_t reserved;
    uint64_t tar_bytes; /* all that follows */
    uint8_t source_hash[32];
    /* NUL-terminated, and zero to their ends. */
    char name[NAME_MAX_BYTES + 1];
    char function_version[VERSION_MAX_BYTES + 1];
    char runtime[16]; /* "python" */
};
_Static_assert(sizeof(struct source_image_head) <= SOURCE_IMAGE_HEAD_BYTES, "zero to its end");
