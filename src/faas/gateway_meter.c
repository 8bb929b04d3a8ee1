/* What calls cost: see gateway_meter.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "faas/gateway_calls.h"
#include "faas/gateway_meter.h"

/* The counter is read when the calls since the last reading took this long together. */
#define READING_US 1000
/* Enough for cpu.stat, whose first line is the one. */
#define COUNTER_TEXT_MAX 256

uint64_t meter_ms(uint64_t us)
{
    return us == 0 ? 1 : us / 1000 + (us % 1000 != 0);
}

int meter_cpu_parse(const char *text, uint64_t *ret_us)
{
    static const char key[] = "usage_usec ";
    bool v2 = strncmp(text, key, sizeof key - 1) == 0;
    const char *number = v2 ? text + sizeof key - 1 : text;
    char *end;

    if (*number < '0' || *number > '9')
        return -EBADMSG;
    errno = 0;
    uint64_t value = strtoull(number, &end, 10);
    if (errno || *end != '\n')
        return -EBADMSG;
    *ret_us = v2 ? value : value / 1000;
    return 0;
}

void meter_attach(struct meter *meter, int cpu_fd, uint64_t cpu_base_us)
{
    meter->cpu_fd = cpu_fd;
    meter->cpu_base_us = cpu_base_us;
}

void meter_release(struct meter *meter)
{
    closep(&meter->cpu_fd);
    meter->cpu_fd = -1;
}

/* Since the group was taken; what is known already when it can't be read. */
static uint64_t cpu_read(const struct meter *meter)
{
    char text[COUNTER_TEXT_MAX];
    uint64_t us;

    ssize_t n = meter->cpu_fd < 0 ? -1 : pread(meter->cpu_fd, text, sizeof text - 1, 0);
    if (n < 0)
        return meter->cpu_seen_us;
    text[n] = '\0';
    if (meter_cpu_parse(text, &us) < 0 || us < meter->cpu_base_us)
        return meter->cpu_seen_us;
    return us - meter->cpu_base_us;
}

/* The counter has come to `cpu_us`: what it rose by. */
static uint64_t cpu_take(struct meter *meter, struct function_counters *counters, uint64_t cpu_us)
{
    uint64_t rise = cpu_us > meter->cpu_seen_us ? cpu_us - meter->cpu_seen_us : 0;

    meter->cpu_seen_us += rise;
    counters->cpu_us += rise;
    return rise;
}

/*
 * Shares `rise` among the calls since the last reading; the last one took `us`. Its share, which is
 * at most its time: the rest was somebody else's, or the instance worked without being asked.
 */
static uint64_t cpu_share(struct meter *meter, struct function_counters *counters, uint64_t rise,
                          uint64_t us)
{
    uint64_t own = meter->pending_us > us
                       ? (uint64_t)((double)rise * (double)us / (double)meter->pending_us)
                       : rise;

    if (own > us)
        own = us;
    if (meter->pending_calls > 1) {
        uint32_t others = meter->pending_calls - 1;
        metrics_observe(&counters->cpu, metrics_bounds_us, (rise - own) / others, others);
    }
    metrics_observe(&counters->cpu, metrics_bounds_us, own, 1);
    meter->pending_us = 0;
    meter->pending_calls = 0;
    return own;
}

/* ---- the log's line of a call ---- */

static void record_begin(struct telemetry_call *record, const struct call *call, unsigned status,
                         enum problem_cause cause)
{
    *record = (struct telemetry_call){
        .type = TELEMETRY_CALL,
        .status = status,
        .cause = cause,
    };
    if (call->pool.function)
        strcpy(record->function, call->pool.function->facts.name);
    strcpy(record->request_id, call->id);
    strcpy(record->trace, call->trace);
}

static void record_send(struct calls *calls, struct telemetry_call *record)
{
    record->time_ms = output_clock_ms();
    if (link_try(&calls->telemetry, record, sizeof *record) < 0)
        calls->counters.log_datagrams_lost++;
}

void meter_refused(struct call *call, enum problem_cause cause)
{
    struct telemetry_call record;

    if (!call->calls->log_calls)
        return;
    record_begin(&record, call, problem_status(cause), cause);
    record_send(call->calls, &record);
}

/* ---- calls ---- */

static void record_make(struct telemetry_call *record, const struct instance *instance,
                        const struct call *call, unsigned status, enum problem_cause cause,
                        uint64_t us)
{
    record_begin(record, call, status, cause);
    record->pvm_id = instance->pvm_id;
    record->start = call_start(call, instance);
    record->duration_us = us;
}

void meter_call(struct instance *instance, struct call *call, unsigned status,
                enum problem_cause cause, const struct gateway_ended *ended)
{
    struct calls *calls = call->calls;
    struct pool_function *function = instance->function;
    struct function_counters *counters = &function->counters;
    struct meter *meter = &instance->meter;
    uint64_t now = loop_now(calls->loop);
    uint64_t begun_ns = call->pool.given_ns;

    /* Behind another call of its instance it waited first, and is not charged for that. */
    if (begun_ns < instance->progress_ns)
        begun_ns = instance->progress_ns;
    uint64_t us = (now - begun_ns) / 1000;
    uint64_t ms = meter_ms(us);

    call->metered = true;
    metrics_observe(&counters->duration, metrics_bounds_us, (now - call->pool.given_ns) / 1000, 1);
    counters->billed_ms += ms;
    meter->billed_ms += ms;
    meter->calls++;
    meter->pending_us += us;
    meter->pending_calls++;
    if (function->facts.per_request) {
        /* Its group tells all, exactly, when it is left: meter_ended(). */
        if (calls->log_calls) {
            meter->waits = true;
            record_make(&meter->record, instance, call, status, cause, us);
        }
        return;
    }
    uint64_t cpu_us = us < READING_US ? us : 0;
    if (ended || meter->pending_us >= READING_US) {
        uint64_t rise = cpu_take(meter, counters, ended ? ended->cpu_us : cpu_read(meter));
        cpu_us = cpu_share(meter, counters, rise, us);
    }
    counters->billed_cpu_ms += meter_ms(cpu_us);
    if (calls->log_calls) {
        struct telemetry_call record;
        record_make(&record, instance, call, status, cause, us);
        record.cpu_ms = meter_ms(cpu_us);
        record_send(calls, &record);
    }
}

void meter_ended(struct instance *instance, const struct gateway_ended *ended)
{
    struct function_counters *counters = &instance->function->counters;
    struct meter *meter = &instance->meter;
    uint64_t rise = cpu_take(meter, counters, ended->cpu_us);

    if (instance->function->facts.per_request && meter->calls > 0) {
        counters->billed_cpu_ms += meter_ms(rise);
        metrics_observe(&counters->cpu, metrics_bounds_us, rise, 1);
    } else if (meter->pending_calls > 0) {
        metrics_observe(&counters->cpu, metrics_bounds_us, rise / meter->pending_calls,
                        meter->pending_calls);
    }
    if (meter->calls > 0) {
        metrics_observe(&counters->memory, metrics_bounds_bytes, ended->memory_peak_bytes,
                        meter->calls);
        counters->memory_kib_ms += ended->memory_peak_bytes / 1024 * meter->billed_ms;
    }
    if (meter->waits) {
        meter->record.cpu_ms = meter_ms(rise);
        meter->record.memory_bytes = ended->memory_peak_bytes;
        record_send(instance->gateway, &meter->record);
        meter->waits = false;
    }
}
