/*
 * The channel of an instance: shared memory between the gateway (or `vireo run`) and one pVM.
 *
 * One memfd of CHANNEL_BYTES, sealed against shrinking and growing, mapped by both sides. It has
 * CHANNEL_SLOTS slots; a request is written into a free one, named in `order` and published by
 * raising `request_sequence`. The guest serves requests one after another in the order of their
 * numbers, and says how far it is in `response_sequence`. Several may wait, so that under load
 * neither side sleeps between two calls.
 *
 * Who is to be woken says so: the guest has `guest_waits` set while it sleeps on the futex
 * `request_sequence`, the host sets `host_waits` before it waits for the guest's eventfd. Each then
 * looks at the other's sequence once more (all sequentially consistent: one of the two sees the
 * other). `guest_waits` is the guest's to clear: a waker that cleared it between its last look and
 * its sleep would wake nobody, now or later. `host_waits` is cleared by the guest that writes the
 * event, which stays. It writes it behind the last request that it has, so that a batch costs one;
 * a host that sent several looks by itself when the first takes long.
 *
 * Neither side trusts the other: each copies every length once, checks it, and uses only the copy.
 * There are no offsets in shared memory: where a text lies follows from its slot and its checked
 * length. The host keeps its own notes of which call is in which slot.
 *
 * What the guest and the host say to each other is this header and template.h, nothing else.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"

#define CHANNEL_SLOTS 32u

/*
 * A head plus body of at most CHANNEL_SMALL_BYTES lies in its slot's small area, a longer one in
 * its large area. Areas, from the start of the file: 0           struct channel 4 KiB       log
 * ring                CHANNEL_LOG_BYTES 70 KiB      for each slot: small request, small response 8
 * KiB each 2 MiB       for each slot: large request, large response     8 MiB each: head max + body
 * max Pages that nobody touched take no memory. So a small request lies at the end of its area,
 * where the response's begins, in the middle of a page: a call of up to 2 KiB either way touches
 * this page and the first one.
 */
#define CHANNEL_LOG (4u << 10)
#define CHANNEL_LOG_BYTES (64u << 10)
#define CHANNEL_SMALL (70u << 10)
#define CHANNEL_SMALL_BYTES (8u << 10)
#define CHANNEL_LARGE (2u << 20)
#define CHANNEL_LARGE_BYTES (8u << 20)
#define CHANNEL_BYTES (CHANNEL_LARGE + CHANNEL_SLOTS * 2u * CHANNEL_LARGE_BYTES)

_Static_assert(REQUEST_HEAD_MAX_BYTES + REQUEST_BODY_MAX_BYTES <= CHANNEL_LARGE_BYTES,
               "request fits its area");
_Static_assert(RESPONSE_HEAD_MAX_BYTES + RESPONSE_BODY_MAX_BYTES <= CHANNEL_LARGE_BYTES,
               "response fits its area");
_Static_assert(CHANNEL_SMALL + CHANNEL_SLOTS * 2u * CHANNEL_SMALL_BYTES <= CHANNEL_LARGE,
               "areas don't overlap");

/* How a call ended, as the guest says. The host knows better when the guest died. */
enum channel_outcome {
    CHANNEL_ANSWERED = 0, /* status, headers and body are the answer */
    CHANNEL_FAILED,       /* a handler returned a negative number: `code` */
    CHANNEL_EXITED,       /* a command's exit status was not 0: `code` */
    CHANNEL_TRAPPED,      /* WebAssembly trap; the text names it and the function */
    CHANNEL_TOO_LARGE,    /* the answer passed its limit */
    CHANNEL_BROKEN,       /* the library could not be set up; the text says why */
    CHANNEL_IMPROPER,     /* what it said is no HTTP answer: the text; it may serve again */
    CHANNEL_ERROR,        /* it answered that it failed; the text is its own */
};

/* Bits of channel_response.flags. */
#define CHANNEL_MEMORY_REFUSED 1u /* memory.grow was refused by the limit during this call */
#define CHANNEL_FINISHED 2u       /* the instance ends after this answer (isolation: request) */
#define CHANNEL_PIDS_REFUSED 4u   /* fork was refused by the limit; said before the response too */
#define CHANNEL_LENGTH 8u         /* of an answer to HEAD or a 304: `length` is said, no body */

/*
 * A request's text is head then body. The head is NUL-terminated strings: method, path (what
 * follows /function/NAME, "/" if nothing does), query (without "?"), scheme-and-host
 * ("http://host"), remote address, then `header_count` pairs of lower-case name and value.
 */
struct channel_request {
    uint32_t head_bytes;   /* <= REQUEST_HEAD_MAX_BYTES */
    uint32_t body_bytes;   /* <= REQUEST_BODY_MAX_BYTES */
    uint32_t header_count; /* <= REQUEST_HEADERS_MAX */
    uint32_t answer_max;   /* bytes that the answer's body may have, <= RESPONSE_BODY_MAX_BYTES */
    uint32_t remaining_ms; /* of the time limit, for the guest's information; 0: none */
};

/* Longest text of a response that is not CHANNEL_ANSWERED. */
#define CHANNEL_MESSAGE_BYTES 255u

/*
 * An answer's text is head then body; the head is `header_count` pairs of NUL-terminated strings.
 * Any other response's text is `head_bytes` of message and no body.
 */
struct channel_response {
    uint32_t outcome; /* enum channel_outcome */
    uint32_t flags;
    uint32_t status; /* HTTP status, 100..599; 0: 200 */
    int32_t code;    /* exit status or handler's return value */
    uint32_t head_bytes;
    uint32_t body_bytes;
    uint32_t header_count;
    uint32_t log_end; /* low bits of log_written behind the call's own output */
    uint64_t length;  /* of the body that GET would bring (CHANNEL_LENGTH), <= INT64_MAX */
};

/* Of a slot. A request that was not taken yet can be withdrawn; its number is then passed over. */
enum channel_state { CHANNEL_FREE = 0, CHANNEL_READY, CHANNEL_TAKEN };

struct channel_slot {
    _Alignas(64) _Atomic uint32_t state; /* enum channel_state */
    struct channel_request request;
    struct channel_response response;
};
_Static_assert(sizeof(struct channel_slot) == 64, "one cache line");

struct channel {
    /* Written by the host. */
    _Alignas(64) _Atomic uint32_t request_sequence; /* futex: requests published so far */
    _Atomic uint32_t guest_waits;                   /* the guest's */
    uint8_t order[CHANNEL_SLOTS]; /* [number % CHANNEL_SLOTS]: the slot of that request */
    _Atomic uint64_t log_read;    /* how far the host has read the log ring */
    /* Written by the guest. */
    _Alignas(64) _Atomic uint32_t response_sequence; /* requests done with so far */
    _Atomic uint32_t host_waits;                     /* set by the host, cleared by the guest */
    /* Bytes of output ever written to the log ring (it wraps at CHANNEL_LOG_BYTES), and how many
     * did not fit since the host last read. */
    _Atomic uint64_t log_written;
    _Atomic uint64_t log_dropped;
    struct channel_slot slots[CHANNEL_SLOTS];
    /* Raised by the supervisor when a message lies in the instance's control socket (control.h),
     * where there is one: a second futex of the guest's wait. The gateway has no use of it. */
    _Alignas(64) _Atomic uint32_t control_sequence;
};
_Static_assert(sizeof(struct channel) <= 4096, "one page");

/* Where the text of a request or response of these (checked) lengths lies. `slot`: below
 * CHANNEL_SLOTS. */
static inline uint8_t *channel_request_text(struct channel *channel, uint32_t slot, uint32_t head,
                                            uint32_t body)
{
    uint8_t *base = (uint8_t *)channel;

    return (uint64_t)head + body <= CHANNEL_SMALL_BYTES
               ? base + CHANNEL_SMALL + (slot * 2u + 1) * CHANNEL_SMALL_BYTES - head - body
               : base + CHANNEL_LARGE + slot * 2u * CHANNEL_LARGE_BYTES;
}

static inline uint8_t *channel_response_text(struct channel *channel, uint32_t slot, uint32_t head,
                                             uint32_t body)
{
    uint8_t *base = (uint8_t *)channel;

    return (uint64_t)head + body <= CHANNEL_SMALL_BYTES
               ? base + CHANNEL_SMALL + (slot * 2u + 1) * CHANNEL_SMALL_BYTES
               : base + CHANNEL_LARGE + (slot * 2u + 1) * CHANNEL_LARGE_BYTES;
}

/* ---- publishing and waking: the same on either side ---- */

/* For the guest, after a store to response_sequence (sequentially consistent): true when the host
 * is to be sent the event. */
static inline bool channel_must_tell(struct channel *channel)
{
    return atomic_load(&channel->host_waits) != 0 && atomic_exchange(&channel->host_waits, 0) != 0;
}

/* Announces that the caller is about to sleep; false: something came meanwhile, don't. */
static inline bool channel_wait_begin(_Atomic uint32_t *waits, _Atomic uint32_t *sequence,
                                      uint32_t seen)
{
    atomic_store(waits, 1);
    return atomic_load(sequence) == seen;
}
