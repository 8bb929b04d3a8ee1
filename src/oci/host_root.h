/*
 * The root of a container that has no mount namespace of its own: what is mounted for it is mounted
 * in the runtime's. All of it stands on one mount, the root on itself, so that it goes in one step.
 */
#pragma once

#include <stdint.h>

struct err;

/*
 * A private copy of the tree at the directory `root` (absolute, resolved), mounted nowhere yet: its
 * descriptor, the caller's. *ret_mount is what host_root_remove() will know it by: kept before the
 * tree is attached, it survives a crash. Needs CAP_SYS_ADMIN over the mount namespace.
 */
int host_root_copy(const char *root, uint64_t *ret_mount, struct err *err);

/* Mounts it on `root`. */
int host_root_attach(const char *root, int tree, struct err *err);

/* Takes that mount and all on it away; fine when it is gone, or `mount` is 0. */
int host_root_remove(const char *root, uint64_t mount, struct err *err);
