/*
 * A kernel log of one virtual kernel: numbered records, as many as its bytes hold; the oldest go.
 * What goes in is made harmless (base/printable.h): no byte of it can begin another record.
 * One thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define LOG_RING_TEXT_BYTES 1024
/* Of a record as text, in either form. */
#define LOG_RING_LINE_BYTES (LOG_RING_TEXT_BYTES + 80)

struct log_record {
    uint64_t number; /* counts from 0 */
    uint64_t time_us;
    uint16_t priority; /* facility << 3 | level */
    uint16_t length;
    char text[];
};

struct log_ring;

/* `bytes` holds the records, with 64 bytes counted for each beside its text. NULL: no memory. */
struct log_ring *log_ring_new(size_t bytes);
void log_ring_free(struct log_ring *ring);

/* Takes a message. What is longer than a record is cut. 0, or -ENOMEM. */
int log_ring_put(struct log_ring *ring, unsigned priority, uint64_t time_us, const char *text,
                 size_t length);
/* The number of the oldest record, and the one that the next will have. */
uint64_t log_ring_first(const struct log_ring *ring);
uint64_t log_ring_next(const struct log_ring *ring);
/* NULL: it has gone, or has not come. */
const struct log_record *log_ring_get(const struct log_ring *ring, uint64_t number);

/* As /dev/kmsg and as syslog(2) give it, with the newline; the length. */
size_t log_record_kmsg(const struct log_record *record, char text[static LOG_RING_LINE_BYTES]);
size_t log_record_syslog(const struct log_record *record, char text[static LOG_RING_LINE_BYTES]);
/* The last records from number `from` on that fit `size` whole, as syslog(2) gives them. */
size_t log_ring_read_all(const struct log_ring *ring, uint64_t from, char *text, size_t size);

/*
 * What was written to /dev/kmsg: "<13>text" or plain text (level 4); a facility of 0, which is the
 * kernel's own, becomes the users' (1), as the kernel does it. Returns where the text begins; its
 * end loses newlines.
 */
const char *log_parse_write(const char *text, size_t *length, unsigned *ret_priority);
