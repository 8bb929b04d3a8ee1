/* Counters as Prometheus text. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "faas/metrics.h"

const uint64_t metrics_bounds_us[METRICS_BUCKETS] = {
    50,    100,   200,    400,    800,    1600,    3200,    6400,     12800,
    25600, 50000, 100000, 250000, 500000, 1000000, 5000000, 30000000,
};

/* 256 KiB, doubled to 16 GiB. */
const uint64_t metrics_bounds_bytes[METRICS_BUCKETS] = {
    1ull << 18, 1ull << 19, 1ull << 20, 1ull << 21, 1ull << 22, 1ull << 23,
    1ull << 24, 1ull << 25, 1ull << 26, 1ull << 27, 1ull << 28, 1ull << 29,
    1ull << 30, 1ull << 31, 1ull << 32, 1ull << 33, 1ull << 34,
};

const char *const metrics_start_words[METRICS_STARTS] = {"warm", "fork", "cold", "container"};

void metrics_observe(struct histogram *histogram, const uint64_t bounds[static METRICS_BUCKETS],
                     uint64_t value, uint64_t times)
{
    size_t i = 0;
    while (i < METRICS_BUCKETS && value > bounds[i])
        i++;
    histogram->bucket[i] += times;
    histogram->sum += value * times;
}

/* Makes room for `more` bytes and a NUL. */
static char *text_room(struct text *text, size_t more)
{
    if (text->failed)
        return NULL;
    if (text->bytes + more + 1 > text->capacity) {
        size_t capacity = text->capacity ? text->capacity : 4096;
        while (capacity < text->bytes + more + 1)
            capacity *= 2;
        char *data = realloc(text->data, capacity);
        if (!data) {
            text->failed = 1;
            return NULL;
        }
        text->data = data;
        text->capacity = capacity;
    }
    return text->data + text->bytes;
}

void text_bytes(struct text *text, const void *data, size_t bytes)
{
    char *at = text_room(text, bytes);
    if (!at)
        return;
    memcpy(at, data, bytes);
    at[bytes] = '\0';
    text->bytes += bytes;
}

void text_add(struct text *text, const char *format, ...)
{
    char line[1024];
    va_list args;

    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof line) {
        text->failed = 1;
        return;
    }
    text_bytes(text, line, (size_t)n);
}

void text_clear(struct text *text)
{
    free(text->data);
    *text = (struct text){0};
}

static void family(struct text *text, const char *name, const char *type, const char *help)
{
    text_add(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* One sample without labels. */
static void single(struct text *text, const char *name, const char *type, const char *help,
                   uint64_t value)
{
    family(text, name, type, help);
    text_add(text, "%s %" PRIu64 "\n", name, value);
}

/* `unit`: how many of the histogram's own make one of the metric's (1e6: µs and seconds). */
static void histogram_text(struct text *text, const char *name, const char *function,
                           const struct histogram *histogram, const uint64_t *bounds, double unit)
{
    uint64_t count = 0;

    for (size_t i = 0; i < METRICS_BUCKETS; i++) {
        count += histogram->bucket[i];
        text_add(text, "%s_bucket{function=\"%s\",le=\"%.12g\"} %" PRIu64 "\n", name, function,
                 (double)bounds[i] / unit, count);
    }
    count += histogram->bucket[METRICS_BUCKETS];
    text_add(text, "%s_bucket{function=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", name, function, count);
    text_add(text, "%s_sum{function=\"%s\"} %.15g\n", name, function,
             (double)histogram->sum / unit);
    text_add(text, "%s_count{function=\"%s\"} %" PRIu64 "\n", name, function, count);
}

static void gateway_text(struct text *text, const struct gateway_counters *gateway)
{
    single(text, "vireo_functions", "gauge", "Functions that can be called.", gateway->functions);
    single(text, "vireo_connections", "gauge", "Open connections of the public port.",
           gateway->connections);
    single(text, "vireo_connections_accepted_total", "counter", "Connections of the public port.",
           gateway->http.accepted);
    single(text, "vireo_connections_evicted_total", "counter",
           "Idle connections that made place, and slow readers cut for memory.",
           gateway->http.evicted);
    single(text, "vireo_requests_malformed_total", "counter", "Requests that HTTP does not allow.",
           gateway->http.malformed);
    single(text, "vireo_requests_slow_total", "counter",
           "Heads, bodies and readers that passed their deadlines.", gateway->http.slow);
    single(text, "vireo_requests_total", "counter", "Requests of the public port.",
           gateway->requests);
    single(text, "vireo_problems_total", "counter", "Requests refused before any function.",
           gateway->problems);
    single(text, "vireo_log_datagrams_lost_total", "counter",
           "Pieces of output and lines of calls lost between the gateways.",
           gateway->log_datagrams_lost);
    single(text, "vireo_instances_misbehaved_total", "counter",
           "Instances ended because their answer was not proper.", gateway->instances_misbehaved);
}

void metrics_log_lost(struct text *text, uint64_t lines)
{
    single(text, "vireo_log_lines_lost_total", "counter",
           "Lines of functions that standard error or journald did not take.", lines);
}

/* ---- of each function: a row a metric ---- */

#define FUNCTION_METRIC(name) \
    static void name(struct text *text, const char *metric, const struct metrics_function *f)

FUNCTION_METRIC(invocations)
{
    text_add(text, "%s{function=\"%s\"} %" PRIu64 "\n", metric, f->name, f->counters.invocations);
}

FUNCTION_METRIC(coldstarts)
{
    for (int i = METRICS_FORK; i < METRICS_STARTS; i++)
        text_add(text, "%s{function=\"%s\",kind=\"%s\"} %" PRIu64 "\n", metric, f->name,
                 metrics_start_words[i], f->counters.starts[i]);
}

FUNCTION_METRIC(errors)
{
    for (int i = 1; i < PROBLEM_CAUSES; i++)
        if (f->counters.errors[i])
            text_add(text, "%s{function=\"%s\",cause=\"%s\"} %" PRIu64 "\n", metric, f->name,
                     problem_word((enum problem_cause)i), f->counters.errors[i]);
}

FUNCTION_METRIC(timeouts)
{
    text_add(text, "%s{function=\"%s\"} %" PRIu64 "\n", metric, f->name,
             f->counters.errors[PROBLEM_TIMEOUT]);
}

FUNCTION_METRIC(invoke_duration)
{
    histogram_text(text, metric, f->name, &f->counters.duration, metrics_bounds_us, 1e6);
}

FUNCTION_METRIC(init_duration)
{
    histogram_text(text, metric, f->name, &f->counters.init, metrics_bounds_us, 1e6);
}

FUNCTION_METRIC(cpu_usage)
{
    histogram_text(text, metric, f->name, &f->counters.cpu, metrics_bounds_us, 1e6);
}

FUNCTION_METRIC(mem_usage)
{
    histogram_text(text, metric, f->name, &f->counters.memory, metrics_bounds_bytes, 1);
}

FUNCTION_METRIC(cpu_seconds)
{
    text_add(text, "%s{function=\"%s\"} %.15g\n", metric, f->name,
             (double)f->counters.cpu_us / 1e6);
}

FUNCTION_METRIC(billed_duration)
{
    text_add(text, "%s{function=\"%s\"} %.15g\n", metric, f->name,
             (double)f->counters.billed_ms / 1e3);
}

FUNCTION_METRIC(billed_cpu)
{
    text_add(text, "%s{function=\"%s\"} %.15g\n", metric, f->name,
             (double)f->counters.billed_cpu_ms / 1e3);
}

FUNCTION_METRIC(billed_memory)
{
    text_add(text, "%s{function=\"%s\"} %.15g\n", metric, f->name,
             (double)f->counters.memory_kib_ms * 1024 / 1e3);
}

FUNCTION_METRIC(memory)
{
    text_add(text, "%s{function=\"%s\"} %" PRIu64 "\n", metric, f->name, f->counters.memory_bytes);
}

FUNCTION_METRIC(instances)
{
    const struct function_counters *c = &f->counters;
    const struct {
        const char *state;
        uint32_t count;
    } states[] = {
        {"starting", c->starting}, {"idle", c->idle}, {"busy", c->busy}, {"leaving", c->leaving}};

    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        text_add(text, "%s{function=\"%s\",state=\"%s\"} %u\n", metric, f->name, states[i].state,
                 states[i].count);
}

FUNCTION_METRIC(queue_length)
{
    text_add(text, "%s{function=\"%s\"} %u\n", metric, f->name, f->counters.queued);
}

FUNCTION_METRIC(log_dropped)
{
    text_add(text, "%s{function=\"%s\"} %" PRIu64 "\n", metric, f->name,
             f->counters.log_dropped_bytes);
}

static const struct {
    const char *name, *type, *help;
    void (*text)(struct text *text, const char *metric, const struct metrics_function *function);
} function_metrics[] = {
    {"faas_invocations_total", "counter", "Calls that the function answered.", invocations},
    {"faas_coldstarts_total", "counter",
     "Answered calls that waited for a new instance: a fork of the template, or the template too "
     "(cold).",
     coldstarts},
    {"faas_errors_total", "counter", "Calls that failed, by cause.", errors},
    {"faas_timeouts_total", "counter", "Calls that failed because their time was over.", timeouts},
    {"faas_invoke_duration_seconds", "histogram", "Time of a call in its instance.",
     invoke_duration},
    {"faas_init_duration_seconds", "histogram", "Time to start an instance.", init_duration},
    {"faas_cpu_usage_seconds", "histogram", "Processor time of a call.", cpu_usage},
    {"faas_mem_usage_bytes", "histogram",
     "Peak memory of the instance that served a call, known when it ends.", mem_usage},
    {"vireo_cpu_seconds_total", "counter", "Processor time of all instances.", cpu_seconds},
    {"vireo_billed_duration_seconds_total", "counter",
     "Time of calls, each rounded up to a millisecond.", billed_duration},
    {"vireo_billed_cpu_seconds_total", "counter",
     "Processor time of calls, each rounded up to a millisecond.", billed_cpu},
    {"vireo_billed_memory_byte_seconds_total", "counter",
     "Peak memory of ended instances, times the time of their calls.", billed_memory},
    {"vireo_memory_bytes", "gauge", "Memory of live instances.", memory},
    {"vireo_instances", "gauge", "Instances by state.", instances},
    {"vireo_queue_length", "gauge", "Calls that wait for an instance.", queue_length},
    {"vireo_log_dropped_bytes_total", "counter", "Output that did not fit.", log_dropped},
};

void metrics_text(struct text *text, const struct gateway_counters *gateway,
                  const struct metrics_function *functions, size_t function_count)
{
    gateway_text(text, gateway);
    for (size_t i = 0; i < ARRAY_LEN(function_metrics); i++) {
        family(text, function_metrics[i].name, function_metrics[i].type, function_metrics[i].help);
        for (size_t f = 0; f < function_count; f++)
            function_metrics[i].text(text, function_metrics[i].name, &functions[f]);
    }
}
