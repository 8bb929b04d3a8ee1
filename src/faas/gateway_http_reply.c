/* Replies of the HTTP seam: whole ones, and streams that are read as they come. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "faas/gateway_http_internal.h"

/* MHD asks for the reply in the next http_run(). */
static void reply_ask(struct request *request)
{
    if (request->suspended)
        MHD_resume_connection(request->connection);
    request->public.server->due = true;
}

static void reply_keep(struct request *request, unsigned status, struct MHD_Response *response)
{
    request->status = status;
    request->response = response;
    reply_ask(request);
}

/* Without memory for a reply the connection is closed. */
static int reply_lost(struct request *request)
{
    request->cut = true;
    reply_ask(request);
    return -ENOMEM;
}

static bool headers_add(struct MHD_Response *response, const struct http_header *headers,
                        size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (MHD_add_response_header(response, headers[i].name, headers[i].value) != MHD_YES)
            return false;
    return true;
}

/*
 * A long body is sent a block in each run of MHD, that of each connection in its turn: in one
 * piece the kernel would take as much as the socket has room for, which is megabytes, and everybody
 * else would wait meanwhile.
 */
#define BLOCK_BYTES (64u << 10)

struct long_body {
    const char *bytes;
    void (*release)(void *owner);
    void *owner;
};

static ssize_t on_block(void *user, uint64_t position, char *buffer, size_t max)
{
    const struct long_body *body = user;

    memcpy(buffer, body->bytes + position, max); /* MHD asks for no more than there is */
    return (ssize_t)max;
}

static void on_long_body_over(void *user)
{
    struct long_body *body = user;

    body->release(body->owner);
    free(body);
}

static struct MHD_Response *long_response(const struct http_reply *reply)
{
    struct long_body *body = malloc(sizeof *body);

    if (!body)
        return NULL;
    *body = (struct long_body){reply->body, reply->release, reply->owner};
    struct MHD_Response *response = MHD_create_response_from_callback(
        reply->body_bytes, BLOCK_BYTES, on_block, body, on_long_body_over);
    if (!response)
        free(body);
    return response;
}

/* MHD asks for nothing of what it does not send. */
static ssize_t on_no_body(void *user, uint64_t position, char *buffer, size_t max)
{
    (void)user, (void)position, (void)buffer, (void)max;
    return MHD_CONTENT_READER_END_WITH_ERROR;
}

static struct MHD_Response *bare_response(const struct http_reply *reply)
{
    struct MHD_Response *response =
        MHD_create_response_from_callback(reply->length, 16, on_no_body, NULL, NULL);

    if (response && reply->release)
        reply->release(reply->owner);
    return response;
}

int http_reply(struct http_request *public, const struct http_reply *reply)
{
    struct request *request = (struct request *)public;
    struct MHD_Response *response;
    void *body = (void *)(uintptr_t)reply->body;

    if (reply->has_length)
        response = bare_response(reply);
    else if (reply->release && reply->body_bytes > 2 * BLOCK_BYTES)
        response = long_response(reply);
    else if (reply->release)
        response = MHD_create_response_from_buffer_with_free_callback_cls(
            reply->body_bytes, body, reply->release, reply->owner);
    else
        response = MHD_create_response_from_buffer(reply->body_bytes, body, MHD_RESPMEM_MUST_COPY);
    if (!response && reply->release)
        reply->release(reply->owner);
    if (!response)
        return reply_lost(request);
    if (!headers_add(response, reply->headers, reply->header_count)) {
        MHD_destroy_response(response);
        return reply_lost(request);
    }
    request->answer_bytes = reply->body_bytes;
    reply_keep(request, reply->status, response);
    return 0;
}

static ssize_t on_read(void *user, uint64_t position, char *buffer, size_t max)
{
    struct request *request = user;

    (void)position;
    ssize_t n = request->peer_gone ? -1 : request->read(&request->public, buffer, max);
    if (n < 0)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (n == 0) {
        request->suspended = true;
        MHD_suspend_connection(request->connection);
    }
    return n;
}

/* A suspended connection is not watched by MHD: without this a follower that left would stay. */
static void on_peer_event(struct loop_watch *watch, uint32_t events)
{
    struct request *request = (struct request *)((char *)watch - offsetof(struct request, peer));

    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
        request->peer_gone = true;
        http_stream_wake(&request->public);
    }
}

int http_reply_stream(struct http_request *public, unsigned status,
                      const struct http_header *headers, size_t header_count,
                      ssize_t (*read)(struct http_request *request, char *buffer, size_t max))
{
    struct request *request = (struct request *)public;
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16 << 10, on_read, request, NULL);

    if (!response)
        return reply_lost(request);
    if (!headers_add(response, headers, header_count)) {
        MHD_destroy_response(response);
        return reply_lost(request);
    }
    request->read = read;
    request->peer = (struct loop_watch){.event = on_peer_event, .fd = http_socket(public)};
    if (loop_add(public->server->loop, &request->peer, EPOLLRDHUP | EPOLLET, NULL) < 0)
        request->peer.fd = -1;
    reply_keep(request, status, response);
    return 0;
}

void http_stream_wake(struct http_request *public)
{
    struct request *request = (struct request *)public;

    if (!request->suspended)
        return;
    request->suspended = false;
    MHD_resume_connection(request->connection);
    public->server->due = true;
}
