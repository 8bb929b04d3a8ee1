/* The process that answers a container's emulated calls: it lives as long as who has the filter. */
#pragma once

#include "oci/launch.h"

struct err;

/*
 * Starts it, apart from the caller: it takes the listener from `socket` (-1: there is none) when
 * the init sends it, and ends when nobody has the filter any more, or nobody will. `state_fd` is
 * the container's directory, where a policy that is set from inside is kept. `view` (NULL: another
 * broker has it) is what it stands in for when its process ends. *ret_between: process_apart().
 */
struct oci_view;
int oci_broker_start(int socket, const struct oci_place *place, int state_fd,
                     const struct oci_view *view, pid_t *ret_between, struct err *err);

/* A process that looks at the container every interval, and gives it fifo or normal: as long as
 * something runs there and its policy is adaptive. One is enough: another ends at once. */
int oci_adaptive_start(const struct oci_place *place, int state_fd, struct err *err);
