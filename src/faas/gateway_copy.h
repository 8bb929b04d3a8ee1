/*
 * Large bodies on their way into a channel and out of it, a piece in each round of the gateway's
 * loop: a body of 4 MiB copied at once takes as long as a hundred short calls, which would wait for
 * it. All that are under way have their turns one after another.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "faas/gateway_channel.h"

struct buffer;
struct calls;
struct instance;

/* Up to this size a text is copied at once; it is also what has its turn. */
#define COPY_PIECE_BYTES (64u << 10)

/* An instance has one at most. */
struct copy {
    struct copy *next, *previous; /* in calls->copies, a ring */
    struct instance *instance;
    char *to;
    const char *from;
    size_t bytes, done;
    /* The copy is complete, and is not the instance's any more; freed afterwards. */
    void (*finished)(struct calls *calls, struct instance *instance, struct copy *copy);

    /* Of an answer that is taken out; NULL: it is a request's body. */
    struct buffer *answer;
    struct response response;
    bool ended; /* its instance is no more */
};

/* NULL: there is no memory for it; then it is copied at once. The instance has none yet. Fields
 * behind `finished` are the caller's to fill in. */
struct copy *
copy_begin(struct calls *calls, struct instance *instance, char *to, const char *from, size_t bytes,
           void (*finished)(struct calls *calls, struct instance *instance, struct copy *copy));
/* What is left of the instance's copy, at once; nothing when it has none. */
void copy_finish(struct calls *calls, struct instance *instance);
/* The instance's copy is not wanted any more. */
void copy_cancel(struct calls *calls, struct instance *instance);
/* A turn: calls->copies is NULL when none is under way. */
void copies_turn(struct calls *calls);
