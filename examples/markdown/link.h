/* The parts of links: labels, destinations, titles, and the definitions that references name. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"

#define LABEL_MAX_BYTES 999 /* CommonMark's limit */

struct link_target {
    const char *url, *title; /* unescaped; title NULL when there is none */
    size_t url_size, title_size;
};

struct definitions; /* link reference definitions of one document */
struct definitions *definitions_new(struct arena *arena);
/* Takes a definition from the start of `data`; returns its length, 0 when there is none. */
size_t definition_take(struct definitions *definitions, const char *data, size_t size);
/* The target of a label (without its brackets), NULL when none was defined. */
const struct link_target *definition_find(struct definitions *definitions, const char *label,
                                          size_t size);

/* Each returns the length of what it found at `data`, 0 when it is not there. */
size_t link_label(const char *data, size_t size); /* with both brackets */
/* "(url "title")", after the text of an inline link; *target is filled from `arena`. */
size_t link_inline(struct arena *arena, const char *data, size_t size, struct link_target *target);

/* Spaces, tabs and at most one newline. */
size_t link_space(const char *data, size_t size);

/* Backslash escapes and entities resolved, in memory of the arena. */
const char *link_unescape(struct arena *arena, const char *data, size_t size, size_t *ret_size);
