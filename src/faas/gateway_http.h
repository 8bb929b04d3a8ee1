/*
 * The seam between the gateways and an HTTP server (libmicrohttpd now): what they need of one and
 * nothing more. A server runs in a loop and calls back from it. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;
struct loop;
struct http_server;

/* One request, from its first line until it is over. */
struct http_request {
    struct http_server *server;
    void *user;         /* of the server's options */
    void *context;      /* the receiver's own, NULL at first */
    const char *method; /* these live as long as the request */
    const char *path;   /* as it was sent, not decoded; "/..." or "*" */
    const char *query;  /* without "?"; "" when there is none */
    size_t path_bytes, query_bytes;
    /* Of the body that is announced; -1: unknown (chunked). */
    int64_t body_bytes;
};

struct http_callbacks {
    /* The head is complete. */
    void (*begin)(struct http_request *request);
    /* A piece of the body. Not called once a reply was given. */
    void (*body)(struct http_request *request, const void *data, size_t bytes);
    /* The request is complete: reply now or later. Not called once a reply was given. */
    void (*complete)(struct http_request *request);
    /* It is over, answered or not: let its context go. */
    void (*over)(struct http_request *request);
};

struct http_options {
    int listen_fd; /* stays the caller's */
    unsigned connections_max;
    unsigned idle_seconds;    /* of a connection on which nothing moves */
    size_t answers_max_bytes; /* of answers that wait for slow readers, all together */
    size_t connection_bytes;  /* memory for head and headers of one connection */
    const struct http_callbacks *callbacks;
    void *user;
};

int http_open(struct loop *loop, const struct http_options *options,
              struct http_server **ret_server, struct err *err);

/* Serves what is ready, and what was replied since. To be called before each loop_round(). */
void http_run(struct http_server *server);
/* Replies are there that the next http_run() will send. */
bool http_due(const struct http_server *server);
/*
 * Requests wait for their replies in a way that is cheap while there is other work, but does not
 * let the loop sleep; http_settle() ends that.
 */
bool http_unsettled(const struct http_server *server);
void http_settle(struct http_server *server);
/* Milliseconds until http_run() must be called again at the latest: 0 at once, -1 none. */
int http_wait_ms(struct http_server *server);

/* No new connections from now on. Open ones are served. */
void http_stop_listening(struct http_server *server);
/* Requests that are not over. */
unsigned http_active(const struct http_server *server);
unsigned http_connections(const struct http_server *server);

struct http_stats {
    uint64_t accepted;
    uint64_t
        malformed;    /* refused before any callback, by us: libmicrohttpd does not tell its own */
    uint64_t slow;    /* a head, a body or the taking of an answer passed its deadline */
    uint64_t evicted; /* idle ones that made place, readers cut for answers_max_bytes */
};
struct http_stats http_server_stats(const struct http_server *server);

/* Calls `each` for every header as it came, in order. Stops at its first non-zero return. */
int http_each_header(const struct http_request *request,
                     int (*each)(void *user, const char *name, size_t name_bytes, const char *value,
                                 size_t value_bytes),
                     void *user);
/* The value of a header, or NULL. Name in any case. */
const char *http_header(const struct http_request *request, const char *name);
/* The peer's address as text, without its port; "" on a UNIX socket. */
void http_remote(const struct http_request *request, char *ret_text, size_t size);
/* The same of the address that the peer connected to. */
void http_local(const struct http_request *request, char *ret_text, size_t size);
/* The connection's socket, for SO_PEERCRED. */
int http_socket(const struct http_request *request);

/* The peer has closed its connection, or its half of it: who does that waits for no reply. */
bool http_peer_closed(const struct http_request *request);

struct http_header {
    const char *name, *value;
};

struct http_reply {
    unsigned status; /* 200..599 */
    const struct http_header *headers;
    size_t header_count;
    const void *body;
    size_t body_bytes;
    /* To HEAD and with 304 alone, without a body: what Content-Length says. */
    bool has_length;
    uint64_t length;
    /* Called with `owner` when the body is not needed any more; NULL: the body is copied. */
    void (*release)(void *owner);
    void *owner;
};

/*
 * Replies, from within a callback or at any later time; once a request. What is left of the
 * request's body is read and thrown away (or the connection is closed behind the reply).
 * -ENOMEM: the connection will be closed; release was called.
 */
int http_reply(struct http_request *request, const struct http_reply *reply);

/*
 * Replies with a body that comes by and by. `read` gives up to `max` bytes: their count, 0 for
 * nothing now (it is asked again after http_stream_wake(), or when the peer has gone), -1 at the
 * end.
 */
int http_reply_stream(struct http_request *request, unsigned status,
                      const struct http_header *headers, size_t header_count,
                      ssize_t (*read)(struct http_request *request, char *buffer, size_t max));
void http_stream_wake(struct http_request *request);
