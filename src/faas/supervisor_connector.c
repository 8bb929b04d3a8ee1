/*
 * The connector's process: started when the operator allows any connection, in the machine's
 * network and without any right; and the pair of sockets that each instance and it have.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "faas/connector.h"
#include "faas/supervisor.h"
#include "pvm/spawn.h"

/* Before it is started again: at once if it ran for a while, else doubled each time. */
#define BACKOFF_FIRST_NS INT64_C(100000000)
#define BACKOFF_LAST_NS INT64_C(30000000000)
#define RAN_WELL_NS INT64_C(10000000000)
/* Behind the two gateways' uids. */
#define UID_OFFSET 2

/* What name resolution reads. */
static const char *const resolver_files[] = {"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf",
                                             "/etc/host.conf", "/etc/gai.conf"};

static int spawn_connector(struct supervisor *supervisor, int socket, struct spawned *ret_process,
                           struct err *err)
{
    char paths[ARRAY_LEN(resolver_files)][PATH_MAX];
    struct spawn_mount mounts[3 + ARRAY_LEN(resolver_files)] = {
        {.source = "/usr/lib", .target = "/usr/lib", .exec = true},
        {.source = "/usr/lib", .target = "/lib", .exec = true},
        {.source = "/usr/lib64", .target = "/lib64", .exec = true, .optional = true},
    };
    size_t mount_count = 3;
    char *argv[2 + ARRAY_LEN(supervisor->config.allow_connect)] = {(char[]){"vireo-connector"}};
    char *envp[] = {NULL};
    int fds[] = {-1, -1, 2, socket};

    /* Often symbolic links (resolv.conf): of the machine's administrator, who may. */
    for (size_t i = 0; i < ARRAY_LEN(resolver_files); i++)
        if (realpath(resolver_files[i], paths[i]))
            mounts[mount_count++] = (struct spawn_mount){
                .source = paths[i], .target = resolver_files[i], .optional = true};
    for (unsigned i = 0; i < supervisor->config.allow_connect_count; i++)
        argv[1 + i] = supervisor->config.allow_connect_text[i];
    struct spawn_options options = {
        .what = "connector",
        .namespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS,
        .uid = supervisor->uid_first + UID_OFFSET,
        .gid = supervisor->uid_first + UID_OFFSET,
        .mounts = mounts,
        .mount_count = mount_count,
        .clone_group_fd = -1,
        .fds = fds,
        .fd_count = ARRAY_LEN(fds),
        .program_fd = supervisor->connector_fd,
        .argv = argv,
        .envp = envp,
        .rlimit_processes = 256,
    };
    int own;
    int r = network_enter(supervisor, &own);
    if (r < 0)
        return err_set(err, r, "cannot start the connector: enter the machine's network");
    r = spawn_process(&options, ret_process, err);
    network_leave(own);
    return r;
}

static bool connects(const struct function *function)
{
    return function && function->manifest.connect_count > 0;
}

static void start_later(struct supervisor *supervisor)
{
    int64_t wait_ns = BACKOFF_FIRST_NS
                      << (supervisor->connector_failures < 9 ? supervisor->connector_failures : 9);
    if (wait_ns > BACKOFF_LAST_NS)
        wait_ns = BACKOFF_LAST_NS;
    supervisor->connector_failures++;
    const struct itimerspec time = {.it_value = {wait_ns / 1000000000, wait_ns % 1000000000}};
    timerfd_settime(supervisor->connector_timer.fd, 0, &time, NULL);
    log_line(LOG_ERROR, "connector is started again in %d ms", (int)(wait_ns / 1000000));
}

static int start_connector(struct supervisor *supervisor, struct err *err);

static void timer_ready(struct supervisor *supervisor, struct source *source, uint32_t events)
{
    struct err err = {0};
    uint64_t count;

    (void)events;
    if (read(source->fd, &count, sizeof count) < 0 || supervisor->stopping)
        return;
    if (start_connector(supervisor, &err) < 0) {
        log_line(LOG_ERROR, "%s", err.message);
        start_later(supervisor);
    }
}

static void connector_ended(struct supervisor *supervisor, struct source *source, uint32_t events)
{
    siginfo_t info = {0};

    (void)events;
    if (waitid(P_PIDFD, (id_t)source->fd, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
        return;
    supervisor_unwatch(supervisor, source);
    closep(&source->fd);
    closep(&supervisor->connector_socket);
    source->fd = supervisor->connector_socket = -1;
    if (supervisor->stopping)
        return;
    log_line(LOG_ERROR, "connector ended (%s %d)", info.si_code == CLD_EXITED ? "status" : "signal",
             info.si_status);
    /* Their ends of the pairs are dead: new instances have live ones. */
    struct template_slot *slot = supervisor->templates;
    while (slot) {
        struct template_slot *next = slot->next;
        if (connects(slot->function))
            template_end(supervisor, slot);
        slot = next;
    }
    if (clock_now_ns() - supervisor->connector_started_ns >= RAN_WELL_NS)
        supervisor->connector_failures = 0;
    start_later(supervisor);
}

static int start_connector(struct supervisor *supervisor, struct err *err)
{
    struct spawned process;
    int sockets[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets) < 0)
        return err_set(err, -errno, "cannot start the connector");
    _cleanup_(closep) int ours = sockets[0];
    _cleanup_(closep) int theirs = sockets[1];
    int r = spawn_connector(supervisor, theirs, &process, err);
    if (r < 0)
        return r;
    supervisor->connector.ready = connector_ended;
    supervisor->connector_started_ns = clock_now_ns();
    supervisor->connector_socket = steal_fd(&ours);
    return supervisor_watch(supervisor, &supervisor->connector, process.pidfd, EPOLLIN, err);
}

int connector_open(struct supervisor *supervisor, struct err *err)
{
    if (supervisor->config.allow_connect_count == 0)
        return 0;
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd < 0)
        return err_set(err, -errno, "cannot make a timer");
    supervisor->connector_timer.ready = timer_ready;
    int r = supervisor_watch(supervisor, &supervisor->connector_timer, fd, EPOLLIN, err);
    return r < 0 ? r : start_connector(supervisor, err);
}

void connector_close(struct supervisor *supervisor)
{
    struct source *source = &supervisor->connector;
    siginfo_t info;

    if (source->fd >= 0) {
        syscall(__NR_pidfd_send_signal, source->fd, SIGKILL, NULL, 0);
        while (waitid(P_PIDFD, (id_t)source->fd, &info, WEXITED) < 0 && errno == EINTR)
            ;
        supervisor_unwatch(supervisor, source);
        closep(&source->fd);
    }
    supervisor_unwatch(supervisor, &supervisor->connector_timer);
    closep(&supervisor->connector_timer.fd);
    closep(&supervisor->connector_socket);
    source->fd = supervisor->connector_socket = supervisor->connector_timer.fd = -1;
}

int connector_pair(struct supervisor *supervisor, const struct function *function, uint64_t id,
                   int *ret_fd, struct err *err)
{
    static struct connector_instance message;
    const struct manifest *manifest = &function->manifest;
    int sockets[2];

    *ret_fd = -1;
    if (manifest->connect_count == 0)
        return 0;
    /* Between its end and its next start: a later call finds it. */
    if (supervisor->connector_socket < 0)
        return err_say(err, -EAGAIN, "cannot start '%s': the connector is being started again",
                       function->row.name);
    /* The connector's end never blocks, and holds a few answers only: what is not read in it counts
     * for all functions together. */
    const int little = 1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets) < 0)
        return err_set(err, -errno, "cannot start '%s'", function->row.name);
    fcntl(sockets[0], F_SETFL, 0);
    setsockopt(sockets[1], SOL_SOCKET, SO_SNDBUF, &little, sizeof little);
    memset(&message, 0, sizeof message);
    message.id = id;
    message.count = manifest->connect_count;
    memcpy(message.function, function->row.name, strlen(function->row.name));
    memcpy(message.endpoints, manifest->connect, sizeof message.endpoints);
    int r = fd_send(supervisor->connector_socket, &message, sizeof message, &sockets[1], 1);
    close(sockets[1]);
    if (r < 0) {
        close(sockets[0]);
        return err_set(err, r, "cannot start '%s': tell the connector", function->row.name);
    }
    *ret_fd = sockets[0];
    return 0;
}
