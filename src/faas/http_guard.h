/*
 * What keeps peers of an HTTP server from holding it: deadlines for heads, bodies and the taking of
 * answers, a bound for answers that wait for slow readers, and place for new connections. It cuts
 * connections by shutdown(2): libmicrohttpd then sees their end and lets them go. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct guard;
struct guarded; /* one connection */

/* As docs/api.md has them. */
#define GUARD_HEAD_SECONDS 10   /* more than an idle connection may wait, for a whole head */
#define GUARD_BODY_SECONDS 10   /* of a body, and one more for each GUARD_RATE_BYTES that came */
#define GUARD_ANSWER_SECONDS 30 /* to take an answer, and one more for each GUARD_RATE_BYTES */
#define GUARD_RATE_BYTES (16 << 10)
#define GUARD_CROWDED_SECONDS 5 /* idle, when more than half of all places are taken */

struct guard_options {
    unsigned connections_max;
    unsigned idle_seconds;
    size_t answers_max_bytes; /* that wait for their readers, all together */
    /* Written, as far as the socket takes it, before a connection is cut for a slow head or body:
     * libmicrohttpd replies to nothing that it still waits for, and has sent nothing for it yet.
     * They live as long as the guard. */
    const char *slow_head, *slow_body;
};

struct guard_stats {
    uint64_t accepted;
    uint64_t slow;    /* passed a deadline */
    uint64_t evicted; /* idle ones that made place for others, readers cut for memory */
};

/* -ENOMEM: NULL. */
struct guard *guard_new(struct loop *loop, const struct guard_options *options);
/* No connection is left. NULL is fine. */
void guard_free(struct guard *guard);
const struct guard_stats *guard_stats(const struct guard *guard);

/*
 * A connection, idle at first; when places run out, that which has been idle the longest is cut.
 * NULL: no memory; all below take NULL then.
 */
struct guarded *guard_open(struct guard *guard, int fd);
void guard_close(struct guarded *guarded);

/* The head is complete and a body of more than 0 bytes is expected; or `bytes` more of it came. */
void guard_body(struct guarded *guarded, size_t bytes);
/* It waits for us: no deadline. */
void guard_wait(struct guarded *guarded);
/* An answer of that size is being sent. */
void guard_answer(struct guarded *guarded, size_t bytes);
/* The request is over: the connection is idle. */
void guard_idle(struct guarded *guarded);
