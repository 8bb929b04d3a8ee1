/*
 * Servers: functions with a grant to listen. The listening sockets are made here, in the machine's
 * network namespace, and are all that the function has of it. One instance of a server runs as long
 * as it is deployed: started with the deploy and with the daemon, and again, ever later, when it
 * ends. Its output is read here and goes to the admin gateway as the calls gateway's does.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/endpoint.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "faas/supervisor.h"
#include "faas/supervisor_secrets.h"
#include "faas/supervisor_servers.h"
#include "faas/telemetry.h"

#define MS INT64_C(1000000)
/* Before it is started again: doubled each time, back to the first once it has run for a while. */
#define BACKOFF_FIRST_NS (100 * MS)
#define BACKOFF_LAST_NS (30000 * MS)
#define RAN_WELL_NS (10000 * MS)
/* Output of one server: what passes this waits in its pipe, and then the server waits. */
#define OUTPUT_BYTES_PER_TICK (64 << 10)
#define OUTPUT_TICK_NS (100 * MS)

/* ---- the timer: when the first of all servers has something to do ---- */

static void arm(struct supervisor *supervisor, int64_t at_ns)
{
    if (supervisor->servers_due_ns && supervisor->servers_due_ns <= at_ns)
        return;
    supervisor->servers_due_ns = at_ns;
    struct itimerspec time = {.it_value = {at_ns / 1000000000, at_ns % 1000000000}};
    timerfd_settime(supervisor->servers_timer.fd, TFD_TIMER_ABSTIME, &time, NULL);
}

static void watch_output(struct supervisor *supervisor, struct server *server)
{
    if (server->output.fd < 0 || server->output_watched)
        return;
    server->output_watched =
        supervisor_watch(supervisor, &server->output, server->output.fd, EPOLLIN, NULL) == 0;
}

static void unwatch_output(struct supervisor *supervisor, struct server *server)
{
    if (server->output_watched)
        supervisor_unwatch(supervisor, &server->output);
    server->output_watched = false;
}

static void timer_ready(struct supervisor *supervisor, struct source *source, uint32_t events)
{
    int64_t now_ns = clock_now_ns();
    uint64_t count;

    (void)events;
    if (read(source->fd, &count, sizeof count) < 0)
        return;
    supervisor->servers_due_ns = 0;
    for (unsigned i = 0; i < FUNCTION_BUCKETS; i++) {
        for (struct function *at = supervisor->by_id[i]; at; at = at->next_id) {
            struct server *server = at->server;
            if (!server)
                continue;
            if (!server->output_watched && server->output.fd >= 0) {
                server->output_budget = OUTPUT_BYTES_PER_TICK;
                watch_output(supervisor, server);
            }
            if (server->state != SERVER_WAITING)
                continue;
            if (server->restart_at_ns <= now_ns)
                server_start(supervisor, at);
            else
                arm(supervisor, server->restart_at_ns);
        }
    }
}

int servers_open(struct supervisor *supervisor, struct err *err)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

    if (fd < 0)
        return err_set(err, -errno, "cannot make a timer");
    supervisor->servers_timer.ready = timer_ready;
    return supervisor_watch(supervisor, &supervisor->servers_timer, fd, EPOLLIN, err);
}

/* ---- listening sockets ---- */

int servers_keep_network(struct supervisor *supervisor, struct err *err)
{
    supervisor->host_network_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (supervisor->host_network_fd < 0)
        return err_set(err, -errno, "cannot keep the machine's network namespace");
    return 0;
}

int network_enter(struct supervisor *supervisor, int *ret_own)
{
    /* Of this thread, which is the first: its namespaces are those that /proc/self shows. */
    _cleanup_(closep) int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

    if (own < 0 || setns(supervisor->host_network_fd, CLONE_NEWNET) < 0)
        return -errno;
    *ret_own = steal_fd(&own);
    return 0;
}

void network_leave(int own)
{
    if (setns(own, CLONE_NEWNET) < 0)
        abort();
    close(own);
}

/* A socket belongs for good to the namespace that its maker was in. CAP_SYS_ADMIN. */
static int host_socket(struct supervisor *supervisor, int family)
{
    int own;
    int r = network_enter(supervisor, &own);

    if (r < 0)
        return r;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    r = fd < 0 ? -errno : fd;
    network_leave(own);
    return r;
}

/* CAP_NET_BIND_SERVICE for ports below 1024. */
static int listen_on(struct supervisor *supervisor, const struct endpoint *endpoint)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(endpoint->port)};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(endpoint->port)};
    bool is_v6 = endpoint->address.v6;
    const int on = 1;

    memcpy(&v6.sin6_addr, endpoint->address.bytes, 16);
    memcpy(&v4.sin_addr, endpoint->address.bytes, 4);
    const struct sockaddr *address = is_v6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4;
    int made = host_socket(supervisor, is_v6 ? AF_INET6 : AF_INET);
    if (made < 0)
        return made;
    _cleanup_(closep) int fd = made;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        (is_v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0) ||
        /* What is accepted inherits it: the function itself can set no option. */
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0 ||
        bind(fd, address, is_v6 ? sizeof v6 : sizeof v4) < 0 || listen(fd, 4096) < 0)
        return -errno;
    return steal_fd(&fd);
}

/* The function that listens on this address already, or NULL; *ret_fd is its socket. */
static const struct function *who_listens(const struct supervisor *supervisor, const char *address,
                                          int *ret_fd)
{
    for (unsigned i = 0; i < FUNCTION_BUCKETS; i++) {
        for (const struct function *at = supervisor->by_id[i]; at; at = at->next_id) {
            for (uint32_t k = 0; at->server && k < at->manifest.listen_count; k++) {
                if (strcmp(at->manifest.listen[k], address) != 0 || at->server->listeners[k] < 0)
                    continue;
                *ret_fd = at->server->listeners[k];
                return at;
            }
        }
    }
    return NULL;
}

int servers_listen(struct supervisor *supervisor, const struct manifest *manifest,
                   const char *function, int *listeners, struct err *err)
{
    for (uint32_t i = 0; i < manifest->listen_count; i++) {
        const char *text = manifest->listen[i];
        struct endpoint endpoint;
        int other = -1;
        int fd;
        int r = endpoint_parse(text, &endpoint, err);
        if (r < 0)
            return r;
        const struct function *holder = who_listens(supervisor, text, &other);
        /* Its own: connections that wait there are the new version's. */
        if (holder && strcmp(holder->row.name, function) == 0)
            fd = fcntl(other, F_DUPFD_CLOEXEC, 0);
        else if (holder)
            return err_say(err, -EADDRINUSE,
                           "cannot listen on '%s' for '%s': function '%s' listens there", text,
                           function, holder->row.name);
        else
            fd = listen_on(supervisor, &endpoint);
        if (fd < 0) /* listen_on() has -errno, fcntl() -1 */
            return err_set(err, holder ? -errno : fd, "cannot listen on '%s' for '%s'", text,
                           function);
        listeners[i] = fd;
    }
    return 0;
}

/* ---- output ---- */

static void send_output(struct supervisor *supervisor, const struct function *function,
                        const char *text, size_t bytes)
{
    static struct telemetry_log message;
    struct server *server = function->server;
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    message.type = TELEMETRY_LOG;
    message.bytes = (uint32_t)bytes;
    message.pvm_id = server->instance_id;
    message.time_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    message.dropped = server->output_dropped;
    memset(message.function, 0, sizeof message.function);
    memcpy(message.function, function->row.name, strlen(function->row.name));
    memcpy(message.text, text, bytes);
    /* The calls gateway's end: the admin gateway reads the other one. It may be full, or away. */
    if (fd_send(supervisor->telemetry[GATEWAY_CALLS], &message, TELEMETRY_LOG_HEAD + bytes, NULL,
                0) < 0)
        server->output_dropped += bytes;
    else
        server->output_dropped = 0;
}

static void close_output(struct supervisor *supervisor, struct server *server)
{
    unwatch_output(supervisor, server);
    closep(&server->output.fd);
    server->output.fd = -1;
}

static void read_output(struct supervisor *supervisor, const struct function *function)
{
    struct server *server = function->server;
    static char text[TELEMETRY_TEXT_BYTES];
    ssize_t n = 0;

    if (server->output.fd < 0)
        return;
    while (server->output_budget > 0 && (n = read(server->output.fd, text, sizeof text)) > 0) {
        server->output_budget -= (int)n;
        send_output(supervisor, function, text, (size_t)n);
    }
    /* Its end is readable for ever. */
    if (server->output_budget > 0 && n == 0)
        close_output(supervisor, server);
}

static void output_ready(struct supervisor *supervisor, struct source *source, uint32_t events)
{
    struct function *function = source->owner;
    struct server *server = function->server;

    read_output(supervisor, function);
    if (server->output_budget <= 0) {
        unwatch_output(supervisor, server);
        arm(supervisor, clock_now_ns() + OUTPUT_TICK_NS);
    } else {
        server->output_budget = OUTPUT_BYTES_PER_TICK;
    }
    (void)events;
}

/* ---- life ---- */

const char *server_state(const struct server *server)
{
    static const char *const names[] = {[SERVER_STARTING] = "starting",
                                        [SERVER_RUNNING] = "running",
                                        [SERVER_WAITING] = "waiting",
                                        [SERVER_ENDING] = "ending"};

    return names[server->state];
}

static void wait_and_restart(struct supervisor *supervisor, struct server *server)
{
    int64_t delay = BACKOFF_FIRST_NS << (server->failures < 9 ? server->failures : 9);

    server->failures++;
    server->state = SERVER_WAITING;
    server->restart_at_ns = clock_now_ns() + (delay < BACKOFF_LAST_NS ? delay : BACKOFF_LAST_NS);
    arm(supervisor, server->restart_at_ns);
}

void server_failed(struct supervisor *supervisor, struct function *function, const char *reason)
{
    struct server *server = function->server;

    snprintf(server->last, sizeof server->last, "%s", reason);
    wait_and_restart(supervisor, server);
}

int server_set(struct supervisor *supervisor, struct function *function, int *listeners,
               struct err *err)
{
    struct server *server = calloc(1, sizeof *server);

    if (!server)
        return err_set(err, -ENOMEM, "cannot keep server '%s'", function->row.name);
    server->output.owner = function;
    server->output.ready = output_ready;
    server->output.fd = -1;
    for (unsigned i = 0; i < GRANT_LISTEN_MAX; i++)
        server->listeners[i] = listeners ? steal_fd(&listeners[i]) : -1;
    function->server = server;
    server_start(supervisor, function);
    return 0;
}

/* Each of its templates holds the sockets too: with the last one the ports are closed. */
static void close_ports(struct supervisor *supervisor, struct function *function)
{
    struct template_slot *slot = supervisor->templates;

    while (slot) {
        struct template_slot *next = slot->next;
        if (slot->function == function)
            template_end(supervisor, slot);
        slot = next;
    }
    fd_close_all(function->server->listeners, GRANT_LISTEN_MAX);
}

/* Whoever holds a listening socket can shut it down, for all: a run time that was subverted. */
static bool still_listen(const struct server *server)
{
    for (unsigned i = 0; i < GRANT_LISTEN_MAX && server->listeners[i] >= 0; i++) {
        int listens = 0;
        socklen_t size = sizeof listens;
        if (getsockopt(server->listeners[i], SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) < 0 ||
            !listens)
            return false;
    }
    return true;
}

void server_drop(struct supervisor *supervisor, struct function *function)
{
    struct server *server = function->server;

    if (!server)
        return;
    server->state = SERVER_ENDING;
    close_ports(supervisor, function);
    close_output(supervisor, server);
    /* An event of its output may be among those that the loop has still to go through. */
    server->next_dead = supervisor->dead_servers;
    supervisor->dead_servers = steal_ptr(&function->server);
}

/* The instance has the other ends: /dev/null, and a pipe for both outputs. */
static int open_stdio(struct server *server, int stdio[3], struct err *err)
{
    int ends[2];

    stdio[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (stdio[0] < 0 || pipe2(ends, O_CLOEXEC) < 0)
        return err_set(err, -errno, "cannot make its standard streams");
    stdio[1] = stdio[2] = ends[1];
    server->output.fd = ends[0];
    /* Ours alone: the two ends have their own flags. */
    if (fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0)
        return err_set(err, -errno, "cannot make its standard streams");
    return 0;
}

static void start_instance(struct supervisor *supervisor, struct function *function)
{
    struct server *server = function->server;
    int stdio[3] = {-1, -1, -1};
    struct err err = {0};

    close_output(supervisor, server);
    int r = open_stdio(server, stdio, &err);
    if (r == 0)
        r = instance_start_server(supervisor, function, stdio, &server->instance_id, &err);
    closep(&stdio[0]);
    closep(&stdio[1]);
    if (r < 0) {
        log_line(LOG_WARNING, "server '%s': %s", function->row.name, err.message);
        server_failed(supervisor, function, err.message);
        return;
    }
    server->output_budget = OUTPUT_BYTES_PER_TICK;
    watch_output(supervisor, server);
    server->state = SERVER_RUNNING;
    server->started_ns = clock_now_ns();
    server->starts++;
}

void server_start(struct supervisor *supervisor, struct function *function)
{
    struct server *server = function->server;
    struct err err = {0};

    if (supervisor->stopping || server->state == SERVER_RUNNING)
        return;
    if (!still_listen(server))
        close_ports(supervisor, function);
    server->state = SERVER_STARTING;
    if (server->listeners[0] < 0 &&
        (supervisor_config_allows(&supervisor->config, &function->manifest, &err) < 0 ||
         secrets_check(&supervisor->config, &function->manifest, &err) < 0 ||
         servers_listen(supervisor, &function->manifest, function->row.name, server->listeners,
                        &err) < 0)) {
        fd_close_all(server->listeners, GRANT_LISTEN_MAX);
        log_line(LOG_WARNING, "server '%s' waits: %s", function->row.name, err.message);
        server_failed(supervisor, function, err.message);
        return;
    }
    if (function->current &&
        !secrets_are_current(&supervisor->config, &function->manifest, function->current->secrets))
        template_retire(supervisor, function->current);
    if (function->current)
        start_instance(supervisor, function);
    else
        jobs_template(supervisor, function); /* and then here again */
}

void server_ended(struct supervisor *supervisor, struct function *function, const char *how)
{
    struct server *server = function->server;

    if (server->state == SERVER_ENDING)
        return;
    /* Its last words are in the pipe. */
    server->output_budget = OUTPUT_BYTES_PER_TICK;
    read_output(supervisor, function);
    if (clock_now_ns() - server->started_ns >= RAN_WELL_NS)
        server->failures = 0;
    log_line(LOG_NOTICE, "server '%s' ended: %s", function->row.name, how);
    server_failed(supervisor, function, how);
}

void servers_start(struct supervisor *supervisor)
{
    for (unsigned i = 0; i < FUNCTION_BUCKETS; i++) {
        for (struct function *at = supervisor->by_id[i]; at; at = at->next_id) {
            struct err err = {0};
            if (at->manifest.listen_count > 0 && !at->refused && !at->server &&
                server_set(supervisor, at, NULL, &err) < 0)
                log_line(LOG_ERROR, "%s", err.message);
        }
    }
}

void servers_bury(struct supervisor *supervisor)
{
    while (supervisor->dead_servers) {
        struct server *server = supervisor->dead_servers;
        supervisor->dead_servers = server->next_dead;
        free(server);
    }
}

void servers_close(struct supervisor *supervisor)
{
    for (unsigned i = 0; i < FUNCTION_BUCKETS; i++)
        for (struct function *at = supervisor->by_id[i]; at; at = at->next_id)
            server_drop(supervisor, at);
    servers_bury(supervisor);
    supervisor_unwatch(supervisor, &supervisor->servers_timer);
    fd_close_all((int[]){supervisor->servers_timer.fd, supervisor->host_network_fd}, 2);
}
