/* The functions of the fake supervisor that do what they should, more or less; and their limits. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fake_instance.h"

uint32_t slot_of(const struct channel *channel, uint32_t sequence)
{
    return channel->order[sequence % CHANNEL_SLOTS];
}

struct channel_response *response_of(struct channel *channel, uint32_t sequence)
{
    return &channel->slots[slot_of(channel, sequence)].response;
}

void publish(struct channel *channel, int event_fd, uint32_t sequence)
{
    uint64_t one = 1;

    atomic_store_explicit(&channel->response_sequence, sequence, memory_order_release);
    if (write(event_fd, &one, sizeof one) < 0)
        _exit(1);
}

void answer(struct channel *channel, int event_fd, uint32_t sequence, const char *head,
            uint32_t head_bytes, uint32_t headers, const void *body, uint32_t body_bytes)
{
    struct channel_response *response = response_of(channel, sequence);

    *response = (struct channel_response){.flags = response->flags & CHANNEL_FINISHED};
    response->head_bytes = head_bytes;
    response->body_bytes = body_bytes;
    response->header_count = headers;
    uint8_t *text =
        channel_response_text(channel, slot_of(channel, sequence), head_bytes, body_bytes);
    memcpy(text, head, head_bytes);
    memmove(text + head_bytes, body, body_bytes);
    publish(channel, event_fd, sequence);
}

static void fail(struct channel *channel, int event_fd, uint32_t sequence, uint32_t outcome,
                 uint32_t flags, const char *message)
{
    uint32_t bytes = (uint32_t)strlen(message);

    *response_of(channel, sequence) =
        (struct channel_response){.outcome = outcome, .flags = flags, .head_bytes = bytes};
    memcpy(channel_response_text(channel, slot_of(channel, sequence), bytes, 0), message, bytes);
    publish(channel, event_fd, sequence);
}

static const char plain[] = "content-type\0text/plain";

/* The body comes back. */
static void serve_echo(struct channel *channel, int event_fd, uint32_t sequence)
{
    uint32_t slot = slot_of(channel, sequence);
    const struct channel_request *request = &channel->slots[slot].request;
    const uint8_t *text =
        channel_request_text(channel, slot, request->head_bytes, request->body_bytes);

    answer(channel, event_fd, sequence, plain, sizeof plain, 1, text + request->head_bytes,
           request->body_bytes);
}

/* The head comes back as the body, a string a line. */
static void serve_head(struct channel *channel, int event_fd, uint32_t sequence)
{
    uint32_t slot = slot_of(channel, sequence);
    const struct channel_request *request = &channel->slots[slot].request;
    const uint8_t *text =
        channel_request_text(channel, slot, request->head_bytes, request->body_bytes);
    char *body = malloc(request->head_bytes);

    for (uint32_t i = 0; i < request->head_bytes; i++)
        body[i] = text[i] ? (char)text[i] : '\n';
    answer(channel, event_fd, sequence, plain, sizeof plain, 1, body, request->head_bytes);
    free(body);
}

static void serve_log(struct channel *channel, int event_fd, uint32_t sequence)
{
    static const char line[] = "a line of output\n\x1b[2Jhidden\n";
    uint64_t written = atomic_load(&channel->log_written);

    for (size_t i = 0; i < sizeof line - 1; i++)
        ((char *)channel + CHANNEL_LOG)[(written + i) % CHANNEL_LOG_BYTES] = line[i];
    atomic_store(&channel->log_written, written + sizeof line - 1);
    serve_echo(channel, event_fd, sequence);
}

static void serve_sleep(struct channel *channel, int event_fd, uint32_t sequence)
{
    usleep(200000);
    answer(channel, event_fd, sequence, plain, sizeof plain, 1, "slept\n", 6);
}

static void serve_hang(struct channel *channel, int event_fd, uint32_t sequence)
{
    (void)channel, (void)event_fd, (void)sequence;
    for (;;)
        pause();
}

static void serve_crash(struct channel *channel, int event_fd, uint32_t sequence)
{
    (void)channel, (void)event_fd, (void)sequence;
    signal(SIGSEGV, SIG_DFL);
    kill(getpid(), SIGSEGV);
}

static void serve_exit(struct channel *channel, int event_fd, uint32_t sequence)
{
    *response_of(channel, sequence) =
        (struct channel_response){.outcome = CHANNEL_EXITED, .code = 3};
    publish(channel, event_fd, sequence);
}

static void serve_fail(struct channel *channel, int event_fd, uint32_t sequence)
{
    *response_of(channel, sequence) =
        (struct channel_response){.outcome = CHANNEL_FAILED, .code = -5};
    publish(channel, event_fd, sequence);
}

static void serve_trap(struct channel *channel, int event_fd, uint32_t sequence)
{
    fail(channel, event_fd, sequence, CHANNEL_TRAPPED, 0, "trap in f: out of bounds memory access");
}

static void serve_memory(struct channel *channel, int event_fd, uint32_t sequence)
{
    fail(channel, event_fd, sequence, CHANNEL_TRAPPED, CHANNEL_MEMORY_REFUSED, "trap in f: x");
}

static void serve_large(struct channel *channel, int event_fd, uint32_t sequence)
{
    *response_of(channel, sequence) = (struct channel_response){.outcome = CHANNEL_TOO_LARGE};
    publish(channel, event_fd, sequence);
}

/* Headers of 30,000 bytes. */
static void serve_headers(struct channel *channel, int event_fd, uint32_t sequence)
{
    static char head[30000];
    char *at = head;

    for (int i = 0; i < 30; i++) {
        at += sprintf(at, "x-%02d", i) + 1;
        memset(at, 'v', 994);
        at += 995;
    }
    answer(channel, event_fd, sequence, head, (uint32_t)(at - head), 30, "x", 1);
}

/* Answers with its pid, which shows whether another call was served by the same instance. */
static void serve_pid(struct channel *channel, int event_fd, uint32_t sequence)
{
    char text[32];
    int n = snprintf(text, sizeof text, "%d\n", (int)getpid());

    answer(channel, event_fd, sequence, plain, sizeof plain, 1, text, (uint32_t)n);
}

static const struct gateway_function limits = {
    .type = GATEWAY_FUNCTION,
    .generation = 1,
    .timeout_ms = 2000,
    .request_bytes = 6u << 20,
    .answer_bytes = 6u << 20,
    .instances_max = 4,
    .queue_max = 256,
    .idle_ms = 60000,
    .memory_bytes = 64u << 20,
};

/* Facts that are 0 are as in `limits`. */
struct fake_function functions[FAKE_FUNCTIONS_MAX] = {
    {"echo", serve_echo, {0}},
    {"head", serve_head, {0}},
    {"log", serve_log, {0}},
    {"sleep", serve_sleep, {.instances_max = 1, .queue_max = 2}},
    {"hang", serve_hang, {.timeout_ms = 300}},
    {"crash", serve_crash, {0}},
    {"exit", serve_exit, {0}},
    {"fail", serve_fail, {0}},
    {"trap", serve_trap, {0}},
    {"memory", serve_memory, {0}},
    {"large", serve_large, {0}},
    {"headers", serve_headers, {0}},
    {"small", serve_echo, {.request_bytes = 1000}},
    {"once", serve_pid, {.per_request = 1}},
    {"spare", serve_pid, {.per_request = 1, .spares = 2}},
    {"pid", serve_pid, {.instances_max = 1}},
    {"quick", serve_pid, {.instances_max = 1, .idle_ms = 200}},
    {"unborn", NULL, {0}},
    {"unsealed", serve_echo, {0}},
};

uint32_t function_count;

void functions_fill(void)
{
    while (functions[function_count].name)
        function_count++;
    for (size_t i = 0; i < fake_liar_count; i++)
        functions[function_count++] = (struct fake_function){
            .name = fake_liars[i].name, .serve = fake_liars[i].serve, .facts.instances_max = 1};
    for (uint32_t i = 0; i < function_count; i++) {
        struct gateway_function own = functions[i].facts;
        struct gateway_function *facts = &functions[i].facts;
        *facts = limits;
        facts->function_id = i + 1;
        strcpy(facts->name, functions[i].name);
        facts->per_request = own.per_request;
        facts->spares = own.spares;
        if (own.instances_max)
            facts->instances_max = own.instances_max;
        if (own.queue_max)
            facts->queue_max = own.queue_max;
        if (own.timeout_ms)
            facts->timeout_ms = own.timeout_ms;
        if (own.request_bytes)
            facts->request_bytes = own.request_bytes;
        if (own.idle_ms)
            facts->idle_ms = own.idle_ms;
    }
}
