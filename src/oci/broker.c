/* The process behind a container's emulated calls. */
#include "oci/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "oci/adaptive.h"
#include "oci/apart.h"
#include "oci/broker_params.h"
#include "oci/broker_view.h"
#include "oci/view.h"
#include "oci/vkernel.h"
#include "vkernel/broker.h"

/* Where its descriptors are. */
enum { SOCKET_FD = 3, STATE_FD, VIEW_FD, FUSE_FD, INIT_FD, MOUNT_FD, END_FD };

struct container {
    struct oci_place place;
    int state_fd;
    bool stands_in; /* for the view's process */
    struct view_line line;
};

static int memory(void *user, uint64_t *ret_limit, uint64_t *ret_used, unsigned *ret_processes)
{
    const struct container *container = user;
    _cleanup_(freep) struct oci_stats *stats = calloc(1, sizeof *stats);
    _cleanup_(freep) pid_t *pids = NULL;
    size_t count = 0;

    int r = stats ? oci_launch_stats(&container->place, stats, NULL) : -ENOMEM;
    if (r == 0)
        r = oci_launch_pids(&container->place, &pids, &count, NULL);
    if (r < 0)
        return r;
    *ret_limit = stats->memory_limit;
    *ret_used = stats->memory_usage == UINT64_MAX ? 0 : stats->memory_usage;
    *ret_processes = (unsigned)count;
    return 0;
}

static enum vkernel_policy policy(void *user)
{
    return broker_policy(((const struct container *)user)->state_fd);
}

static int set_policy(void *user, enum vkernel_policy wanted)
{
    const struct container *container = user;

    return broker_set_policy(&container->place, container->state_fd, wanted);
}

static int64_t kernel_log(void *user, int type, int length, const char **ret_text)
{
    struct container *container = user;

    return view_line_log(&container->line, type, length, ret_text);
}

/* A wish of the view's process, or its end. */
static int view_changed(void *user, int fd)
{
    struct container *container = user;
    struct view_granted granted;
    struct view_wish wish;

    if (container->stands_in)
        return view_refuse(fd) ? fd : (close(fd), -1);
    ssize_t n = recv(fd, &wish, sizeof wish, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return fd;
    if (n == sizeof wish) {
        broker_grant(&container->place, container->state_fd, &wish, &granted);
        send(fd, &granted, sizeof granted, MSG_DONTWAIT | MSG_NOSIGNAL);
        return fd;
    }
    close(fd);
    container->stands_in = true;
    return view_stand_in(FUSE_FD);
}

/* The container's first process has ended. Without us its end would wait until the kernel has taken
 * the file system apart: what is mounted now is its others' alone. */
static int init_ended(void *user, int fd)
{
    (void)user;
    close(fd);
    close(MOUNT_FD);
    return -1;
}

/* Nothing of who started it: an engine waits for the ends of its pipes. */
static void leave_caller(const int *fds, size_t count)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    /* Opened anew: the runtime's has the container's lock, which all of its duplicates hold. */
    int state = openat(fds[1], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    setsid();
    for (int i = 0; i < 3; i++)
        dup2(null, i);
    for (size_t i = 0; i < count; i++) {
        if (fds[i] < 0)
            close(SOCKET_FD + (int)i);
        else if (dup2(i == 1 ? state : fds[i], SOCKET_FD + (int)i) < 0)
            _exit(1);
    }
    if (chdir("/") < 0)
        _exit(1);
    syscall(SYS_close_range, SOCKET_FD + (unsigned)count, ~0u, 0);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    prctl(PR_SET_NAME, "vireo-vkernel", 0, 0, 0);
}

/* The init looks the view's files up before it sends the listener. */
static ssize_t await_listener(struct vk_group *group, int *ret_fds, size_t *ret_count)
{
    struct vk_watch *view = &group->watches[VK_WATCH_VIEW];
    struct pollfd both[] = {{.fd = SOCKET_FD, .events = POLLIN}, {.events = POLLIN}};
    char text[64];

    for (;;) {
        both[1].fd = view->fd;
        if (poll(both, ARRAY_LEN(both), -1) < 0) {
            if (errno != EINTR)
                return -errno;
            continue;
        }
        if (both[1].revents)
            view->fd = view->changed(group->user, view->fd);
        if (both[0].revents)
            return fd_receive(SOCKET_FD, text, sizeof text, ret_fds, ret_count, 0);
    }
}

static void serve(struct container *container)
{
    struct vk_group group = {
        container,
        memory,
        policy,
        set_policy,
        kernel_log,
        {[VK_WATCH_VIEW] = {container->stands_in ? -1 : VIEW_FD, view_changed},
         [VK_WATCH_INIT] = {fcntl(INIT_FD, F_GETFD) < 0 ? -1 : INIT_FD, init_ended}}};
    int fds[FD_MESSAGE_MAX];
    size_t count = 0;

    if (fcntl(SOCKET_FD, F_GETFD) < 0) /* nothing is emulated */
        _exit(vk_broker_serve(-1, &group) < 0);
    ssize_t n = await_listener(&group, fds, &count);
    if (n <= 0 || count != 1)
        _exit(0); /* the container was never started */
    close(SOCKET_FD);
    _exit(vk_broker_serve(fds[0], &group) < 0);
}

struct detached {
    int fds[END_FD - SOCKET_FD];
    size_t count;
    void (*run)(struct container *container);
    struct container *container;
};

static void begin(void *data)
{
    const struct detached *detached = data;

    leave_caller(detached->fds, detached->count);
    detached->run(detached->container);
    _exit(0);
}

/* Runs it in a process apart; `given` are at SOCKET_FD and on. */
static int detach(const int *given, size_t count, void (*run)(struct container *container),
                  struct container *container, pid_t *ret_between)
{
    struct detached detached = {.count = count, .run = run, .container = container};
    int *fds = detached.fds, r = 0;

    /* Above the places that they are put at. */
    for (size_t i = 0; i < count; i++) {
        fds[i] = given[i] < 0 ? -1 : fcntl(given[i], F_DUPFD_CLOEXEC, 10);
        if (given[i] >= 0 && fds[i] < 0)
            r = -errno;
    }
    if (r == 0)
        r = process_apart(begin, &detached, ret_between);
    fd_close_all(fds, count);
    return r;
}

int oci_broker_start(int socket, const struct oci_place *place, int state_fd,
                     const struct oci_view *view, pid_t *ret_between, struct err *err)
{
    const bool has_view = view && view->fuse >= 0;
    _cleanup_(closep) int init =
        has_view && place->pid > 0 ? (int)syscall(SYS_pidfd_open, place->pid, 0) : -1;
    struct container container = {.place = *place,
                                  .state_fd = STATE_FD,
                                  .stands_in = !has_view,
                                  .line = {.state_fd = STATE_FD, .socket = -1}};
    const int given[] = {socket,
                         state_fd,
                         has_view ? view->control : -1,
                         has_view ? view->fuse : -1,
                         init,
                         init < 0 ? -1 : view->mount};

    int r = detach(given, has_view ? ARRAY_LEN(given) : VIEW_FD - SOCKET_FD, serve, &container,
                   ret_between);
    return r < 0 ? err_set(err, r, "cannot start the broker of emulated calls") : 0;
}

static void adapt(struct container *container)
{
    prctl(PR_SET_NAME, "vireo-adaptive", 0, 0, 0);
    adaptive_look(&container->place, container->state_fd);
}

int oci_adaptive_start(const struct oci_place *place, int state_fd, struct err *err)
{
    struct container container = {.place = *place, .state_fd = STATE_FD};
    const int given[] = {-1, state_fd};

    pid_t between = 0;
    int r = detach(given, ARRAY_LEN(given), adapt, &container, &between);
    if (r == 0)
        r = process_apart_end(&between);
    return r < 0 ? err_set(err, r, "cannot start who looks at the container's scheduling") : 0;
}
