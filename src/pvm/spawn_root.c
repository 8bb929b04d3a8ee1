/*
 * The root file system of a sandbox: an empty tmpfs, a few mounts below it, nothing of the host.
 * Everything here runs between clone and exec, in a child of a process that may have threads:
 * system calls only, no allocation, no formatting.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "pvm/spawn_internal.h"

/* Flags only ever get stricter: in a user namespace the kernel refuses to take a lock off. */
static uint64_t mount_flags(const struct spawn_mount *mount)
{
    return MOUNT_ATTR_NOSUID | (mount->device ? 0 : MOUNT_ATTR_NODEV) |
           (mount->exec ? 0 : MOUNT_ATTR_NOEXEC) | (mount->writable ? 0 : MOUNT_ATTR_RDONLY);
}

int spawn_clone_tree(const struct spawn_mount *mount, struct stat *ret_status, int *ret_fd)
{
    uint64_t resolve = mount->no_symlinks ? RESOLVE_NO_SYMLINKS : RESOLVE_NO_MAGICLINKS;
    int opened = fd_open_resolve(AT_FDCWD, mount->source, O_PATH | O_NOFOLLOW, resolve);
    if (opened < 0)
        return opened;
    _cleanup_(closep) int source = opened;

    struct stat status;
    if (fstat(source, &status) < 0)
        return -errno;
    if (S_ISLNK(status.st_mode))
        return -ELOOP;
    if (mount->device != (S_ISCHR(status.st_mode) != 0) || S_ISBLK(status.st_mode))
        return -ENODEV;
    *ret_status = status;

    /*
     * What is mounted below comes too: in a user namespace the kernel gives a directory only
     * together with what covers its parts. Its events stay behind (private).
     */
    _cleanup_(closep) int tree =
        open_tree(source, "", AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0)
        return -errno;
    struct mount_attr attr = {.attr_set = mount_flags(mount), .propagation = MS_PRIVATE};
    if (mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr) < 0)
        return -errno;
    *ret_fd = steal_fd(&tree);
    return 0;
}

/* In a child: owned by its ids, which are root of its user namespace. */
int spawn_make_tmpfs(const char *size, const char *inodes, const char *mode, uint64_t flags,
                     int *ret_fd)
{
    _cleanup_(closep) int context = fsopen("tmpfs", FSOPEN_CLOEXEC);
    if (context < 0 || fsconfig(context, FSCONFIG_SET_STRING, "size", size, 0) < 0 ||
        fsconfig(context, FSCONFIG_SET_STRING, "nr_inodes", inodes, 0) < 0 ||
        fsconfig(context, FSCONFIG_SET_STRING, "mode", mode, 0) < 0 ||
        fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return -errno;
    int fd = fsmount(context, FSMOUNT_CLOEXEC, (unsigned)flags);
    if (fd < 0)
        return -errno;
    *ret_fd = fd;
    return 0;
}

/*
 * Makes the directories of `target` (and the file itself, unless it is a directory) below the new
 * root and opens it. A symbolic link on the way is refused: earlier mounts may hold tenants' files.
 */
static int make_target(int root, const char *target, bool directory)
{
    char part[256];
    int opened = fcntl(root, F_DUPFD_CLOEXEC, 0);
    if (opened < 0)
        return -errno;
    _cleanup_(closep) int at = opened;

    for (const char *from = target; *from;) {
        while (*from == '/')
            from++;
        size_t length = strcspn(from, "/");
        if (length == 0)
            break;
        if (length >= sizeof part)
            return -ENAMETOOLONG;
        memcpy(part, from, length);
        part[length] = '\0';
        from += length;

        bool last = from[strspn(from, "/")] == '\0';
        bool made_file = last && !directory;
        if (!made_file && mkdirat(at, part, 0755) < 0 && errno != EEXIST)
            return -errno;
        if (made_file) {
            int file = openat(at, part, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644);
            if (file >= 0)
                close(file);
            else if (errno != EEXIST)
                return -errno;
        }
        int next = fd_open_resolve(at, part, O_PATH | (made_file ? O_NOFOLLOW : O_DIRECTORY),
                                   RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
        if (next < 0)
            return next;
        close(at);
        at = next;
    }
    return steal_fd(&at);
}

/* CAP_SYS_ADMIN where the file system is the machine's. */
static int make_filesystem(const struct spawn_mount *mount, int *ret_fd)
{
    _cleanup_(closep) int context = fsopen(mount->filesystem, FSOPEN_CLOEXEC);

    if (context < 0 || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return -errno;
    int fd = fsmount(context, FSMOUNT_CLOEXEC, (unsigned)mount_flags(mount));
    if (fd < 0)
        return -errno;
    *ret_fd = fd;
    return 0;
}

static int attach(int root, const struct spawn_mount *mount, const struct spawn_source *source)
{
    _cleanup_(closep) int made = -1;
    int tree = source->tree_fd;
    int r = 0;

    if (mount->filesystem) {
        r = make_filesystem(mount, &made);
        if (r < 0 && mount->optional)
            return 0;
    } else if (!mount->source) {
        r = spawn_make_tmpfs(source->size_text, source->inodes_text, "1777", mount_flags(mount),
                             &made);
    } else if (tree < 0) {
        struct stat status;
        r = spawn_clone_tree(mount, &status, &made);
        if (r == 0 && (status.st_dev != source->device || status.st_ino != source->inode))
            r = -ESTALE;
    }
    if (r < 0)
        return r;
    if (made >= 0)
        tree = made;

    int opened = make_target(root, mount->target, source->directory);
    if (opened < 0)
        return opened;
    _cleanup_(closep) int target = opened;
    if (move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
        return -errno;
    return 0;
}

static int fail(struct spawn_failure *failure, enum spawn_step step, int index, int code)
{
    *failure = (struct spawn_failure){.step = (int)step, .index = index, .code = -code};
    return code;
}

int spawn_enter_root(const struct spawn_plan *plan, struct spawn_failure *ret_failure)
{
    const struct spawn_options *options = plan->options;
    _cleanup_(closep) int root = -1;

    /* Nothing that is mounted from here on may travel to the host, nor the other way. */
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return fail(ret_failure, SPAWN_ROOT, 0, -errno);
    /* Only directories and empty files ever live in it. */
    int r = spawn_make_tmpfs("256k", "512", "0755", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, &root);
    if (r < 0)
        return fail(ret_failure, SPAWN_ROOT, 0, r);
    /* On top of "/": no directory of the host has to lend its name, and pivot_root wants a mount.
     */
    if (move_mount(root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return fail(ret_failure, SPAWN_ROOT, 0, -errno);

    for (size_t i = 0; i < options->mount_count; i++) {
        if (plan->sources[i].skip)
            continue;
        r = attach(root, &options->mounts[i], &plan->sources[i]);
        if (r < 0)
            return fail(ret_failure, SPAWN_MOUNT, (int)i, r);
    }

    /* pivot_root(2), "pivot_root(".", ".")": the old root ends on top of the new one. */
    if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0)
        return fail(ret_failure, SPAWN_PIVOT, 0, -errno);
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC};
    if (mount_setattr(root, "", AT_EMPTY_PATH, &attr, sizeof attr) < 0 || chdir("/") < 0)
        return fail(ret_failure, SPAWN_PIVOT, 0, -errno);
    return 0;
}
