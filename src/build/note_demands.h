/* The second note of a library: struct library_demands as bytes (docs/library.md). */
#pragma once

#include <sys/types.h>

#include "build/build.h"

#define NOTE_DEMANDS_TYPE 2
#define NOTE_DEMANDS_MAX_BYTES 4096

/* Is the field text of letters, digits and `extra`, ended, and nothing but NUL behind its end? */
bool note_text_is_proper(const char *text, size_t size, const char *extra);

/* Their length, or -EINVAL. */
ssize_t note_demands_put(const struct library_demands *demands,
                         uint8_t bytes[static NOTE_DEMANDS_MAX_BYTES], struct err *err);
/* -ENOEXEC when they are not well made. */
int note_demands_take(const void *bytes, size_t size, struct library_demands *ret_demands,
                      struct err *err);
