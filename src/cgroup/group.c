/* One control group: a directory in each tree, and the descriptors by which it is entered. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cgroup/internal.h"

/* Of those that work for the group. */
static void helpers_path(const struct cgroup *group, const char *file, char *path, size_t size)
{
    snprintf(path, size, "%s/helpers%s", group->dir, file);
}

int cgroup_group_enter_tree(struct cgroup *group, size_t index, struct err *err)
{
    const struct cgroup_tree *tree = &group->root->trees[index];

    if (group->made[index])
        return 0;
    if (mkdirat(tree->fd, group->dir, 0755) < 0)
        return err_set(err, -errno, "cannot make control group '%s/%s'", tree->path, group->dir);
    int r = tree->backend->entry(tree, group->dir, &group->clone_fd, &group->tasks_fd[index]);
    if (r < 0) {
        unlinkat(tree->fd, group->dir, AT_REMOVEDIR);
        return err_set(err, r, "cannot open control group '%s/%s'", tree->path, group->dir);
    }
    if (!group->path[index] && asprintf(&group->path[index], "%s/%s", tree->path, group->dir) < 0) {
        group->path[index] = NULL;
        r = -ENOMEM;
    }
    group->made[index] = true;
    return r < 0 ? err_set(err, r, "cannot make a control group") : 0;
}

int cgroup_group_new(struct cgroup_root *root, struct cgroup **ret_group, struct err *err)
{
    struct cgroup *group = calloc(1, sizeof *group);
    if (!group)
        return err_set(err, -ENOMEM, "cannot make a control group");

    group->root = root;
    group->clone_fd = -1;
    for (size_t i = 0; i < CGROUP_TREES_MAX; i++)
        group->tasks_fd[i] = -1;
    for (size_t i = 0; i < CGROUP_COUNTERS; i++)
        group->counter_fd[i] = -1;
    snprintf(group->dir, sizeof group->dir, "g%" PRIu64,
             atomic_fetch_add_explicit(&root->next_number, 1, memory_order_relaxed));

    int r = 0;
    for (size_t i = 0; i < root->tree_count && r == 0; i++)
        if (!root->trees[i].on_demand)
            r = cgroup_group_enter_tree(group, i, err);
    if (r < 0) {
        cgroup_group_remove(group);
        cgroup_group_free(group);
        return r;
    }
    *ret_group = group;
    return 0;
}

int cgroup_group_remove(struct cgroup *group)
{
    struct cgroup_root *root = group->root;
    char helpers[64];
    int result = 0;

    for (size_t i = 0; i < root->tree_count; i++) {
        if (!group->made[i])
            continue;
        /* Most have none; one that is busy keeps the group, too. */
        helpers_path(group, "", helpers, sizeof helpers);
        if (root->trees[i].backend->unified)
            (void)unlinkat(root->trees[i].fd, helpers, AT_REMOVEDIR);
        if (unlinkat(root->trees[i].fd, group->dir, AT_REMOVEDIR) == 0 || errno == ENOENT)
            group->made[i] = false;
        else
            result = -errno;
    }
    return result;
}

void cgroup_group_shut(struct cgroup *group)
{
    fd_close_all(&group->clone_fd, 1);
    fd_close_all(group->tasks_fd, CGROUP_TREES_MAX);
    for (size_t i = 0; i < CGROUP_COUNTERS; i++)
        if (group->counter_fd[i] >= 0)
            atomic_fetch_sub_explicit(&group->root->open_fds, 1, memory_order_relaxed);
    fd_close_all(group->counter_fd, CGROUP_COUNTERS);
}

void cgroup_group_free(struct cgroup *group)
{
    if (!group)
        return;
    cgroup_group_shut(group);
    for (size_t i = 0; i < CGROUP_TREES_MAX; i++)
        free(group->path[i]);
    free(group);
}

/* A tree for io alone was perhaps entered for an earlier tenant: only those limited by it go in. */
static bool is_needed(const struct cgroup *group, size_t tree)
{
    return group->made[tree] &&
           (!group->root->trees[tree].on_demand || group->limits.io_bytes_per_second ||
            group->limits.io_operations_per_second);
}

int cgroup_entry_fds(const struct cgroup *group, int *ret_clone_fd, int ret_tasks[CGROUP_TREES_MAX])
{
    int count = 0;

    *ret_clone_fd = group->clone_fd;
    for (size_t i = 0; i < group->root->tree_count; i++)
        if (is_needed(group, i) && group->tasks_fd[i] >= 0)
            ret_tasks[count++] = group->tasks_fd[i];
    return count;
}

static int open_helpers(const struct cgroup *group, const struct cgroup_tree *tree)
{
    char path[64];

    helpers_path(group, "", path, sizeof path);
    if (mkdirat(tree->fd, path, 0755) < 0 && errno != EEXIST)
        return -errno;
    helpers_path(group, "/cgroup.procs", path, sizeof path);
    int fd = openat(tree->fd, path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int cgroup_charge_fds(const struct cgroup *group, int ret_fds[CGROUP_CHARGE_MAX])
{
    const struct cgroup_root *root = group->root;
    int count = 0;

    for (size_t i = 0; i < root->tree_count; i++) {
        const struct cgroup_tree *tree = &root->trees[i];
        if (!group->made[i] ||
            (tree != root->part_tree[CGROUP_MEMORY] && tree != root->part_tree[CGROUP_CPU]))
            continue;
        int fd = tree->backend->unified ? open_helpers(group, tree)
                                        : fcntl(group->tasks_fd[i], F_DUPFD_CLOEXEC, 0);
        if (fd < 0) {
            int error = tree->backend->unified ? fd : -errno;
            fd_close_all(ret_fds, (size_t)count);
            return error;
        }
        ret_fds[count++] = fd;
    }
    return count;
}

int cgroup_set_background(struct cgroup *group, bool background)
{
    const struct cgroup_tree *tree = group->root->background_tree;
    char path[64];

    if (!tree)
        return -ENOTSUP;
    if (group->background == background)
        return 0;
    snprintf(path, sizeof path, "%s/cpu.idle", group->dir);
    int r = fd_write_string(tree->fd, path, background ? "1" : "0");
    if (r == 0)
        group->background = background;
    return r;
}

int cgroup_kill(struct cgroup *group)
{
    const struct cgroup_tree *tree = group->root->kill_tree;

    if (!tree)
        return -ENOTSUP;
    _cleanup_(closep) int fd = openat(tree->fd, group->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    return tree->backend->kill(fd);
}

int cgroup_read_pids(const struct cgroup *group, pid_t *ret_pids, size_t max)
{
    const struct cgroup_tree *tree = group->root->kill_tree;

    if (!tree)
        return -ENOTSUP;
    _cleanup_(closep) int fd = openat(tree->fd, group->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : cgroup_listed_read(fd, ret_pids, max);
}

/* The tree that serves `what`: a part that is limited, else a feature. */
static const struct cgroup_tree *tree_of(const struct cgroup_root *root, const char *what)
{
    for (int part = 0; part < CGROUP_PARTS; part++)
        if (strcmp(what, cgroup_part_names[part]) == 0)
            return root->part_tree[part];
    for (size_t i = 0; i < cgroup_feature_count; i++)
        if (strcmp(what, cgroup_features[i].what) == 0 && root->has[CGROUP_PARTS + i])
            return cgroup_feature_tree(root, &cgroup_features[i]);
    return NULL;
}

const char *cgroup_path(const struct cgroup *group, const char *what)
{
    const struct cgroup_tree *tree = tree_of(group->root, what);
    if (!tree)
        return NULL;
    size_t index = (size_t)(tree - group->root->trees);
    return group->made[index] ? group->path[index] : NULL;
}
