/*
 * The files of a container's virtual kernel are put into it: their file system on /dev/vkernel, and
 * from there over the files that they stand for. A look-up in it waits for the process that serves
 * it, which starts meanwhile (the runtime looks them up before, if it can).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "oci/init/init.h"
#include "oci/init/mount_calls.h"
#include "vkernel/view_protocol.h"

/* Where it is mounted, in the container's /dev. */
#define VIEW_PLACE "vkernel"
#define PID_MAX VIEW_NATIVE "/pid_max"

/* What `name` in the directory `at` is gets covered. */
static int put(int tree, int at, const char *name)
{
    return call_result(syscall(SYS_move_mount, tree, "", at, name, MOVE_MOUNT_F_EMPTY_PATH));
}

/* One file over another, or a directory. */
static int bind_file(int from, const char *path, int at, const char *name)
{
    _cleanup_(closep) int tree = call_open_tree(from, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    return tree < 0 ? tree : put(tree, at, name);
}

/* Places to mount on. */
static int make_places(int dev, bool log)
{
    if (mkdirat(dev, VIEW_PLACE, 0755) < 0)
        return -errno;
    if (!log)
        return 0;
    _cleanup_(closep) int made =
        openat(dev, "kmsg", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    return made < 0 && errno != EEXIST ? -errno : 0;
}

/* ---- /proc/sys ---- */

static int make_tmpfs(const char *size)
{
    _cleanup_(closep) int context = call_fsopen("tmpfs", FSOPEN_CLOEXEC);
    int r = context < 0 ? context : call_fsconfig(context, FSCONFIG_SET_STRING, "mode", "555", 0);

    if (r == 0)
        r = call_fsconfig(context, FSCONFIG_SET_STRING, "size", size, 0);
    if (r == 0)
        r = call_fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
    return r < 0 ? r
                 : call_fsmount(context, FSMOUNT_CLOEXEC,
                                MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

/* The namespace's own one is the kernel's business, whoever may write it: it only has to be where
 * the rest of /proc/sys is not written. */
static int open_pid_max(int kernel)
{
    struct mount_attr attributes = {.attr_clr = MOUNT_ATTR_RDONLY};
    _cleanup_(closep) int tree =
        call_open_tree(kernel, PID_MAX, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    int r = tree < 0 ? tree : call_mount_setattr(tree, 0, &attributes);
    return r < 0 ? r : put(tree, kernel, PID_MAX);
}

/* No kernel has the wake-up granularity there any more: the view's directory has it, and a link to
 * the native one's for each of the others. */
static int cover_kernel(int sys, int dev, bool pid_max)
{
    _cleanup_(closep) int native =
        call_open_tree(sys, "kernel", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    if (native < 0)
        return native;
    int r = bind_file(dev, VIEW_PLACE "/" VIEW_KERNEL, sys, "kernel");
    _cleanup_(closep) int kernel =
        r < 0 ? -1 : openat(sys, "kernel", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (r == 0)
        r = kernel < 0 ? -errno : put(native, kernel, VIEW_NATIVE);
    return r == 0 && pid_max ? open_pid_max(kernel) : r;
}

/* Where there is no /proc there is nothing to stand for. */
static int cover_params(const struct init_view *view, int dev)
{
    struct statfs kind;
    int r = 0;
    _cleanup_(closep) int sys =
        fd_open_resolve(AT_FDCWD, "proc/sys", O_PATH | O_DIRECTORY,
                        RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);

    if (sys < 0 || fstatfs(sys, &kind) < 0 || kind.f_type != PROC_SUPER_MAGIC)
        return 0;
    if (view->granularity)
        r = cover_kernel(sys, dev, view->pid_max);
    if (r == 0 && view->swappiness)
        r = bind_file(dev, VIEW_PLACE "/swappiness", sys, "vm/swappiness");
    if (r == 0 && view->overcommit)
        r = bind_file(dev, VIEW_PLACE "/overcommit_memory", sys, "vm/overcommit_memory");
    if (r == 0 && view->overcommit)
        r = bind_file(dev, VIEW_PLACE "/overcommit_ratio", sys, "vm/overcommit_ratio");
    return r;
}

/* ---- huge pages ---- */

/* By where it is alone: there may be no /proc to name a descriptor by. */
static int unmount(int mounted)
{
    _cleanup_(closep) int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int r = here < 0 || fchdir(mounted) < 0 || umount2(".", MNT_DETACH) < 0 ? -errno : 0;

    return r == 0 && fchdir(here) < 0 ? -errno : r;
}

/* A file of one text, on no path. Its file system is mounted over `place` for a moment: before
 * Linux 6.15 a file is cloned from one that is mounted somewhere alone. */
static int make_text(const char *text, int place)
{
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
    _cleanup_(closep) int directory = make_tmpfs("4k");

    if (directory < 0)
        return directory;
    int fd = openat(directory, "text", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    int r = fd < 0 ? -errno : fd_write_full(fd, text, strlen(text));
    closep(&fd);
    if (r < 0)
        return r;
    r = call_move_mount(directory, place);
    if (r < 0)
        return r;
    _cleanup_(closep) int tree =
        call_open_tree(directory, "text", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    r = tree < 0 ? tree : call_mount_setattr(tree, 0, &attributes);
    int gone = unmount(directory);
    r = r == 0 ? gone : r;
    return r < 0 ? r : steal_fd(&tree);
}

/* Of the host's others nothing is the container's: all of them are there to be read, through a
 * sysfs that may be written too. */
static int cover_others(int directory)
{
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
    _cleanup_(closep) int tree =
        call_open_tree(directory, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    int r = tree < 0 ? tree : call_mount_setattr(tree, 0, &attributes);
    return r < 0 ? r : call_move_mount(tree, directory);
}

static int open_huge_pages(const char *name, int how)
{
    char path[96];

    snprintf(path, sizeof path, "sys/kernel/mm/transparent_hugepage/%s", name);
    return fd_open_resolve(AT_FDCWD, path, O_PATH | how,
                           RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

/* Where there is no sysfs there is nothing to stand for. */
static int cover_huge_pages(const char *text)
{
    struct statfs kind;
    _cleanup_(closep) int directory = open_huge_pages("", O_DIRECTORY);

    if (directory < 0 || fstatfs(directory, &kind) < 0 || kind.f_type != SYSFS_MAGIC)
        return 0;
    int r = cover_others(directory);
    if (r < 0)
        return r;
    _cleanup_(closep) int target = open_huge_pages("enabled", 0);
    _cleanup_(closep) int tree = target < 0 ? -1 : make_text(text, directory);
    if (target < 0)
        return target;
    return tree < 0 ? tree : call_move_mount(tree, target);
}

/* ---- all of it ---- */

int init_view(struct init *init)
{
    const struct init_view *view = &init->plan->view;
    struct statfs kind;

    int r = init->plan->huge_pages && init->plan->own_mounts
                ? cover_huge_pages(init->plan->huge_pages)
                : 0;
    if (r < 0)
        return err_set(&init->err, r, "cannot mount the container's policy of huge pages");
    if (view->mount_fd < 0)
        return 0;
    _cleanup_(closep) int dev =
        fd_open_resolve(AT_FDCWD, "dev", O_PATH | O_DIRECTORY,
                        RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
    if (dev < 0 || fstatfs(dev, &kind) < 0)
        return err_set(&init->err, dev < 0 ? dev : -errno, "cannot open the container's /dev");
    if (kind.f_type != TMPFS_MAGIC)
        return err_say(&init->err, -ENOTSUP,
                       "cannot make /dev/" VIEW_PLACE ": the container's /dev is no tmpfs");
    r = make_places(dev, view->log);
    if (r == 0)
        r = put(view->mount_fd, dev, VIEW_PLACE);
    close(view->mount_fd);
    if (r < 0)
        return err_set(&init->err, r, "cannot mount the container's /dev/" VIEW_PLACE);
    r = view->log ? bind_file(dev, VIEW_PLACE "/kmsg", dev, "kmsg") : 0;
    if (r < 0)
        return err_set(&init->err, r, "cannot mount the container's /dev/kmsg");
    r = view->params ? cover_params(view, dev) : 0;
    return r < 0 ? err_set(&init->err, r, "cannot mount the container's /proc/sys") : 0;
}
