/* Text from elsewhere, made harmless for terminals and logs. */
#pragma once

#include <stddef.h>

/*
 * Copies UTF-8 as it is; control characters but the tab (C1 too), marks of writing direction,
 * and bytes that are not UTF-8, as \xHH. What does not fit `size` (>= 12) is cut, with "..." for
 * it. No NUL is written; returns the length.
 */
size_t printable(char *to, size_t size, const char *from, size_t bytes);

/* Bytes of the UTF-8 sequence of two to four bytes at `text`, of which `left` are there; 0: there
 * is no proper one (RFC 3629: nothing overlong, no surrogate). */
size_t utf8_sequence(const char *text, size_t left);
