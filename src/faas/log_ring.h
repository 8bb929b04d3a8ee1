/*
 * The output of functions, kept by the admin gateway: a ring for each, of a bounded size,
 * which grows as it is used. Lines are kept as they are shown: "TIME INSTANCE TEXT". One thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

struct log_rings;
struct log_ring;

/* Of all rings together; past it a ring no longer grows but overwrites its oldest lines. */
#define LOG_RINGS_MAX_BYTES (256u << 20)
/* A longer line is cut. */
#define LOG_LINE_MAX 8192

/* `ring_bytes`: of one ring, a power of two. */
struct log_rings *log_rings_new(size_t ring_bytes);
void log_rings_free(struct log_rings *rings);

/* The ring of a function, or NULL when it never said anything. */
struct log_ring *log_rings_find(struct log_rings *rings, const char *function);
/* The same, made when there is none. NULL: no memory, or FUNCTIONS_MAX rings. */
struct log_ring *log_rings_get(struct log_rings *rings, const char *function);
/* Forgets a function's output. */
void log_rings_remove(struct log_rings *rings, const char *function);

/*
 * Adds output: every line of it (the last one may lack its end) becomes a line of the log. Control
 * characters but the tab, and bytes that are not UTF-8, are shown as \xHH: a log is read on
 * terminals. `dropped` bytes lost before it are said in a line of their own.
 */
void log_ring_add(struct log_ring *ring, uint64_t time_ms, uint64_t instance, const char *text,
                  size_t bytes, uint64_t dropped);

/* Position of the oldest line that is kept, and behind the newest. */
uint64_t log_ring_start(const struct log_ring *ring);
uint64_t log_ring_end(const struct log_ring *ring);

/*
 * Copies up to `max` bytes from *at on, which moves behind them. A position whose line was
 * overwritten meanwhile moves to the oldest one first. 0: nothing newer.
 */
size_t log_ring_read(const struct log_ring *ring, uint64_t *at, char *buffer, size_t max);
