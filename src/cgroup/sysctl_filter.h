/* A v2 group's access to files below /proc/sys, through whichever mount of procfs it comes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct err;

#define CGROUP_SYSCTL_NAME_BYTES 32
#define CGROUP_SYSCTLS_MAX 16

struct cgroup_sysctl {
    const char *name; /* "vm/swappiness": the group and those below it can't write it (EPERM) */
    bool read;        /* nor read it */
};

/*
 * Attaches a program that denies this to the v2 group `fd`; it goes with the group, and the groups
 * below can't undo it. Needs CAP_BPF and CAP_NET_ADMIN.
 */
int cgroup_sysctl_deny(int fd, const struct cgroup_sysctl *rules, size_t count, struct err *err);
