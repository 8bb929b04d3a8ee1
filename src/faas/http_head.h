/*
 * The head of an HTTP/1.x request and the framing of its body, read strictly (RFC 9112). Whatever
 * two readers could take in two ways is refused, never mended: bare LF, folded lines, a blank
 * before a colon, two lengths, a length beside chunks. Nothing here allocates; text is parsed and
 * ended with NUL where it lies.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "faas/problem.h"

#define HTTP_TARGET_MAX_BYTES (16u << 10)
/* Request line and fields as they are sent. What a function is given has a limit of its own. */
#define HTTP_HEAD_MAX_BYTES (40u << 10)
#define HTTP_FIELDS_MAX 256

/* Why a request is not served. `detail` is a constant. */
struct http_refusal {
    enum problem_cause cause;
    const char *detail;
};

/* How far an incomplete head was looked at. Zeroed for each head. */
struct http_scan {
    uint32_t line; /* where the current line begins */
    uint32_t at;   /* what was looked at */
    uint32_t lines;
};

/*
 * Looks for the end of the head in data[0..bytes), which may have grown since the last call. The
 * bytes of the head with its empty line; 0: it goes on; -1: refused as early as that is known, so
 * that nobody waits for the end of what is no request.
 */
ssize_t http_head_scan(struct http_scan *scan, const char *data, size_t bytes,
                       struct http_refusal *ret_refusal);

struct http_field {
    uint16_t name, name_bytes, value, value_bytes; /* offsets in the text; each ends with NUL */
};

struct http_head {
    char *text;
    char *method, *path, *query;
    size_t path_bytes, query_bytes;
    bool minor_1;    /* HTTP/1.1, else 1.0 */
    bool keep_alive; /* the client wants it */
    bool chunked;
    bool expects_continue;
    int64_t body_bytes; /* -1: chunked */
    uint32_t field_count;
    struct http_field fields[HTTP_FIELDS_MAX];
};

/*
 * Parses a complete head in place. The authority of an absolute target takes the place of Host.
 * 0, or -1 with the refusal.
 */
int http_head_parse(char *text, size_t bytes, struct http_head *ret_head,
                    struct http_refusal *ret_refusal);

/* The first field of that name (any case), or NULL. */
const char *http_head_find(const struct http_head *head, const char *name);

/* Chunks of a body. Zeroed for each. */
struct http_chunks {
    enum {
        CHUNK_SIZE,
        CHUNK_EXTENSION,
        CHUNK_SIZE_LF,
        CHUNK_DATA,
        CHUNK_DATA_CR,
        CHUNK_DATA_LF,
        CHUNK_TRAILER,
        CHUNK_TRAILER_LINE,
        CHUNK_TRAILER_LF,
        CHUNK_END_LF,
        CHUNK_OVER,
    } state;
    bool named;        /* the trailer's line has a colon */
    uint32_t digits;   /* of the size */
    uint32_t overhead; /* bytes of extensions and trailers so far */
    uint64_t left;     /* of the chunk's data */
};

/*
 * Takes bytes of a chunked body: returns how many were taken (all of them, up to a piece of data,
 * or up to the body's end: state CHUNK_OVER), or -1 when they are no chunks. A piece of data is
 * data[*ret_at .. + *ret_bytes).
 */
ssize_t http_chunks_take(struct http_chunks *chunks, const char *data, size_t bytes, size_t *ret_at,
                         size_t *ret_bytes);
