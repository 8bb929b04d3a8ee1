/* Device nodes, the links of /dev, masked and read-only paths. */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "oci/init/init.h"
#include "oci/init/mount_calls.h"

static bool is_same(const struct init_device *device, const struct stat *status)
{
    return (status->st_mode & S_IFMT) == (device->mode & S_IFMT) &&
           ((device->mode & S_IFMT) == S_IFIFO ||
            status->st_rdev == makedev(device->major, device->minor));
}

/* A node that is there must be what config.json says in all: it is not ours to change. */
static bool is_as_asked(const struct init_device *device, const struct stat *status)
{
    return (!device->has_mode || (status->st_mode & 07777) == (device->mode & 07777)) &&
           (!device->has_uid || status->st_uid == device->uid) &&
           (!device->has_gid || status->st_gid == device->gid);
}

/* What the image brought under the name of a device is not the device: for one of config.json that
 * is an error (config-linux.md, "Devices"), one that every container has is put in its place. */
static int replace(struct init *init, const struct init_device *device, int parent,
                   const char *name, bool *ret_there)
{
    struct stat status;

    if (fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return err_set(&init->err, -errno, "cannot make device '%s'", device->path);
    const bool same = is_same(device, &status);
    if (device->number && !(same && is_as_asked(device, &status)))
        return err_say(&init->err, -EEXIST, "cannot make device '%s': what is there has another %s",
                       device->path, same ? "mode or owner" : "type or number");
    if (same) {
        *ret_there = true;
        return 0;
    }
    if (S_ISDIR(status.st_mode))
        return err_set(&init->err, -EISDIR, "cannot make device '%s'", device->path);
    if (unlinkat(parent, name, 0) < 0)
        return err_set(&init->err, -errno, "cannot make device '%s': remove what is there",
                       device->path);
    return 0;
}

static int make_node(const struct init_device *device, int parent, const char *name)
{
    if (mknodat(parent, name, device->mode, makedev(device->major, device->minor)) < 0)
        return -errno;
    if ((device->uid || device->gid) &&
        fchownat(parent, name, device->uid, device->gid, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    return 0;
}

/*
 * A copy of the mount of the host's own node, which must be the device that is meant: nobody's
 * link, pipe or file. Before the root is left, "/dev" is the host's.
 */
static int host_node(const char *path, mode_t type, dev_t number)
{
    struct stat status;

    _cleanup_(closep) int fd = openat(AT_FDCWD, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) < 0)
        return -errno;
    if ((status.st_mode & S_IFMT) != type || status.st_rdev != number)
        return -ENODEV;
    return call_open_tree(fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
}

/* A user namespace may not make devices: it gets the host's own, mounted on a file. */
static int bind_node(const struct init_device *device, int parent, const char *name)
{
    _cleanup_(closep) int tree =
        device->tree_fd >= 0
            ? device->tree_fd
            : host_node(device->path, device->mode & S_IFMT, makedev(device->major, device->minor));
    if (tree < 0)
        return tree;
    int fd = openat(parent, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd >= 0)
        close(fd);
    else if (errno != EEXIST)
        return -errno;
    _cleanup_(closep) int target = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    return target < 0 ? -errno : call_move_mount(tree, target);
}

static int make_device(struct init *init, const struct init_device *device,
                       struct beneath_cache *cache)
{
    char name[256];
    bool there = false;

    int parent = beneath_parent_cached(init->root_fd, device->path, cache, name);
    if (parent < 0)
        return err_set(&init->err, parent, "cannot make device '%s'", device->path);
    int r = device->bind ? -EPERM : make_node(device, parent, name);
    /* In a user namespace, ours or that of an engine around us. */
    if (r == -EPERM && (device->mode & S_IFMT) != S_IFIFO)
        r = bind_node(device, parent, name);
    if (r == -EEXIST) {
        r = replace(init, device, parent, name, &there);
        if (r < 0 || there)
            return r;
        r = make_node(device, parent, name);
    }
    return r < 0 ? err_set(&init->err, r, "cannot make device '%s'", device->path) : 0;
}

int init_devices(struct init *init)
{
    struct beneath_cache cache = {.fd = -1};
    int r = 0;

    for (size_t i = 0; i < init->plan->device_count && r == 0; i++) {
        const struct init_device *device = &init->plan->devices[i];
        r = make_device(init, device, &cache);
        if (device->number)
            err_at(&init->err, r, "linux.devices[%zu]", device->number - 1);
    }
    beneath_cache_drop(&cache);
    return r;
}

int init_links(struct init *init, const struct init_link *links, size_t count)
{
    struct beneath_cache cache = {.fd = -1};
    char name[256];
    int r = 0;

    for (size_t i = 0; i < count && r == 0; i++) {
        int parent = beneath_parent_cached(init->root_fd, links[i].path, &cache, name);
        r = parent < 0 ? parent : 0;
        if (r == 0 && symlinkat(links[i].target, parent, name) < 0 && errno != EEXIST)
            r = -errno;
        if (r < 0)
            err_set(&init->err, r, "cannot make link '%s'", links[i].path);
    }
    beneath_cache_drop(&cache);
    return r;
}

/* An empty read-only directory. */
static int empty_directory(void)
{
    _cleanup_(closep) int context = call_fsopen("tmpfs", FSOPEN_CLOEXEC);
    if (context < 0)
        return context;
    int r = call_fsconfig(context, FSCONFIG_SET_STRING, "nr_inodes", "2", 0);
    if (r == 0)
        r = call_fsconfig(context, FSCONFIG_SET_STRING, "mode", "0755", 0);
    if (r == 0)
        r = call_fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
    return r < 0 ? r
                 : call_fsmount(context, FSMOUNT_CLOEXEC,
                                MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
                                    MOUNT_ATTR_NOEXEC);
}

/* What covers a masked path: made for the first one, copied from there for the others. */
struct covers {
    int null_fd, empty_fd;
};

static int cover_take(bool directory, struct covers *covers)
{
    int *kept = directory ? &covers->empty_fd : &covers->null_fd;

    if (*kept >= 0)
        return call_open_tree(*kept, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    int fd = directory ? empty_directory() : host_node("/dev/null", S_IFCHR, makedev(1, 3));
    if (fd >= 0)
        *kept = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return fd;
}

static int mask(struct init *init, const char *path, struct covers *covers)
{
    struct stat status;

    _cleanup_(closep) int target = beneath_open(init->root_fd, path, O_PATH, 0);
    if (target == -ENOENT || target == -ENOTDIR)
        return 0;
    if (target < 0 || fstat(target, &status) < 0)
        return target < 0 ? target : -errno;
    _cleanup_(closep) int cover = cover_take(S_ISDIR(status.st_mode), covers);
    return cover < 0 ? cover : call_move_mount(cover, target);
}

static int make_readonly(struct init *init, const char *path)
{
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};

    _cleanup_(closep) int target = beneath_open(init->root_fd, path, O_PATH, 0);
    if (target == -ENOENT || target == -ENOTDIR)
        return 0;
    if (target < 0)
        return target;
    _cleanup_(closep) int tree = call_open_tree(
        target, "", AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0)
        return tree;
    int r = call_mount_setattr(tree, AT_RECURSIVE, &attr);
    return r < 0 ? r : call_move_mount(tree, target);
}

int init_masks(struct init *init)
{
    const struct init_plan *plan = init->plan;
    struct covers covers = {.null_fd = -1, .empty_fd = -1};
    int r = 0;

    for (size_t i = 0; i < plan->readonly_count && r == 0; i++) {
        r = make_readonly(init, plan->readonly[i]);
        if (r < 0)
            err_set(&init->err, r, "cannot make '%s' read-only", plan->readonly[i]);
        err_at(&init->err, r, "linux.readonlyPaths[%zu]", i);
    }
    for (size_t i = 0; i < plan->masked_count && r == 0; i++) {
        r = mask(init, plan->masked[i], &covers);
        if (r < 0)
            err_set(&init->err, r, "cannot mask '%s'", plan->masked[i]);
        err_at(&init->err, r, "linux.maskedPaths[%zu]", i);
    }
    fd_close_all((int[]){covers.null_fd, covers.empty_fd}, 2);
    return r;
}
