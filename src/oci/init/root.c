/* The container's root file system: its tree, what is mounted in it, and the way into it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "oci/init/init.h"
#include "oci/init/mount_calls.h"

#define MNT_DETACH_FLAG 2 /* MNT_DETACH of <sys/mount.h>, which fights with <linux/mount.h> */

static int propagate(int fd, uint64_t propagation, bool recursive)
{
    struct mount_attr attr = {.propagation = propagation};

    return call_mount_setattr(fd, recursive ? AT_RECURSIVE : 0, &attr);
}

/* The mount that holds `fd` gets no more events: what is mounted on it must not reach the host. */
static int part_from_host(int fd)
{
    struct statx status;

    _cleanup_(closep) int at = openat(fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    while (at >= 0) {
        if (syscall(SYS_statx, at, "", AT_EMPTY_PATH, 0, &status) < 0)
            return -errno;
        if (status.stx_attributes & STATX_ATTR_MOUNT_ROOT)
            return propagate(at, MS_PRIVATE, false);
        int up = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        close(at);
        at = up;
    }
    return -errno;
}

/*
 * A copy of the root's tree, mounted on itself: pivot_root wants a mount. Hooks find what we mount
 * by the path that they know. With "shared" the copy is the host's peer, but its place is not.
 */
static int make_root(struct init *init)
{
    const struct init_plan *plan = init->plan;
    bool shared = (plan->propagation & MS_SHARED) != 0;

    _cleanup_(closep) int slash = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int r = slash < 0 ? -errno : 0;
    if (r == 0 && !shared)
        r = propagate(slash, plan->propagation & MS_PRIVATE ? MS_PRIVATE : MS_SLAVE, true);
    if (r < 0)
        return err_set(&init->err, r, "cannot part the container's mounts from the host's");

    _cleanup_(closep) int place = openat(AT_FDCWD, plan->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (place < 0)
        return err_at(&init->err, err_set(&init->err, -errno, "cannot open root '%s'", plan->root),
                      "root.path");
    init->root_fd = call_open_tree(
        place, "", AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (init->root_fd < 0)
        return err_set(&init->err, init->root_fd, "cannot copy the mount of root '%s'", plan->root);
    if (shared)
        r = part_from_host(place);
    if (r == 0)
        r = call_move_mount(init->root_fd, place);
    return r < 0 ? err_set(&init->err, r, "cannot mount root '%s'", plan->root) : 0;
}

static int open_root(struct init *init)
{
    init->root_fd = openat(AT_FDCWD, init->plan->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return init->root_fd < 0
               ? err_at(&init->err,
                        err_set(&init->err, -errno, "cannot open root '%s'", init->plan->root),
                        "root.path")
               : 0;
}

/* A directory that config.json names as cwd and the image lacks: made, as every runtime does. */
static int make_cwd(struct init *init)
{
    _cleanup_(closep) int fd = beneath_make(init->root_fd, init->plan->process.cwd, true);

    if (fd < 0 && fd != -EROFS && fd != -EACCES && fd != -EPERM)
        return err_at(
            &init->err,
            err_set(&init->err, fd, "cannot make directory '%s'", init->plan->process.cwd),
            "process.cwd");
    return 0;
}

/* pivot_root(2), "pivot_root(".", ".")": the old root ends on top of the new one, and goes. */
static int pivot(struct init *init)
{
    if (fchdir(init->root_fd) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
        return err_set(&init->err, -errno, "cannot enter root '%s'", init->plan->root);
    /* Its end must not be an event on the host. */
    int r = 0;
    if (init->plan->propagation & MS_SHARED) {
        _cleanup_(closep) int old = openat(AT_FDCWD, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        r = old < 0 ? -errno : propagate(old, MS_SLAVE, true);
    }
    if (r == 0 && syscall(SYS_umount2, ".", MNT_DETACH_FLAG) < 0)
        r = -errno;
    return r < 0 ? err_set(&init->err, r, "cannot leave the host's root") : 0;
}

/* Where the host's root is a ramfs, which no pivot_root leaves: the root is moved over it, and what
 * is mounted below goes. Neither is an event on the host. */
static int move_over(struct init *init)
{
    _cleanup_(closep) int mountinfo = old_root_open(init);
    if (mountinfo < 0)
        return mountinfo;
    _cleanup_(closep) int slash = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int r = slash < 0 ? -errno : propagate(slash, MS_PRIVATE, false);
    if (r == 0)
        r = call_move_mount(init->root_fd, slash);
    if (r == 0)
        r = old_root_clear(init, mountinfo);
    if (r == 0 && (fchdir(init->root_fd) < 0 || chroot(".") < 0))
        r = -errno;
    return r < 0 ? err_set(&init->err, r, "cannot move root '%s' over the host's", init->plan->root)
                 : 0;
}

/* Where the mount namespace is the runtime's. */
static int move_in(struct init *init)
{
    if (fchdir(init->root_fd) < 0 || chroot(".") < 0)
        return err_set(&init->err, -errno, "cannot enter root '%s'", init->plan->root);
    return 0;
}

static int enter_root(struct init *init)
{
    const struct init_plan *plan = init->plan;
    struct mount_attr attr = {.attr_set = plan->root_readonly ? MOUNT_ATTR_RDONLY : 0,
                              .propagation = plan->propagation & ~(uint64_t)MS_REC};
    int r;

    r = !plan->own_mounts ? move_in(init) : plan->no_pivot ? move_over(init) : pivot(init);
    if (r == 0 && (attr.attr_set || attr.propagation)) {
        r = call_mount_setattr(init->root_fd, 0, &attr);
        if (r < 0)
            return err_set(&init->err, r, "cannot set the attributes of root '%s'", plan->root);
    }
    return r;
}

int init_root(struct init *init)
{
    const struct init_plan *plan = init->plan;
    int r;

    if (!plan->root)
        return 0;
    r = plan->own_mounts ? make_root(init) : open_root(init);
    for (size_t i = 0; i < plan->mount_count && r == 0; i++)
        r = init_mount(init, &plan->mounts[i]);
    beneath_cache_drop(&init->parent);
    if (r == 0)
        r = init_devices(init);
    if (r == 0)
        r = init_links(init, plan->links, plan->link_count);
    if (r == 0)
        r = init_masks(init);
    if (r == 0 && plan->process.argv)
        r = make_cwd(init);
    if (r == 0)
        r = init_terminal(init);
    if (r == 0 && plan->create_container.count)
        r = init_hooks_run(init, &plan->create_container, "createContainer");
    if (r == 0)
        r = enter_root(init);
    if (r < 0)
        return r;
    if (chdir("/") < 0)
        return err_set(&init->err, -errno, "cannot enter root '%s'", plan->root);
    close(init->root_fd);
    init->root_fd = -1;
    return init_view(init);
}
