/*
 * A worker's courier: the process that may use the network for it and sees no data but what it
 * carries. One request at a time to the worker's socket, answered in any order.
 */
#pragma once

#include <stdint.h>

#include "faas/platform.h"

#define COURIER_CHILDREN 16 /* requests of one function at once */

enum courier_kind { COURIER_HTTP = 1, COURIER_HTTP_ANY, COURIER_MESSAGE, COURIER_EXEC };

struct courier_request {
    uint32_t kind;
    uint32_t number; /* the worker's; comes back */
    uint32_t function_id, timeout_ms;
    uint32_t first_bytes, second_bytes, room;
    uint32_t connect_count;
    char connects[GRANT_CONNECT_MAX][ENDPOINT_MAX_BYTES + 1];
    /* Then: HTTP as guest/platform.h has it; of a message the function's name and the body; of a
     * program its name and its input. */
};

struct courier_answer {
    uint32_t kind;
    uint32_t number;
    int32_t error;  /* 0, or -errno */
    uint32_t bytes; /* HTTP: status and body; program: its output; message: none, error -EAGAIN: try
                       again later */
};

#define COURIER_REQUEST_MAX (sizeof(struct courier_request) + PLATFORM_TEXT_MAX + PLATFORM_DATA_MAX)
#define COURIER_ANSWER_MAX (sizeof(struct courier_answer) + PLATFORM_DATA_MAX)

/* In a child: serves until the worker is gone. */
_Noreturn void platform_courier(const struct platform_options *options, uint32_t function_id);

/* One request of each kind, in a child of the courier. The answer's length or -errno. */
int courier_http(const struct platform_options *options, const struct courier_request *request,
                 char *first, const uint8_t *second, uint8_t *to);
int courier_message(const struct platform_options *options, const struct courier_request *request,
                    const char *function, const uint8_t *body);
int courier_exec(const struct platform_options *options, const struct courier_request *request,
                 const char *program, const uint8_t *input, uint8_t *to);
/*
 * A connection to Redis that may touch this function's keys and no others; or -errno. The worker
 * asks for it over WORKER_REDIS_FD by a struct courier_request's number of 4 bytes, and gets 4
 * bytes: 0 and the socket, or -errno.
 */
int courier_redis(const struct platform_options *options, uint32_t function_id);
/* Removes all that a function had there. 0 or -errno. */
int courier_redis_forget(const struct platform_options *options, uint32_t function_id);
