/* How much memory a group may commit: what overcommit.bpf.c and who sets it agree on. */
#pragma once

#include <linux/types.h>

/* Names of maps are the kernel's, for all of the machine: the layout is part of this one. */
#define COMMIT_MAP "vireo_commit"
#define COMMIT_GROUPS_MAX 4096

/* vm.overcommit_memory's numbers. */
enum commit_mode { COMMIT_GUESS, COMMIT_ALWAYS, COMMIT_NEVER };

/* The value of a group's id. In pages. */
struct commit_group {
    __u32 mode; /* enum commit_mode */
    __u32 reserved;
    __u64 most;  /* of one request, with COMMIT_GUESS */
    __u64 limit; /* of all address spaces together, with COMMIT_NEVER */
    /* At least what is committed: the last sum and what was asked for since. When it is above the
     * limit the sum is made anew. */
    __u64 estimate;
};
