/* A container's root in the runtime's own mount namespace, made and removed. */
#include "oci/host_root.h"

#include <fcntl.h>
#include <linux/stat.h>
#include <stdio.h>
#include <sys/mount.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "oci/init/mount_calls.h"

#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x4000U /* since Linux 6.8: a number that is never used again */
#endif

static int mount_of(int fd, uint64_t *ret_mount)
{
    struct statx status;

    if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_MNT_ID_UNIQUE, &status) < 0)
        return -errno;
    if (!(status.stx_mask & STATX_MNT_ID_UNIQUE) &&
        syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &status) < 0)
        return -errno;
    *ret_mount = status.stx_mnt_id;
    return 0;
}

static int fail(const char *root, int code, struct err *err)
{
    return err_set(err, code, "cannot mount root '%s' (linux.namespaces has no mount namespace)",
                   root);
}

int host_root_copy(const char *root, uint64_t *ret_mount, struct err *err)
{
    struct mount_attr attr = {.propagation = MS_PRIVATE};
    uint64_t mount = 0;

    _cleanup_(closep) int tree =
        call_open_tree(AT_FDCWD, root, AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    int r = tree < 0 ? tree : call_mount_setattr(tree, AT_RECURSIVE, &attr);
    if (r == 0)
        r = mount_of(tree, &mount);
    if (r < 0)
        return fail(root, r, err);
    *ret_mount = mount;
    return steal_fd(&tree);
}

int host_root_attach(const char *root, int tree, struct err *err)
{
    _cleanup_(closep) int place = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int r = place < 0 ? -errno : call_move_mount(tree, place);

    return r < 0 ? fail(root, r, err) : 0;
}

int host_root_remove(const char *root, uint64_t mount, struct err *err)
{
    uint64_t there = 0;
    char path[32];

    if (mount == 0)
        return 0;
    _cleanup_(closep) int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return 0;
    int r = fd < 0 ? -errno : mount_of(fd, &there);
    /* Somebody else's, or seen from another mount namespace: left alone. */
    if (r == 0 && there != mount)
        return 0;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (r == 0 && umount2(path, MNT_DETACH) < 0)
        r = -errno;
    return r < 0 ? err_set(err, r, "cannot unmount root '%s'", root) : 0;
}
