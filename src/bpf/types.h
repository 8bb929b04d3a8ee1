/* An object's type information (BTF), as far as it says what the verifier looks at. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Makes each function static, in `types`, which stay the caller's: the verifier goes through a
 * static one wherever it is called, and counts that, but through a global one only once, by itself.
 * -EBADMSG: they are none, or have a kind that is not known; then some may have been changed.
 */
int types_make_static(uint8_t *types, size_t bytes);
