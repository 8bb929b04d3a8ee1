/* The admin gateway's own: shared by gateway_admin.c, _access.c, _pages.c and _deploy.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "faas/gateway.h"
#include "faas/gateway_http.h"
#include "faas/gateway_link.h"
#include "faas/gateway_loop.h"
#include "faas/log_ring.h"
#include "faas/metrics.h"
#include "faas/problem.h"
#include "faas/protocol.h"

struct admin_call;

enum admin_server { ADMIN_UNIX, ADMIN_TCP, ADMIN_SERVERS };

struct admin {
    struct loop *loop;
    struct http_server *servers[ADMIN_SERVERS]; /* the second may be NULL */
    struct gateway_admin_options options;
    char token[GATEWAY_TOKEN_MAX + 1]; /* of TCP requests */
    struct link supervisor, telemetry;
    bool draining, ended;
    struct log_rings *rings;
    struct admin_call *first; /* all that are not over */
    uint64_t last_token;
    unsigned uploads; /* deploys whose source is being received or built, and their bytes */
    size_t upload_bytes;

    /* The counters that come in, for all calls that wait for them. */
    bool pulling;
    struct loop_timer pull_timer;
    uint64_t pull_token;
    struct metrics_function *functions;
    size_t function_count, function_capacity;
};

struct admin_page;

/* One request, from its head until it is over. */
struct admin_call {
    struct admin_call *next, *previous;
    struct admin *admin;
    struct http_request *request;
    const struct admin_page *page; /* NULL: it was refused */
    uint64_t token;                /* 0: nothing was asked of the supervisor */
    uid_t uid;                     /* of the peer; (uid_t)-1 over TCP */
    char name[NAME_MAX_BYTES + 1];
    bool replied;

    /* A deploy. */
    struct admin_request *deploy;
    int source_fd;
    size_t source_bytes;
    bool counted; /* in admin->uploads and upload_bytes */

    /* A streamed answer: of a deploy, or a log. */
    bool streaming, stream_over;
    struct text stream;
    size_t stream_at;
    uint64_t log_at, log_until; /* UINT64_MAX: followed */

    /* A page that needs the supervisor's answer and then the counters. */
    bool counters_wait;
    char *json; /* the supervisor's answer, or NULL */
};

/* gateway_admin.c */
/* Asks the supervisor; `fd` is taken over. Replies with a problem when that can't be. */
void admin_ask(struct admin_call *call, struct admin_request *request, int fd);
void admin_pull(struct admin *admin);

/* gateway_admin_access.c */
/* NULL when the caller may administer, and call->uid is its own; else why not, and `*ret_cause` is
 * forbidden or unauthorized. The text is static. */
const char *admin_refusal(struct admin_call *call, enum problem_cause *ret_cause);

/* gateway_admin_pages.c */
extern const struct http_callbacks admin_http;
void admin_problem(struct admin_call *call, enum problem_cause cause, const char *detail);
/* `json` is malloc'ed and taken over. */
void admin_reply_json(struct admin_call *call, char *json, size_t bytes);
/* The supervisor's answer. `json` (malloc'ed, NUL-terminated, may be NULL) is the callee's. */
void admin_answered(struct admin_call *call, const struct admin_reply *reply, char *json);
void admin_logged(struct admin *admin, const char *function);
/* The counters have come (admin->functions); NULL: the calls gateway did not answer. */
void admin_counted(struct admin_call *call, const struct gateway_counters *counters);
ssize_t admin_stream_read(struct http_request *request, char *buffer, size_t max);

/* gateway_admin_deploy.c */
void admin_deploy_begin(struct admin_call *call);
void admin_deploy_body(struct admin_call *call, const void *data, size_t bytes);
void admin_deploy_complete(struct admin_call *call);
/* The answer is there, or the client has gone: another may come. */
void admin_deploy_over(struct admin_call *call);
void admin_deploy_progress(struct admin_call *call, const char *stage);
void admin_deploy_answered(struct admin_call *call, const struct admin_reply *reply, char *json);
