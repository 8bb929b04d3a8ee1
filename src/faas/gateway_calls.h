/* The calls gateway's own: shared by gateway_calls.c, _buffers.c, _copy.c, _request.c, _serve.c,
 * _output.c and their like. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "faas/gateway_channel.h"
#include "faas/gateway_copy.h"
#include "faas/gateway_http.h"
#include "faas/gateway_link.h"
#include "faas/gateway_loop.h"
#include "faas/gateway_pool.h"
#include "faas/metrics.h"
#include "faas/problem.h"
#include "faas/trace.h"

struct err;

/* Memory for a body or an answer. Small ones go back to a list and are used again. */
struct buffer {
    struct buffer *next;
    size_t capacity;
    size_t bytes;
    char data[];
};

#define BUFFER_SMALL (CHANNEL_SMALL_BYTES)
/* From this size on memory is the kernel's pages (malloc's threshold for mmap), and kept a while.
 */
#define BUFFER_LARGE (256u << 10)
/* Of bodies that are being received or wait, all together. */
#define BODIES_MAX_BYTES (512u << 20)

/* Of a request's head and its answer's together: what a connection's memory has room for. */
#define HEADS_MAX_BYTES (36u << 10)

/* One request on the public port, from its head until it is over. */
struct call {
    struct pool_call pool; /* first */
    struct call *next;     /* while it is spare */
    struct calls *calls;
    struct http_request *request;
    struct buffer *body;
    size_t body_limit;
    size_t head_bytes; /* of the request, about */
    struct loop_timer deadline;
    bool submitted; /* it waits in the pool or runs */
    bool replied;
    bool came_idle; /* an instance was idle when it came */
    char id[REQUEST_ID_TEXT];
    char trace[TRACE_TEXT]; /* traceparent: the caller's, else a new one */
    bool trace_made;        /* it is ours: the caller's tracestate belongs to no trace */
    bool metered;           /* an instance had it, and it was counted there */
};

struct calls {
    struct loop *loop;
    struct pool *pool;
    struct http_server *http;
    struct link supervisor, telemetry;
    bool ready, draining, ended;
    bool log_calls; /* a line of the log for each call */
    struct gateway_counters counters;
    struct instance *polled; /* busy instances whose channels are looked at in each round */
    uint64_t log_rate;       /* bytes a second of a function's output; 0: all */

    struct call *spare_calls;
    struct buffer *spare_buffers;
    size_t spare_buffer_count;
    size_t body_bytes;            /* in buffers that are not small */
    struct buffer *large_buffers; /* that wait for the next large body */
    size_t large_bytes;
    bool large_used;               /* one of them since the timer was set */
    struct loop_timer large_timer; /* when they are given back */
    struct copy *copies;           /* under way; the next one that has its turn */

    uint8_t random[4096]; /* a batch for request ids */
    size_t random_used;

    char head[REQUEST_HEAD_MAX_BYTES]; /* being gathered for a channel */
    char log[CHANNEL_LOG_BYTES];
};

/* gateway_buffers.c: NULL is fine for buffer_put(). */
struct buffer *buffer_take(struct calls *calls, size_t capacity);
void buffer_put(struct calls *calls, struct buffer *buffer);

/* gateway_request.c: from HTTP to the pool. */
extern const struct http_callbacks calls_http;
extern const char calls_prefix[]; /* "/function/" */
void call_problem(struct call *call, enum problem_cause cause, const char *detail);
/* Writes the head that the function sees into calls->head; its length, or 0 when it is too long. */
size_t call_head(struct call *call, uint32_t *ret_header_count);

/* gateway_serve.c: from the pool to an instance and back. */
extern const struct pool_actions calls_actions;
int calls_attach(struct calls *calls, struct instance *instance, int memory_fd, int event_fd,
                 struct err *err);
void calls_ended(struct calls *calls, struct instance *instance, const struct gateway_ended *ended);
/* Takes the answers that are there, without a system call. */
void calls_poll(struct calls *calls);
/* Before the loop sleeps: every busy instance is to wake it. False: there is an answer already. */
bool calls_await(struct calls *calls);
void call_deadline(struct loop_timer *timer);
/* How the instance came to the call. */
enum metrics_start call_start(const struct call *call, const struct instance *instance);

/* gateway_answer.c: `answer` begins with a pointer to calls, behind which is head and body. */
#define ANSWER_TEXT sizeof(struct calls *)
void call_reply(struct call *call, const struct response *response,
                const struct response_header *headers, struct buffer *answer, const char *start);

/* gateway_outcome.c: why a call has no answer; `detail` says it to its caller. */

/* As its guest says itself. */
enum problem_cause outcome_problem(const struct response *response,
                                   const struct gateway_function *facts, char *detail, size_t size);
/* Because its instance is no more. */
enum problem_cause end_problem(const struct gateway_ended *ended,
                               const struct gateway_function *facts, char *detail, size_t size);

/* gateway_output.c: output and counters to the admin gateway. */
void output_drain(struct calls *calls, struct instance *instance, uint32_t most);
/* One line in the function's log that the gateway says itself. */
void output_say(struct calls *calls, const struct instance *instance, const char *line);
/* Milliseconds since 1970. */
uint64_t output_clock_ms(void);
int output_open(struct calls *calls, int fd, struct err *err);
