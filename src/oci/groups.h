/* The control groups of a container: where they are, what stands in them. */
#pragma once

#include "cgroup/place.h"
#include "oci/launch.h"

#define GROUPS_ONLY_MAX 256

/*
 * The path of a new container's groups: linux.cgroupsPath; one that is relative (or missing: the
 * id) lies below "/" for root and below this process's own group for others.
 */
int groups_path(const struct oci_config *config, const char *id, char ret_path[OCI_CGROUP_PATH_MAX],
                struct err *err);

/*
 * Makes the groups that the configuration needs in `groups`, found and not yet open, and limits
 * them. On failure those that it made are gone again. -EBUSY: somebody lives in one that was there,
 * for what is in a container's groups ends with it; `given`: fine, they are of its own manager.
 * RESOURCES_NO_DEVICES: as of resources_devices().
 */
int groups_make(struct cgroup_place *groups, const struct oci_config *config, bool unified,
                bool given, struct err *err);

/* Whether there is any limit that only a group can hold (device rules are no limit to a user). */
bool groups_are_wanted(const struct oci_resources *resources);

/* Gives the v2 group to the container's root, who may divide it: its directory and the files that
 * the kernel lists as safe to delegate. Nothing to do without a v2 group. */
int groups_delegate(const struct cgroup_place *groups, uid_t uid, gid_t gid, struct err *err);

/* Applies what is set; makes and enters (slowly) trees that the container is not in yet. Returns 0,
 * or RESOURCES_NO_DEVICES. */
int groups_limit(struct cgroup_place *groups, const struct oci_resources *resources, bool fresh,
                 struct err *err);

/* The groups of `place`, open. -ENOENT: gone; `place` without groups too. */
int groups_open(const struct oci_place *place, struct cgroup_place *ret_groups, struct err *err);

/* -E2BIG: they lie too deep for the programs in the kernel that tell a container's tasks, of its
 * log and its overcommit. */
int groups_within_reach(const struct cgroup_place *groups, const char *what, struct err *err);

/* One file of one tree. */
int groups_write(const struct cgroup_place_tree *tree, const char *file, const char *value,
                 struct err *err);
/* From here on what groups_write() replaces is kept, until groups_kept(), which puts it back with
 * `undo`; the trees are open meanwhile. */
void groups_keep(void);
void groups_kept(bool undo);
/* The tree of a controller, v1 or v2; an error that names `what` when there is none. */
int groups_tree(struct cgroup_place *groups, const char *controller, const char *what,
                struct cgroup_place_tree **ret_tree, struct err *err);

int resources_v1(struct cgroup_place *groups, const struct oci_resources *resources,
                 struct err *err);
int resources_v2(struct cgroup_place *groups, const struct oci_resources *resources,
                 struct err *err);
/* What a container may do with devices, the last rule that matches decides: what is configured,
 * after "nothing" and before what all may have. *ret_rules is malloc'ed. */
int resources_device_rules(const struct oci_resources *resources,
                           struct cgroup_device_rule **ret_rules, size_t *ret_count);
/* The device list of a user who is not root, that nothing here can hold: success, which is told. */
#define RESOURCES_NO_DEVICES 1
int resources_devices(struct cgroup_place *groups, const struct oci_resources *resources,
                      struct err *err);
