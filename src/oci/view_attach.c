/*
 * The view's file system is brought into the container: /dev/vkernel, and from there over the files
 * that it stands for. By a child that enters the container's mounts, while nothing of the user's
 * runs there.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "oci/view.h"
#include "vkernel/view_protocol.h"

/* Where it is mounted, in the container's /dev. */
#define VIEW_PLACE "vkernel"
/* In the directory that stands for /proc/sys/kernel: the one that it stands for. */
#define NATIVE ".native"
#define GRANULARITY "sched_wakeup_granularity_ns"
#define PID_MAX "pid_max"

static void closedirp(DIR **directory)
{
    if (*directory)
        closedir(*directory);
}

/* It tells that it serves by closing the pipe. */
static int await_process(const struct oci_view *view, struct err *err)
{
    char text[400];
    ssize_t n = fd_read_full(view->words, text, sizeof text - 1);

    if (n == 0)
        return 0;
    if (n < 0)
        return err_set(err, (int)n, "cannot start '%s'", VIEW_PROGRAM);
    text[n] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return err_say(err, -EIO, "%s", text);
}

/* One file over another. */
static int bind_file(int from, const char *path, int at, const char *name)
{
    _cleanup_(closep) int tree = open_tree(from, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    if (tree < 0)
        return -errno;
    return move_mount(tree, "", at, name, MOVE_MOUNT_F_EMPTY_PATH) < 0 ? -errno : 0;
}

/* Places to mount on. They are the root's of the container: another id may have no place there. */
static int make_places(int dev, bool log, const struct oci_config *config)
{
    int r = 0;

    setfsgid(oci_view_owner(&config->linux_.gid_mappings, config));
    setfsuid(oci_view_owner(&config->linux_.uid_mappings, config));
    if (mkdirat(dev, VIEW_PLACE, 0755) < 0)
        r = -errno;
    int made =
        !log ? -1 : openat(dev, "kmsg", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (r == 0 && log && made < 0 && errno != EEXIST)
        r = -errno;
    closep(&made);
    setfsuid(0);
    setfsgid(0);
    return r;
}

/* ---- /proc/sys ---- */

static int make_file(int directory, const char *name)
{
    int fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);

    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

/* A link for each parameter of the native directory that is not in place already. */
static int link_others(int directory, int native)
{
    int fd = openat(native, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_(closedirp) DIR *names = fd < 0 ? NULL : fdopendir(fd);
    char target[sizeof NATIVE + NAME_MAX + 1];

    if (!names)
        return -errno;
    for (const struct dirent *one; (one = readdir(names));) {
        if (one->d_name[0] == '.')
            continue;
        snprintf(target, sizeof target, NATIVE "/%s", one->d_name);
        if (symlinkat(target, directory, one->d_name) < 0 && errno != EEXIST)
            return -errno;
    }
    return 0;
}

/* The directory that stands for /proc/sys/kernel: a few names of its own, and links to the rest. */
static int make_directory(int native, bool pid_max)
{
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
    _cleanup_(closep) int context = fsopen("tmpfs", FSOPEN_CLOEXEC);

    if (context < 0 || fsconfig(context, FSCONFIG_SET_STRING, "mode", "555", 0) < 0 ||
        fsconfig(context, FSCONFIG_SET_STRING, "size", "64k", 0) < 0 ||
        fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return -errno;
    _cleanup_(closep) int directory =
        fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    if (directory < 0 || mkdirat(directory, NATIVE, 0555) < 0)
        return -errno;
    int r = make_file(directory, GRANULARITY);
    if (r == 0 && pid_max)
        r = make_file(directory, PID_MAX);
    if (r == 0)
        r = link_others(directory, native);
    if (r == 0 && mount_setattr(directory, "", AT_EMPTY_PATH, &attributes, sizeof attributes) < 0)
        r = -errno;
    return r < 0 ? r : steal_fd(&directory);
}

/* The namespace's own one is the kernel's business, whoever may write it: it only has to be where
 * the rest of /proc/sys is not written. */
static int open_pid_max(int kernel)
{
    struct mount_attr attributes = {.attr_clr = MOUNT_ATTR_RDONLY};
    _cleanup_(closep) int tree =
        open_tree(kernel, NATIVE "/" PID_MAX, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    if (tree < 0 || mount_setattr(tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) < 0 ||
        move_mount(tree, "", kernel, PID_MAX, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return -errno;
    return 0;
}

/* No kernel has the wake-up granularity there any more: the directory gets it. */
static int cover_kernel(int sys, int dev, const struct oci_config *config)
{
    const bool pid_max = oci_view_own_pid_max(config);
    _cleanup_(closep) int native = open_tree(sys, "kernel", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    if (native < 0)
        return -errno;
    _cleanup_(closep) int directory = make_directory(native, pid_max);
    if (directory < 0)
        return directory;
    if (move_mount(directory, "", sys, "kernel", MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return -errno;
    _cleanup_(closep) int kernel = openat(sys, "kernel", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (kernel < 0 || move_mount(native, "", kernel, NATIVE, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return -errno;
    int r = bind_file(dev, VIEW_PLACE "/params/" GRANULARITY, kernel, GRANULARITY);
    return r == 0 && pid_max ? open_pid_max(kernel) : r;
}

/* Where there is no /proc there is nothing to stand for. */
static int cover_params(const struct oci_view *view, int dev, const struct oci_config *config)
{
    struct statfs kind;
    int r = 0;
    _cleanup_(closep) int sys =
        fd_open_resolve(AT_FDCWD, "proc/sys", O_PATH | O_DIRECTORY,
                        RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);

    if (sys < 0 || fstatfs(sys, &kind) < 0 || kind.f_type != PROC_SUPER_MAGIC)
        return 0;
    if (view->params >> VIEW_GRANULARITY & 1)
        r = cover_kernel(sys, dev, config);
    if (r == 0 && view->params >> VIEW_SWAPPINESS & 1)
        r = bind_file(dev, VIEW_PLACE "/params/swappiness", sys, "vm/swappiness");
    return r;
}

/* ---- all of it ---- */

/* In the container's mount namespace and root. */
static int attach_inside(const struct oci_view *view, const struct oci_config *config,
                         struct err *err)
{
    struct statfs kind;
    _cleanup_(closep) int dev =
        fd_open_resolve(AT_FDCWD, "dev", O_PATH | O_DIRECTORY,
                        RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);

    if (dev < 0 || fstatfs(dev, &kind) < 0)
        return err_set(err, dev < 0 ? dev : -errno, "cannot open the container's /dev");
    if (kind.f_type != TMPFS_MAGIC)
        return err_say(err, -ENOTSUP,
                       "cannot make /dev/" VIEW_PLACE ": the container's /dev is no tmpfs");
    int r = make_places(dev, view->log, config);
    if (r < 0)
        return err_set(err, r, "cannot make the container's /dev/" VIEW_PLACE);
    if (move_mount(view->mount, "", dev, VIEW_PLACE, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return err_set(err, -errno, "cannot mount the container's /dev/" VIEW_PLACE);
    r = view->log ? bind_file(dev, VIEW_PLACE "/kmsg", dev, "kmsg") : 0;
    if (r < 0)
        return err_set(err, r, "cannot mount the container's /dev/kmsg");
    r = view->params ? cover_params(view, dev, config) : 0;
    return r < 0 ? err_set(err, r, "cannot mount the container's /proc/sys") : 0;
}

/*
 * The mounts and root of the container, and its pid namespace for the children: parameters of a
 * namespace are those of who looks them up.
 */
static int enter(pid_t pid, struct err *err)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/ns/mnt", (int)pid);
    _cleanup_(closep) int mounts = open(path, O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "/proc/%d/ns/pid", (int)pid);
    _cleanup_(closep) int pids = open(path, O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "/proc/%d/root", (int)pid);
    _cleanup_(closep) int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    /* CAP_SYS_ADMIN there and here, CAP_SYS_CHROOT. */
    if (mounts < 0 || pids < 0 || root < 0 || setns(pids, CLONE_NEWPID) < 0 ||
        setns(mounts, CLONE_NEWNS) < 0 || fchdir(root) < 0 || chroot(".") < 0 || chdir("/") < 0)
        return err_set(err, -errno, "cannot enter the container");
    return 0;
}

_Noreturn static void attach_as_child(const struct oci_view *view, const struct oci_create *create,
                                      pid_t pid, int words)
{
    struct err said = {0};
    int r = enter(pid, &said);
    pid_t child = r < 0 ? -1 : fork();

    if (r == 0 && child < 0)
        r = err_set(&said, -errno, "cannot enter the container");
    if (child > 0) {
        waitpid(child, NULL, 0);
        _exit(0);
    }
    if (r == 0)
        attach_inside(view, create->config, &said);
    _exit(fd_write_full(words, &said, sizeof said) < 0);
}

int oci_view_attach(const struct oci_view *view, const struct oci_create *create, pid_t pid,
                    struct err *err)
{
    struct err said;
    int ends[2];

    if (view->fuse < 0)
        return 0;
    int r = await_process(view, err);
    if (r < 0)
        return r;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return err_set(err, -errno, "cannot enter the container");
    _cleanup_(closep) int from = ends[0];
    pid_t child = fork();
    if (child == 0)
        attach_as_child(view, create, pid, ends[1]);
    close(ends[1]);
    if (child < 0)
        return err_set(err, -errno, "cannot enter the container");
    ssize_t n = fd_read_full(from, &said, sizeof said);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
    if (n != sizeof said)
        return err_say(err, -EIO, "cannot enter the container: who did died");
    said.message[sizeof said.message - 1] = '\0';
    return said.code < 0 ? err_say(err, said.code, "%s", said.message) : 0;
}
