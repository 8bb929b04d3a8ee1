/* Shared by gateway_http.c and gateway_http_reply.c, and nobody else's. */
#pragma once

#include <microhttpd.h>

#include "faas/gateway_http.h"
#include "faas/gateway_loop.h"
#include "faas/http_check.h"

/* Targets up to this length are kept in the request itself. */
#define TARGET_INLINE 512
/* A head and a problem. */
#define SLOW_REPLY_MAX (PROBLEM_JSON_MAX + 256)

struct request {
    struct http_request public; /* first: a http_request is a request */
    struct request *next;       /* while it is spare */
    struct MHD_Connection *connection;
    struct MHD_Response *response; /* a reply, until it is queued */
    unsigned status;
    bool begun, complete, suspended, queued;
    bool peer_gone; /* of a stream */
    bool cut;       /* there is no memory for a reply: the connection is closed */
    unsigned asked; /* for its reply, in vain */
    uint64_t discarded;
    struct guarded *guarded;  /* its connection's */
    size_t answer_bytes;      /* of a reply's body */
    struct http_target parts; /* of the target */
    const char *refusal;      /* why no receiver sees it; NULL: one does */
    enum problem_cause refusal_cause;
    ssize_t (*read)(struct http_request *request, char *buffer, size_t max);
    struct loop_watch peer; /* of a stream: tells when the peer has gone; fd -1: not watched */
    char *target;           /* malloc'ed, or target_inline; split in place */
    char target_inline[TARGET_INLINE];
};

struct http_server {
    struct loop *loop;
    struct MHD_Daemon *daemon;
    struct loop_watch watch; /* MHD's epoll descriptor */
    struct guard *guard;
    char slow_head[SLOW_REPLY_MAX], slow_body[SLOW_REPLY_MAX]; /* the answers to them */
    uint64_t malformed;
    const struct http_callbacks *callbacks;
    void *user;
    struct request *spare;
    unsigned spare_count;
    unsigned active;
    unsigned connections; /* after the last run */
    int listen_copy;      /* what MHD_quiesce_daemon() gave back, or -1 */
    bool due;             /* MHD has something to do */
    bool unsettled;       /* requests wait for replies without being suspended */
    bool settling;        /* they are being suspended */
};
