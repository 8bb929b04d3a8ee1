/* The functions that backends.c lists. See struct cgroup_controller. */
#pragma once

#include "cgroup/internal.h"

#define LIMIT_FUNCTION(name)                                                                   \
    int name(const struct cgroup_tree *tree, const char *dir, const struct cgroup_limits *was, \
             const struct cgroup_limits *want, struct err *err)

LIMIT_FUNCTION(v2_limit_memory);
LIMIT_FUNCTION(v2_limit_cpu);
LIMIT_FUNCTION(v2_limit_io);
LIMIT_FUNCTION(v1_limit_memory);
LIMIT_FUNCTION(v1_limit_cpu);
LIMIT_FUNCTION(v1_limit_io);
LIMIT_FUNCTION(cgroup_limit_pids); /* the same on both */
