/* User namespaces: maps of ids written for others, and namespaces that are only maps. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "oci/config.h"

struct err;

/*
 * Writes the maps of `pid`'s fresh user namespace; empty ones stand for all ids that the caller
 * has. Without the capability for it: newuidmap and
 * newgidmap, and for one's own single id the kernel alone, after setgroups(2) was given up
 * (*ret_set_groups says whether it still works).
 */
int user_namespace_map(pid_t pid, const struct oci_mappings *uids, const struct oci_mappings *gids,
                       bool *ret_set_groups, struct err *err);

/* A namespace with these maps, that nobody lives in: for the idmap of a mount. The descriptor or
 * -errno. */
int user_namespace_make(const struct oci_mappings *uids, const struct oci_mappings *gids);

/* Gives the detached mount `tree` the maps of `users`. */
int user_namespace_idmap(int users, int tree, bool recursive);

/* The id on the host of one inside; without maps it is the same. An unmapped one stays. */
uint32_t user_namespace_outside(const struct oci_mappings *map, uint32_t inside);
