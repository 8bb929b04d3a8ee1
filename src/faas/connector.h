/*
 * vireo-connector: makes the connections of functions with a grant to connect. A process without
 * any privilege, under its own uid and filter, in the machine's network; functions have no system
 * call that connects. Its arguments are the operator's rules (allow_grants: connect:).
 *
 *   supervisor to connector   CONNECTOR_SUPERVISOR_FD: struct connector_instance and one
 * descriptor, the connector's end of a SEQPACKET pair whose other end the instance has instance to
 * connector     over that pair: struct guest_connect connector to instance     struct
 * guest_connected, and the connected socket when its error is 0
 *
 * Who asks is known by the pair, what may be asked for by what the supervisor said of it.
 */
#pragma once

#include <stdint.h>

#include "base/limits.h"
#include "guest/template.h"

#define CONNECTOR_SUPERVISOR_FD 3

struct connector_instance {
    uint64_t id; /* of the pVM, for the log */
    char function[NAME_MAX_BYTES + 1];
    uint32_t count;
    uint32_t reserved;
    char endpoints[GRANT_CONNECT_MAX][ENDPOINT_MAX_BYTES + 1]; /* "HOST:PORT" each */
};

/* The connector to its supervisor, about once a second: what a function asked for since. */
struct connector_report {
    char function[NAME_MAX_BYTES + 1];
    uint32_t uses, denied, limited; /* of `uses` were refused, or met a limit of number or time */
};

/* Serves until the supervisor is gone. Returns the program's exit status. */
int connector_main(int rule_count, char **rules);

struct err;
/* The filter of this program: sockets of the Internet, files to be read, forks; nothing else. */
int connector_seccomp_install(struct err *err);
