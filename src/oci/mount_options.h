/* The options of a mount in config.json: what each means to the kernel. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oci/config.h"

/* A list of options, taken apart. What is not ours is the file system's: it stays in `data`. */
struct oci_mount_flags {
    uint64_t set, clear;                         /* MOUNT_ATTR_* */
    uint64_t recursive_set, recursive_clear;     /* of rro, rnosuid… */
    uint64_t propagation, recursive_propagation; /* MS_SHARED…; 0: not given */
    bool bind, recursive, remount, copy_up, nofollow, copy_link, target_nofollow;
    bool idmap, recursive_idmap;
    const char **data; /* "size=64k", "hidepid=2", and the flags of superblocks */
    size_t data_count;
};

/* `ret_data` has room for all options. */
void oci_mount_flags_read(const struct oci_strings *options, const char **ret_data,
                          struct oci_mount_flags *ret_flags);
