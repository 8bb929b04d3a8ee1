/* The calls gateway: start, the supervisor's messages, and its loop. */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "faas/gateway.h"
#include "faas/gateway_calls.h"
#include "faas/gateway_seccomp.h"
#include "faas/protocol.h"

#define CONNECTIONS_MAX 20000
#define CONNECTION_IDLE_SECONDS 30
/* Descriptors kept for instances (two each) and ourselves. */
#define DESCRIPTORS_KEPT 4096
/*
 * A connection's memory holds the request's head as it came, MHD's list of headers (72 bytes each)
 * and then the answer's head. MHD clears all of it for each request (6% of a warm call's time at
 * 80 KiB), so it has room for one long head, not for two: HEADS_MAX_BYTES.
 */
#define CONNECTION_BYTES (48u << 10)
/* Of answers that wait for callers who read slowly. */
#define ANSWERS_MAX_BYTES (256u << 20)
/* Requests that run may take so long once GATEWAY_DRAIN came. */
#define DRAIN_SECONDS 60

/* ---- the supervisor's messages: each is checked for its exact size and descriptors ---- */

static int on_started(struct calls *calls, const struct gateway_started *started, int *fds,
                      size_t fd_count, struct err *err)
{
    struct instance *instance = pool_instance(calls->pool, started->token);
    if (!instance || instance->port.channel ||
        instance->function->facts.function_id != started->function_id)
        return err_say(err, -EBADMSG, "an instance was started that nobody wished");
    /* Without its channel when there was no descriptor left for it. */
    int r = fd_count >= 2 ? calls_attach(calls, instance, fds[0], steal_fd(&fds[1]), err)
                          : err_set(err, -EMFILE, "cannot take the channel of an instance");
    if (r < 0) {
        pool_lost(calls->pool, instance, r, err->message);
        return r;
    }
    /* The last that a shortage takes: the instance is then measured at its end only. */
    if (fd_count == 3)
        meter_attach(&instance->meter, steal_fd(&fds[2]), started->cpu_base_us);
    pool_started(calls->pool, instance, started);
    return 0;
}

static void drain(struct calls *calls)
{
    calls->draining = true;
    if (calls->http) /* else it is told before it listens */
        http_stop_listening(calls->http);
}

static int on_checked(struct calls *calls, uint32_t type, const void *data, int *fds,
                      size_t fd_count, struct err *err)
{
    switch (type) {
    case GATEWAY_FUNCTION:
        return pool_function_set(calls->pool, data, err);
    case GATEWAY_FUNCTION_GONE:
        pool_function_gone(calls->pool, ((const struct gateway_function_gone *)data)->function_id);
        return 0;
    case GATEWAY_READY:
        calls->ready = true;
        pool_ready(calls->pool);
        return 0;
    case GATEWAY_DRAIN:
        drain(calls);
        return 0;
    case GATEWAY_STARTED:
        return on_started(calls, data, fds, fd_count, err);
    case GATEWAY_ENDED: {
        const struct gateway_ended *ended = data;
        struct instance *instance = pool_instance(calls->pool, ended->token);
        if (instance)
            calls_ended(calls, instance, ended);
        return 0;
    }
    case GATEWAY_UPDATED:
        pool_updated(calls->pool, data);
        return 0;
    default:
        return -EBADMSG;
    }
}

static void on_message(struct link *link, const void *data, size_t bytes, int *fds, size_t fd_count)
{
    static const size_t sizes[] = {
        [GATEWAY_FUNCTION] = sizeof(struct gateway_function),
        [GATEWAY_FUNCTION_GONE] = sizeof(struct gateway_function_gone),
        [GATEWAY_READY] = sizeof(struct gateway_simple),
        [GATEWAY_STARTED] = sizeof(struct gateway_started),
        [GATEWAY_ENDED] = sizeof(struct gateway_ended),
        [GATEWAY_DRAIN] = sizeof(struct gateway_simple),
        [GATEWAY_UPDATED] = sizeof(struct gateway_updated),
    };
    struct calls *calls = (struct calls *)((char *)link - offsetof(struct calls, supervisor));
    struct err err = {0};
    uint32_t type = 0;

    if (bytes >= sizeof type)
        memcpy(&type, data, sizeof type);
    if (type == 0 || type >= ARRAY_LEN(sizes) || sizes[type] != bytes) {
        log_line(LOG_ERROR, "cannot use a message of type %u and %zu bytes: refused", type, bytes);
        return;
    }
    if (on_checked(calls, type, data, fds, fd_count, &err) < 0)
        log_line(LOG_ERROR, "%s", err.message);
}

/* Without its supervisor a gateway can start and stop nothing: it ends, and so do its calls. */
static void on_closed(struct link *link)
{
    struct calls *calls = (struct calls *)((char *)link - offsetof(struct calls, supervisor));

    calls->ended = true;
}

/* ---- start ---- */

static unsigned connections_max(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 512;
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur >= CONNECTIONS_MAX + DESCRIPTORS_KEPT)
        return CONNECTIONS_MAX;
    if (limit.rlim_cur > 2 * DESCRIPTORS_KEPT)
        return (unsigned)limit.rlim_cur - DESCRIPTORS_KEPT;
    return (unsigned)limit.rlim_cur / 2;
}

static int open_all(struct calls *calls, struct err *err)
{
    int r = loop_new(&calls->loop, err);
    if (r < 0)
        return r;
    r = pool_new(calls->loop, &calls_actions, calls, &calls->pool, err);
    if (r < 0)
        return r;
    calls->random_used = sizeof calls->random;
    calls->supervisor.message = on_message;
    calls->supervisor.closed = on_closed;
    r = link_open(&calls->supervisor, calls->loop, GATEWAY_SUPERVISOR_FD, err);
    if (r < 0)
        return r;
    r = output_open(calls, GATEWAY_TELEMETRY_FD, err);
    if (r < 0)
        return r;
    /* Connections may wait already: the listener is older than this process. None is accepted
     * before every function is known, or a call of one that is served would be told that there is
     * none. */
    while (r == 0 && !calls->ready && !calls->ended)
        r = loop_round(calls->loop, -1);
    if (r < 0)
        return err_set(err, r, "cannot wait for the functions");
    struct http_options options = {
        .listen_fd = GATEWAY_LISTEN_FD,
        .connections_max = connections_max(),
        .idle_seconds = CONNECTION_IDLE_SECONDS,
        .answers_max_bytes = ANSWERS_MAX_BYTES,
        .connection_bytes = CONNECTION_BYTES,
        .callbacks = &calls_http,
        .user = calls,
    };
    return http_open(calls->loop, &options, &calls->http, err);
}

/* What is ready is served. Returns how long the loop may sleep: not while there is work. */
static int serve_ready(struct calls *calls)
{
    bool any = http_due(calls->http);

    http_run(calls->http);
    calls_poll(calls);
    copies_turn(calls);
    if (http_due(calls->http) || calls->copies)
        return 0;
    if (http_unsettled(calls->http)) {
        /* Settled when a look at all descriptors, without sleeping, brought nothing new. */
        if (any)
            return 0;
        http_settle(calls->http);
    }
    int timeout_ms = http_wait_ms(calls->http);
    return timeout_ms != 0 && calls_await(calls) ? timeout_ms : 0;
}

static int serve(struct calls *calls, struct err *err)
{
    uint64_t drain_until = 0;

    while (!calls->ended) {
        int timeout_ms = serve_ready(calls);
        if (calls->draining) {
            if (drain_until == 0)
                drain_until = loop_now(calls->loop) + DRAIN_SECONDS * 1000000000ull;
            if (http_active(calls->http) == 0 || loop_now(calls->loop) >= drain_until)
                return 0;
            timeout_ms = timeout_ms < 0 || timeout_ms > 1000 ? 1000 : timeout_ms;
        }
        int r = loop_round(calls->loop, timeout_ms);
        if (r < 0)
            return err_set(err, r, "cannot wait for requests");
    }
    return 0;
}

int gateway_calls_run(const struct gateway_calls_options *options, struct err *err)
{
    struct calls *calls = calloc(1, sizeof *calls);
    if (!calls)
        return err_set(err, -ENOMEM, "cannot start the gateway");
    calls->log_rate = options->log_rate;
    calls->log_calls = options->log_calls;
    signal(SIGPIPE, SIG_IGN);
    /* Fixed, or malloc would raise it with the first large body and keep all later ones. */
    mallopt(M_MMAP_THRESHOLD, 256 << 10);
    int r = open_all(calls, err);
    if (r == 0)
        r = gateway_seccomp_install(GATEWAY_ROLE_CALLS, err);
    /* Nothing is torn down at the end: requests may still wait for replies that will never come,
     * and the process ends now. */
    return r < 0 ? r : serve(calls, err);
}
