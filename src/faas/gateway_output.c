/* Output of functions and counters, on their way to the admin gateway. Never waits for it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "faas/gateway_calls.h"
#include "faas/telemetry.h"

/* What may be said at once, after a silence: so many seconds of the rate. */
#define OUTPUT_BURST_SECONDS 2

uint64_t output_clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void send_piece(struct calls *calls, const struct instance *instance, const char *text,
                       size_t bytes, uint64_t dropped, bool ours)
{
    struct telemetry_log log;

    const struct call *call = (const struct call *)instance->call_first;

    memset(&log, 0, TELEMETRY_LOG_HEAD);
    log.type = TELEMETRY_LOG;
    log.bytes = (uint32_t)bytes;
    log.pvm_id = instance->pvm_id;
    log.time_ms = output_clock_ms();
    log.dropped = dropped;
    log.ours = ours;
    strcpy(log.function, instance->function->facts.name);
    if (call) {
        strcpy(log.request_id, call->id);
        strcpy(log.trace, call->trace);
    }
    memcpy(log.text, text, bytes);
    if (link_try(&calls->telemetry, &log, TELEMETRY_LOG_HEAD + bytes) < 0) {
        calls->counters.log_datagrams_lost++;
        instance->function->counters.log_dropped_bytes += bytes;
    }
}

/*
 * What a function may say: a rate for all its instances together, and a burst. Time is the
 * currency: output of N bytes uses N / rate seconds, which may be up to a burst ahead of now.
 * Returns how many of `bytes` may pass.
 */
static size_t rate_take(struct calls *calls, struct pool_function *function, size_t bytes)
{
    uint64_t rate = calls->log_rate, now = loop_now(calls->loop);
    const uint64_t burst_ns = OUTPUT_BURST_SECONDS * 1000000000ull;

    if (rate == 0)
        return bytes;
    if (function->output_ns < now)
        function->output_ns = now;
    uint64_t room_ns = now + burst_ns - function->output_ns;
    uint64_t room = room_ns / 1000 * rate / 1000000;
    size_t passes = bytes < room ? bytes : (size_t)room;
    function->output_ns += passes * 1000000000ull / rate;
    return passes;
}

/* Whole lines of what may pass; a cut line would be taken for a whole one. */
static size_t rate_pieces(const char *text, size_t bytes, size_t passes)
{
    const char *end = passes < bytes ? memrchr(text, '\n', passes) : NULL;

    return passes == bytes ? bytes : end ? (size_t)(end - text) + 1 : 0;
}

void output_drain(struct calls *calls, struct instance *instance, uint32_t most)
{
    struct pool_function *function = instance->function;
    uint64_t dropped;
    size_t bytes =
        channel_log_take(instance->port.channel, &instance->log_read, most, calls->log, &dropped);
    size_t passes =
        bytes > 0 ? rate_pieces(calls->log, bytes, rate_take(calls, function, bytes)) : 0;

    dropped += bytes - passes;
    function->counters.log_dropped_bytes += dropped;
    /* Of drops alone there is a line a second, with their sum. */
    function->dropped_untold += dropped;
    if (passes == 0 && (function->dropped_untold == 0 ||
                        loop_now(calls->loop) < function->told_ns + 1000000000ull))
        return;
    for (size_t at = 0; at < passes || function->dropped_untold > 0;) {
        size_t piece = telemetry_piece(calls->log + at, passes - at);
        send_piece(calls, instance, calls->log + at, piece, function->dropped_untold, false);
        if (function->dropped_untold > 0)
            function->told_ns = loop_now(calls->loop);
        function->dropped_untold = 0;
        at += piece;
    }
}

void output_say(struct calls *calls, const struct instance *instance, const char *line)
{
    send_piece(calls, instance, line, strlen(line), 0, true);
}

/* ---- counters, when the admin gateway asks ---- */

struct pull {
    struct link *link;
    uint64_t token;
};

static int pull_one(struct pool_function *function, void *user)
{
    const struct pull *pull = user;
    struct telemetry_function message = {.type = TELEMETRY_FUNCTION, .token = pull->token};
    struct function_counters *counters = &message.metrics.counters;

    strcpy(message.metrics.name, function->facts.name);
    *counters = function->counters;
    counters->starting = function->starting;
    counters->idle = function->idle;
    counters->busy = function->busy;
    counters->leaving = function->leaving;
    counters->queued = function->queued;
    /* What the socket does not take now waits in memory: at most FUNCTIONS_MAX messages, since
     * there is one pull at a time. */
    return link_send(pull->link, &message, sizeof message, -1);
}

static void on_message(struct link *link, const void *data, size_t bytes, int *fds, size_t fd_count)
{
    struct calls *calls = (struct calls *)((char *)link - offsetof(struct calls, telemetry));
    struct pull pull = {.link = link};

    (void)fds;
    /* While answers to a pull wait, there is no second one: a peer that asks so is not as we wrote
     * it. */
    if (fd_count > 0 || telemetry_check(data, bytes, false) < 0 || link->first)
        return;
    pull.token = ((const struct telemetry_pull *)data)->token;
    pool_each(calls->pool, pull_one, &pull);

    struct telemetry_end end = {
        .type = TELEMETRY_END,
        .token = pull.token,
        .counters = calls->counters,
    };
    end.counters.functions = pool_function_count(calls->pool);
    end.counters.connections = http_connections(calls->http);
    end.counters.http = http_server_stats(calls->http);
    link_send(link, &end, sizeof end, -1);
}

/* The other gateway has gone; the supervisor will see to it. Output is lost meanwhile. */
static void on_closed(struct link *link)
{
    (void)link;
}

int output_open(struct calls *calls, int fd, struct err *err)
{
    calls->telemetry.message = on_message;
    calls->telemetry.closed = on_closed;
    return link_open(&calls->telemetry, calls->loop, fd, err);
}
