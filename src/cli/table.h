/* Tables that line up, and text from elsewhere made safe for a terminal. */
#pragma once

#include <stddef.h>
#include <stdio.h>

struct table;

/* A table with these headings, ended by NULL (at most 16). NULL when there is no memory. */
struct table *table_new(const char *const *headings);
void table_free(struct table *table);
/* One row: as many cells as there are headings, copied and made printable. 0 or -ENOMEM. */
int table_row(struct table *table, const char *const *cells);
/* Columns two spaces apart, as wide as their widest cell; nothing trails the last one. */
void table_print(const struct table *table, FILE *out);

/*
 * Shows control bytes of `text`, which could drive a terminal, as "?". Lines and tabs stay
 * if `keep_lines`. In place: the length does not change.
 */
void text_make_printable(char *text, size_t length, int keep_lines);

/* "340 ms", "1.2 s", "5 min" from milliseconds; for a limit that is a whole number of the unit. */
void text_duration(unsigned long long ms, char *text, size_t size);
