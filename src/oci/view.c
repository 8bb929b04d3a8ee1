/* The view's process is started, and its file system brought into the container. */
#include "oci/view.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "cgroup/place.h"
#include "oci/user_namespace.h"
#include "vkernel/view_protocol.h"
#include "vkernel/vkernel.h"

/* Where it is mounted, in the container's /dev. */
#define VIEW_PLACE "vkernel"
/* Above the places that the process gets its descriptors at. */
#define HIGH_FD 32

void oci_view_close(struct oci_view *view)
{
    int fds[] = {view->fuse, view->mount, view->control, view->words};

    fd_close_all(fds, ARRAY_LEN(fds));
    *view = OCI_VIEW_NONE;
}

/* ---- the file system ---- */

static int set_option(int context, const char *key, const char *value)
{
    return fsconfig(context, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key, value, 0);
}

/* CAP_SYS_ADMIN. Anybody in the container may look; who may what are the files' modes. */
static int make_mount(struct oci_view *view)
{
    char number[16];

    view->fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    _cleanup_(closep) int context = fsopen("fuse", FSOPEN_CLOEXEC);
    if (view->fuse < 0 || context < 0)
        return -errno;
    snprintf(number, sizeof number, "%d", view->fuse);
    if (set_option(context, "source", "vkernel") < 0 || set_option(context, "fd", number) < 0 ||
        set_option(context, "rootmode", "40000") < 0 || set_option(context, "user_id", "0") < 0 ||
        set_option(context, "group_id", "0") < 0 || set_option(context, "allow_other", NULL) < 0 ||
        set_option(context, "default_permissions", NULL) < 0 ||
        fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return -errno;
    view->mount =
        fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    return view->mount < 0 ? -errno : 0;
}

/* ---- the process ---- */

static uint32_t owner(const struct oci_mappings *mappings, const struct oci_config *config)
{
    return oci_config_namespace(config, CLONE_NEWUSER) ? user_namespace_outside(mappings, 0) : 0;
}

static int listen_for_brokers(int state_fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    _cleanup_(closep) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/" VIEW_SOCKET, state_fd);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 16) < 0)
        return -errno;
    return steal_fd(&fd);
}

static int program_path(char path[static PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - sizeof VIEW_PROGRAM - 1);

    if (length > 0) {
        path[length] = '\0';
        strcpy(strrchr(path, '/') + 1, VIEW_PROGRAM);
        if (access(path, X_OK) == 0)
            return 0;
    }
    snprintf(path, PATH_MAX, "%s/%s", VIREO_LIBEXECDIR, VIEW_PROGRAM);
    return access(path, X_OK) < 0 ? -errno : 0;
}

/* Of the caller it keeps nothing but these descriptors, at their places. */
_Noreturn static void become(const char *path, char *const *words, const int *fds, int error_fd)
{
    char *const environment[] = {NULL};
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    setsid();
    if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(error_fd, 2) < 0 ||
        chdir("/") < 0)
        _exit(1);
    for (int i = 0; i < VIEW_FD_END - 3; i++)
        if (fds[i] < 0 ? close(3 + i) < 0 && errno != EBADF : dup2(fds[i], 3 + i) < 0)
            _exit(1);
    syscall(SYS_close_range, VIEW_FD_END, ~0u, 0);
    signal(SIGPIPE, SIG_IGN);
    execve(path, words, environment);
    dprintf(2, "cannot execute '%s': %s", path, strerror(errno));
    _exit(1);
}

/* Nobody's child, that nobody must reap it. */
static int spawn(const char *path, char *const *words, int *fds, int error_fd)
{
    int status = 0;

    for (int i = 0; i < VIEW_FD_END - 3; i++) {
        int high = fds[i] < 0 ? -1 : fcntl(fds[i], F_DUPFD_CLOEXEC, HIGH_FD);
        if (fds[i] >= 0 && high < 0)
            return -errno;
        fds[i] = high;
    }
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0) {
        pid_t second = fork();
        if (second != 0)
            _exit(second < 0);
        become(path, words, fds, error_fd);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status == 0 ? 0 : -EAGAIN;
}

static int open_log(int state_fd, const char *name)
{
    int fd = openat(state_fd, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

    return fd < 0 ? -errno : fd;
}

static int start_process(struct oci_view *view, const struct oci_create *create, int group_fd,
                         const char *group, struct err *err)
{
    const struct oci_config *config = create->config;
    char path[PATH_MAX], uid[16], gid[16], log[16];
    int ends[2] = {-1, -1}, words_ends[2] = {-1, -1};

    snprintf(uid, sizeof uid, "%u", owner(&config->linux_.uid_mappings, config));
    snprintf(gid, sizeof gid, "%u", owner(&config->linux_.gid_mappings, config));
    snprintf(log, sizeof log, "%u", create->options.vkernel->log.kib << 10);
    const char *words[] = {VIEW_PROGRAM, "--uid", uid,       "--gid", gid,
                           "--log",      log,     "--group", group,   NULL};
    int r = program_path(path);
    if (r < 0)
        return err_set(err, r, "cannot start '%s'", path);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0 ||
        pipe2(words_ends, O_CLOEXEC) < 0)
        return err_set(err, -errno, "cannot start '%s'", path);
    view->control = ends[0];
    view->words = words_ends[0];
    _cleanup_(closep) int theirs = ends[1];
    _cleanup_(closep) int error_fd = words_ends[1];
    _cleanup_(closep) int brokers = listen_for_brokers(create->state_fd);
    _cleanup_(closep) int first = open_log(create->state_fd, VIEW_LOG_FIRST);
    _cleanup_(closep) int second = open_log(create->state_fd, VIEW_LOG_SECOND);
    if (brokers < 0 || first < 0 || second < 0)
        return err_set(err,
                       brokers < 0 ? brokers
                       : first < 0 ? first
                                   : second,
                       "cannot make the files of '%s'", VIEW_PROGRAM);
    int fds[] = {view->fuse, theirs, brokers, group_fd, first, second};
    r = spawn(path, (char *const *)(uintptr_t)words, fds, error_fd);
    fd_close_all(fds, ARRAY_LEN(fds));
    return r < 0 ? err_set(err, r, "cannot start '%s'", path) : 0;
}

int oci_view_start(struct oci_view *view, const struct oci_create *create,
                   const struct cgroup_place *groups, struct err *err)
{
    int group_fd = -1;

    if (!create->options.vkernel || !vkernel_has_view(create->options.vkernel))
        return 0;
    for (size_t i = 0; i < groups->count; i++)
        if (groups->trees[i].unified)
            group_fd = groups->trees[i].fd;
    if (group_fd < 0)
        return err_say(err, -ENOTSUP,
                       "cannot give the container a log of its own: it has no group in a v2 tree");
    int r = make_mount(view);
    if (r < 0)
        return err_set(err, r, "cannot make the file system of the virtual kernel");
    return start_process(view, create, group_fd, groups->path, err);
}

/* ---- into the container ---- */

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

/* A file of the view, over one in /dev. */
static int bind_file(int dev, const char *name)
{
    char path[64];

    snprintf(path, sizeof path, VIEW_PLACE "/%s", name);
    _cleanup_(closep) int tree = open_tree(dev, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0)
        return -errno;
    return move_mount(tree, "", dev, name, MOVE_MOUNT_F_EMPTY_PATH) < 0 ? -errno : 0;
}

/* Places to mount on. They are the root's of the container: another id may have no place there. */
static int make_places(int dev, const struct oci_config *config)
{
    int r = 0;

    setfsgid(owner(&config->linux_.gid_mappings, config));
    setfsuid(owner(&config->linux_.uid_mappings, config));
    if (mkdirat(dev, VIEW_PLACE, 0755) < 0)
        r = -errno;
    int made = openat(dev, "kmsg", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (r == 0 && made < 0 && errno != EEXIST)
        r = -errno;
    closep(&made);
    setfsuid(0);
    setfsgid(0);
    return r;
}

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
    int r = make_places(dev, config);
    if (r < 0)
        return err_set(err, r, "cannot make the container's /dev/" VIEW_PLACE);
    if (move_mount(view->mount, "", dev, VIEW_PLACE, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return err_set(err, -errno, "cannot mount the container's /dev/" VIEW_PLACE);
    r = bind_file(dev, "kmsg");
    return r < 0 ? err_set(err, r, "cannot mount the container's /dev/kmsg") : 0;
}

static int enter(pid_t pid, struct err *err)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/ns/mnt", (int)pid);
    _cleanup_(closep) int mounts = open(path, O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "/proc/%d/root", (int)pid);
    _cleanup_(closep) int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    /* CAP_SYS_ADMIN there and here, CAP_SYS_CHROOT. */
    if (mounts < 0 || root < 0 || setns(mounts, CLONE_NEWNS) < 0 || fchdir(root) < 0 ||
        chroot(".") < 0 || chdir("/") < 0)
        return err_set(err, -errno, "cannot enter the container");
    return 0;
}

/* By a child: a mount namespace is not left again. */
int oci_view_attach(const struct oci_view *view, const struct oci_create *create, pid_t pid,
                    struct err *err)
{
    struct err said = {0};
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
    if (child == 0) {
        r = enter(pid, &said);
        if (r == 0)
            r = attach_inside(view, create->config, &said);
        _exit(fd_write_full(ends[1], &said, sizeof said) < 0);
    }
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
