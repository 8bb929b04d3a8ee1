/* The two roles of vireo-gateway. Descriptors as faas/protocol.h says. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct err;

/* Serves the public port until GATEWAY_DRAIN is done or the supervisor has gone. */
int gateway_calls_run(struct err *err);

struct gateway_admin_options {
    uid_t allow_uids[8]; /* besides 0 */
    size_t allow_uid_count;
    bool tcp; /* descriptor 6 listens, descriptor 7 is a file with the token */
    const char
        *tcp_host; /* a Host that is accepted there besides addresses and localhost; or NULL */
};

#define GATEWAY_TOKEN_FD 7
#define GATEWAY_TOKEN_MAX 256

int gateway_admin_run(const struct gateway_admin_options *options, struct err *err);
