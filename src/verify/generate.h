/* From the IR that was verified to IR that a code generator takes: in a process of its own. */
#pragma once

#include <stddef.h>

struct err;

/*
 * Reads the bitcode that verify_prove() gave, whose handler is `entry`, optimises it and writes
 * bitcode to `path`. What others call is named `name`: int64_t (const uint8_t *, size_t, uint8_t *,
 * size_t). Refused (-EINVAL, with the reason): what is not as normalise_module() leaves
 * it, a handler of another type, more than the list of functions outside. -EIO: not written.
 */
int generate_bitcode(const void *ir, size_t ir_size, const char *entry, const char *name,
                     const char *path, struct err *err);
