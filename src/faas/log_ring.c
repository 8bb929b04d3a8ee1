/* Output of functions in rings. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/printable.h"
#include "faas/log_ring.h"

#define BUCKETS 1024
#define FIRST_BYTES (4u << 10)

struct log_ring {
    struct log_ring *next;
    struct log_rings *rings;
    char function[NAME_MAX_BYTES + 1];
    char *data;
    size_t capacity;     /* a power of two, or 0 */
    uint64_t start, end; /* bytes ever written; those of [start, end) are kept */
};

struct log_rings {
    struct log_ring *buckets[BUCKETS];
    size_t count;
    size_t bytes; /* of all data */
    size_t ring_bytes;
};

static size_t bucket_of(const char *function)
{
    uint32_t hash = 2166136261u;
    for (const char *c = function; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    return hash % BUCKETS;
}

struct log_rings *log_rings_new(size_t ring_bytes)
{
    struct log_rings *rings = calloc(1, sizeof *rings);

    if (rings)
        rings->ring_bytes = ring_bytes;
    return rings;
}

static void ring_free(struct log_ring *ring)
{
    ring->rings->bytes -= ring->capacity;
    ring->rings->count--;
    free(ring->data);
    free(ring);
}

void log_rings_free(struct log_rings *rings)
{
    if (!rings)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        while (rings->buckets[i]) {
            struct log_ring *next = rings->buckets[i]->next;
            ring_free(rings->buckets[i]);
            rings->buckets[i] = next;
        }
    free(rings);
}

struct log_ring *log_rings_find(struct log_rings *rings, const char *function)
{
    for (struct log_ring *ring = rings->buckets[bucket_of(function)]; ring; ring = ring->next)
        if (strcmp(ring->function, function) == 0)
            return ring;
    return NULL;
}

struct log_ring *log_rings_get(struct log_rings *rings, const char *function)
{
    struct log_ring *ring = log_rings_find(rings, function);

    if (ring || rings->count == FUNCTIONS_MAX)
        return ring;
    ring = calloc(1, sizeof *ring);
    if (!ring)
        return NULL;
    ring->rings = rings;
    snprintf(ring->function, sizeof ring->function, "%s", function);
    struct log_ring **bucket = &rings->buckets[bucket_of(function)];
    ring->next = *bucket;
    *bucket = ring;
    rings->count++;
    return ring;
}

void log_rings_remove(struct log_rings *rings, const char *function)
{
    struct log_ring **at = &rings->buckets[bucket_of(function)];

    while (*at && strcmp((*at)->function, function) != 0)
        at = &(*at)->next;
    if (*at) {
        struct log_ring *ring = *at;
        *at = ring->next;
        ring_free(ring);
    }
}

static char *place(const struct log_ring *ring, uint64_t at)
{
    return ring->data + (at & (ring->capacity - 1));
}

/* Doubles the ring while it may; what it holds stays. */
static bool grow(struct log_ring *ring)
{
    size_t capacity = ring->capacity ? ring->capacity * 2 : FIRST_BYTES;

    if (capacity > ring->rings->ring_bytes ||
        ring->rings->bytes - ring->capacity + capacity > LOG_RINGS_MAX_BYTES)
        return false;
    char *data = malloc(capacity);
    if (!data)
        return false;
    for (uint64_t at = ring->start; at < ring->end; at++)
        data[at & (capacity - 1)] = *place(ring, at);
    free(ring->data);
    ring->rings->bytes += capacity - ring->capacity;
    ring->data = data;
    ring->capacity = capacity;
    return true;
}

/* Makes room by forgetting whole lines from the oldest on. */
static void forget(struct log_ring *ring, size_t bytes)
{
    while (ring->capacity - (size_t)(ring->end - ring->start) < bytes) {
        while (ring->start < ring->end && *place(ring, ring->start) != '\n')
            ring->start++;
        ring->start++;
    }
}

static void append(struct log_ring *ring, const char *line, size_t bytes)
{
    while (ring->capacity - (size_t)(ring->end - ring->start) < bytes)
        if (!grow(ring))
            break;
    if (ring->capacity < bytes)
        return;
    forget(ring, bytes);
    for (size_t i = 0; i < bytes; i++)
        *place(ring, ring->end + i) = line[i];
    ring->end += bytes;
}

static size_t line_head(char *line, uint64_t time_ms, uint64_t instance)
{
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm when;
    size_t at = 0;

    if (gmtime_r(&seconds, &when))
        at = strftime(line, 64, "%Y-%m-%dT%H:%M:%S", &when);
    return at + (size_t)snprintf(line + at, 64, ".%03uZ %" PRIu64 " ", (unsigned)(time_ms % 1000),
                                 instance);
}

void log_ring_add(struct log_ring *ring, uint64_t time_ms, uint64_t instance, const char *text,
                  size_t bytes, uint64_t dropped)
{
    char line[LOG_LINE_MAX];

    if (dropped > 0) {
        size_t at = line_head(line, time_ms, instance);
        at += (size_t)snprintf(line + at, 80, "vireo: %" PRIu64 " bytes of output were dropped\n",
                               dropped);
        append(ring, line, at);
    }
    while (bytes > 0) {
        const char *end = memchr(text, '\n', bytes);
        size_t length = end ? (size_t)(end - text) : bytes;
        size_t at = line_head(line, time_ms, instance);
        /* One byte is left for the end of the line. */
        at += printable(line + at, sizeof line - at - 1, text,
                        length > 0 && text[length - 1] == '\r' ? length - 1 : length);
        line[at++] = '\n';
        append(ring, line, at);
        size_t taken = end ? length + 1 : length;
        text += taken;
        bytes -= taken;
    }
}

uint64_t log_ring_start(const struct log_ring *ring)
{
    return ring->start;
}

uint64_t log_ring_end(const struct log_ring *ring)
{
    return ring->end;
}

size_t log_ring_read(const struct log_ring *ring, uint64_t *at, char *buffer, size_t max)
{
    if (*at < ring->start)
        *at = ring->start;
    if (*at >= ring->end)
        return 0;
    size_t bytes = (size_t)(ring->end - *at) < max ? (size_t)(ring->end - *at) : max;
    for (size_t i = 0; i < bytes; i++)
        buffer[i] = *place(ring, *at + i);
    *at += bytes;
    return bytes;
}
