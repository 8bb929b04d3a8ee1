/*
 * From the pool to an instance and back: the warm path.
 *
 * A warm call, as long as an instance is idle or the call waits for one, costs
 *   - system calls: recv (and one more that finds nothing), epoll_ctl (MHD sets the connection
 *     aside), futex (the instance wakes), sendmsg, epoll_ctl (MHD watches the connection again),
 * and shared among all that came together: two epoll_wait. None for the answer's arrival: the
 *     eventfd is edge-triggered and never read.
 *   - copies: head and body into the channel, head and body out of it; for a body, one more from
 *     the connection, so that a slow caller holds memory but no instance.
 *   - no memory of ours from malloc: calls, requests and buffers come from free lists (MHD
 *     allocates its response and that one's headers), no JSON, no lock, no log line.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "faas/gateway_calls.h"

/* Wakes without an answer that an instance may cause between two answers. */
#define EVENTS_UNUSED_MAX 256
/* Output that makes such a wake worth while: a quarter of the ring. */
#define OUTPUT_WORTH_A_WAKE (CHANNEL_LOG_BYTES / 4)

/* ---- to the instance ---- */

static void action_give(void *user, struct pool_call *pool_call, struct instance *instance)
{
    struct calls *calls = user;
    struct call *call = (struct call *)pool_call;
    struct channel *channel = instance->channel;
    const struct gateway_function *facts = &instance->function->facts;
    uint32_t header_count;
    uint32_t head_bytes = (uint32_t)call_head(call, &header_count);
    uint32_t body_bytes = call->body ? (uint32_t)call->body->bytes : 0;

    /* The head was measured when it came; were it too long now, the call would be answered by its
     * deadline, as one that an instance does not answer. */
    if (head_bytes > 0) {
        uint8_t *text = channel_request_text(channel, head_bytes, body_bytes);
        memcpy(text, calls->head, head_bytes);
        if (body_bytes > 0)
            memcpy(text + head_bytes, call->body->data, body_bytes);
        if (head_bytes + body_bytes > CHANNEL_SMALL_BYTES)
            instance->large_touched = true;
        channel->request = (struct channel_request){
            .head_bytes = head_bytes,
            .body_bytes = body_bytes,
            .header_count = header_count,
            .answer_max = facts->answer_bytes,
            .remaining_ms = facts->timeout_ms,
        };
        instance->sequence++;
        instance->events_unused = 0;
        /* Release: pairs with the guest's acquire load of request_sequence. */
        atomic_store_explicit(&channel->request_sequence, instance->sequence, memory_order_release);
        syscall(SYS_futex, &channel->request_sequence, FUTEX_WAKE, 1, NULL, NULL, 0);
    }
    loop_timer_set(calls->loop, &call->deadline,
                   loop_now(calls->loop) + facts->timeout_ms * 1000000ull);
}

/* ---- from the instance ---- */

static void answer_release(void *owner)
{
    struct buffer *buffer = owner;
    struct calls *calls;

    memcpy(&calls, buffer->data, sizeof calls);
    buffer_put(calls, buffer);
}

/* Text of an answer starts behind the pointer that answer_release() needs. */
#define ANSWER_TEXT sizeof(struct calls *)

enum metrics_start call_start(const struct call *call, const struct instance *instance)
{
    if (instance->calls > 1 || call->came_idle)
        return METRICS_WARM;
    return instance->start_kind == GATEWAY_COLD_TEMPLATE ? METRICS_COLD : METRICS_FORK;
}

/* Memory limits as people write them. */
static void memory_text(char *text, size_t size, uint64_t bytes)
{
    if (bytes >= 1 << 20 && bytes % (1 << 20) == 0)
        snprintf(text, size, "memory limit %llu MiB reached", (unsigned long long)(bytes >> 20));
    else
        snprintf(text, size, "memory limit %llu KiB reached", (unsigned long long)(bytes >> 10));
}

/* A call whose guest says itself that it has no answer. */
static enum problem_cause outcome_problem(const struct response *response,
                                          const struct gateway_function *facts, char *detail,
                                          size_t size)
{
    if ((response->flags & CHANNEL_MEMORY_REFUSED) && response->outcome != CHANNEL_TOO_LARGE &&
        response->outcome != CHANNEL_BROKEN && response->outcome != CHANNEL_IMPROPER) {
        memory_text(detail, size, facts->memory_bytes);
        return PROBLEM_MEMORY;
    }
    switch (response->outcome) {
    case CHANNEL_FAILED:
        snprintf(detail, size, "the handler returned %d", response->code);
        return PROBLEM_FAILED;
    case CHANNEL_EXITED:
        snprintf(detail, size, "exit status %d", response->code);
        return PROBLEM_EXIT;
    case CHANNEL_TRAPPED:
        snprintf(detail, size, "%s%s",
                 strncmp(response->message, "trap", 4) == 0 ? "" : "trap: ", response->message);
        return PROBLEM_TRAP;
    case CHANNEL_TOO_LARGE:
        snprintf(detail, size, "the answer is longer than %u bytes", facts->answer_bytes);
        return PROBLEM_ANSWER_TOO_LARGE;
    case CHANNEL_IMPROPER:
        snprintf(detail, size, "the answer is not proper: %s", response->message);
        return PROBLEM_BAD_ANSWER;
    default:
        snprintf(detail, size, "the function could not be set up: %s", response->message);
        return PROBLEM_START;
    }
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
    struct call *call = (struct call *)instance->call;
    char detail[400];

    snprintf(detail, sizeof detail, "the answer is not proper: %.300s", why);
    calls->counters.instances_misbehaved++;
    say_problem(calls, instance, detail);
    pool_stop(calls->pool, instance, GATEWAY_STOP_MISBEHAVED);
    if (call) {
        meter_call(instance, call, problem_status(PROBLEM_BAD_ANSWER), PROBLEM_BAD_ANSWER, NULL);
        loop_timer_clear(calls->loop, &call->deadline);
        call_problem(call, PROBLEM_BAD_ANSWER, detail);
    }
}

void call_reply(struct call *call, const struct response *response,
                const struct response_header *headers, struct buffer *answer, const char *start)
{
    struct http_header list[REQUEST_HEADERS_MAX + 4];
    size_t count = 0;
    bool typed = false;

    for (uint32_t i = 0; i < response->header_count; i++) {
        /* Said by the gateway only, whatever the function says; an empty value says nothing, and
         * MHD takes none. */
        if (headers[i].value[0] == '\0' || strcasecmp(headers[i].name, "x-request-id") == 0 ||
            strcasecmp(headers[i].name, "traceparent") == 0 ||
            strcasecmp(headers[i].name, "x-vireo-start") == 0)
            continue;
        typed = typed || strcasecmp(headers[i].name, "content-type") == 0;
        list[count++] = (struct http_header){headers[i].name, headers[i].value};
    }
    if (!typed && response->body_bytes > 0)
        list[count++] = (struct http_header){"Content-Type", "application/octet-stream"};
    list[count++] = (struct http_header){"X-Request-Id", call->id};
    list[count++] = (struct http_header){"traceparent", call->trace};
    list[count++] = (struct http_header){"X-Vireo-Start", start};

    struct http_reply reply = {
        .status = response->status,
        .headers = list,
        .header_count = count,
        .body = answer->data + ANSWER_TEXT + response->head_bytes,
        .body_bytes = response->body_bytes,
        .release = answer_release,
        .owner = answer,
    };
    call->replied = true;
    http_reply(call->request, &reply);
}

/* What the instance's large areas held is given back to the kernel, so that memory does not stay
 * as large as the largest call that ever was. Not between calls that follow each other at once. */
static void areas_give_back(struct instance *instance)
{
    if (!instance->large_touched)
        return;
    madvise((char *)instance->channel + CHANNEL_LARGE_REQUEST,
            CHANNEL_BYTES - CHANNEL_LARGE_REQUEST, MADV_REMOVE);
    instance->large_touched = false;
}

/* The call leaves the instance, which takes the next or is let go. */
static void answered(struct calls *calls, struct instance *instance,
                     const struct response *response, bool ended)
{
    bool again;

    if (response->outcome == CHANNEL_TRAPPED || response->outcome == CHANNEL_BROKEN) {
        /* A trap leaves the module's memory in the middle of something: a new instance is cheap. */
        if (ended || (response->flags & CHANNEL_FINISHED)) {
            pool_answered(calls->pool, instance, true);
        } else {
            pool_stop(calls->pool, instance, GATEWAY_STOP_DONE);
        }
        return;
    }
    again = pool_answered(calls->pool, instance, ended || (response->flags & CHANNEL_FINISHED));
    if (!again && instance->state == INSTANCE_IDLE)
        areas_give_back(instance);
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

/* An answer is there. `ended`: the instance that gave it is no more. */
static void answer_take(struct calls *calls, struct instance *instance, bool ended)
{
    struct call *call = (struct call *)instance->call;
    struct function_counters *counters = &instance->function->counters;
    struct response response;
    struct response_header headers[REQUEST_HEADERS_MAX];
    struct err err = {0};

    output_drain(calls, instance);
    if (response_check(instance->channel, instance->function->facts.answer_bytes, &response, &err) <
        0) {
        misbehaved(calls, instance, err.message);
        return;
    }
    loop_timer_clear(calls->loop, &call->deadline);
    if (response.outcome != CHANNEL_ANSWERED) {
        answer_failed(calls, instance, call, &response, ended);
        return;
    }

    size_t text_bytes = (size_t)response.head_bytes + response.body_bytes;
    struct buffer *answer = buffer_take(calls, ANSWER_TEXT + text_bytes);
    if (!answer) {
        call_problem(call, PROBLEM_INTERNAL, "there is no memory for the answer");
        answered(calls, instance, &response, ended);
        return;
    }
    memcpy(answer->data, &calls, sizeof calls);
    response_copy(instance->channel, &response, answer->data + ANSWER_TEXT);
    if (text_bytes > CHANNEL_SMALL_BYTES)
        instance->large_touched = true;
    if (response_headers(answer->data + ANSWER_TEXT, &response, headers, &err) < 0) {
        buffer_put(calls, answer);
        misbehaved(calls, instance, err.message);
        return;
    }

    if (response.head_bytes + call->head_bytes > HEADS_MAX_BYTES) {
        buffer_put(calls, answer);
        call_problem(call, PROBLEM_ANSWER_TOO_LARGE,
                     "the headers of request and answer together are longer than 36 KiB");
        answered(calls, instance, &response, ended);
        return;
    }

    enum metrics_start start = call_start(call, instance);
    counters->invocations++;
    counters->starts[start]++;
    meter_call(instance, call, response.status, PROBLEM_NONE, NULL);
    /* The instance gets its next call before this answer is wrapped up and sent. */
    answered(calls, instance, &response, ended);
    call_reply(call, &response, headers, answer, metrics_start_words[start]);
}

static bool answer_is_there(const struct instance *instance)
{
    /* Acquire: pairs with the guest's release store after it has written the response. */
    return instance->state == INSTANCE_BUSY &&
           atomic_load_explicit(&instance->channel->response_sequence, memory_order_acquire) ==
               instance->sequence;
}

static void on_instance(struct loop_watch *watch, uint32_t events)
{
    struct instance *instance =
        (struct instance *)((char *)watch - offsetof(struct instance, watch));
    struct calls *calls = instance->gateway;

    (void)events;
    if (answer_is_there(instance)) {
        loop_clock(calls->loop);
        answer_take(calls, instance, false);
        return;
    }
    if (instance->state == INSTANCE_LEAVING)
        return;
    /* Nothing new: a late wake of an answer seen already, or an instance that only makes noise. */
    uint64_t before = instance->log_read;
    output_drain(calls, instance);
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
    if (answer_is_there(instance)) {
        answer_take(calls, instance, false);
        return;
    }
    snprintf(detail, sizeof detail, "time limit %u ms reached", facts->timeout_ms);
    output_drain(calls, instance);
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
    instance->channel = channel;
    instance->gateway = calls;
    instance->sequence =
        atomic_load_explicit(&instance->channel->request_sequence, memory_order_relaxed);
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
    if (instance->channel)
        munmap(instance->channel, CHANNEL_BYTES);
    instance->channel = NULL;
    meter_release(&instance->meter);
}

static enum problem_cause end_problem(const struct gateway_ended *ended,
                                      const struct gateway_function *facts, char *detail,
                                      size_t size)
{
    int status = ended->status;
    const char *signal_name = WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : NULL;
    int message_bytes = (int)strnlen(ended->message, sizeof ended->message);

    switch (ended->end) {
    case GATEWAY_END_MEMORY:
        memory_text(detail, size, facts->memory_bytes);
        return PROBLEM_MEMORY;
    case GATEWAY_END_PIDS:
        snprintf(detail, size, "%.*s", message_bytes > 0 ? message_bytes : 64,
                 message_bytes > 0 ? ended->message : "pids limit reached");
        return PROBLEM_PIDS;
    case GATEWAY_END_SYSCALL:
        snprintf(detail, size, "system call refused%s%.*s", message_bytes > 0 ? ": " : "",
                 message_bytes, ended->message);
        return PROBLEM_SYSCALL;
    case GATEWAY_END_EXIT:
        snprintf(detail, size, "it ended without an answer, exit status %d",
                 WIFEXITED(status) ? WEXITSTATUS(status) : 0);
        return PROBLEM_EXIT;
    default:
        if (signal_name)
            snprintf(detail, size, "crashed: signal %d (SIG%s)", WTERMSIG(status), signal_name);
        else
            snprintf(detail, size, "crashed: %.*s", message_bytes > 0 ? message_bytes : 16,
                     message_bytes > 0 ? ended->message : "it was ended");
        return PROBLEM_CRASH;
    }
}

void calls_ended(struct calls *calls, struct instance *instance, const struct gateway_ended *ended)
{
    char detail[400] = "";
    enum problem_cause cause = PROBLEM_NONE;

    /* It may have answered with its last breath. */
    if (instance->channel && answer_is_there(instance))
        answer_take(calls, instance, true);
    if (instance->channel)
        output_drain(calls, instance);
    if (ended->end != GATEWAY_END_EXIT && ended->end != GATEWAY_END_KILLED &&
        ended->end != GATEWAY_END_NOT_STARTED) {
        cause = end_problem(ended, &instance->function->facts, detail, sizeof detail);
        say_problem(calls, instance, detail);
    }
    struct call *call = (struct call *)instance->call;
    if (call) {
        if (cause == PROBLEM_NONE)
            cause = end_problem(ended, &instance->function->facts, detail, sizeof detail);
        loop_clock(calls->loop);
        meter_call(instance, call, problem_status(cause), cause, ended);
        loop_timer_clear(calls->loop, &call->deadline);
        call->pool.instance = NULL;
        instance->call = NULL;
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

    link_send(&calls->supervisor, &stop, sizeof stop, -1);
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
    .give = action_give,
    .fail = action_fail,
    .release = action_release,
};
