/* Replies: their heads, and what the socket takes of them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "faas/http_internal.h"

/* Of an answer's head: what the function may say, and what is added to it. */
#define HEAD_BYTES (RESPONSE_HEAD_MAX_BYTES + (8u << 10))
/* A piece of a stream. */
#define STREAM_BYTES (16u << 10)
#define STREAM_PIECES 8 /* a turn */

static const char *reason(unsigned status)
{
    static const struct {
        unsigned status;
        const char *text;
    } reasons[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {418, "I'm a teapot"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    };

    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].text;
    return "Status";
}

/* ---- sending ---- */

/* What the socket takes of both: bytes, or 0. */
static size_t send_some(struct connection *connection, const void *first, size_t first_bytes,
                        const void *second, size_t second_bytes)
{
    struct iovec parts[2] = {
        {.iov_base = (void *)(uintptr_t)first, .iov_len = first_bytes},
        {.iov_base = (void *)(uintptr_t)second, .iov_len = second_bytes},
    };
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = second_bytes > 0 ? 2 : 1};

    if (connection->broken || !connection->writable || first_bytes + second_bytes == 0)
        return 0;
    ssize_t n = sendmsg(connection->watch.fd, &message, MSG_NOSIGNAL);
    if (n < 0) {
        if (errno == EAGAIN)
            connection->writable = false;
        else if (errno != EINTR)
            connection->broken = true;
        return 0;
    }
    /* Less than was offered: its buffer is full, and epoll tells when it is not. */
    if ((size_t)n < first_bytes + second_bytes)
        connection->writable = false;
    connection->sent_bytes += (uint64_t)n;
    return (size_t)n;
}

void reply_drop(struct request *request)
{
    free(request->rest);
    request->rest = NULL;
    request->rest_at = request->rest_bytes = 0;
    if (request->release)
        request->release(request->owner);
    request->release = NULL;
    request->body = NULL;
    request->body_left = 0;
    request->public.server->held_bytes -= request->held_bytes;
    request->held_bytes = 0;
}

/* Too much waits for slow readers: who has waited the longest is cut. Not `except`, which is in
 * somebody's hands; its turn comes. */
static void held_bound(struct http_server *server, const struct connection *except)
{
    struct connection *next;

    if (server->options.held_max_bytes == 0)
        return;
    for (struct connection *at = server->busy.first;
         at && server->held_bytes > server->options.held_max_bytes; at = next) {
        next = at->next;
        if (at == except || at == server->in_turn || !at->request || at->request->held_bytes == 0)
            continue;
        server->stats.evicted++;
        at->broken = true;
        reply_drop(at->request);
        connection_ready(at);
    }
}

/* Keeps what was not sent: `first` is copied; `second` too unless it is owned. */
static int keep_rest(struct connection *connection, const char *first, size_t first_bytes,
                     const char *second, size_t second_bytes, size_t sent)
{
    struct request *request = connection->request;
    struct http_server *server = connection->server;
    size_t first_left = sent < first_bytes ? first_bytes - sent : 0;
    size_t second_sent = sent > first_bytes ? sent - first_bytes : 0;
    size_t copy = first_left + (request->release ? 0 : second_bytes - second_sent);

    if (copy > 0) {
        request->rest = malloc(copy);
        if (!request->rest) {
            connection->broken = true;
            return -ENOMEM;
        }
        memcpy(request->rest, first + (first_bytes - first_left), first_left);
        if (copy > first_left)
            memcpy(request->rest + first_left, second + second_sent, copy - first_left);
    }
    request->rest_at = 0;
    request->rest_bytes = copy;
    if (request->release) {
        request->body = second + second_sent;
        request->body_left = second_bytes - second_sent;
    }
    request->held_bytes = copy + (request->release ? second_bytes : 0);
    server->held_bytes += request->held_bytes;
    held_bound(server, connection);
    return 0;
}

/* Sends head and body; what the socket does not take is kept. */
static int send_or_keep(struct connection *connection, const char *first, size_t first_bytes,
                        const char *second, size_t second_bytes)
{
    struct request *request = connection->request;
    size_t sent = send_some(connection, first, first_bytes, second, second_bytes);

    if (sent == first_bytes + second_bytes || connection->broken) {
        reply_drop(request);
        return 0;
    }
    int r = keep_rest(connection, first, first_bytes, second, second_bytes, sent);
    if (r < 0)
        reply_drop(request);
    return r;
}

static bool rest_send(struct connection *connection)
{
    struct request *request = connection->request;

    while (request->rest_bytes + request->body_left > 0 && !connection->broken) {
        size_t n = send_some(connection, request->rest + request->rest_at, request->rest_bytes,
                             request->body, request->body_left);
        if (n == 0)
            break;
        size_t of_rest = n < request->rest_bytes ? n : request->rest_bytes;
        request->rest_at += of_rest;
        request->rest_bytes -= of_rest;
        request->body_left -= n - of_rest;
        request->body = request->body ? request->body + (n - of_rest) : NULL;
    }
    if (request->rest_bytes + request->body_left > 0 && !connection->broken)
        return false;
    reply_drop(request);
    return true;
}

/* ---- heads ---- */

struct writer {
    char *text;
    size_t bytes, capacity;
    bool failed;
};

static void put(struct writer *writer, const char *text, size_t bytes)
{
    if (writer->failed || bytes > writer->capacity - writer->bytes) {
        writer->failed = true;
        return;
    }
    memcpy(writer->text + writer->bytes, text, bytes);
    writer->bytes += bytes;
}

static void put_text(struct writer *writer, const char *text)
{
    put(writer, text, strlen(text));
}

static void put_date(struct writer *writer, struct http_server *server)
{
    struct timespec now;
    struct tm when;

    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (now.tv_sec != server->date_second) {
        server->date_second = now.tv_sec;
        /* IMF-fixdate; the program's locale is "C". */
        if (!gmtime_r(&now.tv_sec, &when) ||
            strftime(server->date, sizeof server->date, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n",
                     &when) == 0)
            server->date[0] = '\0';
    }
    put_text(writer, server->date);
}

/* Its receiver has checked them; what would end the line is not sent in any case. */
static bool header_is_safe(const struct http_header *header)
{
    return !strpbrk(header->name, "\r\n: ") && !strpbrk(header->value, "\r\n");
}

enum framing { FRAMED_BY_LENGTH, FRAMED_BY_CHUNKS, FRAMED_BY_CLOSE };

static void put_head(struct writer *writer, struct connection *connection, unsigned status,
                     const struct http_header *headers, size_t count, enum framing framing,
                     size_t body_bytes)
{
    const struct request *request = connection->request;
    bool minor_1 = !request || request->head.minor_1;
    bool dated = false;
    char line[96];

    snprintf(line, sizeof line, "HTTP/1.1 %u ", status);
    put_text(writer, line);
    put_text(writer, reason(status));
    put(writer, "\r\n", 2);
    for (size_t i = 0; i < count; i++) {
        if (!header_is_safe(&headers[i]))
            continue;
        dated = dated || strcasecmp(headers[i].name, "date") == 0;
        put_text(writer, headers[i].name);
        put(writer, ": ", 2);
        put_text(writer, headers[i].value);
        put(writer, "\r\n", 2);
    }
    if (!dated)
        put_date(writer, connection->server);
    /* A 204 has no length, and of a 304 it would be another's (RFC 9110, 8.6). */
    if (framing == FRAMED_BY_LENGTH && status != 204 && status != 304) {
        snprintf(line, sizeof line, "Content-Length: %zu\r\n", body_bytes);
        put_text(writer, line);
    } else if (framing == FRAMED_BY_CHUNKS) {
        put_text(writer, "Transfer-Encoding: chunked\r\n");
    }
    if (connection->close_behind)
        put_text(writer, "Connection: close\r\n");
    else if (!minor_1)
        put_text(writer, "Connection: keep-alive\r\n");
    put(writer, "\r\n", 2);
}

/* ---- replies ---- */

/* What is left of the request's body is read to its end only where that is short and sure. */
static void settle_body(struct connection *connection)
{
    const struct request *request = connection->request;

    if (connection->state == CONNECTION_WAIT)
        return; /* it is all here */
    int64_t left = request->head.body_bytes - (int64_t)request->body_taken;
    if (request->head.chunked ? request->chunks.state != CHUNK_OVER : left > DISCARD_MAX)
        connection->close_behind = true;
    /* Who asks before it sends may not send at all. */
    if (request->head.expects_continue && left != 0 && request->body_taken == 0)
        connection->close_behind = true;
}

static void reply_begins(struct connection *connection)
{
    struct request *request = connection->request;
    uint64_t now = loop_now(connection->server->loop);

    settle_body(connection);
    request->replied = true;
    connection->since_ns = now;
    connection_deadline(connection, now + HTTP_TAKE_SECONDS * SECOND_NS);
    connection_ready(connection);
}

int http_reply(struct http_request *public, const struct http_reply *reply)
{
    struct request *request = (struct request *)public;
    struct connection *connection = request->connection;
    char text[HEAD_BYTES];
    struct writer writer = {.text = text, .capacity = sizeof text};
    size_t body_bytes = reply->body_bytes;

    reply_begins(connection);
    request->release = reply->release;
    request->owner = reply->owner;
    put_head(&writer, connection, reply->status, reply->headers, reply->header_count,
             FRAMED_BY_LENGTH, body_bytes);
    if (strcmp(public->method, "HEAD") == 0 || reply->status == 204 || reply->status == 304)
        body_bytes = 0;
    if (writer.failed) {
        connection->broken = true;
        reply_drop(request);
        return -ENOMEM;
    }
    return send_or_keep(connection, text, writer.bytes, reply->body, body_bytes);
}

int http_reply_stream(struct http_request *public, unsigned status,
                      const struct http_header *headers, size_t header_count,
                      ssize_t (*read)(struct http_request *request, char *buffer, size_t max))
{
    struct request *request = (struct request *)public;
    struct connection *connection = request->connection;
    char text[HEAD_BYTES];
    struct writer writer = {.text = text, .capacity = sizeof text};

    if (!request->head.minor_1)
        connection->close_behind = true;
    reply_begins(connection);
    put_head(&writer, connection, status, headers, header_count,
             request->head.minor_1 ? FRAMED_BY_CHUNKS : FRAMED_BY_CLOSE, 0);
    if (writer.failed) {
        connection->broken = true;
        return -ENOMEM;
    }
    request->read = read;
    request->streaming = strcmp(public->method, "HEAD") != 0;
    return send_or_keep(connection, text, writer.bytes, NULL, 0);
}

void http_stream_wake(struct http_request *public)
{
    connection_ready(((struct request *)public)->connection);
}

/* One piece of a stream, in a chunk if its head said so. False when there is nothing now. */
static bool stream_piece(struct connection *connection)
{
    struct request *request = connection->request;
    char text[STREAM_BYTES + 32];
    const size_t room = 16; /* before the data, for the chunk's size */
    ssize_t n = request->read(&request->public, text + room, STREAM_BYTES);
    bool chunks = request->head.minor_1;
    char *from = text + room;
    size_t bytes = n > 0 ? (size_t)n : 0;

    if (n == 0) {
        /* Nothing to take: no deadline runs. */
        connection_deadline(connection, 0);
        return false;
    }
    if (n < 0) {
        request->streaming = false;
        return send_or_keep(connection, "0\r\n\r\n", chunks ? 5 : 0, NULL, 0) == 0;
    }
    if (chunks) {
        char size[16];
        int digits = snprintf(size, sizeof size, "%zx\r\n", bytes);
        from -= digits;
        memcpy(from, size, (size_t)digits);
        memcpy(text + room + bytes, "\r\n", 2);
        bytes += (size_t)digits + 2;
    }
    connection->since_ns = loop_now(connection->server->loop);
    connection->sent_bytes = 0;
    connection_deadline(connection, connection->since_ns + HTTP_TAKE_SECONDS * SECOND_NS);
    send_or_keep(connection, from, bytes, NULL, 0);
    return true;
}

bool reply_send(struct connection *connection)
{
    if (!connection->request)
        return true; /* a refusal that was sent */
    for (int i = 0; i < STREAM_PIECES; i++) {
        if (!rest_send(connection))
            return false;
        if (!connection->request->streaming || connection->broken)
            return true;
        if (!stream_piece(connection))
            return false;
    }
    connection_ready(connection);
    return false;
}

void reply_refusal(struct connection *connection, const struct http_refusal *refusal)
{
    static const struct http_header headers[] = {{"Content-Type", "application/problem+json"}};
    char json[PROBLEM_JSON_MAX];
    struct http_reply reply = {
        .status = problem_status(refusal->cause),
        .headers = headers,
        .header_count = 1,
        .body = json,
        .body_bytes = problem_json(refusal->cause, refusal->detail, json),
    };

    connection->close_behind = true;
    if (connection->request) {
        http_reply(&connection->request->public, &reply);
        return;
    }
    /* No request: what its socket does not take of this little is not sent. */
    char text[PROBLEM_JSON_MAX + 512];
    struct writer writer = {.text = text, .capacity = sizeof text};
    put_head(&writer, connection, reply.status, headers, 1, FRAMED_BY_LENGTH, reply.body_bytes);
    put(&writer, json, reply.body_bytes);
    if (connection->idle)
        connection_set_idle(connection, false);
    connection->state = CONNECTION_WAIT;
    if (writer.failed || send_some(connection, text, writer.bytes, NULL, 0) < writer.bytes)
        connection->broken = true;
    connection_ready(connection);
}

void send_continue(struct connection *connection)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";

    /* A socket without room for 25 bytes has a peer that does not read: it waits for nothing. */
    if (send_some(connection, text, sizeof text - 1, NULL, 0) < sizeof text - 1)
        connection->broken = true;
}
