/* Arguments, environment, clocks, random bytes and the end of the program. */
#include <errno.h>
#include <sched.h>
#include <sys/random.h>
#include <time.h>

#include "guest/signals.h"
#include "guest/wasi_internal.h"

/* `count` strings as WASI counts them: NULs included. */
static uint32_t list_sizes(struct host *host, const char *const *list, size_t count,
                           uint32_t ret_count, uint32_t ret_bytes)
{
    void *count_at = host_memory(host, ret_count, 4);
    void *bytes_at = host_memory(host, ret_bytes, 4);
    uint64_t bytes = 0;

    if (!count_at || !bytes_at)
        return WASI_EFAULT;
    for (size_t i = 0; i < count; i++)
        bytes += strlen(list[i]) + 1;
    if (count > UINT32_MAX || bytes > UINT32_MAX)
        return WASI_EOVERFLOW;
    memcpy(count_at, &(uint32_t){(uint32_t)count}, 4);
    memcpy(bytes_at, &(uint32_t){(uint32_t)bytes}, 4);
    return WASI_SUCCESS;
}

/* An array of pointers at `pointers`, the strings one behind the other at `text`. */
static uint32_t list_get(struct host *host, const char *const *list, size_t count,
                         uint32_t pointers, uint32_t text)
{
    uint8_t *pointers_at = host_memory(host, pointers, (uint64_t)count * 4);
    uint64_t total = 0;

    for (size_t i = 0; i < count; i++)
        total += strlen(list[i]) + 1;
    char *text_at = host_memory(host, text, total);
    if (!pointers_at || !text_at)
        return WASI_EFAULT;

    for (size_t i = 0; i < count; i++) {
        size_t bytes = strlen(list[i]) + 1;
        memcpy(pointers_at + i * 4, &text, 4);
        memcpy(text_at, list[i], bytes);
        text_at += bytes;
        text += (uint32_t)bytes;
    }
    return WASI_SUCCESS;
}

uint32_t WASI(args_get)(struct host *host, uint32_t argv, uint32_t text)
{
    const struct wasi_options *options = &host->wasi->options;
    return list_get(host, options->args, options->arg_count, argv, text);
}

uint32_t WASI(args_sizes_get)(struct host *host, uint32_t ret_count, uint32_t ret_bytes)
{
    const struct wasi_options *options = &host->wasi->options;
    return list_sizes(host, options->args, options->arg_count, ret_count, ret_bytes);
}

uint32_t WASI(environ_get)(struct host *host, uint32_t env, uint32_t text)
{
    const struct wasi_options *options = &host->wasi->options;
    return list_get(host, options->env, options->env_count, env, text);
}

uint32_t WASI(environ_sizes_get)(struct host *host, uint32_t ret_count, uint32_t ret_bytes)
{
    const struct wasi_options *options = &host->wasi->options;
    return list_sizes(host, options->env, options->env_count, ret_count, ret_bytes);
}

/* -1: no such clock. CPU time is the instance's own process and thread. */
static clockid_t clock_from(uint32_t clock)
{
    static const clockid_t clocks[] = {
        [WASI_CLOCK_REALTIME] = CLOCK_REALTIME,
        [WASI_CLOCK_MONOTONIC] = CLOCK_MONOTONIC,
        [WASI_CLOCK_PROCESS_CPUTIME] = CLOCK_PROCESS_CPUTIME_ID,
        [WASI_CLOCK_THREAD_CPUTIME] = CLOCK_THREAD_CPUTIME_ID,
    };
    return clock < sizeof clocks / sizeof *clocks ? clocks[clock] : -1;
}

static uint32_t store_time(void *at, const struct timespec *time)
{
    uint64_t ns = (uint64_t)time->tv_sec * UINT64_C(1000000000) + (uint64_t)time->tv_nsec;
    memcpy(at, &ns, 8);
    return WASI_SUCCESS;
}

/* System call: clock_getres. */
uint32_t WASI(clock_res_get)(struct host *host, uint32_t clock, uint32_t ret_ns)
{
    void *at = host_memory(host, ret_ns, 8);
    clockid_t id = clock_from(clock);
    struct timespec time;

    if (id < 0)
        return WASI_EINVAL;
    if (!at)
        return WASI_EFAULT;
    if (clock_getres(id, &time) < 0)
        return wasi_errno_from(errno);
    return store_time(at, &time);
}

/* System call: clock_gettime (real time and monotonic: vDSO). */
uint32_t WASI(clock_time_get)(struct host *host, uint32_t clock, uint64_t precision,
                              uint32_t ret_ns)
{
    void *at = host_memory(host, ret_ns, 8);
    clockid_t id = clock_from(clock);
    struct timespec time;

    (void)precision; /* a wish to be less exact, which costs nothing to surpass */
    if (id < 0)
        return WASI_EINVAL;
    if (!at)
        return WASI_EFAULT;
    if (clock_gettime(id, &time) < 0)
        return wasi_errno_from(errno);
    store_time(at, &time);
    signals_after(host, false);
    return WASI_SUCCESS;
}

/* System call: getrandom. */
uint32_t WASI(random_get)(struct host *host, uint32_t buffer, uint32_t bytes)
{
    uint8_t *at = host_memory(host, buffer, bytes);

    if (!at)
        return WASI_EFAULT;
    while (bytes > 0) {
        ssize_t n = getrandom(at, bytes, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return wasi_errno_from(errno);
        at += n;
        bytes -= (uint32_t)n;
    }
    return WASI_SUCCESS;
}

/* System call: sched_yield. */
uint32_t WASI(sched_yield)(struct host *host)
{
    sched_yield();
    signals_after(host, false);
    return WASI_SUCCESS;
}

void WASI(proc_exit)(struct host *host, uint32_t status)
{
    host->exit_status = status;
    host_leave(host, HOST_EXITED);
}

/* A signal would be the process's, and that is not the guest's to kill. */
uint32_t WASI(proc_raise)(struct host *host, uint32_t signal)
{
    (void)host;
    return signal > WASI_SIGNAL_MAX ? WASI_EINVAL : WASI_ENOSYS;
}
