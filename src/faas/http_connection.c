/*
 * What a connection does next: head, body, reply, and again. A turn does a bounded piece of it.
 *
 * A request that comes while another is served lies in the socket, or in the input behind it, until
 * the other's reply is sent: pipelined requests are answered in their order, one at a time.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "faas/http_internal.h"

/* Bytes, 0 when there are none now, -1 when the peer has ended or the connection broke. */
static ssize_t receive(struct connection *connection, void *buffer, size_t max)
{
    ssize_t n = recv(connection->watch.fd, buffer, max, 0);

    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        connection->readable = errno == EINTR;
        return 0;
    }
    if (n <= 0) {
        connection->readable = false;
        connection->peer_closed = true;
        return -1;
    }
    /* Less than was asked for: the socket is empty, and epoll tells when it is not (epoll(7)). An
     * end that was told already has no second edge. */
    if ((size_t)n < max && !connection->peer_closed)
        connection->readable = false;
    return n;
}

/* ---- over, and again ---- */

static bool linger(struct connection *connection)
{
    if (connection->peer_closed && !connection->readable) {
        connection_close(connection);
        return false;
    }
    shutdown(connection->watch.fd, SHUT_WR);
    input_put(connection);
    connection->state = CONNECTION_LINGER;
    connection->sent_bytes = 0; /* now: bytes thrown away */
    connection_deadline(connection, loop_now(connection->server->loop) + LINGER_NS);
    return connection->readable;
}

static bool request_over(struct connection *connection)
{
    struct http_server *server = connection->server;
    uint32_t left = connection->input_bytes - connection->input_at;

    if (connection->request) {
        server->callbacks->over(&connection->request->public);
        request_put(connection->request);
    }
    if (connection->broken) {
        connection_close(connection);
        return false;
    }
    if (connection->close_behind)
        return linger(connection);
    if (left > 0)
        memmove(connection->input, connection->input + connection->input_at, left);
    connection->input_bytes = left;
    connection->input_at = 0;
    connection->scan = (struct http_scan){0};
    connection->state = CONNECTION_HEAD;
    connection->since_ns = loop_now(server->loop);
    if (left == 0) {
        input_put(connection);
        connection_set_idle(connection, true);
        connection_deadline(connection,
                            connection->since_ns + server->options.idle_seconds * SECOND_NS);
    } else {
        connection_deadline(connection, connection->since_ns + HTTP_HEAD_SECONDS * SECOND_NS);
    }
    return left > 0 || connection->readable;
}

/* ---- the reply ---- */

static bool turn_reply(struct connection *connection)
{
    const struct request *request = connection->request;

    if (request && request->streaming && connection->peer_closed) {
        connection_close(connection);
        return false;
    }
    if (request && !request->replied)
        return false;
    return reply_send(connection) && request_over(connection);
}

/* ---- the body ---- */

static bool body_is_over(const struct request *request)
{
    return request->head.chunked ? request->chunks.state == CHUNK_OVER
                                 : (int64_t)request->body_taken == request->head.body_bytes;
}

/* Takes what belongs to the body; the bytes used, or -1 when it is not a body. */
static ssize_t body_take(struct connection *connection, const char *data, size_t bytes)
{
    struct request *request = connection->request;
    size_t at = 0, piece = bytes;
    ssize_t used;

    if (request->head.chunked) {
        used = http_chunks_take(&request->chunks, data, bytes, &at, &piece);
    } else {
        uint64_t left = (uint64_t)request->head.body_bytes - request->body_taken;
        if (piece > left)
            piece = (size_t)left;
        used = (ssize_t)piece;
    }
    if (used >= 0 && piece > 0) {
        request->body_taken += piece;
        if (!request->replied)
            connection->server->callbacks->body(&request->public, data + at, piece);
    }
    return used;
}

static bool body_broken(struct connection *connection)
{
    static const struct http_refusal refusal = {PROBLEM_BAD_REQUEST, "the chunks are not proper"};

    connection->close_behind = true;
    if (!connection->request->replied) {
        connection->server->stats.malformed++;
        reply_refusal(connection, &refusal);
    }
    connection->state = CONNECTION_WAIT;
    return turn_reply(connection);
}

/* From the socket. What follows the body's end is kept for the next head. -1 as body_take(). */
static int body_receive(struct connection *connection, ssize_t bytes)
{
    struct http_server *server = connection->server;
    const char *data = server->scratch;

    while (bytes > 0 && !body_is_over(connection->request)) {
        ssize_t used = body_take(connection, data, (size_t)bytes);
        if (used < 0)
            return -1;
        data += used;
        bytes -= used;
    }
    if (bytes == 0)
        return 0;
    /* The input is used up, but the head in it must stay. */
    if (connection->input_capacity - connection->input_bytes < (size_t)bytes &&
        (connection->close_behind || input_grow(connection) < 0)) {
        connection->close_behind = true;
        return 0;
    }
    memcpy(connection->input + connection->input_bytes, data, (size_t)bytes);
    connection->input_bytes += (uint32_t)bytes;
    return 0;
}

static bool body_done(struct connection *connection)
{
    struct request *request = connection->request;

    connection->state = CONNECTION_WAIT;
    if (!request->replied) {
        connection_deadline(connection, 0);
        connection->server->callbacks->complete(&request->public);
    }
    return turn_reply(connection);
}

static bool turn_body(struct connection *connection)
{
    struct http_server *server = connection->server;
    struct request *request = connection->request;
    size_t most = request->head.chunked ? CHUNKS_READ_BYTES : SCRATCH_BYTES;

    for (size_t done = 0; done < TURN_BYTES;) {
        if (body_is_over(request))
            return body_done(connection);
        if (request->replied && connection->close_behind) {
            connection->state = CONNECTION_WAIT;
            return turn_reply(connection);
        }
        if (connection->input_at < connection->input_bytes) {
            ssize_t used = body_take(connection, connection->input + connection->input_at,
                                     connection->input_bytes - connection->input_at);
            if (used < 0)
                return body_broken(connection);
            connection->input_at += (uint32_t)used;
            continue;
        }
        if (!connection->readable)
            return false;
        /* Not past the end of a body whose length is known: what follows stays in the socket. */
        int64_t left = request->head.body_bytes - (int64_t)request->body_taken;
        if (!request->head.chunked && left < (int64_t)most)
            most = (size_t)left;
        ssize_t n = receive(connection, server->scratch, most);
        if (n < 0) {
            connection_close(connection);
            return false;
        }
        if (n == 0)
            return connection->readable;
        if (body_receive(connection, n) < 0)
            return body_broken(connection);
        done += (size_t)n;
    }
    return true;
}

/* ---- the head ---- */

static uint8_t lane_of(const char *path)
{
    uint32_t hash = 2166136261u;

    for (int slashes = 0; *path; path++) {
        if (*path == '/' && ++slashes == 3)
            break;
        hash = (hash ^ (unsigned char)*path) * 16777619u;
    }
    return (uint8_t)(1 + (hash >> 8) % (LANES - 1));
}

static bool refused(struct connection *connection, const struct http_refusal *refusal)
{
    connection->server->stats.malformed++;
    reply_refusal(connection, refusal);
    return turn_reply(connection);
}

static bool turn_begin(struct connection *connection)
{
    struct request *request = connection->request;

    connection->state = CONNECTION_BODY;
    connection->since_ns = loop_now(connection->server->loop);
    if (request->head.body_bytes != 0)
        connection_deadline(connection, connection->since_ns + HTTP_BODY_SECONDS * SECOND_NS);
    else
        connection_deadline(connection, 0);
    connection->server->callbacks->begin(&request->public);
    if (request->head.expects_continue && !request->replied && request->head.body_bytes != 0 &&
        connection->input_at == connection->input_bytes)
        send_continue(connection);
    return turn_body(connection);
}

static bool head_complete(struct connection *connection, size_t bytes)
{
    struct http_server *server = connection->server;
    struct request *request = request_take(connection);
    struct http_refusal refusal;

    if (!request) {
        connection_close(connection);
        return false;
    }
    if (http_head_parse(connection->input, bytes, &request->head, &refusal) < 0) {
        request_put(request);
        return refused(connection, &refusal);
    }
    request->public.method = request->head.method;
    request->public.path = request->head.path;
    request->public.query = request->head.query;
    request->public.path_bytes = request->head.path_bytes;
    request->public.query_bytes = request->head.query_bytes;
    request->public.body_bytes = request->head.body_bytes;
    connection->input_at = (uint32_t)bytes;
    connection->sent_bytes = 0;
    connection->close_behind = !request->head.keep_alive || !server->listening;
    connection->state = CONNECTION_BEGIN;

    uint8_t lane = lane_of(request->head.path);
    if (lane == connection->lane)
        return turn_begin(connection);
    connection->lane = lane;
    return true;
}

static bool turn_head(struct connection *connection)
{
    static const struct http_refusal crowded = {PROBLEM_CONNECTIONS,
                                                "too many long heads are being received"};
    struct http_server *server = connection->server;
    struct http_refusal refusal;

    for (;;) {
        if (connection->input_bytes > 0) {
            ssize_t n = http_head_scan(&connection->scan, connection->input,
                                       connection->input_bytes, &refusal);
            if (n < 0)
                return refused(connection, &refusal);
            if (n > 0)
                return head_complete(connection, (size_t)n);
        }
        if (!connection->readable) {
            if (connection->peer_closed || connection->broken)
                connection_close(connection);
            return false;
        }
        if (connection->input_bytes == connection->input_capacity && input_grow(connection) < 0)
            return refused(connection, &crowded);
        ssize_t got = receive(connection, connection->input + connection->input_bytes,
                              connection->input_capacity - connection->input_bytes);
        if (got < 0) {
            connection_close(connection);
            return false;
        }
        if (got == 0) {
            if (connection->input_bytes == 0)
                input_put(connection);
            return connection->readable;
        }
        connection->input_bytes += (uint32_t)got;
        if (connection->idle) {
            connection_set_idle(connection, false);
            connection->since_ns = loop_now(server->loop);
            connection_deadline(connection, connection->since_ns + HTTP_HEAD_SECONDS * SECOND_NS);
        }
    }
}

static bool turn_linger(struct connection *connection)
{
    ssize_t n =
        connection->readable ? receive(connection, connection->server->scratch, SCRATCH_BYTES) : 0;

    connection->sent_bytes += n > 0 ? (uint64_t)n : 0;
    if (n < 0 || connection->broken || connection->sent_bytes > LINGER_MAX_BYTES) {
        connection_close(connection);
        return false;
    }
    return connection->readable;
}

bool connection_turn(struct connection *connection)
{
    switch (connection->state) {
    case CONNECTION_HEAD:
        return turn_head(connection);
    case CONNECTION_BEGIN:
        return turn_begin(connection);
    case CONNECTION_BODY:
        return turn_body(connection);
    case CONNECTION_WAIT:
        return turn_reply(connection);
    case CONNECTION_LINGER:
        return turn_linger(connection);
    }
    return false;
}

/* ---- deadlines ---- */

/* So many seconds, and one more for each `bytes` that have moved: a slow peer is served, one that
 * only holds on is not. */
static uint64_t allowed_ns(const struct connection *connection, unsigned seconds, uint64_t moved,
                           uint64_t bytes)
{
    return connection->since_ns + seconds * SECOND_NS + moved * SECOND_NS / bytes;
}

void connection_late(struct connection *connection)
{
    static const struct http_refusal slow_head = {PROBLEM_SLOW, "the head took longer than 10 s"};
    static const struct http_refusal slow_body = {PROBLEM_SLOW, "the body came too slowly"};
    struct http_server *server = connection->server;
    struct request *request = connection->request;
    uint64_t now = loop_now(server->loop), until = 0;

    if (connection->state == CONNECTION_LINGER || connection->idle) {
        connection_close(connection);
        return;
    }
    if (request && request->replied)
        until = allowed_ns(connection, HTTP_TAKE_SECONDS, connection->sent_bytes, HTTP_TAKE_BYTES);
    else if (connection->state == CONNECTION_BODY)
        until = allowed_ns(connection, HTTP_BODY_SECONDS, request->body_taken, HTTP_BODY_BYTES);
    if (until > now) {
        connection_deadline(connection, until);
        return;
    }
    if (connection->state == CONNECTION_BEGIN) {
        connection_ready(connection);
        return;
    }
    server->stats.slow++;
    if (!request && connection->state != CONNECTION_HEAD) {
        connection_close(connection); /* a refusal that is not read */
    } else if (request && request->replied) {
        connection_close(connection);
    } else {
        reply_refusal(connection, request ? &slow_body : &slow_head);
        connection_ready(connection);
    }
}
