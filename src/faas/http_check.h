/*
 * What libmicrohttpd lets through and two readers could take in two ways: it is refused before
 * anybody else sees it (RFC 9112, 11.2: request smuggling).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "faas/problem.h"

struct MHD_Connection;

#define HTTP_TARGET_MAX_BYTES (16u << 10)

/* A target taken apart. Pointers into its text; NULL where there is nothing. */
struct http_target {
    const char *path, *query;
    size_t path_bytes, query_bytes;
    const char *authority; /* of "http://authority/path"; not NUL-terminated */
    size_t authority_bytes;
    size_t bytes; /* of the whole */
};

/*
 * Splits "/path?query", "http://host/path?query" or "*" in place. NULL, or why it is refused, with
 * its cause.
 */
const char *http_target_split(char *text, struct http_target *ret_target,
                              enum problem_cause *ret_cause);

/*
 * Checks method, headers, Host and the framing of the body: one Host, which an absolute target must
 * not gainsay; a length or chunks, not both, neither twice; no byte of the head that none of its
 * parts has. `method` and `version` are libmicrohttpd's own, where they stand in the head.
 * *ret_body_bytes: -1 for chunks. NULL, or why it is refused, with its cause.
 */
const char *http_head_check(struct MHD_Connection *connection, const char *method,
                            const char *version, const struct http_target *target,
                            int64_t *ret_body_bytes, enum problem_cause *ret_cause);
