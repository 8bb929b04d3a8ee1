/*
 * Memory for bodies and answers. Small buffers come from a free list. Large ones are the kernel's
 * pages, of which each costs a fault and 4 KiB of zeros when it is new, more than what is copied
 * into it: so a few stay, used again by the next large body, until none has come for a second.
 */
#include <stdlib.h>

#include "faas/gateway_calls.h"

#define SMALL_KEPT 1024
#define LARGE_KEPT_BYTES (32u << 20)
#define LARGE_KEPT_NS 1000000000u

/* One that was put back, of the size that is wanted or not much above it. */
static struct buffer *large_take(struct calls *calls, size_t capacity)
{
    for (struct buffer **at = &calls->large_buffers; *at; at = &(*at)->next) {
        struct buffer *buffer = *at;
        if (buffer->capacity < capacity || buffer->capacity > 2 * capacity)
            continue;
        *at = buffer->next;
        calls->large_bytes -= buffer->capacity;
        calls->large_used = true;
        buffer->bytes = 0;
        return buffer;
    }
    return NULL;
}

struct buffer *buffer_take(struct calls *calls, size_t capacity)
{
    struct buffer *buffer = calls->spare_buffers;

    if (capacity <= BUFFER_SMALL && buffer) {
        calls->spare_buffers = buffer->next;
        calls->spare_buffer_count--;
        buffer->bytes = 0;
        return buffer;
    }
    if (capacity < BUFFER_SMALL)
        capacity = BUFFER_SMALL;
    buffer = capacity >= BUFFER_LARGE ? large_take(calls, capacity) : NULL;
    if (buffer)
        return buffer;
    buffer = malloc(sizeof *buffer + capacity);
    if (!buffer)
        return NULL;
    buffer->capacity = capacity;
    buffer->bytes = 0;
    return buffer;
}

static void large_expired(struct loop_timer *timer)
{
    struct calls *calls = (struct calls *)((char *)timer - offsetof(struct calls, large_timer));

    if (calls->large_used) {
        calls->large_used = false;
        loop_timer_set(calls->loop, timer, loop_now(calls->loop) + LARGE_KEPT_NS);
        return;
    }
    while (calls->large_buffers) {
        struct buffer *next = calls->large_buffers->next;
        free(calls->large_buffers);
        calls->large_buffers = next;
    }
    calls->large_bytes = 0;
}

static bool large_keep(struct calls *calls, struct buffer *buffer)
{
    if (buffer->capacity < BUFFER_LARGE || calls->large_bytes + buffer->capacity > LARGE_KEPT_BYTES)
        return false;
    if (calls->large_timer.place == 0) {
        calls->large_timer.expired = large_expired;
        if (loop_timer_set(calls->loop, &calls->large_timer,
                           loop_now(calls->loop) + LARGE_KEPT_NS) < 0)
            return false;
    }
    buffer->next = calls->large_buffers;
    calls->large_buffers = buffer;
    calls->large_bytes += buffer->capacity;
    return true;
}

void buffer_put(struct calls *calls, struct buffer *buffer)
{
    if (!buffer || large_keep(calls, buffer))
        return;
    if (buffer->capacity != BUFFER_SMALL || calls->spare_buffer_count == SMALL_KEPT) {
        free(buffer);
        return;
    }
    buffer->next = calls->spare_buffers;
    calls->spare_buffers = buffer;
    calls->spare_buffer_count++;
}
