/*
 * The HTTP seam over libmicrohttpd, in its external epoll mode: MHD's epoll descriptor is one
 * descriptor of our loop. A request whose reply is not there yet is suspended; a reply resumes it.
 *
 * Suspending and resuming cost an epoll_ctl each. So a request is left as it is for a few rounds,
 * in each of which MHD asks for its reply once more: under load it is there by then. Before the
 * loop sleeps those that are left are suspended, for MHD knows no waiting but asking.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "faas/gateway_http_internal.h"
#include "faas/http_check.h"
#include "faas/http_guard.h"

/* Requests kept for the next one, so that a steady load allocates none. */
#define SPARE_REQUESTS 1024
/* Rounds in which a request's reply may be asked for before it is suspended. */
#define ASKED_MAX 4
/* Of a body that was refused, read so much and reply behind it; past it the connection is cut. A
 * client that still sends when its connection is closed often sees the reset, not the reply. */
#define DISCARD_MAX (16 << 20)

/* ---- connections ---- */

static void on_connection(void *user, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http_server *server = user;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    if (code == MHD_CONNECTION_NOTIFY_CLOSED)
        guard_close(*socket_context);
    else
        *socket_context = info ? guard_open(server->guard, info->connect_fd) : NULL;
}

static struct guarded *guarded_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

/* ---- requests ---- */

static struct request *request_take(struct http_server *server)
{
    struct request *request = server->spare;

    if (request) {
        server->spare = request->next;
        server->spare_count--;
    } else {
        request = malloc(sizeof *request);
        if (!request)
            return NULL;
    }
    memset(request, 0, offsetof(struct request, target_inline));
    request->public.server = server;
    request->public.user = server->user;
    request->peer.fd = -1;
    server->active++;
    return request;
}

static void request_put(struct request *request)
{
    struct http_server *server = request->public.server;

    if (request->peer.fd >= 0)
        loop_remove(server->loop, &request->peer);
    if (request->response)
        MHD_destroy_response(request->response);
    if (request->target != request->target_inline)
        free(request->target);
    server->active--;
    if (server->spare_count < SPARE_REQUESTS) {
        request->next = server->spare;
        server->spare = request;
        server->spare_count++;
    } else {
        free(request);
    }
}

/* The first that MHD tells of a request; what is returned is *context of on_request(). */
static void *on_target(void *user, const char *target, struct MHD_Connection *connection)
{
    struct http_server *server = user;
    struct request *request = request_take(server);
    size_t bytes = strlen(target);

    if (!request)
        return NULL;
    request->connection = connection;
    request->guarded = guarded_of(connection);
    request->target = request->target_inline;
    /* What is too long is only looked at. */
    if (bytes >= TARGET_INLINE && bytes <= HTTP_TARGET_MAX_BYTES)
        request->target = malloc(bytes + 1);
    if (!request->target) {
        request->target = request->target_inline;
        request->cut = true;
        return request;
    }
    if (bytes > HTTP_TARGET_MAX_BYTES) {
        request->refusal = "the target is longer than 16 KiB";
        request->refusal_cause = PROBLEM_URI_TOO_LONG;
        return request;
    }
    memcpy(request->target, target, bytes + 1);
    request->refusal = http_target_split(request->target, &request->parts, &request->refusal_cause);
    request->public.path = request->parts.path;
    request->public.path_bytes = request->parts.path_bytes;
    request->public.query = request->parts.query;
    request->public.query_bytes = request->parts.query_bytes;
    return request;
}

/* No decoding: the function sees the target as it was sent (on_target() has a copy of it). */
static size_t no_unescape(void *user, struct MHD_Connection *connection, char *text)
{
    (void)user;
    (void)connection;
    return strlen(text);
}

static enum MHD_Result reply_queue(struct request *request)
{
    struct MHD_Response *response = steal_ptr(&request->response);
    enum MHD_Result r = MHD_queue_response(request->connection, request->status, response);

    request->queued = true;
    if (!request->read)
        guard_answer(request->guarded, request->answer_bytes);
    MHD_destroy_response(response);
    return r;
}

/*
 * Refuses what nobody else is to see. The connection ends behind the reply: who frames a request in
 * two ways is not to have the rest of it parsed.
 */
static enum MHD_Result refuse(struct request *request)
{
    static const struct http_header headers[] = {{"Content-Type", "application/problem+json"},
                                                 {"Connection", "close"}};
    char json[PROBLEM_JSON_MAX];
    struct http_reply reply = {
        .status = problem_status(request->refusal_cause),
        .headers = headers,
        .header_count = 2,
        .body = json,
        .body_bytes = problem_json(request->refusal_cause, request->refusal, json),
    };

    request->public.server->malformed++;
    return http_reply(&request->public, &reply) < 0 ? MHD_NO : reply_queue(request);
}

static enum MHD_Result on_head(struct request *request, const char *method, const char *version)
{
    struct http_server *server = request->public.server;

    request->begun = true;
    request->public.method = method;
    if (!request->refusal)
        request->refusal = http_head_check(request->connection, method, version, &request->parts,
                                           &request->public.body_bytes, &request->refusal_cause);
    if (request->refusal)
        return refuse(request);
    if (request->public.body_bytes != 0)
        guard_body(request->guarded, 0);
    server->callbacks->begin(&request->public);
    if (!request->response || request->public.body_bytes == 0)
        return MHD_YES;
    /* Refused before its body. A client that waits for "100 Continue" is told at once. */
    if (request->public.body_bytes > DISCARD_MAX || http_header(&request->public, "expect"))
        return reply_queue(request);
    return MHD_YES;
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *bytes, void **context)
{
    struct http_server *server = user;
    struct request *request = *context;

    (void)connection, (void)url;
    if (!request || request->cut)
        return MHD_NO;
    if (!request->begun)
        return on_head(request, method, version);
    if (*bytes > 0) {
        guard_body(request->guarded, *bytes);
        if (!request->response)
            server->callbacks->body(&request->public, data, *bytes);
        else
            request->discarded += *bytes;
        *bytes = 0;
        return request->discarded > DISCARD_MAX ? MHD_NO : MHD_YES;
    }
    if (request->queued)
        return MHD_YES;
    if (!request->complete && !request->response) {
        request->complete = true;
        guard_wait(request->guarded);
        server->callbacks->complete(&request->public);
    }
    request->suspended = false;
    if (request->cut)
        return MHD_NO;
    if (request->response)
        return reply_queue(request);
    if (!server->settling && request->asked < ASKED_MAX) {
        request->asked++;
        server->unsettled = true;
        return MHD_YES;
    }
    request->suspended = true;
    MHD_suspend_connection(connection);
    return MHD_YES;
}

static void on_over(void *user, struct MHD_Connection *connection, void **context,
                    enum MHD_RequestTerminationCode why)
{
    struct http_server *server = user;
    struct request *request = *context;

    (void)connection, (void)why;
    if (!request)
        return;
    *context = NULL;
    guard_idle(request->guarded);
    server->callbacks->over(&request->public);
    request_put(request);
}

/* ---- the server ---- */

static void on_ready(struct loop_watch *watch, uint32_t events)
{
    struct http_server *server =
        (struct http_server *)((char *)watch - offsetof(struct http_server, watch));

    (void)events;
    server->due = true;
}

static void no_log(void *user, const char *format, va_list args)
{
    (void)user, (void)format, (void)args;
}

/* What the guard writes to a peer whose request did not come in time. */
static void slow_reply(char ret_reply[SLOW_REPLY_MAX], const char *detail)
{
    char json[PROBLEM_JSON_MAX];
    size_t bytes = problem_json(PROBLEM_SLOW, detail, json);

    snprintf(ret_reply, SLOW_REPLY_MAX,
             "HTTP/1.1 %u Request Timeout\r\n"
             "Content-Type: application/problem+json\r\n"
             "Content-Length: %zu\r\nConnection: close\r\n\r\n%.*s",
             problem_status(PROBLEM_SLOW), bytes, (int)bytes, json);
}

/* Cuts every connection, if there is one. */
static void server_free(struct http_server *server)
{
    if (!server)
        return;
    if (server->watch.fd >= 0)
        loop_remove(server->loop, &server->watch);
    if (server->daemon)
        MHD_stop_daemon(server->daemon);
    guard_free(server->guard);
    while (server->spare) {
        struct request *next = server->spare->next;
        free(server->spare);
        server->spare = next;
    }
    free(server);
}

DEFINE_CLEANUP(struct http_server, server_free)

int http_open(struct loop *loop, const struct http_options *options,
              struct http_server **ret_server, struct err *err)
{
    _cleanup_(server_freep) struct http_server *server = calloc(1, sizeof *server);
    if (!server)
        return err_set(err, -ENOMEM, "cannot start the HTTP server");
    server->loop = loop;
    server->callbacks = options->callbacks;
    server->user = options->user;
    server->listen_copy = -1;
    server->watch = (struct loop_watch){.event = on_ready, .fd = -1};

    slow_reply(server->slow_body, "the body came too slowly");
    slow_reply(server->slow_head, "the head of the request came too slowly");
    const struct guard_options guarded = {
        .slow_head = server->slow_head,
        .slow_body = server->slow_body,
        .connections_max = options->connections_max,
        .idle_seconds = options->idle_seconds,
        .answers_max_bytes = options->answers_max_bytes,
    };
    server->guard = guard_new(loop, &guarded);
    if (!server->guard)
        return err_set(err, -ENOMEM, "cannot start the HTTP server");

    int flags = fcntl(options->listen_fd, F_GETFL);
    if (flags < 0 || fcntl(options->listen_fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return err_set(err, -errno, "cannot use the listening socket");
    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO, 0, NULL, NULL, on_request, server,
        MHD_OPTION_EXTERNAL_LOGGER, no_log, NULL, MHD_OPTION_LISTEN_SOCKET, options->listen_fd,
        MHD_OPTION_CONNECTION_LIMIT, options->connections_max, MHD_OPTION_CONNECTION_TIMEOUT,
        options->idle_seconds + 2 * GUARD_HEAD_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        options->connection_bytes, MHD_OPTION_URI_LOG_CALLBACK, on_target, server,
        MHD_OPTION_UNESCAPE_CALLBACK, no_unescape, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_over,
        server, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_END);
    if (!server->daemon)
        return err_say(err, -EIO, "cannot start the HTTP server");
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (!info)
        return err_say(err, -EIO, "cannot start the HTTP server: it has no epoll descriptor");
    int fd = info->epoll_fd;
    server->watch.fd = fd;
    int r = loop_add(loop, &server->watch, EPOLLIN, err);
    if (r < 0) {
        server->watch.fd = -1;
        return r;
    }
    server->due = true;
    *ret_server = steal_ptr(&server);
    return 0;
}

void http_run(struct http_server *server)
{
    if (!server->due)
        return;
    server->due = server->unsettled = false;
    MHD_run(server->daemon);
    /* At its limit, or without a descriptor left, MHD stops listening. It listens again when it is
     * run after it has tidied up a connection that ended, and nobody else may come to cause that.
     */
    unsigned before = server->connections;
    server->connections = http_connections(server);
    server->due = server->due || server->connections < before;
}

void http_settle(struct http_server *server)
{
    if (!server->unsettled)
        return;
    server->settling = true;
    server->due = true;
    http_run(server);
    server->settling = false;
}

bool http_due(const struct http_server *server)
{
    return server->due;
}

bool http_unsettled(const struct http_server *server)
{
    return server->unsettled;
}

int http_wait_ms(struct http_server *server)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms;

    if (server->due)
        return 0;
    if (MHD_get_timeout(server->daemon, &timeout_ms) != MHD_YES)
        return -1;
    /* The wait for MHD's own deadline ends without an event. */
    server->due = true;
    return timeout_ms > INT_MAX ? INT_MAX : (int)timeout_ms;
}

void http_stop_listening(struct http_server *server)
{
    if (server->listen_copy < 0)
        server->listen_copy = MHD_quiesce_daemon(server->daemon);
}

unsigned http_active(const struct http_server *server)
{
    return server->active;
}

unsigned http_connections(const struct http_server *server)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

    return info ? info->num_connections : 0;
}

struct http_stats http_server_stats(const struct http_server *server)
{
    const struct guard_stats *guard = guard_stats(server->guard);

    return (struct http_stats){
        .accepted = guard->accepted,
        .slow = guard->slow,
        .evicted = guard->evicted,
        .malformed = server->malformed,
    };
}

/* ---- what is asked of a request ---- */

struct each_header {
    int (*each)(void *user, const char *name, size_t name_bytes, const char *value,
                size_t value_bytes);
    void *user;
    int result;
};

static enum MHD_Result one_header(void *user, enum MHD_ValueKind kind, const char *name,
                                  size_t name_bytes, const char *value, size_t value_bytes)
{
    struct each_header *each = user;

    (void)kind;
    each->result = each->each(each->user, name, name_bytes, value ? value : "", value_bytes);
    return each->result ? MHD_NO : MHD_YES;
}

int http_each_header(const struct http_request *public,
                     int (*each)(void *user, const char *name, size_t name_bytes, const char *value,
                                 size_t value_bytes),
                     void *user)
{
    const struct request *request = (const struct request *)public;
    struct each_header state = {.each = each, .user = user};

    MHD_get_connection_values_n(request->connection, MHD_HEADER_KIND, one_header, &state);
    return state.result;
}

const char *http_header(const struct http_request *public, const char *name)
{
    const struct request *request = (const struct request *)public;

    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

/* An IPv4 address that came to an IPv6 socket is shown as what it is. */
static void address_text(const struct sockaddr *address, char *ret_text, size_t size)
{
    const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)address;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)address;

    ret_text[0] = '\0';
    if (address && address->sa_family == AF_INET)
        inet_ntop(AF_INET, &four->sin_addr, ret_text, (socklen_t)size);
    else if (address && address->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
        inet_ntop(AF_INET, six->sin6_addr.s6_addr + 12, ret_text, (socklen_t)size);
    else if (address && address->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &six->sin6_addr, ret_text, (socklen_t)size);
}

void http_remote(const struct http_request *public, char *ret_text, size_t size)
{
    const struct request *request = (const struct request *)public;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

    address_text(info ? info->client_addr : NULL, ret_text, size);
}

void http_local(const struct http_request *public, char *ret_text, size_t size)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;

    if (getsockname(http_socket(public), (struct sockaddr *)&address, &length) < 0)
        address.ss_family = AF_UNSPEC;
    address_text((const struct sockaddr *)&address, ret_text, size);
}

int http_socket(const struct http_request *public)
{
    const struct request *request = (const struct request *)public;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    return info ? info->connect_fd : -1;
}

bool http_peer_closed(const struct http_request *public)
{
    struct pollfd peer = {.fd = http_socket(public), .events = POLLRDHUP};

    return poll(&peer, 1, 0) == 1 && (peer.revents & (POLLRDHUP | POLLHUP | POLLERR));
}
