/*
 * What an instance and vireo-platform say to each other, over a SEQPACKET socket that the
 * supervisor made for the two: one request, then one answer. Whose data is meant is known by the
 * socket; no message names it.
 */
#pragma once

#include <stdint.h>

#define PLATFORM_KEY_MAX 512u         /* bytes of a key, and of a queue's name */
#define PLATFORM_TEXT_MAX (16u << 10) /* of a statement; of an HTTP request's lines */
#define PLATFORM_DATA_MAX (64u << 10) /* of a value, parameters, a message, a body, an answer */

enum platform_operation {
    PLATFORM_KV_GET = 1, /* first: the key */
    PLATFORM_KV_PUT,     /* first: the key; second: the value */
    PLATFORM_KV_DELETE,
    /*
     * First: one SQL statement; second: its parameters, one behind the other: a tag, then for 'i' 8
     * bytes of a signed number, for 'd' 8 of a double, for 't' and 'b' 4 of the length and the text
     * or bytes, for 'n' (NULL) nothing. All in the machine's own order, little-endian. The answer:
     * three numbers of 4 bytes (columns, rows, rows changed), then the cells, row by row, as
     * parameters are.
     */
    PLATFORM_SQL,
    PLATFORM_QUEUE_PUSH, /* first: the function to be called; second: its body */
    /*
     * First: "METHOD URL\n", then header lines "Name: value\n"; second: the body. The answer: 4
     * bytes of the status, then the body.
     */
    PLATFORM_HTTP,
    PLATFORM_HTTP_ANY, /* the same, to any place of the public Internet */
    PLATFORM_EXEC,     /* first: the program; second: its input; the answer: its output */
    PLATFORM_OPERATIONS,
};

struct platform_request {
    uint32_t operation;
    uint32_t sequence; /* comes back in the answer */
    uint32_t first_bytes, second_bytes;
    uint32_t room; /* bytes that the answer may have */
    uint32_t reserved;
    /* then the first and the second */
};

struct platform_answer {
    uint32_t sequence;
    int32_t error; /* 0, or -errno; then there are no bytes */
    uint32_t bytes;
    uint32_t reserved;
    /* then the bytes */
};

#define PLATFORM_REQUEST_MAX \
    (sizeof(struct platform_request) + PLATFORM_TEXT_MAX + PLATFORM_DATA_MAX)
