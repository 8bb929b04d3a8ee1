/*
 * Control groups v2: one directory for everything, entered by clone3(CLONE_INTO_CGROUP).
 *
 * A group that passes controllers on to its children may hold no process itself (the root of the
 * hierarchy is free of that rule). Where we were started inside the group that is ours to divide
 * (a systemd service with Delegate=yes), this process first moves to a leaf beside our directory.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup/internal.h"
#include "cgroup/ops.h"

#define LEAF "supervisor"

static void list_read(int dir_fd, const char *file, char *ret_list, size_t size)
{
    ret_list[0] = '\0';
    _cleanup_(closep) int fd = openat(dir_fd, file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t n = fd_read_full(fd, ret_list, size - 1);
    ret_list[n > 0 ? n : 0] = '\0';
}

/*
 * Whether processes keep this group from passing controllers on. Asked first: the kernel would
 * refuse memory and io, but take cpu and pids and turn the group into the root of a threaded
 * subtree, in which nothing of ours works (cgroup_vet_subtree_control_enable()). Only the root of
 * the hierarchy, which has no type, is free of the rule.
 */
static bool is_occupied(int dir_fd)
{
    char pids[64];

    list_read(dir_fd, "cgroup.procs", pids, sizeof pids);
    return pids[0] && cgroup_file_exists(dir_fd, "cgroup.type");
}

/*
 * Passes on to the children of `dir_fd` those controllers of ours that it has. Returns how many
 * are passed on, or -EBUSY when one can't be because processes live here.
 */
static int controllers_enable(int dir_fd)
{
    char have[256], passed[256], word[32];
    int count = 0;

    list_read(dir_fd, "cgroup.controllers", have, sizeof have);
    list_read(dir_fd, "cgroup.subtree_control", passed, sizeof passed);
    for (size_t i = 0; i < cgroup_controller_count; i++) {
        const struct cgroup_controller *row = &cgroup_controllers[i];
        if (!row->backend->unified || !cgroup_list_has(have, row->kernel_name))
            continue;
        bool is_passed = cgroup_list_has(passed, row->kernel_name);
        if (!is_passed && is_occupied(dir_fd))
            return -EBUSY;
        /* One by one: the kernel takes all of a list or nothing. */
        snprintf(word, sizeof word, "+%s", row->kernel_name);
        count += is_passed || fd_write_string(dir_fd, "cgroup.subtree_control", word) == 0;
    }
    return count;
}

/* As a callback: a directory that passes nothing on is no failure, its parts are just missing. */
static int enable_in_between(int dir_fd, void *user)
{
    (void)user;
    controllers_enable(dir_fd);
    return 0;
}

/* Moves this process (all its threads) to the leaf, or back; "0" stands for the writer. */
static int move_self(int dir_fd, const char *dir)
{
    char path[64];

    snprintf(path, sizeof path, "%s/cgroup.procs", dir);
    return fd_write_string(dir_fd, path, "0");
}

/* Makes `base` pass its controllers on. Returns how many it does; sets *ret_moved. */
static int base_prepare(const char *base, bool *ret_moved)
{
    _cleanup_(closep) int fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    *ret_moved = false;
    int count = controllers_enable(fd);
    if (count != -EBUSY)
        return count;

    if (mkdirat(fd, LEAF, 0755) < 0 && errno != EEXIST)
        return -errno;
    if (move_self(fd, LEAF) < 0) {
        unlinkat(fd, LEAF, AT_REMOVEDIR);
        return 0;
    }
    count = controllers_enable(fd);
    if (count > 0) {
        *ret_moved = true;
        return count;
    }
    /* Others live here too, and they are not ours to move. */
    move_self(fd, ".");
    unlinkat(fd, LEAF, AT_REMOVEDIR);
    return 0;
}

/* Undoes base_prepare(), unless another directory needs it still. */
static void base_restore(const char *base)
{
    _cleanup_(closep) int fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char word[32];

    if (fd < 0)
        return;
    for (size_t i = 0; i < cgroup_controller_count; i++) {
        if (!cgroup_controllers[i].backend->unified)
            continue;
        snprintf(word, sizeof word, "-%s", cgroup_controllers[i].kernel_name);
        fd_write_string(fd, "cgroup.subtree_control", word);
    }
    if (move_self(fd, ".") == 0)
        unlinkat(fd, LEAF, AT_REMOVEDIR);
}

/*
 * Makes our directory below `base`; returns how many controllers its groups will have.
 * cgroup.procs: whoever clones into a group must be able to write that file in the group and in
 * the nearest directory above both groups (cgroup_attach_permissions() in kernel/cgroup/cgroup.c),
 * as the uid that it has then, which is a tenant's. Our directory is 0700, so that the way there is
 * a descriptor of ours and nothing else.
 */
static int try_base(struct cgroup_tree *tree, const char *base, const char *name, struct err *err)
{
    bool moved = false;
    int count = base_prepare(base, &moved);
    if (count < 0)
        return err_set(err, count, "cannot prepare control group '%s'", base);

    int r = cgroup_directory_make(base, name, enable_in_between, NULL, tree->path,
                                  sizeof tree->path, &tree->fd, err);
    if (r < 0) {
        if (moved)
            base_restore(base);
        return r;
    }
    tree->moved_self = moved;
    snprintf(tree->base, sizeof tree->base, "%s", base);
    count = controllers_enable(tree->fd);
    list_read(tree->fd, "cgroup.subtree_control", tree->controllers, sizeof tree->controllers);
    if (fchmodat(tree->fd, "cgroup.procs", 0666, 0) < 0) {
        r = err_set(err, -errno, "cannot open control group '%s' to its groups", tree->path);
        cgroup_directory_remove(base, name);
        if (moved)
            base_restore(base);
        close(steal_fd(&tree->fd));
        return r;
    }
    return count < 0 ? 0 : count;
}

/* How many of our controllers the top of the tree has: no place below has more. */
static int controllers_at(const char *path)
{
    _cleanup_(closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char have[256];
    int count = 0;

    if (fd < 0)
        return 0;
    list_read(fd, "cgroup.controllers", have, sizeof have);
    for (size_t i = 0; i < cgroup_controller_count; i++)
        count += cgroup_controllers[i].backend->unified &&
                 cgroup_list_has(have, cgroup_controllers[i].kernel_name);
    return count;
}

static void v2_close(struct cgroup_tree *tree)
{
    if (tree->moved_self)
        base_restore(tree->base);
    tree->moved_self = false;
}

/* Removes what try_base() made. */
static void place_leave(struct cgroup_tree *tree, const char *name)
{
    cgroup_directory_remove(tree->base, name);
    v2_close(tree);
    close(steal_fd(&tree->fd));
}

/*
 * Below our own group if that gives all controllers; else, if the top of the tree gives more, there
 * (root in a login session, whose scope holds the shell too: only root can write there). What the
 * first attempt made is removed.
 */
static int v2_open(struct cgroup_tree *tree, const char *base, const char *mount_point,
                   const char *name, struct err *err)
{
    char own[sizeof tree->base];
    struct err first = {0};

    /* Started again from inside the leaf: what is ours to divide is above it. */
    snprintf(own, sizeof own, "%s", base);
    size_t length = strlen(own);
    if (length > strlen(mount_point) + sizeof LEAF &&
        strcmp(own + length - strlen("/" LEAF), "/" LEAF) == 0)
        own[length - strlen("/" LEAF)] = '\0';

    int count = try_base(tree, own, name, &first);
    if (strcmp(own, mount_point) == 0 || (count >= 0 && count >= controllers_at(mount_point)) ||
        count == -EBUSY)
        return count < 0 ? err_say(err, count, "%s", first.message) : 0;

    struct cgroup_tree top = *tree;
    top.fd = -1;
    int count_top = try_base(&top, mount_point, name, &first);
    bool take_top = count_top > count;
    if (count_top >= 0 && !take_top)
        place_leave(&top, name);
    /* A live process has the name at the top: it is in use, wherever we would put ours. */
    if (count >= 0 && (take_top || count_top == -EBUSY))
        place_leave(tree, name);
    if (count_top == -EBUSY || (count < 0 && !take_top))
        return err_say(err, count_top == -EBUSY ? count_top : count, "%s", first.message);
    if (take_top)
        *tree = top;
    return 0;
}

static int v2_entry(const struct cgroup_tree *tree, const char *dir, int *ret_clone_fd,
                    int *ret_tasks_fd)
{
    (void)ret_tasks_fd;
    _cleanup_(closep) int fd =
        openat(tree->fd, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fchmodat(fd, "cgroup.procs", 0666, 0) < 0)
        return -errno;
    *ret_clone_fd = steal_fd(&fd);
    return 0;
}

/* cgroup.kill is Linux 5.14's. Before: frozen, so that nothing forks while the list is read. */
static int v2_kill(int dir_fd)
{
    int r = fd_write_string(dir_fd, "cgroup.kill", "1");
    if (r != -ENOENT)
        return r;
    fd_write_string(dir_fd, "cgroup.freeze", "1");
    r = cgroup_kill_listed(dir_fd);
    fd_write_string(dir_fd, "cgroup.freeze", "0");
    return r < 0 ? r : 0;
}

static void v2_reclaim(const struct cgroup_tree *tree, const char *dir, uint64_t bytes)
{
    char path[64], value[32];

    snprintf(path, sizeof path, "%s/memory.reclaim", dir);
    snprintf(value, sizeof value, "%" PRIu64, bytes);
    fd_write_string(tree->fd, path, value);
}

const struct cgroup_backend cgroup_backend_v2 = {
    .name = "v2",
    .unified = true,
    .open = v2_open,
    .close = v2_close,
    .entry = v2_entry,
    .kill = v2_kill,
    .reclaim = v2_reclaim,
};

/* Swap would make the limit a slow one. */
int v2_limit_memory(const struct cgroup_tree *tree, const char *dir,
                    const struct cgroup_limits *was, const struct cgroup_limits *want,
                    struct err *err)
{
    char value[32] = "max", path[64];

    if (want->memory_bytes)
        snprintf(value, sizeof value, "%" PRIu64, want->memory_bytes);
    int r = cgroup_limit_write(tree, dir, "memory.max", value, err);
    if (r == 0 && !was->memory_bytes != !want->memory_bytes) {
        /* The file is there only when the kernel accounts swap. */
        snprintf(path, sizeof path, "%s/memory.swap.max", dir);
        fd_write_string(tree->fd, path, want->memory_bytes ? "0" : "max");
    }
    return r;
}

int v2_limit_cpu(const struct cgroup_tree *tree, const char *dir, const struct cgroup_limits *was,
                 const struct cgroup_limits *want, struct err *err)
{
    uint64_t quota, period;
    char value[64] = "max 100000";

    (void)was;
    cgroup_cpu_quota(want->cpu_millis, &quota, &period);
    if (want->cpu_millis)
        snprintf(value, sizeof value, "%" PRIu64 " %" PRIu64, quota, period);
    return cgroup_limit_write(tree, dir, "cpu.max", value, err);
}

static void rate_text(uint64_t rate, char text[32])
{
    if (rate)
        snprintf(text, 32, "%" PRIu64, rate);
    else
        snprintf(text, 32, "max");
}

static int io_write(const struct cgroup_tree *tree, const char *dir, const char *disk,
                    uint64_t bytes, uint64_t operations, struct err *err)
{
    char line[192], byte_text[32], operation_text[32];

    rate_text(bytes, byte_text);
    rate_text(operations, operation_text);
    snprintf(line, sizeof line, "%s rbps=%s wbps=%s riops=%s wiops=%s", disk, byte_text, byte_text,
             operation_text, operation_text);
    return cgroup_limit_write(tree, dir, "io.max", line, err);
}

int v2_limit_io(const struct cgroup_tree *tree, const char *dir, const struct cgroup_limits *was,
                const struct cgroup_limits *want, struct err *err)
{
    char disk[32];

    /* A disk that went away took its limits along: failures don't matter here. */
    if ((was->io_bytes_per_second || was->io_operations_per_second) &&
        cgroup_disk_text(was->io_device, disk, sizeof disk, NULL) == 0)
        io_write(tree, dir, disk, 0, 0, NULL);
    if (!want->io_bytes_per_second && !want->io_operations_per_second)
        return 0;
    int r = cgroup_disk_text(want->io_device, disk, sizeof disk, err);
    if (r < 0)
        return r;
    return io_write(tree, dir, disk, want->io_bytes_per_second, want->io_operations_per_second,
                    err);
}
