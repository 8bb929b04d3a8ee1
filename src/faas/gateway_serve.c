/*
 * From the pool to an instance and back: the warm path.
 *
 * A warm call costs
 *   - system calls: recv (and one more that finds nothing), epoll_ctl (MHD sets the connection
 *     aside), sendmsg, epoll_ctl (MHD watches the connection again), and shared among all that
 *     came together: two epoll_wait, a futex when the instance sleeps. The answer's arrival costs
 *     none: while there is other work the channels of busy instances are looked at between two
 *     rounds, and before the gateway sleeps it asks each of them for its event, which is
 *     edge-triggered and never read.
 *   - copies: head and body into the channel, head and body out of it; for a body, one more from
 *     the connection, so that a slow caller holds memory but no instance.
 *   - no memory of ours from malloc: calls, requests and buffers come from free lists (MHD
 *     allocates its response and that one's headers), no JSON, no lock, no log line.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "faas/gateway_calls.h"

/* Events without an answer that an instance may cause between two answers. */
#define EVENTS_UNUSED_MAX 256
/* Output that makes such a wake worth while: a quarter of the ring. */
#define OUTPUT_WORTH_A_WAKE (CHANNEL_LOG_BYTES / 4)

/* ---- which instances are looked at ---- */

static void polled_add(struct calls *calls, struct instance *instance)
{
    if (instance->polled)
        return;
    instance->polled = true;
    instance->polled_previous = NULL;
    instance->polled_next = calls->polled;
    if (calls->polled)
        calls->polled->polled_previous = instance;
    calls->polled = instance;
}

static void polled_remove(struct calls *calls, struct instance *instance)
{
    if (!instance->polled)
        return;
    instance->polled = false;
    if (instance->polled_previous)
        instance->polled_previous->polled_next = instance->polled_next;
    else
        calls->polled = instance->polled_next;
    if (instance->polled_next)
        instance->polled_next->polled_previous = instance->polled_previous;
}

/* ---- large areas ---- */

/* What a large body left in the channel stays so long for the next one. */
#define AREAS_KEPT_NS 1000000000u

/* Given back to the kernel, so that memory does not stay as large as the largest call that ever
 * was. Not between calls that follow one another: new pages cost more than what is copied. */
static void areas_give_back(struct loop_timer *timer)
{
    struct instance *instance =
        (struct instance *)((char *)timer - offsetof(struct instance, large_timer));
    struct calls *calls = instance->gateway;
    uint64_t now = loop_now(calls->loop);

    if (instance->state == INSTANCE_IDLE && now - instance->idle_since_ns >= AREAS_KEPT_NS)
        madvise((char *)instance->port.channel + CHANNEL_LARGE, CHANNEL_BYTES - CHANNEL_LARGE,
                MADV_REMOVE);
    else
        loop_timer_set(calls->loop, timer, now + AREAS_KEPT_NS);
}

static void areas_used(struct calls *calls, struct instance *instance)
{
    instance->large_timer.expired = areas_give_back;
    if (instance->large_timer.place == 0)
        loop_timer_set(calls->loop, &instance->large_timer, loop_now(calls->loop) + AREAS_KEPT_NS);
}

/* ---- to the instance ---- */

/* The request is whole. */
static void request_send(struct calls *calls, struct instance *instance)
{
    port_send(&instance->port);
    polled_add(calls, instance);
}

static void request_copied(struct calls *calls, struct instance *instance, struct copy *copy)
{
    (void)copy;
    request_send(calls, instance);
}

/* The last of its calls is on its way into the channel. */
static bool is_being_written(const struct instance *instance)
{
    return instance->copy && !instance->copy->answer;
}

/* The first of its calls is on its way out. */
static bool is_being_read(const struct instance *instance)
{
    return instance->copy && instance->copy->answer;
}

static void action_give(void *user, struct pool_call *pool_call, struct instance *instance)
{
    struct calls *calls = user;
    struct call *call = (struct call *)pool_call;
    struct channel *channel = instance->port.channel;
    const struct gateway_function *facts = &instance->function->facts;
    /* Written behind one another. */
    if (is_being_written(instance))
        copy_finish(calls, instance);
    uint32_t slot = port_slot(&instance->port);
    uint32_t header_count;
    uint32_t head_bytes = (uint32_t)call_head(call, &header_count);
    uint32_t body_bytes = call->body ? (uint32_t)call->body->bytes : 0;
    char *text = (char *)channel_request_text(channel, slot, head_bytes, body_bytes);

    memcpy(text, calls->head, head_bytes);
    if (head_bytes + body_bytes > CHANNEL_SMALL_BYTES)
        areas_used(calls, instance);
    channel->slots[slot].request = (struct channel_request){
        .head_bytes = head_bytes,
        .body_bytes = body_bytes,
        .header_count = header_count,
        .answer_max = facts->answer_bytes,
        .remaining_ms = facts->timeout_ms,
    };
    loop_timer_set(calls->loop, &call->deadline,
                   loop_now(calls->loop) + facts->timeout_ms * 1000000ull);
    if (body_bytes > COPY_PIECE_BYTES && !instance->copy &&
        copy_begin(calls, instance, text + head_bytes, call->body->data, body_bytes,
                   request_copied))
        return;
    if (body_bytes > 0)
        memcpy(text + head_bytes, call->body->data, body_bytes);
    request_send(calls, instance);
}

/* Its deadline stays: waiting has the same limit as running. */
static bool action_take_back(void *user, struct instance *instance)
{
    if (is_being_written(instance)) {
        copy_cancel(user, instance);
        return true;
    }
    return port_withdraw(&instance->port);
}

/* ---- from the instance ---- */

enum metrics_start call_start(const struct call *call, const struct instance *instance)
{
    if (instance->answers > 0 || call->came_idle)
        return METRICS_WARM;
    return instance->start_kind == GATEWAY_COLD_TEMPLATE ? METRICS_COLD
           : instance->start_kind == GATEWAY_CONTAINER   ? METRICS_CONTAINER
                                                         : METRICS_FORK;
}

static void say_problem(struct calls *calls, const struct instance *instance, const char *detail)
{
    char line[512];

    snprintf(line, sizeof line, "vireo: %s", detail);
    output_say(calls, instance, line);
}

/* What it wrote is not an answer: the instance is ended, its caller gets 502. */
static void misbehaved(struct calls *calls, struct instance *instance, const char *why)
{
    struct call *call = (struct call *)instance->call_first;
    char detail[400];

    snprintf(detail, sizeof detail, "the answer is not proper: %.300s", why);
    calls->counters.instances_misbehaved++;
    copy_cancel(calls, instance);
    say_problem(calls, instance, detail);
    pool_stop(calls->pool, instance, GATEWAY_STOP_MISBEHAVED);
    if (call) {
        meter_call(instance, call, problem_status(PROBLEM_BAD_ANSWER), PROBLEM_BAD_ANSWER, NULL);
        loop_timer_clear(calls->loop, &call->deadline);
        call_problem(call, PROBLEM_BAD_ANSWER, detail);
    }
}

/* The call leaves the instance, which takes the next or is let go. */
static void answered(struct calls *calls, struct instance *instance,
                     const struct response *response, bool ended)
{
    if (response->outcome == CHANNEL_TRAPPED || response->outcome == CHANNEL_BROKEN) {
        /* A trap leaves the module's memory in the middle of something: a new instance is cheap. */
        if (ended || (response->flags & CHANNEL_FINISHED)) {
            pool_answered(calls->pool, instance, true);
        } else {
            pool_stop(calls->pool, instance, GATEWAY_STOP_DONE);
        }
        return;
    }
    pool_answered(calls->pool, instance, ended || (response->flags & CHANNEL_FINISHED));
}

static void answer_failed(struct calls *calls, struct instance *instance, struct call *call,
                          const struct response *response, bool ended)
{
    char detail[400];
    enum problem_cause cause =
        outcome_problem(response, &instance->function->facts, detail, sizeof detail);

    if (cause != PROBLEM_FAILED)
        say_problem(calls, instance, detail);
    meter_call(instance, call, problem_status(cause), cause, NULL);
    /* The problem first: afterwards the function may be gone with its last instance. */
    call_problem(call, cause, detail);
    answered(calls, instance, response, ended);
}

/* The text of the answer to the instance's first call is in `answer`. */
static void answer_whole(struct calls *calls, struct instance *instance, struct buffer *answer,
                         const struct response *response, bool ended)
{
    struct call *call = (struct call *)instance->call_first;
    struct function_counters *counters = &instance->function->counters;
    struct response_header headers[REQUEST_HEADERS_MAX];
    struct err err = {0};

    port_pass(&instance->port);
    if (response_headers(answer->data + ANSWER_TEXT, response, headers, &err) < 0) {
        buffer_put(calls, answer);
        misbehaved(calls, instance, err.message);
        return;
    }
    if (response->head_bytes + call->head_bytes > HEADS_MAX_BYTES) {
        buffer_put(calls, answer);
        call_problem(call, PROBLEM_ANSWER_TOO_LARGE,
                     "the headers of request and answer together are longer than 36 KiB");
        answered(calls, instance, response, ended);
        return;
    }

    enum metrics_start start = call_start(call, instance);
    counters->invocations++;
    counters->starts[start]++;
    meter_call(instance, call, response->status, PROBLEM_NONE, NULL);
    /* The instance gets its next call before this answer is wrapped up and sent. */
    answered(calls, instance, response, ended);
    call_reply(call, response, headers, answer, metrics_start_words[start]);
}

static void answer_copied(struct calls *calls, struct instance *instance, struct copy *copy)
{
    answer_whole(calls, instance, copy->answer, &copy->response, copy->ended);
}

/* Elsewhere a length without its body would leave the caller waiting. */
static int length_check(const struct call *call, const struct response *response, struct err *err)
{
    if (response->outcome != CHANNEL_ANSWERED || !(response->flags & CHANNEL_LENGTH) ||
        response->status == 304 || strcmp(call->request->method, "HEAD") == 0)
        return 0;
    return err_say(err, -EBADMSG, "a length without a body answers neither HEAD nor is it a 304");
}

/* The answer to the instance's first call is in `slot`. `ended`: the instance is no more. */
static void answer_take(struct calls *calls, struct instance *instance, uint32_t slot, bool ended)
{
    struct call *call = (struct call *)instance->call_first;
    struct channel *channel = instance->port.channel;
    struct response response;
    struct err err = {0};

    instance->events_unused = 0;
    if (response_check(channel, slot, instance->function->facts.answer_bytes, &response, &err) <
            0 ||
        length_check(call, &response, &err) < 0) {
        output_drain(calls, instance, CHANNEL_LOG_BYTES);
        misbehaved(calls, instance, err.message);
        return;
    }
    /* What the instance wrote since then is of a call behind this one. */
    output_drain(calls, instance,
                 instance->call_count > 1 ? response.log_end - (uint32_t)instance->log_read
                                          : CHANNEL_LOG_BYTES);
    loop_timer_clear(calls->loop, &call->deadline);
    if (response.outcome != CHANNEL_ANSWERED) {
        port_pass(&instance->port);
        answer_failed(calls, instance, call, &response, ended);
        return;
    }

    size_t text_bytes = (size_t)response.head_bytes + response.body_bytes;
    struct buffer *answer = buffer_take(calls, ANSWER_TEXT + text_bytes);
    if (!answer) {
        port_pass(&instance->port);
        call_problem(call, PROBLEM_INTERNAL, "there is no memory for the answer");
        answered(calls, instance, &response, ended);
        return;
    }
    memcpy(answer->data, &calls, sizeof calls);
    if (text_bytes > CHANNEL_SMALL_BYTES)
        areas_used(calls, instance);
    if (text_bytes > COPY_PIECE_BYTES && !ended) {
        if (is_being_written(instance))
            copy_finish(calls, instance);
        const uint8_t *text =
            channel_response_text(channel, slot, response.head_bytes, response.body_bytes);
        struct copy *copy = copy_begin(calls, instance, answer->data + ANSWER_TEXT,
                                       (const char *)text, text_bytes, answer_copied);
        if (copy) {
            copy->answer = answer;
            copy->response = response;
            return;
        }
    }
    response_copy(channel, &response, answer->data + ANSWER_TEXT);
    answer_whole(calls, instance, answer, &response, ended);
}

/* What is left of an answer that is on its way out, at once. True when there was one. */
static bool answer_finish(struct calls *calls, struct instance *instance, bool ended)
{
    if (!is_being_read(instance))
        return false;
    instance->copy->ended = ended;
    copy_finish(calls, instance);
    return true;
}

/* Takes the answers that are there; false when there is none. What is given meanwhile waits for
 * calls_poll() to be told. */
static bool answers_take(struct calls *calls, struct instance *instance, bool ended)
{
    bool any = false;
    uint32_t slot;

    while (instance->call_first && !is_being_read(instance)) {
        int r = port_response(&instance->port, &slot);
        if (r == 0)
            break;
        if (r < 0)
            misbehaved(calls, instance, "it answers what was not asked");
        else
            answer_take(calls, instance, slot, ended);
        any = true;
    }
    return any;
}

void calls_poll(struct calls *calls)
{
    struct instance *next;

    /* All that came in this round is there before the first instance wakes: one wake serves many.
     */
    for (struct instance *instance = calls->polled; instance; instance = instance->polled_next)
        port_wake(&instance->port);
    if (calls->polled)
        loop_clock(calls->loop);
    for (struct instance *instance = calls->polled; instance; instance = next) {
        answers_take(calls, instance, false);
        next = instance->polled_next;
        if (!instance->call_first)
            polled_remove(calls, instance);
    }
}

bool calls_await(struct calls *calls)
{
    while (calls->polled) {
        struct instance *instance = calls->polled;
        port_wake(&instance->port);
        if (!port_wait_begin(&instance->port))
            return false;
        polled_remove(calls, instance);
    }
    return true;
}

static bool action_look(void *user, struct instance *instance)
{
    answers_take(user, instance, false);
    bool has_one = instance->call_count > (is_being_written(instance) ? 1u : 0u);
    return has_one && !is_being_read(instance) && port_begun(&instance->port);
}

static void on_instance(struct loop_watch *watch, uint32_t events)
{
    struct instance *instance =
        (struct instance *)((char *)watch - offsetof(struct instance, watch));
    struct calls *calls = instance->gateway;

    (void)events;
    loop_clock(calls->loop);
    bool answers = answers_take(calls, instance, false);
    if (instance->call_first)
        polled_add(calls, instance);
    if (answers || instance->state == INSTANCE_LEAVING)
        return;
    /* Late, of answers that were seen already; or an instance that only makes noise. */
    uint64_t before = instance->log_read;
    output_drain(calls, instance, CHANNEL_LOG_BYTES);
    if (instance->log_read - before < OUTPUT_WORTH_A_WAKE &&
        ++instance->events_unused > EVENTS_UNUSED_MAX)
        misbehaved(calls, instance, "it signals without an answer");
}

void call_deadline(struct loop_timer *timer)
{
    struct call *call = (struct call *)((char *)timer - offsetof(struct call, deadline));
    struct calls *calls = call->calls;
    const struct gateway_function *facts = &call->pool.function->facts;
    struct instance *instance = call->pool.instance;
    char detail[160];

    if (!instance) {
        snprintf(detail, sizeof detail, "no instance of '%s' was free within %u ms", facts->name,
                 facts->timeout_ms);
        pool_withdraw(calls->pool, &call->pool);
        call_problem(call, PROBLEM_TIMEOUT, detail);
        return;
    }
    bool answers = answer_finish(calls, instance, false);
    answers = answers_take(calls, instance, false) || answers;
    if (call->replied || call->pool.instance != instance)
        return;
    /* Its own time begins when those before it have ended. */
    if (answers || &call->pool != instance->call_first) {
        loop_timer_set(calls->loop, timer, loop_now(calls->loop) + facts->timeout_ms * 1000000ull);
        return;
    }
    int n = snprintf(detail, sizeof detail, "time limit %u ms reached", facts->timeout_ms);
    if (!is_being_written(instance) && (port_flags(&instance->port) & CHANNEL_PIDS_REFUSED))
        snprintf(detail + n, sizeof detail - (size_t)n, " (and pids limit %u)", facts->pids);
    output_drain(calls, instance, CHANNEL_LOG_BYTES);
    say_problem(calls, instance, detail);
    meter_call(instance, call, problem_status(PROBLEM_TIMEOUT), PROBLEM_TIMEOUT, NULL);
    call_problem(call, PROBLEM_TIMEOUT, detail);
    pool_stop(calls->pool, instance, GATEWAY_STOP_TIMEOUT);
}

/* ---- life of an instance ---- */

int calls_attach(struct calls *calls, struct instance *instance, int memory_fd, int event_fd,
                 struct err *err)
{
    _cleanup_(closep) int event = event_fd;
    struct stat status;
    int seals = fcntl(memory_fd, F_GET_SEALS);

    /* Its size can't change under us, so that no access ends in SIGBUS. */
    if (seals < 0 || (seals & (F_SEAL_SHRINK | F_SEAL_GROW)) != (F_SEAL_SHRINK | F_SEAL_GROW) ||
        fstat(memory_fd, &status) < 0 || status.st_size != CHANNEL_BYTES)
        return err_say(err, -EBADMSG,
                       "cannot attach an instance of '%s': its channel is not "
                       "sealed at its size",
                       instance->function->facts.name);
    void *channel = mmap(NULL, CHANNEL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, memory_fd, 0);
    if (channel == MAP_FAILED)
        return err_set(err, -errno, "cannot attach an instance of '%s'",
                       instance->function->facts.name);
    instance->watch = (struct loop_watch){.event = on_instance, .fd = event};
    int r = loop_add(calls->loop, &instance->watch, EPOLLIN | EPOLLET, err);
    if (r < 0) {
        munmap(channel, CHANNEL_BYTES);
        instance->watch.fd = -1;
        return r;
    }
    steal_fd(&event);
    port_open(&instance->port, channel);
    instance->gateway = calls;
    return 0;
}

static void action_release(void *user, struct instance *instance)
{
    struct calls *calls = user;

    if (instance->watch.fd >= 0) {
        loop_remove(calls->loop, &instance->watch);
        close(instance->watch.fd);
        instance->watch.fd = -1;
    }
    polled_remove(calls, instance);
    copy_cancel(calls, instance);
    loop_timer_clear(calls->loop, &instance->large_timer);
    if (instance->port.channel)
        munmap(instance->port.channel, CHANNEL_BYTES);
    instance->port.channel = NULL;
    meter_release(&instance->meter);
}

void calls_ended(struct calls *calls, struct instance *instance, const struct gateway_ended *ended)
{
    char detail[400] = "";
    enum problem_cause cause = PROBLEM_NONE;

    /* It may have answered with its last breath. */
    if (instance->port.channel) {
        answer_finish(calls, instance, true);
        answers_take(calls, instance, true);
        output_drain(calls, instance, CHANNEL_LOG_BYTES);
        /* What it had not begun is another's, unless it never was able to begin anything. */
        pool_take_back(calls->pool, instance, instance->answers > 0 ? 0 : 1);
        copy_cancel(calls, instance);
    }
    if (ended->end != GATEWAY_END_EXIT && ended->end != GATEWAY_END_KILLED &&
        ended->end != GATEWAY_END_NOT_STARTED) {
        cause = end_problem(ended, &instance->function->facts, detail, sizeof detail);
        say_problem(calls, instance, detail);
    }
    struct call *call;
    while ((call = (struct call *)pool_detach(instance))) {
        if (cause == PROBLEM_NONE)
            cause = end_problem(ended, &instance->function->facts, detail, sizeof detail);
        loop_clock(calls->loop);
        meter_call(instance, call, problem_status(cause), cause, ended);
        loop_timer_clear(calls->loop, &call->deadline);
        call_problem(call, cause, detail);
    }
    meter_ended(instance, ended);
    pool_ended(calls->pool, instance, ended);
}

static void action_start(void *user, struct instance *instance)
{
    struct calls *calls = user;
    struct gateway_start start = {
        .type = GATEWAY_START,
        .function_id = instance->function->facts.function_id,
        .token = instance->token,
    };

    link_send(&calls->supervisor, &start, sizeof start, -1);
}

static void action_stop(void *user, struct instance *instance, enum gateway_stop_reason reason)
{
    struct calls *calls = user;
    struct gateway_stop stop = {
        .type = GATEWAY_STOP,
        .reason = reason,
        .token = instance->token,
    };

    copy_cancel(calls, instance);
    link_send(&calls->supervisor, &stop, sizeof stop, -1);
}

static void action_ground(void *user, struct instance *instance, bool background)
{
    struct calls *calls = user;
    struct gateway_ground ground = {
        .type = GATEWAY_GROUND,
        .background = background,
        .token = instance->token,
    };

    link_send(&calls->supervisor, &ground, sizeof ground, -1);
}

/* Its connection is set aside while it waits: libmicrohttpd does not see its end. */
static bool action_gone(void *user, struct pool_call *pool_call)
{
    (void)user;
    return http_peer_closed(((struct call *)pool_call)->request);
}

static void action_fail(void *user, struct pool_call *pool_call, enum problem_cause cause,
                        const char *detail)
{
    struct calls *calls = user;
    struct call *call = (struct call *)pool_call;

    loop_timer_clear(calls->loop, &call->deadline);
    call->submitted = false;
    call_problem(call, cause, detail);
}

const struct pool_actions calls_actions = {
    .start = action_start,
    .stop = action_stop,
    .ground = action_ground,
    .give = action_give,
    .take_back = action_take_back,
    .look = action_look,
    .gone = action_gone,
    .fail = action_fail,
    .release = action_release,
};
