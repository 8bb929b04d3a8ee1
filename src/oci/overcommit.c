/* A container's overcommit: of its group in the v2 tree, with the limits that it has now. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "oci/groups.h"
#include "oci/vkernel.h"
#include "vkernel/overcommit.h"
#include "vkernel/view_protocol.h"

/* v1 counts memory and swap together. */
static uint64_t swap_of(struct cgroup_place *groups, const struct oci_stats *stats)
{
    const struct cgroup_place_tree *old = cgroup_place_tree(groups, "memory", false);

    if (!old || old->fd < 0 || stats->memory_swap_limit == UINT64_MAX)
        return stats->memory_swap_limit;
    return stats->memory_swap_limit > stats->memory_limit
               ? stats->memory_swap_limit - stats->memory_limit
               : 0;
}

/* Its view holds the program; that another container's does is no help once that one has ended. */
static bool is_held(int state_fd)
{
    _cleanup_(closep) int fd = openat(state_fd, VIEW_OVERCOMMIT, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

int oci_vkernel_overcommit(const struct oci_place *place, int state_fd,
                           const struct vkernel *vkernel, struct err *err)
{
    _cleanup_(freep) struct cgroup_place *groups = calloc(1, sizeof *groups);
    _cleanup_(freep) struct oci_stats *stats = calloc(1, sizeof *stats);
    struct stat status;

    if (!groups || !stats)
        return err_set(err, -ENOMEM, "cannot set memory.overcommit");
    int r = overcommit_check(vkernel, err);
    if (r == 0 && vkernel_has_overcommit(vkernel) && !is_held(state_fd))
        r = err_say(err, -ENOTSUP,
                    "cannot set memory.overcommit: the container has no view that holds what would "
                    "act (one begins with params.view or memory.overcommit)");
    if (r == 0)
        r = oci_launch_stats(place, stats, err);
    if (r == 0)
        r = groups_open(place, groups, err);
    if (r < 0)
        return r;
    const struct cgroup_place_tree *unified = cgroup_place_tree(groups, "", true);
    const struct overcommit_size size = {stats->memory_limit, swap_of(groups, stats)};
    r = groups_within_reach(groups, "overcommit", err);
    const bool has_group = unified && unified->fd >= 0 && fstat(unified->fd, &status) == 0;
    if (r == 0 && !has_group && vkernel_has_overcommit(vkernel))
        r = err_say(err, -ENOTSUP,
                    "cannot set memory.overcommit: the container has no group in a v2 tree");
    if (r == 0 && has_group)
        r = overcommit_apply(status.st_ino, vkernel, &size, err);
    cgroup_place_close(groups);
    return r;
}
