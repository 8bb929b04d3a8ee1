/*
 * What an interpreter runs, in the place of a library's ELF file: guest/source_image.h. It is
 * stored and signed as a library, and its note says "container": nothing was proved of it or
 * translated.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct err;
struct library_note;

bool source_image_is(const void *bytes, size_t size);

/* Of a packed source: `note` has its names, `runtime` is the manifest's. malloc'ed, the caller's.
 */
int source_image_make(const struct library_note *note, const char *runtime, const void *tar,
                      size_t tar_size, void **ret_image, size_t *ret_size, struct err *err);

/*
 * Checks head and every entry of the packed source, as library_check() does an ELF file. *ret_note
 * is filled. -ENOEXEC with the reason.
 */
int source_image_check(const void *bytes, size_t size, struct library_note *ret_note,
                       struct err *err);
