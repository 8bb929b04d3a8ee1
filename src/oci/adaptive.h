/* Adaptive scheduling of a container. */
#pragma once

#include "oci/launch.h"

/* In the container's directory: "POLICY DECISIONS USE SWITCHES", for `vk get`. */
#define ADAPTIVE_FILE "adaptive"

struct adaptive_seen {
    char policy[16];
    unsigned long long decisions; /* changes of the policy */
    double use, switches;         /* per cent of the CPUs' time; a second */
};

/* Looks, decides and acts until nothing runs in the container or its policy is another one. */
void adaptive_look(const struct oci_place *place, int state_fd);
/* What was seen last; -ENOENT: nobody has looked yet. */
int adaptive_read(int state_fd, struct adaptive_seen *ret_seen);
