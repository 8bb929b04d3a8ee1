/* The admin gateway: start, the supervisor's and the other gateway's messages, and its loop. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "faas/gateway_admin.h"
#include "faas/gateway_seccomp.h"
#include "faas/output_log.h"
#include "faas/telemetry.h"

#define CONNECTIONS_MAX 256
#define CONNECTION_IDLE_SECONDS 30
#define ANSWERS_MAX_BYTES (128u << 20)
#define CONNECTION_BYTES (32u << 10)
/* The longest JSON taken from the supervisor: a list of FUNCTIONS_MAX functions is half of it. */
#define REPLY_MAX_BYTES (32u << 20)
#define DRAIN_SECONDS 10
/* A calls gateway that is being started again does not answer a pull of its forerunner. */
#define PULL_NS 2000000000ull

static struct admin_call *call_find(struct admin *admin, uint64_t token)
{
    for (struct admin_call *call = admin->first; call; call = call->next)
        if (call->token == token)
            return call;
    return NULL;
}

void admin_ask(struct admin_call *call, struct admin_request *request, int fd)
{
    struct admin *admin = call->admin;

    request->token = call->token = ++admin->last_token;
    request->caller_uid = call->uid;
    if (link_send(&admin->supervisor, request, sizeof *request, fd) < 0)
        admin_problem(call, PROBLEM_INTERNAL, "the supervisor does not listen");
}

/* ---- from the supervisor ---- */

/* The JSON of a reply; NULL when it is not what it says it is. */
static char *reply_body(const struct admin_reply *reply, const int *fds, size_t fd_count)
{
    struct stat status;

    if (fd_count != 1 || reply->body_bytes > REPLY_MAX_BYTES)
        return NULL;
    int seals = fcntl(fds[0], F_GET_SEALS);
    if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(fds[0], &status) < 0 ||
        status.st_size < (off_t)reply->body_bytes)
        return NULL;
    _cleanup_(freep) char *json = malloc((size_t)reply->body_bytes + 1);
    size_t done = 0;
    while (json && done < reply->body_bytes) {
        ssize_t n = pread(fds[0], json + done, reply->body_bytes - done, (off_t)done);
        if (n <= 0)
            return NULL;
        done += (size_t)n;
    }
    if (json)
        json[done] = '\0';
    return steal_ptr(&json);
}

static void on_reply(struct admin *admin, const struct admin_reply *reply, int *fds,
                     size_t fd_count)
{
    struct admin_call *call = call_find(admin, reply->token);
    struct admin_reply checked = *reply;
    char *json = NULL;

    if (!call)
        return; /* its client has gone */
    call->token = 0;
    checked.message[sizeof checked.message - 1] = '\0';
    if (reply->body_bytes > 0) {
        json = reply_body(reply, fds, fd_count);
        if (!json) {
            checked.error = -EBADMSG;
            snprintf(checked.message, sizeof checked.message,
                     "cannot read the supervisor's answer");
        }
    }
    admin_answered(call, &checked, json);
}

static void on_supervisor(struct link *link, const void *data, size_t bytes, int *fds,
                          size_t fd_count)
{
    struct admin *admin = (struct admin *)((char *)link - offsetof(struct admin, supervisor));
    uint32_t type = 0;

    if (bytes >= sizeof type)
        memcpy(&type, data, sizeof type);
    if (type == ADMIN_REPLY && bytes == sizeof(struct admin_reply)) {
        on_reply(admin, data, fds, fd_count);
    } else if (type == ADMIN_PROGRESS && bytes == sizeof(struct admin_progress)) {
        struct admin_progress progress = *(const struct admin_progress *)data;
        struct admin_call *call = call_find(admin, progress.token);
        progress.stage[sizeof progress.stage - 1] = '\0';
        if (call && call->deploy)
            admin_deploy_progress(call, progress.stage);
    } else if (type == GATEWAY_DRAIN && bytes == sizeof(struct gateway_simple)) {
        admin->draining = true;
    } else {
        log_line(LOG_ERROR, "cannot use a message of type %u and %zu bytes: refused", type, bytes);
    }
}

static void on_supervisor_closed(struct link *link)
{
    struct admin *admin = (struct admin *)((char *)link - offsetof(struct admin, supervisor));

    admin->ended = true;
}

/* ---- from the calls gateway ---- */

static void function_add(struct admin *admin, const struct metrics_function *function)
{
    if (admin->function_count == admin->function_capacity) {
        size_t capacity = admin->function_capacity ? admin->function_capacity * 2 : 64;
        struct metrics_function *functions =
            capacity > FUNCTIONS_MAX * 2 ? NULL
                                         : realloc(admin->functions, capacity * sizeof *functions);
        if (!functions)
            return;
        admin->functions = functions;
        admin->function_capacity = capacity;
    }
    admin->functions[admin->function_count++] = *function;
}

/* All that is known has come: everybody who waits for it gets it. */
static void pull_over(struct admin *admin, const struct gateway_counters *counters)
{
    struct admin_call *next;

    admin->pulling = false;
    loop_timer_clear(admin->loop, &admin->pull_timer);
    for (struct admin_call *call = admin->first; call; call = next) {
        next = call->next;
        if (!call->counters_wait)
            continue;
        call->counters_wait = false;
        admin_counted(call, counters);
    }
    free(admin->functions);
    admin->functions = NULL;
    admin->function_count = admin->function_capacity = 0;
}

static void pull_expired(struct loop_timer *timer)
{
    struct admin *admin = (struct admin *)((char *)timer - offsetof(struct admin, pull_timer));

    pull_over(admin, NULL);
}

void admin_pull(struct admin *admin)
{
    struct telemetry_pull pull = {.type = TELEMETRY_PULL};

    if (admin->pulling)
        return;
    pull.token = ++admin->pull_token;
    admin->pulling = true;
    admin->pull_timer.expired = pull_expired;
    if (link_send(&admin->telemetry, &pull, sizeof pull, -1) < 0 ||
        loop_timer_set(admin->loop, &admin->pull_timer, loop_now(admin->loop) + PULL_NS) < 0)
        pull_over(admin, NULL);
}

static void on_telemetry(struct link *link, const void *data, size_t bytes, int *fds,
                         size_t fd_count)
{
    struct admin *admin = (struct admin *)((char *)link - offsetof(struct admin, telemetry));
    uint32_t type;

    (void)fds;
    if (fd_count > 0 || telemetry_check(data, bytes, true) < 0)
        return;
    memcpy(&type, data, sizeof type);
    if (type == TELEMETRY_LOG) {
        const struct telemetry_log *log = data;
        output_log(log);
        struct log_ring *ring = log_rings_get(admin->rings, log->function);
        if (!ring)
            return;
        log_ring_add(ring, log->time_ms, log->pvm_id, log->text, log->bytes, log->dropped);
        admin_logged(admin, log->function);
    } else if (type == TELEMETRY_CALL) {
        output_log_call(data);
    } else if (type == TELEMETRY_FUNCTION) {
        const struct telemetry_function *function = data;
        if (admin->pulling && function->token == admin->pull_token)
            function_add(admin, &function->metrics);
    } else {
        const struct telemetry_end *end = data;
        if (admin->pulling && end->token == admin->pull_token)
            pull_over(admin, &end->counters);
    }
}

static void on_telemetry_closed(struct link *link)
{
    struct admin *admin = (struct admin *)((char *)link - offsetof(struct admin, telemetry));

    if (admin->pulling)
        pull_over(admin, NULL);
}

/* ---- start ---- */

static int token_read(struct admin *admin, struct err *err)
{
    char *token = admin->token;
    ssize_t n = pread(GATEWAY_TOKEN_FD, token, GATEWAY_TOKEN_MAX, 0);

    if (n < 0)
        return err_set(err, -errno, "cannot read the admin token");
    token[n] = '\0';
    token[strcspn(token, "\r\n")] = '\0';
    /* Shorter ones can be guessed over the network. */
    if (strlen(token) < 16)
        return err_say(err, -EINVAL, "cannot use the admin token: it has fewer than 16 characters");
    close(GATEWAY_TOKEN_FD);
    return 0;
}

static int listen_on(struct admin *admin, enum admin_server server, int fd, struct err *err)
{
    struct http_options options = {
        .listen_fd = fd,
        .connections_max = CONNECTIONS_MAX,
        .idle_seconds = CONNECTION_IDLE_SECONDS,
        .answers_max_bytes = ANSWERS_MAX_BYTES,
        .connection_bytes = CONNECTION_BYTES,
        .callbacks = &admin_http,
        .user = admin,
    };

    return http_open(admin->loop, &options, &admin->servers[server], err);
}

static int open_all(struct admin *admin, struct err *err)
{
    int r = loop_new(&admin->loop, err);
    if (r < 0)
        return r;
    /* A reply to a request of the gateway before this one, which died, must find nothing here. */
    if (getrandom(&admin->last_token, sizeof admin->last_token, 0) != sizeof admin->last_token)
        return err_set(err, -EIO, "cannot start the admin gateway");
    admin->rings = log_rings_new(admin->options.log_ring_bytes);
    if (!admin->rings)
        return err_set(err, -ENOMEM, "cannot start the admin gateway");
    admin->supervisor.message = on_supervisor;
    admin->supervisor.closed = on_supervisor_closed;
    admin->telemetry.message = on_telemetry;
    admin->telemetry.closed = on_telemetry_closed;
    r = link_open(&admin->supervisor, admin->loop, GATEWAY_SUPERVISOR_FD, err);
    if (r == 0)
        r = link_open(&admin->telemetry, admin->loop, GATEWAY_TELEMETRY_FD, err);
    if (r == 0)
        r = listen_on(admin, ADMIN_UNIX, GATEWAY_LISTEN_FD, err);
    if (r == 0 && admin->options.tcp) {
        r = token_read(admin, err);
        if (r == 0)
            r = listen_on(admin, ADMIN_TCP, GATEWAY_ADMIN_TCP_FD, err);
    }
    return r;
}

/* Stops listening and ends followed logs; the number of requests that still run. */
static unsigned drain(struct admin *admin)
{
    unsigned active = 0;

    for (int i = 0; i < ADMIN_SERVERS; i++) {
        if (!admin->servers[i])
            continue;
        http_stop_listening(admin->servers[i]);
        active += http_active(admin->servers[i]);
    }
    for (struct admin_call *call = admin->first; call; call = call->next)
        if (call->log_until == UINT64_MAX) {
            call->log_until = 0;
            http_stream_wake(call->request);
        }
    return active;
}

static int serve(struct admin *admin, struct err *err)
{
    uint64_t drain_until = 0;

    while (!admin->ended) {
        if (admin->draining) {
            if (drain_until == 0)
                drain_until = loop_now(admin->loop) + DRAIN_SECONDS * 1000000000ull;
            if (drain(admin) == 0 || loop_now(admin->loop) >= drain_until)
                return 0;
        }
        int timeout_ms = admin->draining ? 1000 : -1;
        for (int i = 0; i < ADMIN_SERVERS; i++) {
            if (!admin->servers[i])
                continue;
            http_run(admin->servers[i]);
            http_settle(admin->servers[i]);
            int wait_ms = http_wait_ms(admin->servers[i]);
            if (wait_ms >= 0 && (timeout_ms < 0 || wait_ms < timeout_ms))
                timeout_ms = wait_ms;
        }
        int r = loop_round(admin->loop, timeout_ms);
        if (r < 0)
            return err_set(err, r, "cannot wait for requests");
    }
    return 0;
}

int gateway_admin_run(const struct gateway_admin_options *options, struct err *err)
{
    struct admin *admin = calloc(1, sizeof *admin);
    if (!admin)
        return err_set(err, -ENOMEM, "cannot start the admin gateway");
    admin->options = *options;
    signal(SIGPIPE, SIG_IGN);
    int r = open_all(admin, err);
    if (r == 0)
        r = gateway_seccomp_install(GATEWAY_ROLE_ADMIN, err);
    /* Nothing is torn down at the end: the process ends now. */
    return r < 0 ? r : serve(admin, err);
}
