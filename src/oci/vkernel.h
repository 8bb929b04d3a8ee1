/*
 * A container's virtual kernel: named by annotations (io.vireo.vkernel.KEY) and by the runtime's
 * flags (--vkernel KEY=VALUE), kept beside its state, given to each of its processes.
 */
#pragma once

#include "oci/launch.h"
#include "vkernel/vkernel.h"

struct err;
struct vk_table;

/* Adds the annotations to what `vkernel` has from the runtime's flags. These are the operator's: an
 * annotation of a key that they have, or of system calls when they have any of these, is refused.
 */
int oci_vkernel_read(const struct oci_config *config, struct vkernel *vkernel, struct err *err);
/* "KEY=VALUE" of a flag, or "@FILE" with lines of them. */
int oci_vkernel_take(struct vkernel *vkernel, const char *text, struct err *err);

/* Where the container has a log of its own, it can't open the host's device. -ENOMEM. */
int oci_vkernel_deny_devices(const struct vkernel *vkernel, struct oci_config *config,
                             struct err *err);

/* Until it is closed nobody else changes what is kept: who loads it to save it changed has this. A
 * descriptor; -ENOENT, which says nothing to *err: nothing is kept yet, or no more; -EBUSY: who has
 * it hangs. Waits 10 seconds at most. */
int oci_vkernel_lock(int state_fd, struct err *err);
/* In the container's directory, written whole. Without a file it is zeroed. */
int oci_vkernel_save(int state_fd, const struct vkernel *vkernel, struct err *err);
int oci_vkernel_load(int state_fd, struct vkernel *ret_vkernel, struct err *err);

/* linux.seccomp as a table (NULL: everything is native). -ENOTSUP: it has actions that can't be
 * merged. */
int oci_vkernel_profile(const struct oci_seccomp *seccomp, struct vk_table **ret_table,
                        struct err *err);

/* The scheduling of one process before it is the user's. */
int oci_vkernel_adjust(pid_t pid, const struct vkernel *vkernel, struct err *err);
/* The same of a process that is in the group already, as it is kept now: who changes it meanwhile
 * comes before, or finds the process in the group. */
int oci_vkernel_adjust_now(pid_t pid, int state_fd, struct err *err);
/* Of all that run in the container; adaptive is normal at first. */
int oci_vkernel_schedule(const struct oci_place *place, const struct vkernel *vkernel,
                         enum vkernel_policy policy, struct err *err);
/* Its group's policy, for the BPF scheduler: there or to come (scheduler.h). */
int oci_vkernel_tell(const struct oci_place *place, enum vkernel_policy policy, struct err *err);
/* Its processes, as scheduling.h asks for them; `user` is a struct oci_place. */
int oci_vkernel_pids(void *user, pid_t *pids, size_t max);
/* Its overcommit, by the limits of memory that it has now. -EPERM: looser than the host's;
 * -ENOTSUP: its own view holds nothing that acts, or it has no v2 group. */
int oci_vkernel_overcommit(const struct oci_place *place, int state_fd,
                           const struct vkernel *vkernel, struct err *err);
