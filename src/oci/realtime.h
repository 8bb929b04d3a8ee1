/*
 * Budgets of the kernel's real-time scheduling: cpu.rt_runtime_us of a container's v1 group, which
 * the kernel holds it to on each CPU. Given by the operator alone (sched.realtime).
 */
#pragma once

#include <stdint.h>

struct cgroup_place;
struct err;
struct oci_config;
struct oci_resources;
struct vkernel;

/* Has the container be in the tree that holds its budget. -ENOTSUP: there is none here. Nothing to
 * do without a budget. */
int realtime_prepare(const struct vkernel *vkernel, struct oci_config *config, struct err *err);
/* -EINVAL: an update would change the budget that the operator gave, past the bound of all. */
int realtime_check_update(const struct vkernel *vkernel, const struct oci_resources *resources,
                          struct err *err);
/*
 * Gives the groups, made and open, their budget, and groups above as much as theirs need. -EDQUOT:
 * all budgets together would be more than half of each CPU; they are then as before.
 */
int realtime_give(struct cgroup_place *groups, uint32_t percent, struct err *err);
/* Nobody lives in the groups at this path any more, or they are gone: takes back what they had, and
 * those above for them. While they are there it is free at once, else when the kernel lets go. */
void realtime_take_back(const char *path);
