/*
 * The parent's half of a start: prepares all that the child needs, clones it into its namespaces,
 * writes its id maps and waits for its exec. What the child does is in spawn_child.c.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "pvm/spawn_internal.h"

static const char *const STEP_NAMES[SPAWN_STEPS] = {
    [SPAWN_GROUP] = "join its control group",
    [SPAWN_PARENT] = "follow its parent",
    [SPAWN_IDS] = "take its user id",
    [SPAWN_ROOT] = "make its root directory",
    [SPAWN_MOUNT] = "mount",
    [SPAWN_PIVOT] = "enter its root directory",
    [SPAWN_FDS] = "place its descriptors",
    [SPAWN_LIMITS] = "set its limits",
    [SPAWN_CAPABILITIES] = "drop its capabilities",
    [SPAWN_EXECUTE] = "execute its program",
};

static void plan_clear(struct spawn_plan *plan)
{
    for (size_t i = 0; i < SPAWN_MOUNTS_MAX; i++)
        if (plan->sources[i].tree_fd >= 0)
            close(plan->sources[i].tree_fd);
    fd_close_all((int[]){plan->null_fd, plan->go_fd, plan->status_fd, plan->parent_fd}, 4);
}

void spawn_tmpfs_text(uint64_t bytes, char *size, size_t size_bytes, char *inodes,
                      size_t inodes_bytes)
{
    uint64_t pages = bytes / 4096;

    snprintf(size, size_bytes, "%llu", (unsigned long long)bytes);
    snprintf(inodes, inodes_bytes, "%llu", (unsigned long long)(pages < 64 ? 64 : pages));
}

static int plan_mount(const struct spawn_options *options, const struct spawn_mount *mount,
                      struct spawn_source *source, struct err *err)
{
    if (mount->filesystem) {
        source->directory = true;
        return 0;
    }
    if (!mount->source) {
        /* 0 would mean "no limit" to tmpfs. */
        if (mount->tmpfs_bytes == 0)
            return err_set(err, -EINVAL, "cannot start %s: mount '%s' without a size",
                           options->what, mount->target);
        source->directory = true;
        spawn_tmpfs_text(mount->tmpfs_bytes, source->size_text, sizeof source->size_text,
                         source->inodes_text, sizeof source->inodes_text);
        return 0;
    }

    struct stat status = {0};
    int r = spawn_clone_tree(mount, &status, &source->tree_fd);
    if (r == -ENOENT && mount->optional) {
        source->skip = true;
        return 0;
    }
    /* Without the capability here the child tries again, as root of its own user namespace. */
    if (r == -EPERM && status.st_mode != 0 && (options->namespaces & CLONE_NEWUSER))
        r = 0;
    if (r == -ELOOP && mount->no_symlinks)
        return err_say(err, r,
                       "cannot start %s: mount '%s': a part of the path is a symbolic link (name "
                       "the directory itself)",
                       options->what, mount->source);
    if (r < 0)
        return err_set(err, r, "cannot start %s: mount '%s'", options->what, mount->source);
    source->directory = S_ISDIR(status.st_mode);
    source->device = status.st_dev;
    source->inode = status.st_ino;
    return 0;
}

/* Sizes are ours to get right, but a wrong one must not overrun the child's arrays. */
static int check_sizes(const struct spawn_options *options, struct err *err)
{
    if (options->mount_count > SPAWN_MOUNTS_MAX || options->fd_count > SPAWN_FDS_MAX ||
        options->task_fd_count > SPAWN_TASK_FDS_MAX)
        return err_set(err, -E2BIG, "cannot start %s", options->what);
    if (options->mount_count > 0 && !(options->namespaces & CLONE_NEWNS))
        return err_set(err, -EINVAL, "cannot start %s: mounts without a mount namespace",
                       options->what);
    return 0;
}

static int plan_make(const struct spawn_options *options, struct spawn_plan *plan, int *ret_status,
                     struct err *err)
{
    int status[2];

    int r = check_sizes(options, err);
    if (r < 0)
        return r;
    if (pipe2(status, O_CLOEXEC) < 0)
        return err_set(err, -errno, "cannot start %s: make a pipe", options->what);
    *ret_status = status[0];
    plan->status_fd = status[1];
    plan->go_fd = eventfd(0, EFD_CLOEXEC);
    plan->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    plan->parent_fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (plan->go_fd < 0 || plan->null_fd < 0 || plan->parent_fd < 0)
        return err_set(err, -errno, "cannot start %s: make its descriptors", options->what);
    for (size_t i = 0; i < options->mount_count; i++) {
        r = plan_mount(options, &options->mounts[i], &plan->sources[i], err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* A handler of ours must not run in the child: no signal arrives until it has reset them all. */
static pid_t clone_child(const struct spawn_plan *plan, int *ret_pidfd)
{
    const struct spawn_options *options = plan->options;
    int pidfd = -1;
    sigset_t all, before;

    struct clone_args args = {
        .flags = options->namespaces | CLONE_PIDFD,
        .pidfd = (uintptr_t)&pidfd,
        .exit_signal = SIGCHLD,
    };
    /* A v1 group is joined after the clone, and its namespace made then (spawn_child.c). */
    if (options->task_fd_count > 0)
        args.flags &= ~(uint64_t)CLONE_NEWCGROUP;
    if (options->clone_group_fd >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)options->clone_group_fd;
    }

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
    int saved = errno;
    if (pid == 0)
        spawn_child(plan);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (pid < 0)
        return -saved;
    *ret_pidfd = pidfd;
    return pid;
}

static int write_map(pid_t pid, const char *file, const char *text)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    return fd_write_string(AT_FDCWD, path, text);
}

/*
 * One id inside, root, is one id outside. A caller without CAP_SETGID may map its own group only
 * after it has given up setgroups(2) for the namespace (user_namespaces(7)).
 */
static int map_ids(const struct spawn_options *options, pid_t pid, uint64_t *ret_go)
{
    char users[32], groups[32];
    uint64_t go = SPAWN_GO_CLEAR_GROUPS;

    snprintf(users, sizeof users, "0 %u 1\n", (unsigned)options->uid);
    snprintf(groups, sizeof groups, "0 %u 1\n", (unsigned)options->gid);
    int r = write_map(pid, "gid_map", groups);
    if (r == -EPERM) {
        go = SPAWN_GO_KEEP_GROUPS;
        r = write_map(pid, "setgroups", "deny");
        if (r == 0)
            r = write_map(pid, "gid_map", groups);
    }
    if (r == 0)
        r = write_map(pid, "uid_map", users);
    if (r < 0)
        return r;
    *ret_go = go;
    return 0;
}

/* Before the child attaches them: an idmap can only be given to a mount that nobody has seen. */
static int map_mounts(const struct spawn_plan *plan, pid_t pid)
{
    const struct spawn_options *options = plan->options;
    char path[64];
    _cleanup_(closep) int users = -1;

    for (size_t i = 0; i < options->mount_count; i++) {
        if (!options->mounts[i].root_owned || plan->sources[i].tree_fd < 0)
            continue;
        if (users < 0) {
            snprintf(path, sizeof path, "/proc/%d/ns/user", (int)pid);
            users = open(path, O_RDONLY | O_CLOEXEC);
            if (users < 0)
                return -errno;
        }
        struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)users};
        if (mount_setattr(plan->sources[i].tree_fd, "", AT_EMPTY_PATH, &attr, sizeof attr) < 0 &&
            errno != EINVAL && errno != EOPNOTSUPP && errno != EPERM)
            return -errno;
    }
    return 0;
}

/* 0 when the program runs, else the child's errno, with its message. */
static int await_exec(const struct spawn_options *options, int status_fd, struct err *err)
{
    struct spawn_failure failure;

    ssize_t n = fd_read_full(status_fd, &failure, sizeof failure);
    if (n == 0)
        return 0; /* the exec closed the other end */
    if (n != sizeof failure || failure.step < 0 || failure.step >= SPAWN_STEPS || failure.code <= 0)
        return err_set(err, n < 0 ? (int)n : -EPROTO, "cannot start %s", options->what);
    if (failure.step == SPAWN_MOUNT) {
        assert(failure.index >= 0 && (size_t)failure.index < options->mount_count);
        const struct spawn_mount *mount = &options->mounts[failure.index];
        return err_set(err, -failure.code, "cannot start %s: mount '%s'", options->what,
                       mount->source ? mount->source : mount->target);
    }
    return err_set(err, -failure.code, "cannot start %s: %s", options->what,
                   STEP_NAMES[failure.step]);
}

static int finish(const struct spawn_plan *plan, pid_t pid, int status_fd, struct err *err)
{
    const struct spawn_options *options = plan->options;
    uint64_t go = SPAWN_GO_CLEAR_GROUPS;

    if (options->namespaces & CLONE_NEWUSER) {
        int r = map_ids(options, pid, &go);
        if (r < 0)
            return err_set(err, r, "cannot start %s: map user id %u", options->what,
                           (unsigned)options->uid);
        r = map_mounts(plan, pid);
        if (r < 0)
            return err_set(err, r, "cannot start %s: map its mounts", options->what);
    }
    int r = fd_write_full(plan->go_fd, &go, sizeof go);
    if (r < 0)
        return err_set(err, r, "cannot start %s", options->what);
    return await_exec(options, status_fd, err);
}

int spawn_process(const struct spawn_options *options, struct spawned *ret_spawned, struct err *err)
{
    _cleanup_(plan_clear) struct spawn_plan plan = {
        .options = options, .null_fd = -1, .go_fd = -1, .status_fd = -1, .parent_fd = -1};
    _cleanup_(closep) int status_fd = -1;
    _cleanup_(closep) int pidfd = -1;

    for (size_t i = 0; i < SPAWN_MOUNTS_MAX; i++)
        plan.sources[i].tree_fd = -1;
    int r = plan_make(options, &plan, &status_fd, err);
    if (r < 0)
        return r;

    pid_t pid = clone_child(&plan, &pidfd);
    if (pid < 0)
        return err_set(err, pid, "cannot start %s: make its namespaces", options->what);
    /* Ours must be closed, or the end of the pipe would never be seen. */
    close(plan.status_fd);
    plan.status_fd = -1;

    r = finish(&plan, pid, status_fd, err);
    if (r < 0) {
        syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
        while (waitid(P_PIDFD, (id_t)pidfd, NULL, WEXITED | __WALL) < 0 && errno == EINTR)
            ;
        return r;
    }
    ret_spawned->pid = pid;
    ret_spawned->pidfd = steal_fd(&pidfd);
    return 0;
}
