/*
 * Groups below a group, one for a member of a family: they count, kill and freeze a member by
 * itself, while the limits stand on the group above. No controller is turned on below: on v2 the
 * group above could then hold no process.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup/internal.h"

static void member_path(const struct cgroup *group, int pid, const char *file, char *path,
                        size_t size)
{
    snprintf(path, size, "%s/m%d%s%s", group->dir, pid, file ? "/" : "", file ? file : "");
}

int cgroup_member_make(struct cgroup *group, int pid, struct err *err)
{
    char path[64], text[16];

    snprintf(text, sizeof text, "%d", pid);
    for (size_t i = 0; i < group->root->tree_count; i++) {
        const struct cgroup_tree *tree = &group->root->trees[i];
        if (!group->made[i])
            continue;
        member_path(group, pid, NULL, path, sizeof path);
        if (mkdirat(tree->fd, path, 0755) < 0 && errno != EEXIST)
            return err_set(err, -errno, "cannot make control group '%s/%s'", tree->path, path);
        member_path(group, pid, "cgroup.procs", path, sizeof path);
        int r = fd_write_string(tree->fd, path, text);
        if (r < 0)
            return err_set(err, r, "cannot move process %d to '%s/%s'", pid, tree->path, path);
    }
    return 0;
}

int cgroup_member_remove(struct cgroup *group, int pid)
{
    char path[64];
    int result = 0;

    member_path(group, pid, NULL, path, sizeof path);
    for (size_t i = 0; i < group->root->tree_count; i++)
        if (group->made[i] && unlinkat(group->root->trees[i].fd, path, AT_REMOVEDIR) < 0 &&
            errno != ENOENT)
            result = -errno;
    return result;
}

int cgroup_member_read(const struct cgroup *group, int pid, pid_t *ret_pids, size_t max)
{
    const struct cgroup_tree *tree = group->root->kill_tree;
    char path[64];

    if (!tree)
        return -ENOTSUP;
    member_path(group, pid, NULL, path, sizeof path);
    _cleanup_(closep) int fd = openat(tree->fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : cgroup_listed_read(fd, ret_pids, max);
}
