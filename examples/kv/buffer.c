/* Bytes that grow, up to what a client may have waiting. */
#include <stdlib.h>
#include <string.h>

#include "kv.h"

#define FIRST_CAPACITY (16u << 10)

bool buffer_room(struct buffer *buffer, uint32_t bytes)
{
    uint32_t used = buffer->end - buffer->start;

    if (buffer->capacity - buffer->end >= bytes)
        return true;
    if (buffer->start > 0) {
        memmove(buffer->data, buffer->data + buffer->start, used);
        buffer->start = 0;
        buffer->end = used;
    }
    uint64_t capacity = buffer->capacity ? buffer->capacity : FIRST_CAPACITY;
    while (capacity - used < bytes)
        capacity *= 2;
    if (capacity == buffer->capacity)
        return true;
    char *grown = capacity > 2 * ANSWERS_MAX ? NULL : realloc(buffer->data, capacity);
    if (!grown)
        return false;
    buffer->data = grown;
    buffer->capacity = (uint32_t)capacity;
    return true;
}

void buffer_add(struct buffer *buffer, const void *data, uint32_t bytes)
{
    if (!buffer_room(buffer, bytes)) {
        buffer->failed = true;
        return;
    }
    memcpy(buffer->data + buffer->end, data, bytes);
    buffer->end += bytes;
}

void buffer_free(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){0};
}
