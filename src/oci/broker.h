/* The process that answers a container's emulated calls: it lives as long as who has the filter. */
#pragma once

#include "oci/launch.h"

struct err;

/*
 * Starts it, apart from the caller: it takes the listener from `socket` when the init sends it, and
 * ends when nobody has the filter any more, or nobody will. `state_fd` is the container's
 * directory, where a policy that is set from inside is kept.
 */
int oci_broker_start(int socket, const struct oci_place *place, int state_fd, struct err *err);
