/* Deadlines and places of connections. */
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "faas/gateway_loop.h"
#include "faas/http_guard.h"

#define SECOND_NS 1000000000ull
/* What the kernel's count of a socket's times and the loop's clock may differ by. */
#define CLOCKS_APART_NS 50000000ull

enum phase { PHASE_IDLE, PHASE_BODY, PHASE_WAIT, PHASE_ANSWER, PHASE_CUT, PHASES };

struct guarded {
    struct guarded *next, *previous; /* of the same phase, the oldest first */
    struct guard *guard;
    int fd;
    enum phase phase;
    bool served; /* a request, at least */
    bool head;   /* idle no longer: a piece of the next head came, or may have */
    uint64_t since_ns;
    uint64_t bytes; /* of the body that came, or of the answer */
    uint64_t deadline_ns;
    struct loop_timer timer; /* armed for deadline_ns or earlier */
};

struct guard {
    struct loop *loop;
    struct guard_options options;
    struct guard_stats stats;
    unsigned count;
    size_t answers_bytes;
    struct {
        struct guarded *first, *last;
    } phases[PHASES];
};

struct guard *guard_new(struct loop *loop, const struct guard_options *options)
{
    struct guard *guard = calloc(1, sizeof *guard);

    if (guard) {
        guard->loop = loop;
        guard->options = *options;
    }
    return guard;
}

void guard_free(struct guard *guard)
{
    free(guard);
}

const struct guard_stats *guard_stats(const struct guard *guard)
{
    return &guard->stats;
}

static void list_remove(struct guarded *guarded)
{
    struct guard *guard = guarded->guard;
    enum phase phase = guarded->phase;

    if (phase == PHASE_ANSWER)
        guard->answers_bytes -= guarded->bytes;
    *(guarded->previous ? &guarded->previous->next : &guard->phases[phase].first) = guarded->next;
    *(guarded->next ? &guarded->next->previous : &guard->phases[phase].last) = guarded->previous;
}

static void list_append(struct guarded *guarded, enum phase phase)
{
    struct guard *guard = guarded->guard;

    guarded->phase = phase;
    guarded->head = false;
    guarded->since_ns = loop_now(guard->loop);
    guarded->bytes = 0;
    guarded->next = NULL;
    guarded->previous = guard->phases[phase].last;
    *(guard->phases[phase].last ? &guard->phases[phase].last->next : &guard->phases[phase].first) =
        guarded;
    guard->phases[phase].last = guarded;
}

static void enter(struct guarded *guarded, enum phase phase)
{
    list_remove(guarded);
    list_append(guarded, phase);
}

/*
 * The timer is left where it is when a deadline moves back, and looks again when it is due: a
 * steady load arms none.
 */
static void deadline_set(struct guarded *guarded, uint64_t deadline_ns)
{
    guarded->deadline_ns = deadline_ns;
    if (deadline_ns > 0 && (guarded->timer.place == 0 || guarded->timer.deadline_ns > deadline_ns))
        loop_timer_set(guarded->guard->loop, &guarded->timer, deadline_ns);
}

/* Its end comes back through guard_close(), when libmicrohttpd has seen it. */
static void cut(struct guarded *guarded)
{
    enter(guarded, PHASE_CUT);
    deadline_set(guarded, 0);
    shutdown(guarded->fd, SHUT_RDWR);
}

static uint64_t allowed(const struct guarded *guarded)
{
    const struct guard *guard = guarded->guard;
    uint64_t rate_ns = guarded->bytes * SECOND_NS / GUARD_RATE_BYTES;

    switch (guarded->phase) {
    case PHASE_IDLE: {
        unsigned idle = guard->options.idle_seconds;
        if (guard->count > guard->options.connections_max / 2 && idle > GUARD_CROWDED_SECONDS)
            idle = GUARD_CROWDED_SECONDS;
        return guarded->since_ns + (idle + (guarded->head ? GUARD_HEAD_SECONDS : 0)) * SECOND_NS;
    }
    case PHASE_BODY:
        return guarded->since_ns + GUARD_BODY_SECONDS * SECOND_NS + rate_ns;
    case PHASE_ANSWER:
        return guarded->since_ns + GUARD_ANSWER_SECONDS * SECOND_NS + rate_ns;
    default:
        return 0;
    }
}

/*
 * Whether a piece of a head came since the connection is idle; -1: it can't be told of this socket.
 * libmicrohttpd says nothing of a head before it has all of it, the kernel when data came last.
 */
static int head_came(const struct guarded *guarded, uint64_t now)
{
    struct tcp_info info = {0};
    socklen_t bytes = sizeof info;

    if (getsockopt(guarded->fd, IPPROTO_TCP, TCP_INFO, &info, &bytes) < 0)
        return -1;
    if (!guarded->served)
        return info.tcpi_bytes_received > 0;
    return guarded->since_ns + info.tcpi_last_data_recv * 1000000ull + CLOCKS_APART_NS < now;
}

static void reply(const struct guarded *guarded, const char *text)
{
    if (text)
        send(guarded->fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void on_deadline(struct loop_timer *timer)
{
    struct guarded *guarded = (struct guarded *)((char *)timer - offsetof(struct guarded, timer));
    uint64_t until = allowed(guarded), now = loop_now(guarded->guard->loop);

    if (until == 0 || guarded->deadline_ns == 0)
        return;
    if (until > now) {
        deadline_set(guarded, until);
        return;
    }
    if (guarded->phase == PHASE_IDLE && !guarded->head) {
        guarded->head = head_came(guarded, now) != 0;
        if (guarded->head)
            deadline_set(guarded, allowed(guarded));
        else
            cut(guarded);
        return;
    }
    if (guarded->phase == PHASE_IDLE && head_came(guarded, now) == 1)
        reply(guarded, guarded->guard->options.slow_head);
    else if (guarded->phase == PHASE_BODY)
        reply(guarded, guarded->guard->options.slow_body);
    guarded->guard->stats.slow++;
    cut(guarded);
}

/* libmicrohttpd stops to listen at its limit: some places are kept free. */
static void make_place(struct guard *guard)
{
    unsigned kept = guard->options.connections_max / 32 + 1;

    if (guard->count + kept > guard->options.connections_max && guard->phases[PHASE_IDLE].first) {
        guard->stats.evicted++;
        cut(guard->phases[PHASE_IDLE].first);
    }
}

struct guarded *guard_open(struct guard *guard, int fd)
{
    struct guarded *guarded = calloc(1, sizeof *guarded);

    if (!guarded)
        return NULL;
    make_place(guard);
    guarded->guard = guard;
    guarded->fd = fd;
    guarded->timer.expired = on_deadline;
    guard->count++;
    guard->stats.accepted++;
    list_append(guarded, PHASE_IDLE);
    deadline_set(guarded, allowed(guarded));
    return guarded;
}

void guard_close(struct guarded *guarded)
{
    if (!guarded)
        return;
    list_remove(guarded);
    loop_timer_clear(guarded->guard->loop, &guarded->timer);
    guarded->guard->count--;
    free(guarded);
}

void guard_body(struct guarded *guarded, size_t bytes)
{
    if (!guarded || guarded->phase == PHASE_CUT)
        return;
    if (guarded->phase != PHASE_BODY) {
        enter(guarded, PHASE_BODY);
        deadline_set(guarded, allowed(guarded));
    }
    guarded->bytes += bytes;
}

void guard_wait(struct guarded *guarded)
{
    if (!guarded || guarded->phase == PHASE_CUT)
        return;
    enter(guarded, PHASE_WAIT);
    guarded->deadline_ns = 0;
}

void guard_answer(struct guarded *guarded, size_t bytes)
{
    if (!guarded || guarded->phase == PHASE_CUT)
        return;
    struct guard *guard = guarded->guard;
    enter(guarded, PHASE_ANSWER);
    guarded->bytes = bytes;
    guard->answers_bytes += bytes;
    deadline_set(guarded, allowed(guarded));
    /* Who has taken the longest goes first; never this one, which has not been asked yet. */
    while (guard->answers_bytes > guard->options.answers_max_bytes &&
           guard->phases[PHASE_ANSWER].first != guarded) {
        guard->stats.evicted++;
        cut(guard->phases[PHASE_ANSWER].first);
    }
}

void guard_idle(struct guarded *guarded)
{
    if (!guarded || guarded->phase == PHASE_CUT)
        return;
    guarded->served = true;
    enter(guarded, PHASE_IDLE);
    deadline_set(guarded, allowed(guarded));
}
