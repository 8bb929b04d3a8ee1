/* What instances of the fake supervisor are made of: serve functions, the lying ones apart. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "faas/protocol.h"
#include "guest/channel.h"

/* Serves the request of this number. May not return. */
typedef void fake_serve(struct channel *channel, int event_fd, uint32_t sequence);

uint32_t slot_of(const struct channel *channel, uint32_t sequence);
struct channel_response *response_of(struct channel *channel, uint32_t sequence);
/* Says that requests up to this one are done with, and writes the event. */
void publish(struct channel *channel, int event_fd, uint32_t sequence);
/* Publishes an answer of this head and body. */
void answer(struct channel *channel, int event_fd, uint32_t sequence, const char *head,
            uint32_t head_bytes, uint32_t headers, const void *body, uint32_t body_bytes);

struct fake_function {
    const char *name;
    fake_serve *serve;
    struct gateway_function facts;
};

/* fake_functions.c: what is deployed, the liars behind the others once they are filled in. */
#define FAKE_FUNCTIONS_MAX 64
extern struct fake_function functions[FAKE_FUNCTIONS_MAX];
extern uint32_t function_count;
void functions_fill(void);

/* fake_liars.c: what an instance was taken over by may do to its channel. */
struct fake_liar {
    const char *name;
    fake_serve *serve;
};
extern const struct fake_liar fake_liars[];
extern const size_t fake_liar_count;
/* The channel's memory file, in an instance. A real one's is closed: here it is attacked. */
extern int fake_memory_fd;
