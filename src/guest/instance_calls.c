/*
 * What an instance does once it is one: it serves calls from its channel, or runs once on its
 * standard streams. The guest's code is entered here.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "guest/bpf.h"
#include "guest/call.h"
#include "guest/cgi.h"
#include "guest/channel.h"
#include "guest/instance.h"
#include "guest/instance_calls.h"
#include "guest/linker.h"
#include "guest/native.h"
#include "guest/native_stdio.h"
#include "guest/signals.h"
#include "guest/update_point.h"
#include "guest/wait.h"
#include "guest/wasi.h"
#include "guest/wasm_internal.h"
#include "guest/wasm_runtime.h"

/*
 * An instance serves one call at a time; these are big and must not be on a stack. Each begins a
 * page, of which it rarely needs a second, so that the small variables of the program lie together:
 * each page that is written is another one in each instance.
 */
#define OWN_PAGES __attribute__((aligned(4096)))
static OWN_PAGES struct guest_call call;
static OWN_PAGES struct cgi_environment environment;
static OWN_PAGES char request_head[REQUEST_HEAD_MAX_BYTES + 1];

bool instance_is_handler(const struct template_state *state)
{
    const struct library_face *face = library_face(state->library);

    return face->handle || face->native_handler;
}

/* ---- the guest's code ---- */

static void enter_start(void *argument)
{
    struct host *host = argument;

    library_face(host->library)->start(host->instance);
}

struct handler_call {
    struct host *host;
    const struct native_buffers *buffers;
    const uint8_t *body;
    uint32_t body_bytes;
    uint32_t answer_max;
    int64_t result;
    uint32_t answer_at;
    int error; /* -errno: the request did not fit the instance's memory */
};

static void enter_native_handler(void *argument)
{
    struct handler_call *handler = argument;
    const struct native_buffers *buffers = handler->buffers;

    if (handler->body != buffers->in)
        memcpy(buffers->in, handler->body, handler->body_bytes);
    native_call_begins();
    handler->result =
        library_face(handler->host->library)
            ->native_handler(buffers->in, handler->body_bytes, buffers->out, handler->answer_max);
    native_stdio_flush();
    native_call_ends();
}

/* Where the answer of a handler is that said it has some bytes; NULL: not in its memory. */
static const uint8_t *handler_answer(const struct handler_call *handler)
{
    if (library_is_native(library_face(handler->host->library)))
        return handler->buffers->out; /* run_handler() saw that it is not longer */
    return host_memory(handler->host, handler->answer_at, (uint64_t)handler->result);
}

static void enter_handler(void *argument)
{
    struct handler_call *handler = argument;
    struct host *host = handler->host;
    const struct library_face *face = library_face(host->library);

    uint32_t at = face->request_buffer(host->instance, handler->body_bytes);
    void *buffer = at ? host_memory(host, at, handler->body_bytes) : NULL;
    if (!buffer) {
        handler->error = -ENOMEM;
        return;
    }
    memcpy(buffer, handler->body, handler->body_bytes);
    handler->result =
        (int64_t)face->handle(host->instance, handler->body_bytes, handler->answer_max);
    if (handler->result > 0)
        handler->answer_at = face->answer_buffer(host->instance);
}

/* The instance of this call: the template's, or a new one. */
static bool open_instance(struct template_state *state, struct err *err)
{
    struct host *host = &state->host;

    if (!state->instantiated && wasm_instance_open(state->library, host, err) < 0)
        return false;
    state->instantiated = true;
    if (!state->initialized && wasm_instance_initialize(host) != HOST_RETURNED)
        return false;
    state->initialized = true;
    return true;
}

static void close_instance(struct template_state *state)
{
    if (state->instantiated)
        wasm_instance_close(&state->host);
    bpf_reset(&state->host);
    wasi_reset(state->wasi);
    family_forget_places(state->host.family);
    signals_reset(&state->host);
    state->instantiated = state->initialized = false;
}

/* What a finished call is to the host. */
struct verdict {
    enum channel_outcome outcome;
    int32_t code;
    bool broken; /* the instance must not serve again */
    char message[256];
};

static void verdict_of_exit(const struct host *host, enum host_exit exit, struct verdict *verdict)
{
    switch (exit) {
    case HOST_RUNNING:
    case HOST_RETURNED:
    case HOST_UPDATED: /* run_command() goes on */
        verdict->outcome = CHANNEL_ANSWERED;
        return;
    case HOST_EXITED:
        verdict->outcome = host->exit_status == 0 ? CHANNEL_ANSWERED : CHANNEL_EXITED;
        verdict->code = (int32_t)host->exit_status;
        return;
    case HOST_TOO_LARGE:
        verdict->outcome = CHANNEL_TOO_LARGE;
        return;
    case HOST_TRAPPED:
        break;
    }
    verdict->outcome = CHANNEL_TRAPPED;
    verdict->broken = true;
    if (host->trap_function[0])
        snprintf(verdict->message, sizeof verdict->message, "trap in '%s': %s", host->trap_function,
                 host->trap);
    else
        snprintf(verdict->message, sizeof verdict->message, "trap: %s", host->trap);
}

static void run_handler(struct template_state *state, const uint8_t *body, uint32_t body_bytes,
                        uint32_t answer_max, struct handler_call *handler, struct verdict *verdict)
{
    struct host *host = &state->host;

    *handler = (struct handler_call){.host = host,
                                     .buffers = &state->buffers,
                                     .body = body,
                                     .body_bytes = body_bytes,
                                     .answer_max = answer_max};
    bool native = library_is_native(library_face(state->library));
    enum host_exit exit = wasm_enter(host, native ? enter_native_handler : enter_handler, handler);
    verdict_of_exit(host, exit, verdict);
    if (exit == HOST_EXITED)
        verdict->broken = true; /* exit() ran its destructors */
    if (verdict->outcome != CHANNEL_ANSWERED || exit == HOST_EXITED)
        return;
    if (handler->error) {
        verdict->outcome = CHANNEL_FAILED;
        host->memory_refused = true;
        verdict->code = handler->error;
    } else if (handler->result < 0) {
        verdict->outcome = CHANNEL_FAILED;
        verdict->code = handler->result < INT32_MIN ? INT32_MIN : (int32_t)handler->result;
    } else if (handler->result > answer_max) {
        verdict->outcome = CHANNEL_TOO_LARGE;
    }
}

/* A handler keeps its instance from call to call. */
static void serve_handler(struct template_state *state, struct verdict *verdict)
{
    struct handler_call handler;

    run_handler(state, call.body, call.body_bytes, call.answer_max, &handler, verdict);
    if (verdict->outcome != CHANNEL_ANSWERED || handler.result <= 0)
        return;
    call.answer = (uint8_t *)(uintptr_t)handler_answer(&handler);
    call.answer_bytes = (uint32_t)handler.result;
    if (!call.answer) {
        call.answer_bytes = 0;
        verdict->outcome = CHANNEL_BROKEN;
        verdict->broken = true;
        snprintf(verdict->message, sizeof verdict->message, "answer outside of memory");
    }
}

/* A command gets a fresh instance for each call: what native code has written to is this process's.
 */
static void serve_command(struct template_state *state, uint8_t *answer, struct verdict *verdict)
{
    struct host *host = &state->host;

    call.answer = answer;
    cgi_environment_fill(&environment, &call, state->setup.function, state->env,
                         state->setup.env_count);
    wasi_set_env(state->wasi, environment.variables, environment.count);
    verdict_of_exit(host, wasm_enter(host, enter_start, host), verdict);
    verdict->broken = library_is_native(library_face(state->library));
    if (verdict->outcome == CHANNEL_ANSWERED && state->setup.http_cgi && call_cgi_head(&call) < 0) {
        verdict->outcome = CHANNEL_IMPROPER;
        snprintf(verdict->message, sizeof verdict->message,
                 "the output does not begin with a CGI header block");
    }
}

/* An instance that could not be set up: out of memory, or tenant code in it trapped or left. */
static void verdict_of_opening(const struct host *host, const struct err *err,
                               struct verdict *verdict)
{
    verdict_of_exit(host, host->exit, verdict);
    if (verdict->outcome == CHANNEL_ANSWERED) {
        verdict->outcome = CHANNEL_BROKEN;
        snprintf(verdict->message, sizeof verdict->message, "%.255s",
                 err->message[0] ? err->message : "it ended before it was called");
    }
    verdict->broken = true;
}

static void serve_call(struct template_state *state, uint8_t *answer, struct verdict *verdict)
{
    struct host *host = &state->host;
    struct err err = {0};

    host->call = &call;
    host->memory_refused = false;
    if (!open_instance(state, &err)) {
        verdict_of_opening(host, &err, verdict);
        return;
    }
    if (instance_is_handler(state)) {
        serve_handler(state, verdict);
    } else {
        serve_command(state, answer, verdict);
    }
}

void instance_serve(struct template_state *state, struct channel *channel, bool one_call)
{
    /* Filled from its start: what is not used costs nothing. */
    uint8_t *answer = instance_is_handler(state)
                          ? NULL
                          : mmap(NULL, RESPONSE_BODY_MAX_BYTES, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (answer == MAP_FAILED)
        instance_give_up();
    /* While nobody waits yet: memory and data in place. What fails is met again, and told, in the
     * call. A start section is the tenant's code and runs on a call's time. */
    if (!library_face(state->library)->start_section)
        state->instantiated = wasm_instance_open(state->library, &state->host, NULL) == 0;

    for (uint32_t number = 1;; number++) {
        struct verdict verdict = {.outcome = CHANNEL_ANSWERED};
        uint32_t slot;

        wait_request(state, channel, number - 1);
        if (!wait_take(channel, number, &slot)) {
            wait_publish(channel, number);
            continue;
        }
        if (call_parse(&call, channel, slot, request_head) < 0)
            instance_give_up();
        serve_call(state, answer, &verdict);
        bool last = one_call || verdict.broken;
        family_drain(state->host.family, &call);
        call_respond(&call, verdict.outcome, verdict.code,
                     (last ? CHANNEL_FINISHED : 0) |
                         (state->host.memory_refused ? CHANNEL_MEMORY_REFUSED : 0) |
                         (family_was_refused(state->host.family) ? CHANNEL_PIDS_REFUSED : 0),
                     verdict.message);
        wait_publish(channel, number);
        if (last) {
            /* The end of a process takes as long as a call: who waits for the answer goes first. */
            sched_yield();
            _exit(verdict.outcome == CHANNEL_TRAPPED ? GUEST_EXIT_TRAPPED : 0);
        }
        /* Off the caller's time: the answer is out. */
        call_drop_body(&call);
        if (!instance_is_handler(state)) {
            close_instance(state);
            family_reap(state->host.family);
            if (call.answer_bytes > (64u << 10))
                madvise(answer, RESPONSE_BODY_MAX_BYTES, MADV_DONTNEED);
        }
    }
}

/* ---- vireo run ---- */

/* The end of a run: its own exit status, or a line that says why there is none. */
static _Noreturn void run_end(const struct verdict *verdict, const struct host *host)
{
    char line[400];
    int n;

    uint32_t kib = host->memory_pages_max * 64;

    if (verdict->outcome == CHANNEL_ANSWERED || verdict->outcome == CHANNEL_EXITED)
        _exit(verdict->code);
    if (host->memory_refused)
        n = snprintf(line, sizeof line, "vireo: memory limit %u %s reached%s%s%s\n",
                     kib % 1024 ? kib : kib / 1024, kib % 1024 ? "KiB" : "MiB",
                     verdict->message[0] ? " (" : "", verdict->message,
                     verdict->message[0] ? ")" : "");
    else if (verdict->outcome == CHANNEL_FAILED)
        n = snprintf(line, sizeof line, "vireo: handler returned %d\n", verdict->code);
    else if (verdict->outcome == CHANNEL_TOO_LARGE)
        n = snprintf(line, sizeof line, "vireo: the answer passes its limit\n");
    else
        n = snprintf(line, sizeof line, "vireo: %s\n", verdict->message);
    /* The exit codes of the command line: 5 is a limit, 1 a failure. */
    if (n > 0 && write(2, line, (size_t)n) < 0)
        _exit(1);
    _exit(host->memory_refused || verdict->outcome == CHANNEL_TOO_LARGE ? 5 : 1);
}

/* A handler run from the command line: standard input is the request, standard output the answer.
 */
static _Noreturn void run_handler_on_stdio(struct template_state *state)
{
    static const struct call_text empty = {"", 0};
    struct verdict verdict = {.outcome = CHANNEL_ANSWERED};
    struct handler_call handler;
    bool native = library_is_native(library_face(state->library));
    uint8_t *body = native ? state->buffers.in
                           : mmap(NULL, REQUEST_BODY_MAX_BYTES + 1, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (body == MAP_FAILED)
        instance_give_up();
    ssize_t n = fd_read_full(0, body, REQUEST_BODY_MAX_BYTES + 1);
    if (n < 0 || n > REQUEST_BODY_MAX_BYTES) {
        snprintf(verdict.message, sizeof verdict.message, "cannot read standard input: %s",
                 n < 0 ? strerror((int)-n) : "it is longer than 6 MiB");
        verdict.outcome = CHANNEL_BROKEN;
        run_end(&verdict, &state->host);
    }
    call.method = (struct call_text){"POST", 4};
    call.path = (struct call_text){"/", 1};
    call.query = call.host = call.remote = empty;
    call.answer_max = RESPONSE_BODY_MAX_BYTES;
    run_handler(state, body, (uint32_t)n, call.answer_max, &handler, &verdict);
    if (verdict.outcome != CHANNEL_ANSWERED)
        run_end(&verdict, &state->host);
    if (handler.result > 0) {
        const void *answer = handler_answer(&handler);
        int r = answer ? fd_write_full(1, answer, (size_t)handler.result) : -EFAULT;
        if (r < 0) {
            snprintf(verdict.message, sizeof verdict.message, "cannot write standard output: %s",
                     answer ? strerror(-r) : "the answer is outside of memory");
            verdict.outcome = CHANNEL_BROKEN;
            run_end(&verdict, &state->host);
        }
    }
    _exit(0);
}

void instance_run_once(struct template_state *state)
{
    struct verdict verdict = {.outcome = CHANNEL_ANSWERED};
    struct host *host = &state->host;
    struct err err = {0};

    host->call = instance_is_handler(state) ? &call : NULL;
    if (!open_instance(state, &err)) {
        /* exit(0) of its start section is no failure here: nobody waits for an answer. */
        if (host->exit == HOST_EXITED)
            verdict_of_exit(host, host->exit, &verdict);
        else
            verdict_of_opening(host, &err, &verdict);
        run_end(&verdict, host);
    }
    if (instance_is_handler(state))
        run_handler_on_stdio(state);
    enum host_exit exit;
    do
        exit = wasm_enter(host, enter_start, host);
    while (exit == HOST_UPDATED || update_point_back(host));
    verdict_of_exit(host, exit, &verdict);
    run_end(&verdict, host);
}
