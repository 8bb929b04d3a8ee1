/*
 * The two gateway processes: started without any right, listened to with suspicion. Each socket
 * carries only its own kind of message, of exactly its size; another one ends the gateway, which is
 * then started afresh.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
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
#include "faas/supervisor.h"
#include "pvm/spawn.h"

/* Messages that may wait for a gateway that doesn't read. */
#define OUTGOING_MAX 65536
/* One that ran so long is started again at once, else after a time that doubles. */
#define RAN_WELL_NS INT64_C(1000000000)
#define BACKOFF_FIRST_NS INT64_C(100000000)
#define BACKOFF_LAST_NS INT64_C(5000000000)

static const char *const role_names[] = {"calls", "admin"};

static void process_kill(int pidfd)
{
    syscall(__NR_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
}

static enum gateway_role role_of(const struct supervisor *supervisor, const struct gateway *gateway)
{
    return (enum gateway_role)(gateway - supervisor->gateways);
}

static void outgoing_free(struct outgoing *outgoing)
{
    fd_close_all(outgoing->fds, outgoing->fd_count);
    free(outgoing);
}

static void outgoing_drop(struct gateway *gateway)
{
    while (gateway->first) {
        struct outgoing *next = gateway->first->next;
        outgoing_free(gateway->first);
        gateway->first = next;
    }
    gateway->last = NULL;
    gateway->outgoing_count = 0;
}

static void queue(struct supervisor *supervisor, struct gateway *gateway, const void *message,
                  size_t size, const int *fds, size_t fd_count)
{
    struct outgoing *outgoing = malloc(sizeof *outgoing + size);

    if (!outgoing || gateway->outgoing_count == OUTGOING_MAX) {
        /* What it is not told it would wait for: better that it starts again. */
        log_line(LOG_ERROR, "gateway does not read its messages");
        free(outgoing);
        shutdown(gateway->source.fd, SHUT_RDWR);
        return;
    }
    memcpy(outgoing->bytes, message, size);
    outgoing->size = size;
    outgoing->next = NULL;
    outgoing->fd_count = fd_count;
    for (size_t i = 0; i < fd_count; i++) {
        outgoing->fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);
        if (outgoing->fds[i] < 0) {
            /* Half a message is worse than none: as above. */
            log_line(LOG_ERROR, "cannot keep a message for a gateway: %s", strerror(errno));
            fd_close_all(outgoing->fds, i);
            free(outgoing);
            shutdown(gateway->source.fd, SHUT_RDWR);
            return;
        }
    }
    if (gateway->last)
        gateway->last->next = outgoing;
    else
        gateway->first = outgoing;
    gateway->last = outgoing;
    if (gateway->outgoing_count++ == 0)
        supervisor_rewatch(supervisor, &gateway->source, EPOLLIN | EPOLLOUT);
}

void gateway_send(struct supervisor *supervisor, enum gateway_role role, const void *message,
                  size_t size, const int *fds, size_t fd_count)
{
    struct gateway *gateway = &supervisor->gateways[role];
    int r = -EAGAIN;

    if (gateway->source.fd < 0)
        return; /* not running: it is told everything when it starts */
    if (!gateway->first)
        r = fd_send(gateway->source.fd, message, size, fds, fd_count);
    if (r == -EAGAIN)
        queue(supervisor, gateway, message, size, fds, fd_count);
}

static void flush(struct supervisor *supervisor, struct gateway *gateway)
{
    while (gateway->first) {
        struct outgoing *outgoing = gateway->first;
        int r = fd_send(gateway->source.fd, outgoing->bytes, outgoing->size, outgoing->fds,
                        outgoing->fd_count);
        if (r == -EAGAIN)
            return;
        gateway->first = outgoing->next;
        if (!gateway->first)
            gateway->last = NULL;
        gateway->outgoing_count--;
        outgoing_free(outgoing);
    }
    supervisor_rewatch(supervisor, &gateway->source, EPOLLIN);
}

/* ---- what they say ---- */

union gateway_message {
    uint32_t type;
    struct gateway_start start;
    struct gateway_stop stop;
    struct gateway_ground ground;
    struct admin_request admin;
};

static bool calls_message(struct supervisor *supervisor, const union gateway_message *message,
                          size_t size)
{
    if (message->type == GATEWAY_START && size == sizeof message->start) {
        instance_start(supervisor, &message->start);
        return true;
    }
    if (message->type == GATEWAY_STOP && size == sizeof message->stop) {
        instance_stop(supervisor, &message->stop);
        return true;
    }
    if (message->type == GATEWAY_GROUND && size == sizeof message->ground) {
        instance_ground(supervisor, &message->ground);
        return true;
    }
    return false;
}

static bool strings_end(const struct admin_request *request)
{
    return memchr(request->name, 0, sizeof request->name) &&
           memchr(request->isolation, 0, sizeof request->isolation) &&
           memchr(request->memory, 0, sizeof request->memory) &&
           memchr(request->cpus, 0, sizeof request->cpus) &&
           memchr(request->timeout, 0, sizeof request->timeout) &&
           memchr(request->require, 0, sizeof request->require) &&
           memchr(request->slack, 0, sizeof request->slack) &&
           memchr(request->canary, 0, sizeof request->canary) &&
           memchr(request->talk, 0, sizeof request->talk) &&
           memchr(request->directory, 0, sizeof request->directory) &&
           request->word_bytes <= sizeof request->words &&
           (request->word_bytes == 0 || request->words[request->word_bytes - 1] == '\0') &&
           request->param_bytes <= sizeof request->params &&
           (request->param_bytes == 0 || request->params[request->param_bytes - 1] == '\0');
}

static bool one_message(struct supervisor *supervisor, enum gateway_role role,
                        const union gateway_message *message, size_t size, int *fds,
                        size_t fd_count)
{
    if (role == GATEWAY_CALLS)
        return fd_count == 0 && calls_message(supervisor, message, size);
    if (size != sizeof message->admin || message->type < ADMIN_DEPLOY ||
        message->type >= ADMIN_REQUESTS_END || !strings_end(&message->admin) ||
        fd_count > (message->type == ADMIN_DEPLOY || message->type == ADMIN_UPDATE ? 1 : 0))
        return false;
    admin_message(supervisor, &message->admin, fd_count ? &fds[0] : NULL);
    return true;
}

static void gateway_ready(struct supervisor *supervisor, struct source *source, uint32_t events)
{
    struct gateway *gateway = source->owner;
    enum gateway_role role = role_of(supervisor, gateway);
    static union gateway_message message;

    if (events & EPOLLOUT)
        flush(supervisor, gateway);
    for (int i = 0; i < 64; i++) {
        int fds[FD_MESSAGE_MAX];
        size_t fd_count = 0;
        ssize_t n = fd_receive(source->fd, &message, sizeof message, fds, &fd_count, MSG_DONTWAIT);
        if (n == -EAGAIN)
            return;
        bool good = n >= (ssize_t)sizeof message.type &&
                    one_message(supervisor, role, &message, (size_t)n, fds, fd_count);
        fd_close_all(fds, fd_count);
        if (good)
            continue;
        if (n > 0 || n == -EMSGSIZE)
            log_line(LOG_ERROR, "%s gateway sent what it may not send: ending it",
                     role_names[role]);
        supervisor_unwatch(supervisor, source);
        shutdown(source->fd, SHUT_RDWR);
        /* Its end is seen at its pidfd. */
        process_kill(gateway->process.fd);
        return;
    }
}

/* ---- their processes ---- */

static void gateway_forget(struct supervisor *supervisor, struct gateway *gateway)
{
    supervisor_unwatch(supervisor, &gateway->source);
    supervisor_unwatch(supervisor, &gateway->process);
    closep(&gateway->source.fd);
    closep(&gateway->process.fd);
    gateway->source.fd = gateway->process.fd = -1;
    outgoing_drop(gateway);
}

/* Kills it, if it lives, and forgets it. */
static void gateway_end(struct supervisor *supervisor, struct gateway *gateway)
{
    siginfo_t info;

    if (gateway->process.fd < 0)
        return;
    process_kill(gateway->process.fd);
    while (waitid(P_PIDFD, (id_t)gateway->process.fd, &info, WEXITED) < 0 && errno == EINTR)
        ;
    gateway_forget(supervisor, gateway);
}

/* At once, or when its time has come; meanwhile the other one and all servers go on. */
static void start_again(struct supervisor *supervisor, enum gateway_role role)
{
    struct gateway *gateway = &supervisor->gateways[role];
    struct err err = {0};

    gateway->restarts++;
    if (gateway->failures == 0) {
        if (gateway_start(supervisor, role, &err) == 0)
            return;
        log_line(LOG_ERROR, "%s", err.message);
        gateway->failures++;
    }
    unsigned doubled = gateway->failures - 1 < 6 ? gateway->failures - 1 : 6;
    int64_t wait_ns = BACKOFF_FIRST_NS << doubled;
    if (wait_ns > BACKOFF_LAST_NS)
        wait_ns = BACKOFF_LAST_NS;
    const struct itimerspec time = {.it_value = {wait_ns / 1000000000, wait_ns % 1000000000}};
    timerfd_settime(gateway->timer.fd, 0, &time, NULL);
    log_line(LOG_ERROR, "%s gateway is started again in %d ms", role_names[role],
             (int)(wait_ns / 1000000));
}

static void timer_ready(struct supervisor *supervisor, struct source *source, uint32_t events)
{
    struct gateway *gateway = source->owner;
    enum gateway_role role = role_of(supervisor, gateway);
    struct err err = {0};
    uint64_t count;

    (void)events;
    if (read(source->fd, &count, sizeof count) < 0 || supervisor->stopping)
        return;
    if (gateway_start(supervisor, role, &err) < 0) {
        log_line(LOG_ERROR, "%s", err.message);
        gateway->failures++;
        start_again(supervisor, role);
    }
}

static void gateway_ended(struct supervisor *supervisor, struct source *source, uint32_t events)
{
    struct gateway *gateway = source->owner;
    enum gateway_role role = role_of(supervisor, gateway);
    siginfo_t info = {0};

    (void)events;
    if (waitid(P_PIDFD, (id_t)source->fd, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
        return;
    gateway_forget(supervisor, gateway);
    if (role == GATEWAY_CALLS) {
        /* No one else knows the channels of its instances. */
        for (unsigned i = 0; i < FUNCTION_BUCKETS; i++) {
            for (struct function *at = supervisor->by_id[i]; at; at = at->next_id)
                wishes_refuse(supervisor, at, -EPIPE, "the gateway is gone");
        }
        templates_retire_all(supervisor);
        if (supervisor->stopping) {
            supervisor->stopped = true;
            return;
        }
    }
    if (supervisor->stopping)
        return;
    log_line(LOG_ERROR, "%s gateway ended (%s %d): starting it again", role_names[role],
             info.si_code == CLD_EXITED ? "status" : "signal", info.si_status);
    bool ran_well = clock_now_ns() - gateway->started_ns >= RAN_WELL_NS;
    gateway->failures = ran_well ? 0 : gateway->failures + 1;
    start_again(supervisor, role);
}

/* Everything that a calls gateway has to know before it is ready. */
static void tell_all(struct supervisor *supervisor)
{
    const struct gateway_simple ready = {.type = GATEWAY_READY};

    for (unsigned i = 0; i < FUNCTION_BUCKETS; i++) {
        for (struct function *function = supervisor->by_id[i]; function;
             function = function->next_id)
            function_tell(supervisor, function);
    }
    gateway_send(supervisor, GATEWAY_CALLS, &ready, sizeof ready, NULL, 0);
}

/* argv's type is older than const. */
static char *word(const char *text)
{
    return (char *)(uintptr_t)text;
}

static int spawn_gateway(struct supervisor *supervisor, enum gateway_role role, int socket,
                         struct spawned *ret_process, struct err *err)
{
    /* What a dynamically linked program needs, and nothing of /etc. */
    static const struct spawn_mount mounts[] = {
        {.source = "/usr/lib", .target = "/usr/lib", .exec = true},
        {.source = "/usr/lib", .target = "/lib", .exec = true},
        {.source = "/usr/lib64", .target = "/lib64", .exec = true, .optional = true},
    };
    char allow_uid[16], log_bytes[24];
    char *argv[16] = {word("vireo-gateway"), word(role_names[role])};
    const char *stream = getenv("JOURNAL_STREAM"); /* what its standard error is, for the log */
    char stream_text[64];
    char *envp[] = {(char[]){"PATH=/usr/bin"}, NULL, NULL};
    int argc = 2;
    if (stream && (size_t)snprintf(stream_text, sizeof stream_text, "JOURNAL_STREAM=%s", stream) <
                      sizeof stream_text)
        envp[1] = stream_text;
    int fds[GATEWAY_JOURNAL_FD + 1] = {-1, -1, 2, socket, supervisor->telemetry[role]};
    size_t fd_count = 5;

    fds[fd_count++] = role == GATEWAY_CALLS ? supervisor->listen_fd : supervisor->admin_fd;
    argv[argc++] = word(role == GATEWAY_ADMIN ? "--log-ring" : "--log-rate");
    argv[argc++] = log_bytes;
    snprintf(log_bytes, sizeof log_bytes, "%llu",
             (unsigned long long)(role == GATEWAY_ADMIN ? supervisor->config.log_ring
                                                        : supervisor->config.log_rate));
    if (role == GATEWAY_ADMIN) {
        snprintf(allow_uid, sizeof allow_uid, "%u", (unsigned)supervisor->config.allow_uid);
        argv[argc++] = word("--allow-uid");
        argv[argc++] = allow_uid;
        if (supervisor->admin_tcp_fd >= 0) {
            argv[argc++] = word("--admin-tcp");
            fds[fd_count++] = supervisor->admin_tcp_fd;
            fds[fd_count++] = supervisor->admin_token_fd;
        }
    }
    if (role == GATEWAY_CALLS && supervisor->config.log_calls)
        argv[argc++] = word("--log-calls");
    argv[argc++] = word("--log");
    argv[argc++] = word(log_format_word(log_format()));
    if (log_format() == LOG_JOURNAL) {
        while (fd_count < GATEWAY_JOURNAL_FD)
            fds[fd_count++] = -1;
        fds[fd_count++] = supervisor->config.journal_fd;
    }
    struct spawn_options options = {
        .what = role == GATEWAY_CALLS ? "calls gateway" : "admin gateway",
        /* Not a user namespace: in one, SO_PEERCRED would not tell root from others. */
        .namespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET,
        .uid = supervisor->uid_first + role,
        .gid = supervisor->uid_first + role,
        .mounts = mounts,
        .mount_count = ARRAY_LEN(mounts),
        .clone_group_fd = -1,
        .fds = fds,
        .fd_count = fd_count,
        .program_fd = supervisor->gateway_fd,
        .argv = argv,
        .envp = envp,
    };
    return spawn_process(&options, ret_process, err);
}

int gateway_start(struct supervisor *supervisor, enum gateway_role role, struct err *err)
{
    struct gateway *gateway = &supervisor->gateways[role];
    const int buffer_bytes = 4 << 20;
    struct spawned process;
    int sockets[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets) < 0)
        return err_set(err, -errno, "cannot start %s gateway", role_names[role]);
    _cleanup_(closep) int ours = sockets[0];
    _cleanup_(closep) int theirs = sockets[1];
    /* Bursts of starts must not queue; as root the system's ceiling does not apply. */
    setsockopt(ours, SOL_SOCKET, SO_SNDBUFFORCE, &buffer_bytes, sizeof buffer_bytes);
    setsockopt(theirs, SOL_SOCKET, SO_SNDBUFFORCE, &buffer_bytes, sizeof buffer_bytes);

    int r = spawn_gateway(supervisor, role, theirs, &process, err);
    if (r < 0)
        return r;
    gateway->source.owner = gateway->process.owner = gateway;
    gateway->source.ready = gateway_ready;
    gateway->process.ready = gateway_ended;
    gateway->started_ns = clock_now_ns();
    r = supervisor_watch(supervisor, &gateway->process, process.pidfd, EPOLLIN, err);
    if (r == 0)
        r = supervisor_watch(supervisor, &gateway->source, steal_fd(&ours), EPOLLIN, err);
    if (r < 0) {
        gateway_end(supervisor, gateway);
        return r;
    }
    if (role == GATEWAY_CALLS)
        tell_all(supervisor);
    return 0;
}

int gateways_open(struct supervisor *supervisor, struct err *err)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                   supervisor->telemetry) < 0)
        return err_set(err, -errno, "cannot start the gateways");
    for (enum gateway_role role = 0; role < GATEWAY_ROLES; role++) {
        struct gateway *gateway = &supervisor->gateways[role];
        int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        if (fd < 0)
            return err_set(err, -errno, "cannot make a timer");
        gateway->timer.owner = gateway;
        gateway->timer.ready = timer_ready;
        int r = supervisor_watch(supervisor, &gateway->timer, fd, EPOLLIN, err);
        if (r == 0)
            r = gateway_start(supervisor, role, err);
        if (r < 0)
            return r;
    }
    return 0;
}

void gateways_close(struct supervisor *supervisor)
{
    for (enum gateway_role role = 0; role < GATEWAY_ROLES; role++) {
        struct gateway *gateway = &supervisor->gateways[role];
        gateway_end(supervisor, gateway);
        supervisor_unwatch(supervisor, &gateway->timer);
        closep(&gateway->timer.fd);
        gateway->timer.fd = -1;
    }
    fd_close_all(supervisor->telemetry, GATEWAY_ROLES);
}
