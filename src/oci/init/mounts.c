/*
 * One mount: what is mounted is made detached, its target is resolved to a descriptor beneath the
 * container's root, and the one is put on the other; or, where that is all, it is mounted in its
 * target at once. No path is looked up twice.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include "oci/init/init.h"
#include "oci/init/mount_calls.h"

/* Read-only is not among them: mount(2) would make the file system itself so, which sysfs shares.
 */
#define SIMPLE_ATTRIBUTES \
    (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_STRICTATIME)

static int fail(struct init *init, const struct init_mount *mount, int code, const char *what)
{
    return err_set(&init->err, code, "cannot mount '%s' on '%s': %s",
                   mount->source ? mount->source : mount->type, mount->target, what);
}

/* What the file system says of it, "e overlay: missing lowerdir", or just the number. */
static int fail_context(struct init *init, const struct init_mount *mount, int context, int code,
                        const char *what)
{
    char said[256];

    ssize_t n = read(context, said, sizeof said - 1);
    if (n <= 2)
        return fail(init, mount, code, what);
    said[n] = '\0';
    said[strcspn(said, "\n")] = '\0';
    return err_set(&init->err, code, "cannot mount '%s' on '%s': %s: %s", mount->type,
                   mount->target, what, said + 2);
}

/* A tmpfs without a mode takes that of the directory it covers, as every runtime does. */
static int tmpfs_mode(int context, const struct init_mount *mount, int target)
{
    struct stat status;
    char mode[16];

    if (strcmp(mount->type, "tmpfs") != 0)
        return 0;
    for (size_t i = 0; i < mount->option_count; i++)
        if (strcmp(mount->options[i].key, "mode") == 0)
            return 0;
    if (fstat(target, &status) < 0)
        return -errno;
    snprintf(mode, sizeof mode, "%o", status.st_mode & 07777);
    return call_fsconfig(context, FSCONFIG_SET_STRING, "mode", mode, 0);
}

static bool is_filled(const struct init_mount *mount)
{
    return mount->copy_up || mount->link_count > 0;
}

static int make_filesystem(struct init *init, const struct init_mount *mount, int target,
                           int *ret_fd)
{
    _cleanup_(closep) int context = call_fsopen(mount->type, FSOPEN_CLOEXEC);
    /* Left to the caller: it may have another way. */
    if (context == -EPERM && mount->or_bind)
        return context;
    if (context < 0)
        return err_set(&init->err, context, "cannot mount '%s' on '%s': open a file system '%s'",
                       mount->source ? mount->source : mount->type, mount->target, mount->type);
    int r = 0;
    if (mount->source)
        r = call_fsconfig(context, FSCONFIG_SET_STRING, "source", mount->source, 0);
    if (r < 0)
        return fail_context(init, mount, context, r, "name its source");
    for (size_t i = 0; i < mount->option_count; i++) {
        const struct init_option *option = &mount->options[i];
        r = call_fsconfig(context, option->value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG,
                          option->key, option->value, 0);
        if (r < 0)
            return fail_context(init, mount, context, r, option->key);
    }
    r = tmpfs_mode(context, mount, target);
    if (r == 0)
        r = call_fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
    if (r == -EPERM && mount->or_bind)
        return r;
    if (r < 0)
        return fail_context(init, mount, context, r, "make its file system");
    /* What is still to be filled becomes read-only after that. */
    int fd =
        call_fsmount(context, FSMOUNT_CLOEXEC,
                     (unsigned)(is_filled(mount) ? mount->set & ~MOUNT_ATTR_RDONLY : mount->set));
    if (fd == -EPERM && mount->or_bind)
        return fd;
    if (fd < 0)
        return fail_context(init, mount, context, fd, "mount its file system");
    *ret_fd = fd;
    return 0;
}

/* A copy of the mount at `path`, with all below it if `recursive`, or if it can't be had without:
 * *ret_recursive (may be NULL) says which it is. */
static int clone_source(struct init *init, const struct init_mount *mount, const char *path,
                        bool recursive, int *ret_fd, bool *ret_recursive)
{
    unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_NO_AUTOMOUNT;

    *ret_fd = call_open_tree(AT_FDCWD, path,
                             flags | (recursive ? AT_RECURSIVE : 0) |
                                 (mount->source_nofollow ? AT_SYMLINK_NOFOLLOW : 0));
    if (ret_recursive)
        *ret_recursive = recursive;
    if (*ret_fd >= 0)
        return 0;
    int source =
        openat(AT_FDCWD, path, O_PATH | O_CLOEXEC | (mount->source_nofollow ? O_NOFOLLOW : 0));
    if (source < 0)
        return fail(init, mount, -errno, "open its source");
    int fd = call_open_tree(source, "",
                            AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
                                (recursive ? AT_RECURSIVE : 0));
    /* A user namespace may not look under what was mounted before it: then all comes along. */
    if (fd == -EINVAL && !recursive) {
        fd = call_open_tree(source, "",
                            AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
        if (ret_recursive)
            *ret_recursive = true;
    }
    close(source);
    if (fd < 0)
        return fail(init, mount, fd, "copy its source's mount");
    *ret_fd = fd;
    return 0;
}

static int change(int fd, uint64_t set, uint64_t clear, uint64_t propagation, bool recursive)
{
    struct mount_attr attr = {.attr_set = set, .attr_clr = clear, .propagation = propagation};

    if (!set && !clear && !propagation)
        return 0;
    return call_mount_setattr(fd, AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr);
}

/* Flags and propagation; `set` was given to fsmount already where that made the mount. */
static int set_attributes(struct init *init, const struct init_mount *mount, int fd, bool with_set)
{
    int r = change(fd, mount->recursive_set, mount->recursive_clear, mount->recursive_propagation,
                   true);
    if (r == 0)
        r = change(fd, with_set ? mount->set : 0, with_set ? mount->clear : 0, mount->propagation,
                   false);
    return r < 0 ? fail(init, mount, r, "set its attributes") : 0;
}

/* The files of procfs that tools such as lxcfs replace; over others a mount could lie to us. */
static const char *const proc_targets[] = {
    "/proc/cpuinfo",
    "/proc/diskstats",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/swaps",
    "/proc/uptime",
    "/proc/loadavg",
    "/proc/slabinfo",
    "/proc/sys/kernel/ns_last_pid",
    "/proc/sys/crypto/fips_enabled",
};

static int check_target(struct init *init, const struct init_mount *mount, int target)
{
    struct statfs status;

    if (fstatfs(target, &status) < 0)
        return fail(init, mount, -errno, "look at its target");
    if (status.f_type != PROC_SUPER_MAGIC || (mount->type && strcmp(mount->type, "proc") == 0))
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(proc_targets); i++)
        if (strcmp(mount->target, proc_targets[i]) == 0)
            return 0;
    if (strcmp(mount->target, "/proc") == 0)
        return 0;
    return err_say(&init->err, -EPERM, "cannot mount on '%s': it is inside of procfs",
                   mount->target);
}

static int open_target(struct init *init, const struct init_mount *mount, bool directory,
                       int *ret_fd)
{
    bool made = false;
    int fd = -ENOENT;

    if (mount->plain_target) {
        fd = beneath_open(init->root_fd, mount->target, O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS);
        if (fd == -ELOOP || fd == -ENOTDIR)
            return err_say(&init->err, fd,
                           "cannot mount '%s' on '%s': it must be a directory, not a link",
                           mount->type, mount->target);
    }
    bool cached = !mount->plain_target && directory && !mount->target_nofollow;
    if (cached)
        fd = beneath_make_cached(init->root_fd, mount->target, &init->parent, &made);
    /* What goes another way may cover the directory that the cache holds. */
    if (!cached || fd == -ENOENT)
        beneath_cache_drop(&init->parent);
    if (fd == -ENOENT)
        fd = mount->target_nofollow ? beneath_entry(init->root_fd, mount->target, directory)
                                    : beneath_make(init->root_fd, mount->target, directory);
    if (fd < 0)
        return fail(init, mount, fd, "open its target");
    /* Nobody makes a directory in procfs. */
    int r = made ? 0 : check_target(init, mount, fd);
    if (r < 0) {
        close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

static int fill(struct init *init, const struct init_mount *mount, int tree)
{
    if (mount->copy_up) {
        _cleanup_(closep) int from =
            beneath_open(init->root_fd, mount->target, O_RDONLY | O_DIRECTORY, 0);
        if (from < 0)
            return fail(init, mount, from, "open what it covers");
        int r = copy_up(from, tree, 0);
        if (r < 0)
            return fail(init, mount, r, "copy what it covers");
    }
    for (size_t i = 0; i < mount->link_count; i++)
        if (symlinkat(mount->links[i].target, tree, mount->links[i].path) < 0 && errno != EEXIST)
            return fail(init, mount, -errno, mount->links[i].path);
    return 0;
}

/* A file system that this user namespace may not have is the host's own, with all below it. */
static int make_instead(struct init *init, const struct init_mount *mount, int *ret_fd)
{
    const char *source = strcmp(mount->type, "sysfs") == 0    ? "/sys"
                         : strcmp(mount->type, "mqueue") == 0 ? "/dev/mqueue"
                                                              : "/proc";
    if (mount->option_count)
        return err_say(&init->err, -EPERM,
                       "cannot mount '%s' on '%s': this user namespace may make none, and the "
                       "host's takes no option '%.100s'",
                       mount->type, mount->target, mount->options[0].key);
    int r = clone_source(init, mount, source, true, ret_fd, NULL);
    if (r == 0)
        r = change(*ret_fd, mount->set, 0, 0, true);
    return r < 0 ? fail(init, mount, r, "set its attributes") : 0;
}

static int is_directory(int fd)
{
    struct stat status;

    return fstat(fd, &status) < 0 ? -errno : S_ISDIR(status.st_mode);
}

static int make_tree(struct init *init, const struct init_mount *mount, int target, int *ret_tree)
{
    int r = make_filesystem(init, mount, target, ret_tree);
    if (r == -EPERM && mount->or_bind && init->err.code == 0)
        return make_instead(init, mount, ret_tree);
    return r;
}

static int mount_bind(struct init *init, const struct init_mount *mount)
{
    _cleanup_(closep) int made = -1;
    _cleanup_(closep) int target = -1;
    int tree = mount->tree_fd;
    int directory = mount->directory;

    if (tree < 0) {
        bool all = false;
        int r = clone_source(init, mount, mount->source, mount->recursive, &made, &all);
        if (r < 0)
            return r;
        tree = made;
        /* What nobody asked for and still comes along gets what the bind itself gets. */
        if (all && !mount->recursive &&
            (r = change(tree, mount->set, mount->clear, mount->propagation, true)) < 0)
            return fail(init, mount, r, "set the attributes of what is mounted below its source");
        directory = is_directory(tree);
        /* The runtime's mounts are the host's: no event of ours is to reach them. */
        if (init->plan->host_root && (r = change(tree, 0, 0, MS_PRIVATE, true)) < 0)
            return fail(init, mount, r, "part it from the host's");
    }
    int r = set_attributes(init, mount, tree, true);
    if (r == 0)
        r = open_target(init, mount, directory, &target);
    if (r < 0)
        return r;
    r = call_move_mount(tree, target);
    if (mount->tree_fd >= 0)
        close(mount->tree_fd);
    return r < 0 ? fail(init, mount, r, "put it there") : 0;
}

/* Options as mount(2) takes them. False: they can't be written so. */
static bool write_options(const struct init_mount *mount, char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < mount->option_count; i++) {
        const struct init_option *option = &mount->options[i];
        if (strchr(option->key, ',') || (option->value && strchr(option->value, ',')))
            return false;
        int n = snprintf(text + used, size - used, "%s%s%s%s", used ? "," : "", option->key,
                         option->value ? "=" : "", option->value ? option->value : "");
        if (n < 0 || (size_t)n >= size - used)
            return false;
        used += (size_t)n;
    }
    return true;
}

/* The new interface has words for what went wrong, and a mount that can still be changed. */
static bool is_simple(const struct init *init, const struct init_mount *mount)
{
    bool mode = strcmp(mount->type, "tmpfs") != 0;

    for (size_t i = 0; i < mount->option_count && !mode; i++)
        mode = strcmp(mount->options[i].key, "mode") == 0;
    return mode && !is_filled(mount) && !mount->label && !mount->propagation &&
           !mount->recursive_set && !mount->recursive_clear && !mount->recursive_propagation &&
           !(mount->set & ~(uint64_t)SIMPLE_ATTRIBUTES) &&
           init->plan->create_container.count == 0; /* hooks know our directory */
}

/* A file system by two calls instead of ten; our own directory is the target then, and "." no path
 * that anybody could change. False: nothing is mounted. */
static bool mount_at_once(const struct init *init, const struct init_mount *mount, int target)
{
    /* These have the same numbers in both interfaces. */
    unsigned long flags = mount->set & (MS_NOSUID | MS_NODEV | MS_NOEXEC);
    char options[512];

    if (!is_simple(init, mount) || !write_options(mount, options, sizeof options))
        return false;
    if (mount->set & MOUNT_ATTR_STRICTATIME)
        flags |= MS_STRICTATIME;
    return fchdir(target) == 0 &&
           syscall(SYS_mount, mount->source, ".", mount->type, flags, options) == 0;
}

/* Whose file system the kernel holds too takes no context, but its root an attribute. */
static int set_label(struct init *init, const struct init_mount *mount, int tree)
{
    if (!mount->label)
        return 0;
    _cleanup_(closep) int fd = openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsetxattr(fd, "security.selinux", mount->label, strlen(mount->label), 0) < 0)
        return fail(init, mount, -errno, "label it");
    return 0;
}

static int mount_filesystem(struct init *init, const struct init_mount *mount)
{
    _cleanup_(closep) int tree = -1;
    _cleanup_(closep) int target = -1;

    int r = open_target(init, mount, true, &target);
    if (r == 0 && mount_at_once(init, mount, target))
        return 0;
    if (r == 0)
        r = make_tree(init, mount, target, &tree);
    if (r == 0 && is_filled(mount))
        r = fill(init, mount, tree);
    if (r == 0)
        r = set_label(init, mount, tree);
    if (r == 0)
        r = set_attributes(init, mount, tree, is_filled(mount));
    if (r < 0)
        return r;
    r = call_move_mount(tree, target);
    return r < 0 ? fail(init, mount, r, "put it there") : 0;
}

static int make_link(struct init *init, const struct init_mount *mount)
{
    char name[256], there[PATH_MAX];

    _cleanup_(closep) int parent = beneath_parent(init->root_fd, mount->target, name);
    if (parent < 0)
        return fail(init, mount, parent, "open its target");
    if (symlinkat(mount->source, parent, name) == 0)
        return 0;
    if (errno != EEXIST)
        return fail(init, mount, -errno, "make the link");
    ssize_t length = readlinkat(parent, name, there, sizeof there);
    if (length != (ssize_t)strlen(mount->source) ||
        memcmp(there, mount->source, (size_t)length) != 0)
        return fail(init, mount, -EEXIST, "make the link");
    return 0;
}

/* What was mounted on the root itself is the root from now: the path leads to the topmost. */
static int renew_root(struct init *init, const struct init_mount *mount)
{
    if (mount->target[strspn(mount->target, "/.")] != '\0')
        return 0;
    int fd = openat(AT_FDCWD, init->plan->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail(init, mount, -errno, "enter it");
    close(init->root_fd);
    init->root_fd = fd;
    return 0;
}

static int make_mount(struct init *init, const struct init_mount *mount)
{
    if (mount->kind == INIT_MOUNT_LINK)
        return make_link(init, mount);
    if (mount->kind == INIT_MOUNT_BIND)
        return mount_bind(init, mount) ?: renew_root(init, mount);
    if (mount->kind == INIT_MOUNT_FILESYSTEM)
        return mount_filesystem(init, mount) ?: renew_root(init, mount);
    _cleanup_(closep) int target = beneath_open(init->root_fd, mount->target, O_PATH, 0);
    if (target < 0)
        return fail(init, mount, target, "open what to change");
    return set_attributes(init, mount, target, true);
}

int init_mount(struct init *init, const struct init_mount *mount)
{
    int r = make_mount(init, mount);

    if (r < 0 && mount->number)
        err_at(&init->err, r, "mounts[%zu]", mount->number - 1);
    return r;
}
