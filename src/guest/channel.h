/*
 * The channel of an instance: shared memory between the gateway (or `vireo run`) and one pVM.
 *
 * One memfd of CHANNEL_BYTES, sealed against shrinking and growing, mapped by both sides. One
 * call at a time: the host writes a request, raises `request_sequence` and wakes the futex; the
 * guest answers, sets `response_sequence` to the same number and writes 1 to its eventfd. Neither
 * side trusts the other: each copies every length once, checks it, and uses only the copy. There
 * are no offsets in shared memory: where a text lies follows from its checked length.
 *
 * What the guest and the host say to each other is this header and template.h, nothing else.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "base/limits.h"

/*
 * A head plus body of at most CHANNEL_SMALL_BYTES lies in the small area (three pages in all for a
 * small call, near each other), a longer one in the large area. Areas, from the start of the file:
 *   0        struct channel
 *   4 KiB    small request      8 KiB
 *   12 KiB   small response     8 KiB
 *   20 KiB   log ring           CHANNEL_LOG_BYTES
 *   2 MiB    large request      head max + body max
 *   10 MiB   large response     head max + body max
 */
#define CHANNEL_SMALL_BYTES (8u << 10)
#define CHANNEL_SMALL_REQUEST (4u << 10)
#define CHANNEL_SMALL_RESPONSE (12u << 10)
#define CHANNEL_LOG (20u << 10)
#define CHANNEL_LOG_BYTES (64u << 10)
#define CHANNEL_LARGE_REQUEST (2u << 20)
#define CHANNEL_LARGE_RESPONSE (10u << 20)
#define CHANNEL_BYTES (18u << 20)
/* One page past the log ring is not used; a text never crosses the end of its area. */

_Static_assert(REQUEST_HEAD_MAX_BYTES + REQUEST_BODY_MAX_BYTES <= 8u << 20,
               "request fits its area");
_Static_assert(RESPONSE_HEAD_MAX_BYTES + RESPONSE_BODY_MAX_BYTES <= 8u << 20,
               "response fits its area");

/* How a call ended, as the guest says. The host knows better when the guest died. */
enum channel_outcome {
    CHANNEL_ANSWERED = 0, /* status, headers and body are the answer */
    CHANNEL_FAILED,       /* a handler returned a negative number: `code` */
    CHANNEL_EXITED,       /* a command's exit status was not 0: `code` */
    CHANNEL_TRAPPED,      /* WebAssembly trap; `message` names it and the function */
    CHANNEL_TOO_LARGE,    /* the answer passed its limit */
    CHANNEL_BROKEN,       /* the library could not be set up; `message` */
    CHANNEL_IMPROPER,     /* what it said is no HTTP answer: `message`; it may serve again */
};

/* Bits of channel_response.flags. */
#define CHANNEL_MEMORY_REFUSED 1u /* memory.grow was refused by the limit during this call */
#define CHANNEL_FINISHED 2u       /* the instance ends after this answer (isolation: request) */

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
    uint32_t reserved;
};

/* A response's text is head then body; the head is `header_count` pairs of NUL-terminated strings.
 */
struct channel_response {
    uint32_t outcome; /* enum channel_outcome */
    uint32_t flags;
    uint32_t status; /* HTTP status, 100..599; 0: 200 */
    int32_t code;    /* exit status or handler's return value */
    uint32_t head_bytes;
    uint32_t body_bytes;
    uint32_t header_count;
    uint32_t reserved;
    char message[256]; /* NUL-terminated by the guest; the host bounds it again */
};

struct channel {
    /* Futex: the host raises it after the request is written (release); pairs with the guest's
     * acquire load. */
    _Atomic uint32_t request_sequence;
    /* Set by the guest to the request's number after the response is written (release). */
    _Atomic uint32_t response_sequence;
    struct channel_request request;
    struct channel_response response;
    /* Bytes of output ever written to the log ring (only the guest writes; it wraps at
     * CHANNEL_LOG_BYTES), and how many did not fit since the host last read. */
    _Atomic uint64_t log_written;
    _Atomic uint64_t log_read; /* only the host writes: how far it has read */
    _Atomic uint64_t log_dropped;
};
_Static_assert(sizeof(struct channel) <= 4096, "one page");
_Static_assert(CHANNEL_LOG + CHANNEL_LOG_BYTES <= CHANNEL_LARGE_REQUEST, "areas don't overlap");

/* Where a request's or response's text of these (checked) lengths lies. */
static inline uint8_t *channel_request_text(struct channel *channel, uint32_t head, uint32_t body)
{
    uint32_t at = (uint64_t)head + body <= CHANNEL_SMALL_BYTES ? CHANNEL_SMALL_REQUEST
                                                               : CHANNEL_LARGE_REQUEST;
    return (uint8_t *)channel + at;
}

static inline uint8_t *channel_response_text(struct channel *channel, uint32_t head, uint32_t body)
{
    uint32_t at = (uint64_t)head + body <= CHANNEL_SMALL_BYTES ? CHANNEL_SMALL_RESPONSE
                                                               : CHANNEL_LARGE_RESPONSE;
    return (uint8_t *)channel + at;
}
