/* The two roles of vireo-gateway. Descriptors as faas/protocol.h says. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

struct gateway_calls_options {
    uint64_t log_rate; /* bytes a second of one function's output that are kept; 0: all */
    bool log_calls;    /* a line of the log for each call */
};

/* Serves the public port until GATEWAY_DRAIN is done or the supervisor has gone. */
int gateway_calls_run(const struct gateway_calls_options *options, struct err *err);

struct gateway_admin_options {
    uid_t allow_uids[8]; /* besides 0 */
    size_t allow_uid_count;
    size_t log_ring_bytes; /* of output kept for each function; a power of two */
    bool tcp;              /* descriptor 6 listens, descriptor 7 is a file with the token */
    const char
        *tcp_host; /* a Host that is accepted there besides addresses and localhost; or NULL */
};

#define GATEWAY_TOKEN_FD 7
#define GATEWAY_TOKEN_MAX 256

int gateway_admin_run(const struct gateway_admin_options *options, struct err *err);
