/* The HTTP server: its listener, its connections as objects, and whose turn it is. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "faas/http_internal.h"

/* Connections past the limit that are only told so. */
#define TURNED_AWAY_MAX 64
/* After descriptors ran out with no idle connection to close. */
#define ACCEPT_PAUSE_NS 100000000ull

/* ---- lists ---- */

static void list_remove(struct connection_list *list, struct connection *connection)
{
    *(connection->previous ? &connection->previous->next : &list->first) = connection->next;
    *(connection->next ? &connection->next->previous : &list->last) = connection->previous;
}

static void list_append(struct connection_list *list, struct connection *connection)
{
    connection->next = NULL;
    connection->previous = list->last;
    *(list->last ? &list->last->next : &list->first) = connection;
    list->last = connection;
}

void connection_set_idle(struct connection *connection, bool idle)
{
    struct http_server *server = connection->server;

    list_remove(connection->idle ? &server->idle : &server->busy, connection);
    connection->idle = idle;
    list_append(idle ? &server->idle : &server->busy, connection);
}

/* ---- lanes ---- */

void connection_ready(struct connection *connection)
{
    struct http_server *server = connection->server;
    unsigned lane = connection->lane;

    if (connection->in_lane || connection == server->in_turn)
        return;
    connection->in_lane = true;
    connection->lane_next = NULL;
    *(server->lanes[lane].last ? &server->lanes[lane].last->lane_next
                               : &server->lanes[lane].first) = connection;
    server->lanes[lane].last = connection;
    server->lanes_used |= UINT64_C(1) << lane;
}

static struct connection *lane_pop(struct http_server *server, unsigned lane)
{
    struct connection *connection = server->lanes[lane].first;

    server->lanes[lane].first = connection->lane_next;
    if (!server->lanes[lane].first) {
        server->lanes[lane].last = NULL;
        server->lanes_used &= ~(UINT64_C(1) << lane);
    }
    connection->in_lane = false;
    return connection;
}

static void lane_remove(struct connection *connection)
{
    struct http_server *server = connection->server;
    struct connection *before = NULL;
    struct connection **at = &server->lanes[connection->lane].first;

    if (!connection->in_lane)
        return;
    while (*at != connection) {
        before = *at;
        at = &(*at)->lane_next;
    }
    *at = connection->lane_next;
    if (server->lanes[connection->lane].last == connection)
        server->lanes[connection->lane].last = before;
    if (!server->lanes[connection->lane].first)
        server->lanes_used &= ~(UINT64_C(1) << connection->lane);
    connection->in_lane = false;
}

/* The lane after the last one that has somebody. */
static unsigned lane_pick(struct http_server *server)
{
    uint64_t behind = server->lanes_used & ~((UINT64_C(2) << server->lane_last) - 1);

    if (server->lane_last == LANES - 1)
        behind = 0;
    server->lane_last = (unsigned)__builtin_ctzll(behind ? behind : server->lanes_used);
    return server->lane_last;
}

/* ---- memory ---- */

struct request *request_take(struct connection *connection)
{
    struct http_server *server = connection->server;
    struct request *request = server->spare_requests;

    if (request) {
        server->spare_requests = request->next;
        server->spare_request_count--;
    } else {
        request = malloc(sizeof *request);
        if (!request)
            return NULL;
    }
    memset(request, 0, offsetof(struct request, head));
    request->connection = connection;
    request->public.server = server;
    request->public.user = server->user;
    connection->request = request;
    server->active++;
    return request;
}

void request_put(struct request *request)
{
    struct http_server *server = request->public.server;

    reply_drop(request);
    request->connection->request = NULL;
    server->active--;
    if (server->spare_request_count == SPARE_MAX) {
        free(request);
        return;
    }
    request->next = server->spare_requests;
    server->spare_requests = request;
    server->spare_request_count++;
}

/* A first input, or a large one in place of a small one. -ENOBUFS: too many heads are that long. */
int input_grow(struct connection *connection)
{
    struct http_server *server = connection->server;
    char *input = NULL;

    if (!connection->input) {
        input = server->spare_inputs;
        if (input) {
            memcpy(&server->spare_inputs, input, sizeof server->spare_inputs);
            server->spare_input_count--;
        } else {
            input = malloc(INPUT_SMALL);
        }
        if (!input)
            return -ENOMEM;
        connection->input_capacity = INPUT_SMALL;
        connection->input = input;
        return 0;
    }
    if (connection->input_capacity == INPUT_LARGE || server->large_inputs == INPUTS_LARGE_MAX)
        return -ENOBUFS;
    input = malloc(INPUT_LARGE);
    if (!input)
        return -ENOMEM;
    uint32_t bytes = connection->input_bytes;
    memcpy(input, connection->input, bytes);
    input_put(connection);
    connection->input = input;
    connection->input_bytes = bytes;
    connection->input_capacity = INPUT_LARGE;
    server->large_inputs++;
    return 0;
}

void input_put(struct connection *connection)
{
    struct http_server *server = connection->server;
    char *input = steal_ptr(&connection->input);

    if (!input)
        return;
    connection->input_bytes = 0;
    if (connection->input_capacity == INPUT_LARGE) {
        server->large_inputs--;
        free(input);
    } else if (server->spare_input_count == SPARE_MAX) {
        free(input);
    } else {
        memcpy(input, &server->spare_inputs, sizeof server->spare_inputs);
        server->spare_inputs = input;
        server->spare_input_count++;
    }
    connection->input_capacity = 0;
}

/* ---- deadlines ---- */

/*
 * The timer is left where it is when a deadline moves back: it looks again when it is due. So a
 * steady load arms none.
 */
void connection_deadline(struct connection *connection, uint64_t deadline_ns)
{
    connection->deadline_ns = deadline_ns;
    if (deadline_ns > 0 &&
        (connection->timer.place == 0 || connection->timer.deadline_ns > deadline_ns))
        loop_timer_set(connection->server->loop, &connection->timer, deadline_ns);
}

static void on_deadline(struct loop_timer *timer)
{
    struct connection *connection =
        (struct connection *)((char *)timer - offsetof(struct connection, timer));

    if (connection->deadline_ns == 0)
        return;
    if (connection->deadline_ns > loop_now(connection->server->loop))
        connection_deadline(connection, connection->deadline_ns);
    else
        connection_late(connection);
}

/* ---- connections ---- */

static void on_connection(struct loop_watch *watch, uint32_t events)
{
    struct connection *connection =
        (struct connection *)((char *)watch - offsetof(struct connection, watch));

    if (events & EPOLLIN)
        connection->readable = true;
    if (events & EPOLLOUT)
        connection->writable = true;
    if (events & EPOLLRDHUP)
        connection->peer_closed = connection->readable = true;
    if (events & (EPOLLHUP | EPOLLERR))
        connection->broken = connection->readable = true;
    connection_ready(connection);
}

static struct connection *connection_new(struct http_server *server, int fd)
{
    struct connection *connection = server->spare_connections;

    if (connection) {
        server->spare_connections = connection->next;
        server->spare_connection_count--;
    } else {
        connection = malloc(sizeof *connection);
        if (!connection)
            return NULL;
    }
    *connection = (struct connection){
        .server = server,
        .watch = {.event = on_connection, .fd = fd},
        .timer = {.expired = on_deadline},
        .writable = true,
        .idle = true,
    };
    /* Edge-triggered, once for its whole life: no epoll_ctl(2) for a request. */
    if (loop_add(server->loop, &connection->watch, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                 NULL) < 0) {
        free(connection);
        return NULL;
    }
    list_append(&server->idle, connection);
    server->connection_count++;
    server->stats.accepted++;
    connection_deadline(connection,
                        loop_now(server->loop) + server->options.idle_seconds * SECOND_NS);
    return connection;
}

/* Ends it at once. One whose request is being served ends with the reply: see http_close(). */
void connection_close(struct connection *connection)
{
    struct http_server *server = connection->server;

    if (connection->request) {
        server->callbacks->over(&connection->request->public);
        request_put(connection->request);
    }
    input_put(connection);
    lane_remove(connection);
    list_remove(connection->idle ? &server->idle : &server->busy, connection);
    loop_timer_clear(server->loop, &connection->timer);
    loop_remove(server->loop, &connection->watch);
    close(connection->watch.fd);
    server->connection_count--;
    if (server->in_turn == connection)
        server->in_turn = NULL;
    if (server->spare_connection_count == SPARE_MAX) {
        free(connection);
        return;
    }
    connection->next = server->spare_connections;
    server->spare_connections = connection;
    server->spare_connection_count++;
}

/* ---- the listener ---- */

static bool evict_idle(struct http_server *server)
{
    if (!server->idle.first)
        return false;
    server->stats.evicted++;
    connection_close(server->idle.first);
    return true;
}

static void on_listener(struct loop_watch *watch, uint32_t events)
{
    struct http_server *server =
        (struct http_server *)((char *)watch - offsetof(struct http_server, listener));

    (void)events;
    server->acceptable = true;
}

static void on_accept_timer(struct loop_timer *timer)
{
    struct http_server *server =
        (struct http_server *)((char *)timer - offsetof(struct http_server, accept_timer));

    server->acceptable = true;
}

/* A connection that came when all places are taken by others that are served. */
static void turn_away(struct http_server *server, struct connection *connection)
{
    static const struct http_refusal full = {PROBLEM_CONNECTIONS,
                                             "there are too many connections at once"};

    server->stats.turned_away++;
    if (server->connection_count > server->options.connections_max + TURNED_AWAY_MAX)
        connection_close(connection);
    else
        reply_refusal(connection, &full);
}

static bool accept_one(struct http_server *server)
{
    struct sockaddr_in6 peer = {0};
    socklen_t size = sizeof peer;
    int fd =
        accept4(server->listener.fd, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0 && (errno == ECONNABORTED || errno == EINTR || errno == EPROTO))
        return true;
    if (fd < 0) {
        if (errno == EAGAIN || !evict_idle(server)) {
            if (errno != EAGAIN)
                loop_timer_set(server->loop, &server->accept_timer,
                               loop_now(server->loop) + ACCEPT_PAUSE_NS);
            server->acceptable = false;
        }
        return server->acceptable;
    }
    bool full = server->connection_count >= server->options.connections_max && !evict_idle(server);
    struct connection *connection = connection_new(server, fd);
    if (!connection) {
        close(fd);
        return true;
    }
    connection->peer = peer;
    if (full)
        turn_away(server, connection);
    return true;
}

/* ---- the server ---- */

DEFINE_CLEANUP(struct http_server, http_close)

int http_open(struct loop *loop, const struct http_options *options,
              struct http_server **ret_server, struct err *err)
{
    const int on = 1;
    _cleanup_(http_closep) struct http_server *server = calloc(1, sizeof *server);
    if (!server)
        return err_set(err, -ENOMEM, "cannot start the HTTP server");
    server->loop = loop;
    server->callbacks = options->callbacks;
    server->user = options->user;
    server->options = *options;
    server->listener = (struct loop_watch){.event = on_listener, .fd = -1};
    server->accept_timer.expired = on_accept_timer;

    int flags = fcntl(options->listen_fd, F_GETFL);
    if (flags < 0 || fcntl(options->listen_fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return err_set(err, -errno, "cannot use the listening socket");
    /* Accepted sockets inherit it. A UNIX socket has none, and needs none. */
    setsockopt(options->listen_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    server->listener.fd = options->listen_fd;
    int r = loop_add(loop, &server->listener, EPOLLIN | EPOLLET, err);
    if (r < 0) {
        server->listener.fd = -1;
        return r;
    }
    server->listening = server->acceptable = true;
    *ret_server = steal_ptr(&server);
    return 0;
}

void http_close(struct http_server *server)
{
    if (!server)
        return;
    http_stop_listening(server);
    while (server->busy.first)
        connection_close(server->busy.first);
    while (server->spare_connections) {
        struct connection *next = server->spare_connections->next;
        free(server->spare_connections);
        server->spare_connections = next;
    }
    while (server->spare_requests) {
        struct request *next = server->spare_requests->next;
        free(server->spare_requests);
        server->spare_requests = next;
    }
    while (server->spare_inputs) {
        char *next;
        memcpy(&next, server->spare_inputs, sizeof next);
        free(server->spare_inputs);
        server->spare_inputs = next;
    }
    free(server);
}

int http_run(struct http_server *server)
{
    for (int i = 0; i < ACCEPTS && server->listening && server->acceptable; i++)
        if (!accept_one(server))
            break;
    for (int i = 0; i < TURNS && server->lanes_used; i++) {
        struct connection *connection = lane_pop(server, lane_pick(server));
        server->in_turn = connection;
        bool again = connection_turn(connection);
        if (!server->in_turn)
            continue; /* it was closed */
        server->in_turn = NULL;
        if (again)
            connection_ready(connection);
    }
    return server->lanes_used || (server->listening && server->acceptable) ? 0 : -1;
}

void http_stop_listening(struct http_server *server)
{
    if (server->listening) {
        loop_remove(server->loop, &server->listener);
        loop_timer_clear(server->loop, &server->accept_timer);
    }
    server->listening = false;
    while (server->idle.first)
        connection_close(server->idle.first);
}

unsigned http_active(const struct http_server *server)
{
    return server->active;
}

unsigned http_connections(const struct http_server *server)
{
    return server->connection_count;
}

const struct http_stats *http_server_stats(const struct http_server *server)
{
    return &server->stats;
}

/* ---- what is asked of a request ---- */

int http_each_header(const struct http_request *public,
                     int (*each)(void *user, const char *name, size_t name_bytes, const char *value,
                                 size_t value_bytes),
                     void *user)
{
    const struct http_head *head = &((const struct request *)public)->head;

    for (uint32_t i = 0; i < head->field_count; i++) {
        const struct http_field *field = &head->fields[i];
        int r = each(user, head->text + field->name, field->name_bytes, head->text + field->value,
                     field->value_bytes);
        if (r)
            return r;
    }
    return 0;
}

const char *http_header(const struct http_request *public, const char *name)
{
    return http_head_find(&((const struct request *)public)->head, name);
}

void http_remote(const struct http_request *public, char *ret_text, size_t size)
{
    const struct sockaddr_in6 *peer = &((const struct request *)public)->connection->peer;

    ret_text[0] = '\0';
    if (peer->sin6_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)peer)->sin_addr, ret_text,
                  (socklen_t)size);
    else if (peer->sin6_family == AF_INET6)
        inet_ntop(AF_INET6, &peer->sin6_addr, ret_text, (socklen_t)size);
}

int http_socket(const struct http_request *public)
{
    return ((const struct request *)public)->connection->watch.fd;
}
