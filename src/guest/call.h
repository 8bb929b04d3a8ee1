/*
 * One call as the guest's code sees it: what is asked, and where the answer gathers. Filled by the
 * loop (instance_calls.c) from the channel; read by host.c (handlers) and wasi.c (commands:
 * standard input is the body, standard output the answer's body, standard error the log).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "guest/channel.h"

struct call_text {
    const char *data; /* NUL-terminated, inside the request's head (a private copy) */
    uint32_t bytes;
};

struct family;

struct guest_call {
    /* The request. */
    struct call_text method, path, query, host, remote;
    uint32_t header_count;
    const uint8_t
        *body; /* in shared memory: the host may change it at any time; copy, don't trust */
    uint32_t body_bytes;
    uint32_t body_read; /* how far standard input has been read */

    /* The answer. */
    uint32_t answer_max;
    uint32_t status;     /* 0: not set */
    bool has_bad_status; /* it asked for `bad_status`, which is no final one */
    uint32_t bad_status;
    uint32_t response_head_bytes;
    uint32_t response_header_count;
    uint8_t *answer; /* private memory of answer_max bytes, reserved, filled from its start */
    uint32_t answer_bytes;
    bool has_length; /* the answer has no body, and is said to stand for one of `length` bytes */
    uint64_t length;

    uint8_t *kept_body; /* call_keep_body() */
    struct family
        *family; /* in a child of the instance, which has no channel: its log goes there */
    struct channel *channel; /* the log ring is there; NULL in tests: the log goes nowhere */
    uint32_t slot;           /* of the channel */

    /* The arrays are last, the one that grows most behind the others: of an ordinary call one page
     * is touched. */
    struct call_text header_names[REQUEST_HEADERS_MAX]; /* lower case */
    struct call_text header_values[REQUEST_HEADERS_MAX];
    char response_head[RESPONSE_HEAD_MAX_BYTES];
};

/*
 * Takes the request out of a slot of the channel: the head is copied to `head_copy`
 * (REQUEST_HEAD_MAX_BYTES + 1 bytes) and parsed there. -EBADMSG when it is not what channel.h says.
 */
int call_parse(struct guest_call *call, struct channel *channel, uint32_t slot, char *head_copy);

/*
 * A command's body that was not read yet moves to private memory, where a fork has it too.
 * call_drop_body() frees that. 0 or -ENOMEM.
 */
int call_keep_body(struct guest_call *call);
void call_drop_body(struct guest_call *call);
/* In a fork: the call is the parent's to answer. What is written goes to the log of `family`. */
void call_leave(struct guest_call *call, struct family *family);
/* Says a bit of channel_response.flags before there is a response, should there never be one. */
void call_flag(struct guest_call *call, uint32_t flag);

/* Appends to the answer's body. -EFBIG when it would pass answer_max: nothing is appended. */
int call_answer(struct guest_call *call, const void *data, size_t bytes);

/* Adds a header to the answer. -EINVAL for a name or value that HTTP doesn't allow, -E2BIG. */
int call_response_header(struct guest_call *call, const char *name, size_t name_bytes,
                         const char *value, size_t value_bytes);

/* Appends to the log ring; what does not fit is counted as dropped. */
void call_log(struct guest_call *call, const void *data, size_t bytes);

/*
 * CGI: takes a leading header block (Status:, Content-Type:, ... up to an empty line) out of the
 * answer's body and makes status and headers of it. -EBADMSG when there is no proper block.
 */
int call_cgi_head(struct guest_call *call);

/*
 * Writes the response to the call's slot; publishing it is the caller's. An answer whose only
 * status was a bad one becomes CHANNEL_IMPROPER: a function that meant to fail must not seem to
 * have succeeded.
 */
void call_respond(struct guest_call *call, enum channel_outcome outcome, int32_t code,
                  uint32_t flags, const char *message);
