/* Memory for one call: taken in pieces, given back as a whole. */
#pragma once

#include <stddef.h>

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks;
    size_t used, size; /* of the newest chunk */
};

/*
 * Zeroed memory, aligned for any object. Never NULL: a call that runs out of memory ends here, and
 * the sandbox reports its memory limit by name.
 */
void *arena_take(struct arena *arena, size_t size);
void arena_free(struct arena *arena);

/* A growing byte string in an arena; what it outgrows stays in the arena until the end. */
struct text {
    char *data;
    size_t size, capacity;
};

void text_append(struct text *text, struct arena *arena, const char *data, size_t size);
