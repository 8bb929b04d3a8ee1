/*
 * What native code calls of the host, and its buffers. The request's body is copied out of the
 * channel, which the other side may change at any time; texts of the head were copied already, each
 * with its NUL, and are lent as they are.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/limits.h"
#include "guest/call.h"
#include "guest/http_text.h"
#include "guest/native.h"
#include "guest/signals.h"
#include "guest/wasm_internal.h"

#include "vireo/function.h"

#define GUARD_BYTES (64u << 10)

uint32_t Z_vireoZ_response_status(struct host *host, uint32_t status);

int native_prepare(struct native_buffers *buffers, struct err *err)
{
    /* One page more: who reads a body from a stream sees that it is too long. */
    const size_t in = REQUEST_BODY_MAX_BYTES + 4096, out = RESPONSE_BODY_MAX_BYTES;
    uint8_t *place = mmap(NULL, in + out + 3 * GUARD_BYTES, PROT_NONE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (place == MAP_FAILED)
        return err_set(err, -errno, "cannot reserve a handler's buffers");
    buffers->in = place + GUARD_BYTES;
    buffers->out = buffers->in + in + GUARD_BYTES;
    if (mprotect(buffers->in, in, PROT_READ | PROT_WRITE) < 0 ||
        mprotect(buffers->out, out, PROT_READ | PROT_WRITE) < 0)
        return err_set(err, -errno, "cannot reserve a handler's buffers");
    return 0;
}

/* ---- processor time ---- */

static struct {
    volatile sig_atomic_t number; /* of the call that runs, or ran last */
    volatile sig_atomic_t runs;
    volatile sig_atomic_t seen; /* the number at the last tick */
} calls;

void native_call_begins(void)
{
    calls.number++;
    calls.runs = 1;
}

void native_call_ends(void)
{
    calls.runs = 0;
}

/* The same call at two ticks in turn: it had a whole interval. Left as a fault is (wasm_runtime.c):
 * the instance does not serve again, so that what it was about does not matter. */
static void on_tick(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    if (!calls.runs || !wasm_frame_current())
        return;
    if (calls.seen != calls.number) {
        calls.seen = calls.number;
        return;
    }
    calls.runs = 0;
    wasm_trap_at("more processor time than was proved",
                 (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP]);
}

int native_limit_cpu(uint32_t cpu_ms)
{
    struct sigaction action = {.sa_sigaction = on_tick,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART};
    struct timeval each = {.tv_sec = cpu_ms / 1000, .tv_usec = cpu_ms % 1000 * 1000};
    struct itimerval timer = {.it_interval = each, .it_value = each};

    if (cpu_ms == 0)
        return 0;
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGPROF, &action, NULL) < 0 || setitimer(ITIMER_PROF, &timer, NULL) < 0)
        return -errno;
    return 0;
}

/* ---- what native code calls ---- */

static volatile sig_atomic_t depth;

struct host *native_enter(void)
{
    struct wasm_frame *frame = wasm_frame_current();

    if (frame)
        depth++;
    return frame ? frame->host : NULL;
}

long native_leave(struct host *host, long result)
{
    /* What was noted until now; what comes from here on is handled at once. */
    if (host && --depth == 0)
        signals_after(host, false);
    if (result >= 0)
        return result;
    errno = (int)-result;
    return -1;
}

bool native_in_code(void)
{
    return depth == 0 && wasm_frame_current();
}

int native_calls_set(int wanted)
{
    int before = depth;

    depth = wanted;
    return before;
}

/* The call of whose code this thread runs; NULL: none. */
static struct guest_call *current_call(void)
{
    struct wasm_frame *frame = wasm_frame_current();

    return frame ? frame->host->call : NULL;
}

const char *vireo_request_method(void)
{
    struct guest_call *call = current_call();

    return call ? call->method.data : NULL;
}

const char *vireo_request_path(void)
{
    struct guest_call *call = current_call();

    return call ? call->path.data : NULL;
}

const char *vireo_request_query(void)
{
    struct guest_call *call = current_call();

    return call ? call->query.data : NULL;
}

const char *vireo_request_header(const char *name)
{
    struct guest_call *call = current_call();

    for (uint32_t i = 0; call && i < call->header_count; i++) {
        const struct call_text *one = &call->header_names[i];
        if (http_same(name, strlen(name), one->data, one->bytes))
            return call->header_values[i].data;
    }
    return NULL;
}

int vireo_response_status(int status)
{
    _cleanup_(native_leavep) struct host *host = native_enter();

    return host ? (int)Z_vireoZ_response_status(host, (uint32_t)status) : -1;
}

int vireo_response_header(const char *name, const char *value)
{
    _cleanup_(native_leavep) struct host *host = native_enter();
    struct guest_call *call = host ? host->call : NULL;

    if (!call || call_response_header(call, name, strlen(name), value, strlen(value)) < 0)
        return -1;
    return 0;
}
