/* What the container asks of its broker through its files: its policy, its slice, its swappiness.
 */
#pragma once

#include "oci/launch.h"
#include "vkernel/view_protocol.h"
#include "vkernel/vkernel.h"

/* The policy as it is kept in the container's directory. */
enum vkernel_policy broker_policy(int state_fd);
/* Sets it for every thread of the container, and keeps it. -errno. */
int broker_set_policy(const struct oci_place *place, int state_fd, enum vkernel_policy policy);

/* Reads or writes one; what is not one is an error of the answer. */
void broker_grant(const struct oci_place *place, int state_fd, const struct view_wish *wish,
                  struct view_granted *ret_granted);
