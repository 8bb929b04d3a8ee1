/* Requests of the public port: which function, whether it is allowed, its body, problems. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "faas/gateway_calls.h"

const char calls_prefix[] = "/function/";
#define PREFIX_BYTES (sizeof calls_prefix - 1)

/* ---- identifiers ---- */

static void random_hex(struct calls *calls, char *ret_text, size_t bytes)
{
    static const char digits[] = "0123456789abcdef";

    if (calls->random_used + bytes > sizeof calls->random) {
        /* One system call for 256 requests. From the kernel's generator it can't fail or be cut
         * short at this size (getrandom(2)) except by a signal, of which we take none. */
        if (getrandom(calls->random, sizeof calls->random, 0) < 0)
            memset(calls->random, 0, sizeof calls->random);
        calls->random_used = 0;
    }
    const uint8_t *from = calls->random + calls->random_used;
    for (size_t i = 0; i < bytes; i++) {
        ret_text[2 * i] = digits[from[i] >> 4];
        ret_text[2 * i + 1] = digits[from[i] & 15];
    }
    ret_text[2 * bytes] = '\0';
    calls->random_used += bytes;
}

/* ---- problems and pages of our own ---- */

static void reply_text(struct call *call, unsigned status, const char *type, const char *body,
                       size_t bytes, const struct http_header *more)
{
    struct http_header headers[5] = {
        {"Content-Type", type},
        {"X-Request-Id", call->id},
    };
    size_t count = 2;

    if (call->trace[0])
        headers[count++] = (struct http_header){"traceparent", call->trace};

    if (more)
        headers[count++] = *more;
    struct http_reply reply = {
        .status = status,
        .headers = headers,
        .header_count = count,
        .body = body,
        .body_bytes = bytes,
    };
    call->replied = true;
    http_reply(call->request, &reply);
}

static void problem_with(struct call *call, enum problem_cause cause, const char *detail,
                         const struct http_header *more)
{
    char json[PROBLEM_JSON_MAX];
    size_t bytes = problem_json(cause, detail, json);

    if (call->pool.function)
        call->pool.function->counters.errors[cause]++;
    else
        call->calls->counters.problems++;
    if (!call->metered)
        meter_refused(call, cause);
    reply_text(call, problem_status(cause), "application/problem+json", json, bytes, more);
}

void call_problem(struct call *call, enum problem_cause cause, const char *detail)
{
    problem_with(call, cause, detail, NULL);
}

static void not_found(struct call *call, const char *name, size_t bytes)
{
    char detail[256];
    const char *near = bytes > 0 ? pool_suggest(call->calls->pool, name, bytes) : NULL;
    int shown = bytes > NAME_MAX_BYTES ? NAME_MAX_BYTES : (int)bytes;

    if (near)
        snprintf(detail, sizeof detail, "no function '%.*s'; did you mean '%s'?", shown, name,
                 near);
    else
        snprintf(detail, sizeof detail, "no function '%.*s'", shown, name);
    call_problem(call, PROBLEM_NOT_FOUND, detail);
}

/* /healthz, /readyz, and the server itself (OPTIONS *). False when it is none of them. */
static bool page(struct call *call)
{
    const struct http_request *request = call->request;
    bool health = strcmp(request->path, "/healthz") == 0;
    bool ready = strcmp(request->path, "/readyz") == 0;
    static const struct http_header allow = {"Allow", "GET, HEAD"};
    static const struct http_header all = {"Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"};

    if (strcmp(request->path, "*") == 0) {
        reply_text(call, 200, "text/plain", "", 0, &all);
        return true;
    }
    if (!health && !ready)
        return false;
    if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0)
        problem_with(call, PROBLEM_METHOD, "this page has GET and HEAD", &allow);
    else if (health)
        reply_text(call, 200, "text/plain", "ok\n", 3, NULL);
    else if (call->calls->draining)
        call_problem(call, PROBLEM_STOPPING, "the daemon is stopping");
    else
        reply_text(call, 200, "text/plain", "ready\n", 6, NULL);
    return true;
}

/* ---- the head: checked once, gathered when an instance takes the call ---- */

struct head_measure {
    size_t bytes; /* of what the function will see, about */
    uint32_t count;
};

static int measure_header(void *user, const char *name, size_t name_bytes, const char *value,
                          size_t value_bytes)
{
    struct head_measure *measure = user;

    (void)name, (void)value;
    measure->bytes += name_bytes + value_bytes + 4;
    measure->count++;
    return 0;
}

/* Room that our own two headers and the peer's address may need. */
#define HEAD_EXTRA_BYTES 256
#define HEAD_EXTRA_HEADERS 2

static bool head_fits(struct call *call)
{
    const struct http_request *request = call->request;
    struct head_measure head = {.bytes = strlen(request->method) + request->path_bytes +
                                         request->query_bytes + HEAD_EXTRA_BYTES};
    const char *host = http_header(request, "host");

    if (host)
        head.bytes += strlen(host);
    http_each_header(request, measure_header, &head);
    call->head_bytes = head.bytes;
    if (head.bytes > REQUEST_HEAD_MAX_BYTES)
        call_problem(call, PROBLEM_HEAD_TOO_LARGE,
                     "request line and headers are longer than 32 KiB");
    else if (head.count + HEAD_EXTRA_HEADERS > REQUEST_HEADERS_MAX)
        call_problem(call, PROBLEM_HEAD_TOO_LARGE, "there are too many headers");
    else
        return true;
    return false;
}

struct head_gather {
    struct request_head head;
    const char *connection; /* names that the Connection header lists end here, too */
    bool trace_made;
};

static bool is_listed(const char *list, const char *name, size_t bytes)
{
    while (list && *list) {
        list += strspn(list, " \t,");
        size_t length = strcspn(list, " \t,");
        if (length == bytes && bytes > 0 && strncasecmp(list, name, bytes) == 0)
            return true;
        list += length;
    }
    return false;
}

static int gather_header(void *user, const char *name, size_t name_bytes, const char *value,
                         size_t value_bytes)
{
    struct head_gather *gather = user;

    /* "Proxy" would become HTTP_PROXY among CGI variables (httpoxy); the request's names follow by
     * themselves, once each, checked. */
    if (header_is_hop_by_hop(name, name_bytes) || is_listed(gather->connection, name, name_bytes) ||
        (name_bytes == 5 && strncasecmp(name, "proxy", 5) == 0) ||
        (name_bytes == 6 && strncasecmp(name, "expect", 6) == 0) ||
        (name_bytes == 12 && strncasecmp(name, "x-request-id", 12) == 0) ||
        (name_bytes == 11 && strncasecmp(name, "traceparent", 11) == 0) ||
        (gather->trace_made && name_bytes == 10 && strncasecmp(name, "tracestate", 10) == 0))
        return 0;
    request_head_header(&gather->head, name, name_bytes, value, value_bytes);
    return gather->head.failed;
}

size_t call_head(struct call *call, uint32_t *ret_header_count)
{
    const struct http_request *request = call->request;
    struct head_gather gather = {
        .head = {.text = call->calls->head, .capacity = sizeof call->calls->head},
        .connection = http_header(request, "connection"),
        .trace_made = call->trace_made,
    };
    struct request_head *head = &gather.head;
    char remote[64];
    char host[280] = "http://";

    request_head_text(head, request->method, strlen(request->method));
    size_t skip = PREFIX_BYTES + strlen(call->pool.function->facts.name);
    if (request->path_bytes > skip)
        request_head_text(head, request->path + skip, request->path_bytes - skip);
    else
        request_head_text(head, "/", 1);
    request_head_text(head, request->query, request->query_bytes);
    const char *sent_host = http_header(request, "host");
    if (sent_host && strlen(sent_host) < sizeof host - 8)
        strcpy(host + 7, sent_host);
    request_head_text(head, host, strlen(host));
    http_remote(request, remote, sizeof remote);
    request_head_text(head, remote, strlen(remote));

    http_each_header(request, gather_header, &gather);
    request_head_header(head, "x-request-id", 12, call->id, strlen(call->id));
    request_head_header(head, "traceparent", 11, call->trace, TRACE_TEXT - 1);
    *ret_header_count = head->header_count;
    return head->failed ? 0 : head->bytes;
}

/* ---- HTTP's callbacks ---- */

/* The caller's names where they are proper, else new ones: who sends rubbish can still be served,
 * and nobody can write into logs. */
static void names_make(struct call *call)
{
    const char *id = http_header(call->request, "x-request-id");
    const char *trace = http_header(call->request, "traceparent");

    if (id && request_id_is_valid(id))
        strcpy(call->id, id);
    else
        random_hex(call->calls, call->id, 16);
    call->trace_made = !trace || !trace_is_valid(trace);
    if (!call->trace_made) {
        memcpy(call->trace, trace, TRACE_TEXT - 1);
        call->trace[TRACE_TEXT - 1] = '\0';
        return;
    }
    char ids[49]; /* of the trace and of its first span; not all zeros, but for 2^-64 */
    random_hex(call->calls, ids, 24);
    snprintf(call->trace, sizeof call->trace, "00-%.32s-%s-01", ids, ids + 32);
}

static struct call *call_take(struct calls *calls, struct http_request *request)
{
    struct call *call = calls->spare_calls;

    if (call)
        calls->spare_calls = call->next;
    else
        call = malloc(sizeof *call);
    if (!call)
        return NULL;
    *call = (struct call){.calls = calls, .request = request};
    call->deadline.expired = call_deadline;
    request->context = call;
    names_make(call);
    return call;
}

/*
 * Finds the call's function (anew: between a request's head and its end functions come and go, so
 * none is kept meanwhile).
 */
static struct pool_function *find_function(struct call *call)
{
    const char *name = call->request->path + PREFIX_BYTES;

    call->pool.function = pool_function_find(call->calls->pool, name, strcspn(name, "/"));
    return call->pool.function;
}

/* Else it is answered: its function has no calls. */
static bool takes_calls(struct call *call)
{
    const struct gateway_function *facts = &call->pool.function->facts;

    if (facts->calls != GATEWAY_TAKES_CALLS)
        call_problem(call, facts->calls == GATEWAY_SERVER ? PROBLEM_SERVER : PROBLEM_NOT_ALLOWED,
                     facts->refusal);
    return facts->calls == GATEWAY_TAKES_CALLS;
}

static void too_large(struct call *call)
{
    char detail[128];

    find_function(call);
    snprintf(detail, sizeof detail, "the body is longer than the function's limit of %zu bytes",
             call->body_limit);
    call_problem(call, PROBLEM_REQUEST_TOO_LARGE, detail);
}

static void on_begin(struct http_request *request)
{
    struct calls *calls = request->user;
    struct call *call = call_take(calls, request);

    calls->counters.requests++;
    if (!call) {
        static const struct http_reply none = {.status = 500};
        http_reply(request, &none);
        return;
    }
    if (page(call))
        return;
    if (strncmp(request->path, calls_prefix, PREFIX_BYTES) != 0) {
        call_problem(call, PROBLEM_NOT_FOUND, "no such page; functions are at /function/NAME");
        return;
    }
    const char *name = request->path + PREFIX_BYTES;
    size_t bytes = strcspn(name, "/");
    if (calls->draining) {
        call_problem(call, PROBLEM_STOPPING, "the daemon is stopping");
        return;
    }
    struct pool_function *function = find_function(call);
    if (!function) {
        not_found(call, name, bytes);
        return;
    }
    if (!takes_calls(call))
        return;
    call->body_limit = function->facts.request_bytes;
    if (!head_fits(call))
        return;
    if (request->body_bytes > (int64_t)call->body_limit) {
        too_large(call);
        return;
    }
    call->pool.function = NULL;
}

/* From here on a body gets the room that it said it needs: who has sent so much means it. */
#define BODY_BELIEVED_BYTES (128u << 10)

/* Of a buffer that holds `need` bytes of the body. */
static size_t body_capacity(const struct call *call, size_t need)
{
    int64_t said = call->request->body_bytes; /* at most the limit: on_begin() has looked */
    size_t capacity = BUFFER_SMALL;

    if (need > BODY_BELIEVED_BYTES && said >= (int64_t)need)
        return (size_t)said;
    while (capacity < need)
        capacity *= 2;
    return capacity;
}

/* Room for `more` bytes of body. */
static int body_room(struct call *call, size_t more)
{
    struct calls *calls = call->calls;
    struct buffer *body = call->body;
    size_t so_far = body ? body->bytes : 0;
    size_t counted = body && body->capacity > BUFFER_SMALL ? so_far : 0;

    /* Counted is what has come: pages that were not written yet take no memory. */
    if (so_far + more > BUFFER_SMALL &&
        calls->body_bytes - counted + so_far + more > BODIES_MAX_BYTES)
        return -ENOBUFS;
    if (!body || so_far + more > body->capacity) {
        struct buffer *grown = buffer_take(calls, body_capacity(call, so_far + more));
        if (!grown)
            return -ENOMEM;
        if (body)
            memcpy(grown->data, body->data, so_far);
        grown->bytes = so_far;
        buffer_put(calls, body);
        call->body = grown;
    }
    if (call->body->capacity > BUFFER_SMALL)
        calls->body_bytes += so_far + more - counted;
    return 0;
}

static void body_put(struct call *call)
{
    if (!call->body)
        return;
    if (call->body->capacity > BUFFER_SMALL)
        call->calls->body_bytes -= call->body->bytes;
    buffer_put(call->calls, call->body);
    call->body = NULL;
}

static void on_body(struct http_request *request, const void *data, size_t bytes)
{
    struct call *call = request->context;

    if (!call || call->replied)
        return;
    size_t so_far = call->body ? call->body->bytes : 0;
    if (bytes > call->body_limit - so_far) {
        body_put(call);
        too_large(call);
        return;
    }
    if (body_room(call, bytes) < 0) {
        body_put(call);
        call_problem(call, PROBLEM_BUSY, "too many large requests are being received");
        return;
    }
    memcpy(call->body->data + so_far, data, bytes);
    call->body->bytes = so_far + bytes;
}

static void busy(struct call *call)
{
    struct pool_function *function = call->pool.function;
    char detail[160], seconds[16];
    struct http_header retry = {"Retry-After", seconds};

    snprintf(detail, sizeof detail, "%u calls wait for '%s' already", function->queued,
             function->facts.name);
    snprintf(seconds, sizeof seconds, "%u", pool_retry_after(function));
    problem_with(call, PROBLEM_BUSY, detail, &retry);
}

/*
 * Callers who are refused and ask again at once would have the gateway do nothing else. So what one
 * function's callers are refused has a pace: a burst at once, then REFUSALS_A_SECOND, each a bit
 * later than the one before it, at most REFUSAL_LATE_NS.
 */
#define REFUSALS_A_SECOND 2000u
#define REFUSAL_BURST_NS 128000000u /* worth 256 of them */
#define REFUSAL_LATE_NS 1000000000u

static void refusal_due(struct loop_timer *timer)
{
    struct call *call = (struct call *)((char *)timer - offsetof(struct call, deadline));

    /* It may have been removed meanwhile. */
    if (find_function(call))
        busy(call);
    else
        call_problem(call, PROBLEM_NOT_FOUND, "the function was removed");
}

static void refuse_at_pace(struct call *call)
{
    struct pool_function *function = call->pool.function;
    struct loop *loop = call->calls->loop;
    uint64_t now = loop_now(loop);
    uint64_t due = function->refusal_ns;

    if (due + REFUSAL_BURST_NS < now)
        due = now - REFUSAL_BURST_NS;
    due += 1000000000u / REFUSALS_A_SECOND;
    if (due > now + REFUSAL_LATE_NS)
        due = now + REFUSAL_LATE_NS;
    function->refusal_ns = due;
    body_put(call);
    call->deadline.expired = refusal_due;
    if (due <= now || loop_timer_set(loop, &call->deadline, due) < 0)
        busy(call);
    else
        call->pool.function = NULL; /* as between head and end: it may go */
}

static void on_complete(struct http_request *request)
{
    struct call *call = request->context;
    struct calls *calls = call->calls;
    struct pool_function *function = find_function(call);

    if (!function) {
        const char *name = request->path + PREFIX_BYTES;
        not_found(call, name, strcspn(name, "/"));
        return;
    }
    if (!takes_calls(call)) /* it may have been deployed anew meanwhile */
        return;
    call->came_idle = function->idle > 0;
    call->submitted = true;
    if (pool_submit(calls->pool, function, &call->pool) < 0) {
        call->submitted = false;
        refuse_at_pace(call);
        return;
    }
    /* Waiting has the same limit as running; give() sets it anew. */
    if (call->submitted && !call->pool.instance)
        loop_timer_set(calls->loop, &call->deadline,
                       loop_now(calls->loop) + function->facts.timeout_ms * 1000000ull);
}

static void on_over(struct http_request *request)
{
    struct call *call = request->context;

    if (!call)
        return;
    struct calls *calls = call->calls;
    loop_timer_clear(calls->loop, &call->deadline);
    body_put(call);
    call->next = calls->spare_calls;
    calls->spare_calls = call;
}

const struct http_callbacks calls_http = {
    .begin = on_begin,
    .body = on_body,
    .complete = on_complete,
    .over = on_over,
};
