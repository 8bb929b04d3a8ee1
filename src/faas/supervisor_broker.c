/*
 * Brokers: processes without rights in the machine's network that do for functions what these have
 * no system call for. What is common to them: how they are started, started again, and ended.
 */
#include <errno.h>
#include <limits.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "faas/supervisor.h"
#include "faas/supervisor_servers.h"
#include "faas/supervisor_outside.h"
#include "pvm/spawn.h"

/* Before it is started again: at once if it ran for a while, else doubled each time. */
#define BACKOFF_FIRST_NS INT64_C(100000000)
#define BACKOFF_LAST_NS INT64_C(30000000000)
#define RAN_WELL_NS INT64_C(10000000000)
#define MOUNTS_MAX 16

/* What name resolution reads. */
static const char *const resolver_files[] = {"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf",
                                             "/etc/host.conf", "/etc/gai.conf"};

int broker_spawn(struct supervisor *supervisor, const struct broker_program *program,
                 struct spawned *ret_process, struct err *err)
{
    char paths[ARRAY_LEN(resolver_files)][PATH_MAX];
    struct spawn_mount mounts[MOUNTS_MAX] = {
        {.source = "/usr/lib", .target = "/usr/lib", .exec = true},
        {.source = "/usr/lib", .target = "/lib", .exec = true},
        {.source = "/usr/lib64", .target = "/lib64", .exec = true, .optional = true},
    };
    size_t mount_count = 3;
    char *envp[] = {NULL};

    /* Often symbolic links (resolv.conf): of the machine's administrator, who may. */
    for (size_t i = 0; i < ARRAY_LEN(resolver_files); i++)
        if (realpath(resolver_files[i], paths[i]))
            mounts[mount_count++] = (struct spawn_mount){
                .source = paths[i], .target = resolver_files[i], .optional = true};
    for (size_t i = 0; i < program->mount_count && mount_count < MOUNTS_MAX; i++)
        mounts[mount_count++] = program->mounts[i];
    uid_t uid = supervisor->uid_first + program->uid_offset;
    struct spawn_options options = {
        .what = program->what,
        .namespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS,
        .uid = uid,
        .gid = uid,
        .mounts = mounts,
        .mount_count = mount_count,
        .clone_group_fd = -1,
        .fds = program->fds,
        .fd_count = program->fd_count,
        .program_fd = program->program_fd,
        .argv = program->argv,
        .envp = envp,
        .rlimit_processes = program->processes,
    };
    int own;
    int r = network_enter(supervisor, &own);
    if (r < 0)
        return err_set(err, r, "cannot start the %s: enter the machine's network", program->what);
    r = spawn_process(&options, ret_process, err);
    network_leave(own);
    return r;
}

static void start_later(struct broker *broker)
{
    int64_t wait_ns = BACKOFF_FIRST_NS << (broker->failures < 9 ? broker->failures : 9);

    if (wait_ns > BACKOFF_LAST_NS)
        wait_ns = BACKOFF_LAST_NS;
    broker->failures++;
    const struct itimerspec time = {.it_value = {wait_ns / 1000000000, wait_ns % 1000000000}};
    timerfd_settime(broker->timer.fd, 0, &time, NULL);
    log_line(LOG_ERROR, "%s is started again in %d ms", broker->what, (int)(wait_ns / 1000000));
}

static void broker_ended(struct supervisor *supervisor, struct source *source, uint32_t events)
{
    struct broker *broker = source->owner;
    siginfo_t info = {0};

    (void)events;
    if (waitid(P_PIDFD, (id_t)source->fd, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
        return;
    supervisor_unwatch(supervisor, source);
    closep(&source->fd);
    supervisor_unwatch(supervisor, &broker->socket);
    closep(&broker->socket.fd);
    source->fd = broker->socket.fd = -1;
    if (supervisor->stopping)
        return;
    log_line(LOG_ERROR, "%s ended (%s %d)", broker->what,
             info.si_code == CLD_EXITED ? "status" : "signal", info.si_status);
    /* Their ends of the pairs are dead: new instances have live ones. */
    struct template_slot *slot = supervisor->templates;
    while (slot) {
        struct template_slot *next = slot->next;
        if (slot->function && broker->serves(slot->function))
            template_end(supervisor, slot);
        slot = next;
    }
    if (clock_now_ns() - broker->started_ns >= RAN_WELL_NS)
        broker->failures = 0;
    start_later(broker);
}

static int start(struct supervisor *supervisor, struct broker *broker, struct err *err)
{
    struct spawned process;
    int sockets[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets) < 0)
        return err_set(err, -errno, "cannot start the %s", broker->what);
    _cleanup_(closep) int ours = sockets[0];
    _cleanup_(closep) int theirs = sockets[1];
    int r = broker->spawn(supervisor, theirs, &process, err);
    if (r < 0)
        return r;
    broker->started_ns = clock_now_ns();
    broker->process.ready = broker_ended;
    broker->process.owner = broker;
    r = supervisor_watch(supervisor, &broker->process, process.pidfd, EPOLLIN, err);
    broker->socket.fd = steal_fd(&ours);
    if (r == 0 && broker->socket.ready)
        r = supervisor_watch(supervisor, &broker->socket, broker->socket.fd, EPOLLIN, err);
    if (r == 0 && broker->started)
        broker->started(supervisor);
    return r;
}

static void timer_ready(struct supervisor *supervisor, struct source *source, uint32_t events)
{
    struct broker *broker = source->owner;
    struct err err = {0};
    uint64_t count;

    (void)events;
    if (read(source->fd, &count, sizeof count) < 0 || supervisor->stopping)
        return;
    if (start(supervisor, broker, &err) < 0) {
        log_line(LOG_ERROR, "%s", err.message);
        start_later(broker);
    }
}

void broker_init(struct broker *broker)
{
    broker->process.fd = broker->timer.fd = broker->socket.fd = -1;
}

int broker_open(struct supervisor *supervisor, struct broker *broker, struct err *err)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd < 0)
        return err_set(err, -errno, "cannot make a timer");
    broker->timer.ready = timer_ready;
    broker->timer.owner = broker;
    int r = supervisor_watch(supervisor, &broker->timer, fd, EPOLLIN, err);
    return r < 0 ? r : start(supervisor, broker, err);
}

void broker_close(struct supervisor *supervisor, struct broker *broker)
{
    struct source *source = &broker->process;
    siginfo_t info;

    if (source->fd >= 0) {
        syscall(__NR_pidfd_send_signal, source->fd, SIGKILL, NULL, 0);
        while (waitid(P_PIDFD, (id_t)source->fd, &info, WEXITED) < 0 && errno == EINTR)
            ;
        supervisor_unwatch(supervisor, source);
        closep(&source->fd);
    }
    supervisor_unwatch(supervisor, &broker->timer);
    closep(&broker->timer.fd);
    supervisor_unwatch(supervisor, &broker->socket);
    closep(&broker->socket.fd);
    broker_init(broker);
}

int broker_pair(struct broker *broker, const char *function, const void *message, size_t size,
                bool little_answers, int *ret_fd, struct err *err)
{
    /* The broker's end never blocks, and holds a few answers only: what is not read in it counts
     * for all functions together. */
    const int little = 1;
    int sockets[2];

    /* Between its end and its next start: a later call finds it. */
    if (broker->socket.fd < 0)
        return err_say(err, -EAGAIN, "cannot start '%s': the %s is being started again", function,
                       broker->what);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets) < 0)
        return err_set(err, -errno, "cannot start '%s'", function);
    fcntl(sockets[0], F_SETFL, 0);
    if (little_answers)
        setsockopt(sockets[1], SOL_SOCKET, SO_SNDBUF, &little, sizeof little);
    int r = fd_send(broker->socket.fd, message, size, &sockets[1], 1);
    close(sockets[1]);
    if (r < 0) {
        close(sockets[0]);
        return err_set(err, r, "cannot start '%s': tell the %s", function, broker->what);
    }
    *ret_fd = sockets[0];
    return 0;
}

bool broker_report(struct supervisor *supervisor, struct broker *broker, void *report, size_t size)
{
    int fds[FD_MESSAGE_MAX];
    size_t fd_count = 0;

    ssize_t n = fd_receive(broker->socket.fd, report, size, fds, &fd_count, MSG_DONTWAIT);
    if (n == -EAGAIN)
        return false;
    fd_close_all(fds, fd_count);
    if (n == (ssize_t)size)
        return true;
    /* Its end is told by its pidfd. */
    supervisor_unwatch(supervisor, &broker->socket);
    if (n > 0)
        log_line(LOG_ERROR, "the %s sent what is no report", broker->what);
    return false;
}
