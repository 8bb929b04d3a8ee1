/* A bump allocator over malloc'ed chunks. */
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"

#define CHUNK_BYTES 65536

struct arena_chunk {
    struct arena_chunk *older;
    alignas(max_align_t) char data[];
};

void *arena_take(struct arena *arena, size_t size)
{
    size_t align = alignof(max_align_t);

    if (size > (size_t)-1 / 2)
        abort();
    size = (size + align - 1) / align * align;
    if (arena->size - arena->used < size) {
        size_t capacity = size > CHUNK_BYTES ? size : CHUNK_BYTES;
        struct arena_chunk *chunk = calloc(1, sizeof *chunk + capacity);
        if (!chunk)
            abort();
        chunk->older = arena->chunks;
        arena->chunks = chunk;
        arena->used = 0;
        arena->size = capacity;
    }
    void *taken = arena->chunks->data + arena->used;
    arena->used += size;
    return taken;
}

void arena_free(struct arena *arena)
{
    while (arena->chunks) {
        struct arena_chunk *older = arena->chunks->older;
        free(arena->chunks);
        arena->chunks = older;
    }
    arena->used = arena->size = 0;
}

void text_append(struct text *text, struct arena *arena, const char *data, size_t size)
{
    if (size == 0)
        return;
    if (text->capacity - text->size < size) {
        size_t capacity = text->capacity * 2 + size + 32;
        char *grown = arena_take(arena, capacity);
        if (text->size > 0)
            memcpy(grown, text->data, text->size);
        text->data = grown;
        text->capacity = capacity;
    }
    memcpy(text->data + text->size, data, size);
    text->size += size;
}
