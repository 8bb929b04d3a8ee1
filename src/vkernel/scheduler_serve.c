/* Holds the scheduler: policies come by a socket that root alone reaches. */
#include "vkernel/scheduler_serve.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/syscall_filter.h"
#include "vkernel/scheduler.h"
#include "vkernel/scheduler_load.h"
#include "vkernel/scheduling.h"

#define WAIT_SECONDS 1
#define DEPTH_MAX 32
#define BEAT_MS 1000
#define LIMIT_BEAT_MS 10

/* ---- groups that were told before ---- */

static enum scheduler_policy policy_of(enum vkernel_policy policy)
{
    return policy == VKERNEL_POLICY_FIFO    ? SCHEDULER_FIFO
           : policy == VKERNEL_POLICY_BATCH ? SCHEDULER_BATCH
                                            : SCHEDULER_NORMAL;
}

static int adopt_one(struct scheduler *scheduler, int group_fd)
{
    static const enum vkernel_policy told[] = {VKERNEL_POLICY_FIFO, VKERNEL_POLICY_BATCH};
    struct stat status;
    char name[32];
    ssize_t n = fgetxattr(group_fd, SCHEDULER_ATTRIBUTE, name, sizeof name - 1);

    if (n < 0 || fstat(group_fd, &status) < 0)
        return 0;
    name[n] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(told); i++)
        if (strcmp(name, vkernel_policy_name(told[i])) == 0)
            return scheduler_set(scheduler, status.st_ino, policy_of(told[i]));
    return 0;
}

/* It takes the descriptor. Groups that go meanwhile are not missed. */
static int adopt_tree(struct scheduler *scheduler, int group_fd, int depth)
{
    int r = adopt_one(scheduler, group_fd);
    DIR *directory = fdopendir(group_fd);

    if (!directory) {
        close(group_fd);
        return -errno;
    }
    for (struct dirent *entry; r == 0 && depth < DEPTH_MAX && (entry = readdir(directory));) {
        if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
            continue;
        int fd = openat(group_fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0)
            r = adopt_tree(scheduler, fd, depth + 1);
    }
    closedir(directory);
    return r;
}

/* The root of the v2 tree, if it has the CPU controller: sched_ext knows groups by that. */
static int open_root(void)
{
    char controllers[256] = "";
    struct statfs status;
    _cleanup_(closep) int fd = open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    if (fstatfs(fd, &status) < 0 || status.f_type != CGROUP2_SUPER_MAGIC)
        return -ENOTSUP;
    _cleanup_(closep) int file = openat(fd, "cgroup.controllers", O_RDONLY | O_CLOEXEC);
    if (file < 0 || fd_read_full(file, controllers + 1, sizeof controllers - 2) < 0)
        return -ENOTSUP;
    controllers[0] = ' ';
    return strstr(controllers, " cpu ") ? steal_fd(&fd) : -ENOTSUP;
}

int scheduler_groups(int *ret_root_fd, struct err *err)
{
    int root = open_root();

    if (root < 0)
        return err_say(err, root,
                       "cannot load the scheduler: the CPU controller is in no v2 tree at "
                       "'/sys/fs/cgroup'");
    *ret_root_fd = root;
    return 0;
}

int scheduler_adopt(struct scheduler *scheduler, int root_fd, struct err *err)
{
    int r = adopt_tree(scheduler, root_fd, 0);

    return r < 0 ? err_set(err, r, "cannot read the groups of '/sys/fs/cgroup'") : 0;
}

/* ---- the socket ---- */

int scheduler_listen(int *ret_fd, struct err *err)
{
    const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SCHEDULER_SOCKET};

    _cleanup_(closep) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    /* Of one that has ended: what stands there answers nobody. */
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return err_set(err, -EADDRINUSE, "cannot listen on '%s'", SCHEDULER_SOCKET);
    unlink(SCHEDULER_SOCKET);
    mode_t before = umask(0177);
    int r = fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 ||
                    listen(fd, 64) < 0
                ? -errno
                : 0;
    umask(before);
    if (r < 0)
        return err_set(err, r, "cannot listen on '%s'", SCHEDULER_SOCKET);
    *ret_fd = steal_fd(&fd);
    return 0;
}

static void serve_one(struct scheduler *scheduler, int listen_fd)
{
    const struct timeval wait = {.tv_sec = WAIT_SECONDS};
    struct scheduler_wish wish;
    struct ucred caller;
    socklen_t size = sizeof caller;

    _cleanup_(closep) int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &caller, &size) < 0 || caller.uid != 0)
        return;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    if (recv(fd, &wish, sizeof wish, 0) != sizeof wish)
        return;
    int32_t answer = wish.policy > VKERNEL_POLICY_FIFO
                         ? -EINVAL
                         : scheduler_set(scheduler, wish.group, policy_of(wish.policy));
    send(fd, &answer, sizeof answer, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int scheduler_serve(struct scheduler *scheduler, int listen_fd, struct err *err)
{
    struct pollfd both[] = {{.fd = scheduler_fd(scheduler), .events = POLLIN},
                            {.fd = listen_fd, .events = POLLIN}};
    struct scheduler_end end;

    for (;;) {
        int wait_ms = scheduler_beat(scheduler) ? LIMIT_BEAT_MS : BEAT_MS;
        if (poll(both, ARRAY_LEN(both), wait_ms) < 0 && errno != EINTR)
            return err_set(err, -errno, "cannot wait for the scheduler");
        if (both[0].revents && scheduler_ended(scheduler, &end))
            return err_say(err, -ECANCELED,
                           "the kernel took the scheduler back: %s%s%s; all is scheduled by its "
                           "own one, and fifo is slices",
                           end.reason, end.message[0] ? ": " : "", end.message);
        if (both[1].revents)
            serve_one(scheduler, listen_fd);
    }
}

/* ---- what is left ---- */

static const int calls[] = {
    SCMP_SYS(bpf),      SCMP_SYS(poll),       SCMP_SYS(epoll_wait),    SCMP_SYS(accept4),
    SCMP_SYS(recvfrom), SCMP_SYS(sendto),     SCMP_SYS(getsockopt),    SCMP_SYS(setsockopt),
    SCMP_SYS(read),     SCMP_SYS(write),      SCMP_SYS(writev),        SCMP_SYS(close),
    SCMP_SYS(munmap),   SCMP_SYS(brk),        SCMP_SYS(clock_gettime), SCMP_SYS(futex),
    SCMP_SYS(exit),     SCMP_SYS(exit_group), SCMP_SYS(rt_sigreturn),  SCMP_SYS(restart_syscall),
};

int scheduler_confine(struct err *err)
{
    _cleanup_(syscall_filter_freep) scmp_filter_ctx filter = NULL;

    /* All capabilities go with the uid. */
    if (syscall(SYS_setgroups, 0, NULL) < 0 ||
        syscall(SYS_setresgid, UID_WITHOUT_RIGHTS, UID_WITHOUT_RIGHTS, UID_WITHOUT_RIGHTS) < 0 ||
        syscall(SYS_setresuid, UID_WITHOUT_RIGHTS, UID_WITHOUT_RIGHTS, UID_WITHOUT_RIGHTS) < 0)
        return err_set(err, -errno, "cannot give up rights");
    int r = syscall_filter_begin(SCHEDULER_PROGRAM, false, &filter, err);
    if (r < 0)
        return r;
    r = syscall_filter_allow(filter, calls, ARRAY_LEN(calls));
    if (r == 0)
        r = syscall_filter_allow_data(filter);
    return syscall_filter_load(filter, r, SCHEDULER_PROGRAM, err);
}
