/* The pages of the admin socket. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "faas/admin_query.h"
#include "faas/gateway_admin.h"

/* One row a page and method. `begin` may be NULL; `complete` asks or replies. */
struct admin_page {
    const char *method;
    const char *path;
    bool (*name_is_valid)(const char *name, size_t bytes); /* path/NAME[tail]; NULL: no name */
    const char *tail;
    void (*begin)(struct admin_call *call);
    void (*complete)(struct admin_call *call);
    void (*answered)(struct admin_call *call, const struct admin_reply *reply, char *json);
    /* Behind counters_wanted(). */
    void (*counted)(struct admin_call *call, const struct gateway_counters *counters);
};

#define FUNCTIONS "/system/functions"
#define PVMS "/system/pvms"

/* ---- replies ---- */

void admin_problem(struct admin_call *call, enum problem_cause cause, const char *detail)
{
    /* Only a 401 has the second. */
    static const struct http_header headers[] = {{"Content-Type", "application/problem+json"},
                                                 {"WWW-Authenticate", "Bearer"}};
    char json[PROBLEM_JSON_MAX];
    struct http_reply reply = {
        .status = problem_status(cause),
        .headers = headers,
        .header_count = cause == PROBLEM_UNAUTHORIZED ? 2 : 1,
        .body = json,
        .body_bytes = problem_json(cause, detail, json),
    };

    call->replied = true;
    http_reply(call->request, &reply);
}

void admin_reply_json(struct admin_call *call, char *json, size_t bytes)
{
    static const struct http_header headers[] = {{"Content-Type", "application/json"}};
    struct http_reply reply = {
        .status = 200,
        .headers = headers,
        .header_count = 1,
        .body = json,
        .body_bytes = bytes,
        .release = free,
        .owner = json,
    };

    call->replied = true;
    http_reply(call->request, &reply);
}

ssize_t admin_stream_read(struct http_request *request, char *buffer, size_t max)
{
    struct admin_call *call = request->context;
    size_t left = call->stream.bytes - call->stream_at;
    size_t bytes = left < max ? left : max;

    if (bytes == 0)
        return call->stream_over || call->stream.failed ? -1 : 0;
    memcpy(buffer, call->stream.data + call->stream_at, bytes);
    call->stream_at += bytes;
    return (ssize_t)bytes;
}

/* ---- list, describe, remove: the supervisor's JSON is passed on as it is ---- */

static void passed_on(struct admin_call *call, const struct admin_reply *reply, char *json)
{
    if (reply->error) {
        free(json);
        admin_problem(call, problem_from_errno(reply->error), reply->message);
        return;
    }
    if (!json)
        json = strdup("{}\n");
    if (!json) {
        admin_problem(call, PROBLEM_INTERNAL, "there is no memory for the answer");
        return;
    }
    admin_reply_json(call, json, strlen(json));
}

static void ask_named(struct admin_call *call, enum gateway_message_type type)
{
    _cleanup_(freep) struct admin_request *request = calloc(1, sizeof *request);

    if (!request) {
        admin_problem(call, PROBLEM_INTERNAL, "there is no memory for the request");
        return;
    }
    request->type = type;
    strcpy(request->name, call->name);
    admin_ask(call, request, -1);
}

static void list_complete(struct admin_call *call)
{
    ask_named(call, ADMIN_LIST);
}

static void describe_complete(struct admin_call *call)
{
    ask_named(call, ADMIN_DESCRIBE);
}

static void remove_complete(struct admin_call *call)
{
    ask_named(call, ADMIN_REMOVE);
}

static void rollback_complete(struct admin_call *call)
{
    ask_named(call, ADMIN_ROLLBACK);
}

static void removed(struct admin_call *call, const struct admin_reply *reply, char *json)
{
    struct admin *admin = call->admin;

    if (reply->error == 0) {
        log_rings_remove(admin->rings, call->name);
        for (struct admin_call *other = admin->first; other; other = other->next)
            if (other->log_until == UINT64_MAX && strcmp(other->name, call->name) == 0) {
                other->log_until = 0;
                http_stream_wake(other->request);
            }
    }
    passed_on(call, reply, json);
}

/* ---- logs ---- */

static ssize_t log_read(struct http_request *request, char *buffer, size_t max)
{
    struct admin_call *call = request->context;
    /* Looked up each time: it may be removed, and made anew, while a reader waits. */
    const struct log_ring *ring = log_rings_find(call->admin->rings, call->name);
    bool followed = call->log_until == UINT64_MAX;

    if (ring && call->log_at > log_ring_end(ring))
        call->log_at = log_ring_start(ring);
    if (!followed && call->log_at >= call->log_until)
        return -1;
    if (!followed && call->log_until - call->log_at < max)
        max = (size_t)(call->log_until - call->log_at);
    size_t bytes = ring ? log_ring_read(ring, &call->log_at, buffer, max) : 0;
    if (bytes > 0)
        return (ssize_t)bytes;
    return followed ? 0 : -1;
}

/* The function is there: its lines may be shown. */
static void logs_answered(struct admin_call *call, const struct admin_reply *reply, char *json)
{
    static const struct http_header headers[] = {{"Content-Type", "text/plain; charset=utf-8"}};

    if (reply->error) {
        passed_on(call, reply, json);
        return;
    }
    free(json);
    const struct log_ring *ring = log_rings_find(call->admin->rings, call->name);
    call->log_at = ring ? log_ring_start(ring) : 0;
    call->log_until = ring ? log_ring_end(ring) : 0;
    if (admin_query_follow(call->request->query) && !call->admin->draining)
        call->log_until = UINT64_MAX;
    call->replied = call->streaming = true;
    http_reply_stream(call->request, 200, headers, 1, log_read);
}

void admin_logged(struct admin *admin, const char *function)
{
    for (struct admin_call *call = admin->first; call; call = call->next)
        if (call->log_until == UINT64_MAX && strcmp(call->name, function) == 0)
            http_stream_wake(call->request);
}

/* ---- what needs the supervisor's answer, and then the counters ---- */

static void status_complete(struct admin_call *call)
{
    ask_named(call, ADMIN_STATUS);
}

static void counters_wanted(struct admin_call *call, const struct admin_reply *reply, char *json)
{
    if (reply->error) {
        passed_on(call, reply, json);
        return;
    }
    call->json = json;
    call->counters_wait = true;
    admin_pull(call->admin);
}

void admin_counted(struct admin_call *call, const struct gateway_counters *counters)
{
    if (!call->replied)
        call->page->counted(call, counters);
}

static void reply_stream_text(struct admin_call *call, const char *type)
{
    const struct http_header header = {"Content-Type", type};
    struct http_reply reply = {
        .status = 200,
        .headers = &header,
        .header_count = 1,
        .body = call->stream.data ? call->stream.data : "",
        .body_bytes = call->stream.bytes,
    };

    if (call->stream.failed) {
        admin_problem(call, PROBLEM_INTERNAL, "there is no memory for the answer");
        return;
    }
    call->replied = true;
    http_reply(call->request, &reply);
}

static void metrics_counted(struct admin_call *call, const struct gateway_counters *counters)
{
    struct admin *admin = call->admin;

    if (call->json)
        metrics_supervisor(&call->stream, call->json, admin->functions, admin->function_count);
    if (counters)
        metrics_text(&call->stream, counters, admin->functions, admin->function_count);
    metrics_log_lost(&call->stream, log_lost());
    reply_stream_text(call, "text/plain; version=0.0.4; charset=utf-8");
}

static void usage_counted(struct admin_call *call, const struct gateway_counters *counters)
{
    struct admin *admin = call->admin;

    if (!counters) {
        admin_problem(call, PROBLEM_INTERNAL, "the calls gateway does not answer");
        return;
    }
    if (call->json)
        metrics_supervisor(NULL, call->json, admin->functions, admin->function_count);
    metrics_usage_all(&call->stream, loop_now(admin->loop) / 1000, admin->functions,
                      admin->function_count);
    reply_stream_text(call, "application/json");
}

/* The supervisor's object with one member more, "usage"; without it when there are no counters. */
static void describe_counted(struct admin_call *call, const struct gateway_counters *counters)
{
    struct admin *admin = call->admin;
    const char *json = call->json ? call->json : "{}";
    const char *end = strrchr(json, '}');

    (void)counters;
    struct metrics_function *function = NULL;
    for (size_t i = 0; i < admin->function_count && !function; i++)
        if (strcmp(admin->functions[i].name, call->name) == 0)
            function = &admin->functions[i];
    if (!end || !function) {
        text_bytes(&call->stream, json, strlen(json));
    } else {
        text_bytes(&call->stream, json, (size_t)(end - json));
        /* Each instance's memory is in the supervisor's object. */
        function->counters.memory_bytes = METRICS_UNKNOWN;
        text_add(&call->stream, ",\"usage\":");
        metrics_usage(&call->stream, function);
        text_bytes(&call->stream, "}\n", 2);
    }
    reply_stream_text(call, "application/json");
}

/* ---- pVMs ---- */

static void pvms_complete(struct admin_call *call)
{
    ask_named(call, ADMIN_PVMS);
}

static void pvm_kill_complete(struct admin_call *call)
{
    _cleanup_(freep) struct admin_request *request = calloc(1, sizeof *request);
    struct err err = {0};

    if (!request) {
        admin_problem(call, PROBLEM_INTERNAL, "there is no memory for the request");
        return;
    }
    request->type = ADMIN_PVM_KILL;
    strcpy(request->name, call->name);
    if (admin_query_signal(call->request->query, &request->signal, &err) < 0)
        admin_problem(call, PROBLEM_BAD_REQUEST, err.message);
    else
        admin_ask(call, request, -1);
}

static void pvm_link_complete(struct admin_call *call)
{
    _cleanup_(freep) struct admin_request *request = calloc(1, sizeof *request);
    struct err err = {0};

    if (!request) {
        admin_problem(call, PROBLEM_INTERNAL, "there is no memory for the request");
        return;
    }
    request->type = ADMIN_PVM_LINK;
    strcpy(request->name, call->name);
    char replaces[NAME_MAX_BYTES + 1];
    if (admin_query_library(call->request->query, request->params, replaces, &err) < 0) {
        admin_problem(call, PROBLEM_BAD_REQUEST, err.message);
        return;
    }
    request->param_bytes = (uint32_t)strlen(request->params) + 1;
    if (replaces[0]) {
        strcpy(request->params + request->param_bytes, replaces);
        request->param_bytes += (uint32_t)strlen(replaces) + 1;
    }
    admin_ask(call, request, -1);
}

static void pvm_fork_complete(struct admin_call *call)
{
    ask_named(call, ADMIN_PVM_FORK);
}

static void pvm_wait_complete(struct admin_call *call)
{
    ask_named(call, ADMIN_PVM_WAIT);
}

/* ---- the allow-list ---- */

/* What is to be done, and the rest, are "param=KEY=VALUE" of the query. The path's name, if any, is
 * the request's. */
static void ask_params(struct admin_call *call, enum gateway_message_type type)
{
    _cleanup_(freep) struct admin_request *request = calloc(1, sizeof *request);
    struct err err = {0};

    if (!request) {
        admin_problem(call, PROBLEM_INTERNAL, "there is no memory for the request");
        return;
    }
    if (admin_query_deploy(call->request->query, request, &err) < 0) {
        admin_problem(call, PROBLEM_BAD_REQUEST, err.message);
        return;
    }
    request->type = type;
    strcpy(request->name, call->name);
    admin_ask(call, request, -1);
}

static void vk_complete(struct admin_call *call)
{
    ask_params(call, ADMIN_PVM_VK);
}

static void allow_list_complete(struct admin_call *call)
{
    ask_named(call, ADMIN_ALLOW);
}

static void allow_decide_complete(struct admin_call *call)
{
    ask_params(call, ADMIN_ALLOW);
}

static void audit_complete(struct admin_call *call)
{
    ask_params(call, ADMIN_AUDIT);
}

/* ---- the table ---- */

static const struct admin_page pages[] = {
    {"GET", FUNCTIONS, NULL, NULL, NULL, list_complete, passed_on, NULL},
    {"POST", FUNCTIONS, NULL, NULL, admin_deploy_begin, admin_deploy_complete,
     admin_deploy_answered, NULL},
    {"GET", FUNCTIONS, admin_name_is_valid, "", NULL, describe_complete, counters_wanted,
     describe_counted},
    {"DELETE", FUNCTIONS, admin_name_is_valid, "", NULL, remove_complete, removed, NULL},
    {"POST", FUNCTIONS, admin_name_is_valid, "/update", admin_deploy_begin, admin_deploy_complete,
     admin_deploy_answered, NULL},
    {"POST", FUNCTIONS, admin_name_is_valid, "/rollback", NULL, rollback_complete, passed_on, NULL},
    {"GET", FUNCTIONS, admin_name_is_valid, "/logs", NULL, describe_complete, logs_answered, NULL},
    {"GET", "/metrics", NULL, NULL, NULL, status_complete, counters_wanted, metrics_counted},
    {"GET", "/system/usage", NULL, NULL, NULL, status_complete, counters_wanted, usage_counted},
    {"GET", "/system/allow", NULL, NULL, NULL, allow_list_complete, passed_on, NULL},
    {"POST", "/system/allow", NULL, NULL, NULL, allow_decide_complete, passed_on, NULL},
    {"GET", "/system/audit", NULL, NULL, NULL, audit_complete, passed_on, NULL},
    {"GET", PVMS, NULL, NULL, NULL, pvms_complete, passed_on, NULL},
    {"DELETE", PVMS, admin_pvm_is_valid, "", NULL, pvm_kill_complete, passed_on, NULL},
    {"POST", PVMS, admin_pvm_is_valid, "/link", NULL, pvm_link_complete, passed_on, NULL},
    {"POST", PVMS, admin_pvm_is_valid, "/fork", NULL, pvm_fork_complete, passed_on, NULL},
    {"GET", "/system/vk", NULL, NULL, NULL, vk_complete, passed_on, NULL},
    {"GET", PVMS, admin_pvm_is_valid, "/vk", NULL, vk_complete, passed_on, NULL},
    {"POST", PVMS, admin_pvm_is_valid, "/vk", NULL, vk_complete, passed_on, NULL},
    {"GET", PVMS, admin_pvm_is_valid, "/wait", NULL, pvm_wait_complete, passed_on, NULL},
};

/* Whether the request's path is the page's; *ret_name is what stands for a name in it. */
static bool is_path_of(const char *path, const struct admin_page *page, const char **ret_name,
                       size_t *ret_bytes)
{
    size_t prefix = strlen(page->path);

    *ret_bytes = 0;
    if (!page->name_is_valid)
        return strcmp(path, page->path) == 0;
    if (strncmp(path, page->path, prefix) != 0 || path[prefix] != '/')
        return false;
    *ret_name = path + prefix + 1;
    *ret_bytes = strcspn(*ret_name, "/");
    return strcmp(*ret_name + *ret_bytes, page->tail) == 0 &&
           page->name_is_valid(*ret_name, *ret_bytes);
}

/* Of a path that is no page's: it may be the name in it that nothing can have. */
static const char *why_not_found(const char *path)
{
    static const struct {
        const char *path;
        bool (*name_is_valid)(const char *name, size_t bytes);
        const char *why;
    } named[] = {
        {"/system/functions/", admin_name_is_valid,
         "no function can have this name: a name is [a-z0-9][a-z0-9-]*, at most 63 bytes"},
        {"/system/pvms/", admin_pvm_is_valid,
         "this is not a pVM's name: it is a number, such as 8193, and of what that one forked "
         "8193.4"},
    };

    for (size_t i = 0; i < ARRAY_LEN(named); i++) {
        size_t prefix = strlen(named[i].path);
        if (strncmp(path, named[i].path, prefix) == 0 &&
            !named[i].name_is_valid(path + prefix, strcspn(path + prefix, "/")))
            return named[i].why;
    }
    return "no such page";
}

/* Finds the page and the name in it. `allow` gathers the methods that its path has. */
static const struct admin_page *find_page(struct admin_call *call, char *allow, size_t allow_size)
{
    const struct http_request *request = call->request;
    const char *name = NULL;
    size_t bytes;

    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        const struct admin_page *page = &pages[i];
        if (!is_path_of(request->path, page, &name, &bytes))
            continue;
        if (strcmp(request->method, page->method) == 0) {
            if (bytes > 0)
                memcpy(call->name, name, bytes);
            call->name[bytes] = '\0';
            return page;
        }
        size_t used = strlen(allow);
        snprintf(allow + used, allow_size - used, "%s%s", used ? ", " : "", page->method);
    }
    return NULL;
}

/* ---- HTTP's callbacks ---- */

static void on_begin(struct http_request *request)
{
    struct admin *admin = request->user;
    struct admin_call *call = calloc(1, sizeof *call);
    static const struct http_reply none = {.status = 500};
    char allow[64] = "";

    if (!call) {
        http_reply(request, &none);
        return;
    }
    call->admin = admin;
    call->request = request;
    call->source_fd = -1;
    call->uid = (uid_t)-1;
    call->next = admin->first;
    if (admin->first)
        admin->first->previous = call;
    admin->first = call;
    request->context = call;

    enum problem_cause cause;
    const char *why = admin_refusal(call, &cause);
    if (why) {
        admin_problem(call, cause, why);
        return;
    }
    if (admin->draining) {
        admin_problem(call, PROBLEM_STOPPING, "the daemon is stopping");
        return;
    }
    call->page = find_page(call, allow, sizeof allow);
    if (call->page) {
        if (call->page->begin)
            call->page->begin(call);
    } else if (allow[0]) {
        char detail[96];
        snprintf(detail, sizeof detail, "this page has %s", allow);
        admin_problem(call, PROBLEM_METHOD, detail);
    } else {
        admin_problem(call, PROBLEM_NOT_FOUND, why_not_found(request->path));
    }
}

static void on_body(struct http_request *request, const void *data, size_t bytes)
{
    struct admin_call *call = request->context;

    if (!call || call->replied)
        return;
    if (call->deploy)
        admin_deploy_body(call, data, bytes);
    else
        admin_problem(call, PROBLEM_BAD_REQUEST, "this page takes no body");
}

static void on_complete(struct http_request *request)
{
    struct admin_call *call = request->context;

    call->page->complete(call);
}

static void on_over(struct http_request *request)
{
    struct admin_call *call = request->context;

    if (!call)
        return;
    *(call->previous ? &call->previous->next : &call->admin->first) = call->next;
    if (call->next)
        call->next->previous = call->previous;
    admin_deploy_over(call);
    closep(&call->source_fd);
    free(call->deploy);
    text_clear(&call->stream);
    free(call->json);
    free(call);
}

void admin_answered(struct admin_call *call, const struct admin_reply *reply, char *json)
{
    call->page->answered(call, reply, json);
}

const struct http_callbacks admin_http = {
    .begin = on_begin,
    .body = on_body,
    .complete = on_complete,
    .over = on_over,
};
