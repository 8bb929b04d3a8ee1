/* A kernel log of one virtual kernel: records in a ring of places, numbered through. */
#include "vkernel/log_ring.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/printable.h"

#define RECORD_COST 64
#define FACILITY_USER 1
#define LEVEL_DEFAULT 4

struct log_ring {
    size_t bytes, used;
    uint64_t first, next;
    size_t places; /* a record costs RECORD_COST at least: there are never more */
    struct log_record *records[];
};

struct log_ring *log_ring_new(size_t bytes)
{
    size_t places = bytes / RECORD_COST + 1;
    struct log_ring *ring = calloc(1, sizeof *ring + places * sizeof *ring->records);

    if (!ring)
        return NULL;
    ring->bytes = bytes;
    ring->places = places;
    return ring;
}

static size_t cost(const struct log_record *record)
{
    return RECORD_COST + record->length;
}

static void drop_first(struct log_ring *ring)
{
    struct log_record **place = &ring->records[ring->first % ring->places];

    ring->used -= cost(*place);
    free(*place);
    *place = NULL;
    ring->first++;
}

void log_ring_free(struct log_ring *ring)
{
    if (!ring)
        return;
    while (ring->first < ring->next)
        drop_first(ring);
    free(ring);
}

int log_ring_put(struct log_ring *ring, unsigned priority, uint64_t time_us, const char *text,
                 size_t length)
{
    char safe[LOG_RING_TEXT_BYTES];
    size_t bytes = printable(safe, sizeof safe, text, length);
    struct log_record *record = malloc(sizeof *record + bytes);

    if (!record)
        return -ENOMEM;
    *record = (struct log_record){.number = ring->next,
                                  .time_us = time_us,
                                  .priority = (uint16_t)priority,
                                  .length = (uint16_t)bytes};
    memcpy(record->text, safe, bytes);
    while (ring->first < ring->next && ring->used + cost(record) > ring->bytes)
        drop_first(ring);
    ring->records[ring->next++ % ring->places] = record;
    ring->used += cost(record);
    return 0;
}

uint64_t log_ring_first(const struct log_ring *ring)
{
    return ring->first;
}

uint64_t log_ring_next(const struct log_ring *ring)
{
    return ring->next;
}

const struct log_record *log_ring_get(const struct log_ring *ring, uint64_t number)
{
    return number < ring->first || number >= ring->next ? NULL
                                                        : ring->records[number % ring->places];
}

size_t log_record_kmsg(const struct log_record *record, char text[static LOG_RING_LINE_BYTES])
{
    return (size_t)snprintf(text, LOG_RING_LINE_BYTES, "%u,%" PRIu64 ",%" PRIu64 ",-;%.*s\n",
                            record->priority, record->number, record->time_us, record->length,
                            record->text);
}

size_t log_record_syslog(const struct log_record *record, char text[static LOG_RING_LINE_BYTES])
{
    return (size_t)snprintf(text, LOG_RING_LINE_BYTES, "<%u>[%5" PRIu64 ".%06" PRIu64 "] %.*s\n",
                            record->priority, record->time_us / 1000000, record->time_us % 1000000,
                            record->length, record->text);
}

size_t log_ring_read_all(const struct log_ring *ring, uint64_t from, char *text, size_t size)
{
    char line[LOG_RING_LINE_BYTES];
    uint64_t first = ring->next;
    size_t total = 0, at = 0;

    if (from < ring->first)
        from = ring->first;
    while (first > from) {
        size_t length = log_record_syslog(log_ring_get(ring, first - 1), line);
        if (total + length > size)
            break;
        total += length;
        first--;
    }
    for (; first < ring->next; first++) {
        size_t length = log_record_syslog(log_ring_get(ring, first), line);
        memcpy(text + at, line, length);
        at += length;
    }
    return at;
}

const char *log_parse_write(const char *text, size_t *length, unsigned *ret_priority)
{
    unsigned value = 0;
    size_t at = 1;

    *ret_priority = FACILITY_USER << 3 | LEVEL_DEFAULT;
    if (*length > 2 && text[0] == '<') {
        while (at < *length && at < 5 && text[at] >= '0' && text[at] <= '9')
            value = value * 10 + (unsigned)(text[at++] - '0');
        if (at > 1 && at < *length && text[at] == '>') {
            unsigned facility = value >> 3 & 0xff;
            *ret_priority = (facility ? facility : FACILITY_USER) << 3 | (value & 7);
            text += at + 1;
            *length -= at + 1;
        }
    }
    while (*length > 0 && text[*length - 1] == '\n')
        --*length;
    return text;
}
