/*
 * The host's side of an instance's channel (guest/channel.h): which slots are in use, writing a
 * request, taking a response out. What the guest wrote is hostile: every length is copied once,
 * checked, and only the copy is used; a text is copied out before it is looked at, so that what was
 * checked is what is sent.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "guest/channel.h"

struct err;

/*
 * A request's head being gathered: NUL-terminated strings one after another, straight into the
 * place where the guest will read them, or into memory of the caller.
 */
struct request_head {
    char *text;
    size_t bytes;
    size_t capacity;
    uint32_t header_count;
    bool failed; /* it did not fit: nothing further is added */
};

void request_head_text(struct request_head *head, const char *text, size_t bytes);
/* The name is lower-cased. */
void request_head_header(struct request_head *head, const char *name, size_t name_bytes,
                         const char *value, size_t value_bytes);

/* Names that end at this hop and are never passed on, in either direction (RFC 9110, 7.6.1). The
 * name may be in any case. */
bool header_is_hop_by_hop(const char *name, size_t bytes);
/* A token of RFC 9110 (5.6.2). */
bool header_name_is_valid(const char *name, size_t bytes);
/* No control character but a tab. */
bool header_value_is_valid(const char *value, size_t bytes);

/*
 * The host's notes of a channel. Requests are numbered from 1; those behind `done` up to `sent` are
 * in it, in that order. The guest can change nothing here.
 */
struct channel_port {
    struct channel *channel;
    uint32_t sent, done;
    uint32_t used;               /* a bit for each slot that holds one of them */
    uint32_t withdrawn;          /* a bit for each number (% CHANNEL_SLOTS): to be passed over */
    uint8_t slot[CHANNEL_SLOTS]; /* [number % CHANNEL_SLOTS] */
    bool wake_owed;              /* for requests that were sent */
};
_Static_assert(CHANNEL_SLOTS == 32, "bits of a uint32_t");

/* For a channel that has not been used. It stays the caller's. */
void port_open(struct channel_port *port, struct channel *channel);
/* The slot that the next request is to be written into. Fewer than CHANNEL_SLOTS are in use. */
uint32_t port_slot(const struct channel_port *port);
/* Publishes the request that was written into port_slot(). */
void port_send(struct channel_port *port);
/* Wakes the guest if it sleeps: owed behind one or more port_send(). */
void port_wake(struct channel_port *port);
/*
 * Takes the request that was sent last back; false when the guest has begun it, and then those
 * before it have been begun, too. A guest may lie about that to the harm of its own function only.
 */
bool port_withdraw(struct channel_port *port);
/* The guest has begun the first request in it. Only asked when there is one. */
bool port_begun(const struct channel_port *port);
/* Bits that the guest said of the first request in it before it has a response. */
uint32_t port_flags(const struct channel_port *port);
/*
 * 1: the first request in it has its response, in slot *ret_slot, until port_pass(). 0: not yet.
 * -EBADMSG: the guest says more than was asked.
 */
int port_response(struct channel_port *port, uint32_t *ret_slot);
/* Done with the first request in it. */
void port_pass(struct channel_port *port);
/* Asks for the guest's event at its next response; false: there is one already. */
bool port_wait_begin(struct channel_port *port);

/* What is known of an answer after response_check(): a private copy. */
struct response {
    uint32_t slot;
    uint32_t outcome; /* enum channel_outcome */
    uint32_t flags;
    uint32_t status;
    int32_t code;
    uint32_t head_bytes;
    uint32_t body_bytes;
    uint32_t header_count;
    uint32_t log_end;
    uint64_t length;
    char message[CHANNEL_MESSAGE_BYTES + 1]; /* printable, NUL-terminated */
};

/*
 * Copies the numbers of the response in a slot out of the channel and checks them against their
 * limits and `answer_max`. -EBADMSG, naming what is wrong.
 */
int response_check(struct channel *channel, uint32_t slot, uint32_t answer_max,
                   struct response *ret_response, struct err *err);

/* Copies head and body (response->head_bytes + body_bytes) to `ret_text`. */
void response_copy(struct channel *channel, const struct response *response, void *ret_text);

struct response_header {
    const char *name, *value;
};

/*
 * Parses a copied head in place: exactly `header_count` pairs, names that are tokens, values
 * without controls, nothing that belongs to the connection (hop-by-hop, content-length).
 * -EBADMSG, naming what is wrong.
 */
int response_headers(const char *head, const struct response *response,
                     struct response_header ret_headers[static REQUEST_HEADERS_MAX],
                     struct err *err);

/*
 * New output in the log ring since *read, at most `most` bytes: copied to `ret_text`
 * (CHANNEL_LOG_BYTES); *read moves on
 * and is published to the guest. *ret_dropped: bytes lost since the last time. Returns the count.
 */
size_t channel_log_take(struct channel *channel, uint64_t *read, uint32_t most, char *ret_text,
                        uint64_t *ret_dropped);
