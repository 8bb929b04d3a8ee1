/* What a compiler said, made fit for a person's terminal: it quotes untrusted source. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Replaces what is not printable ASCII, tab or newline, in place; ends the text with NUL. `text`
 * has a byte of room after `size`. */
void diagnostics_clean(char *text, size_t size);

/* The first line that names an error, else the first line that says something; "" when none does.
 */
void diagnostics_first(const char *text, char *line, size_t size);

/* Did a compiler or linker stop because it got no memory? */
bool diagnostics_out_of_memory(const char *text);

/* At most `max_lines` lines and `max_bytes` bytes of it; malloc'ed, NULL without memory. */
char *diagnostics_head(const char *text, unsigned max_lines, size_t max_bytes);
