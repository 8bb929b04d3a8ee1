/* Counters as Prometheus text. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "faas/metrics.h"

const uint32_t metrics_bucket_us[METRICS_BUCKETS] = {
    50,    100,   200,    400,    800,    1600,    3200,    6400,     12800,
    25600, 50000, 100000, 250000, 500000, 1000000, 5000000, 30000000,
};

void metrics_duration(uint64_t bucket[static METRICS_BUCKETS + 1], uint64_t *sum_us, uint64_t us)
{
    size_t i = 0;
    while (i < METRICS_BUCKETS && us > metrics_bucket_us[i])
        i++;
    bucket[i]++;
    *sum_us += us;
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

static void histogram(struct text *text, const char *name, const char *function,
                      const uint64_t bucket[static METRICS_BUCKETS + 1], uint64_t sum_us)
{
    uint64_t count = 0;

    for (size_t i = 0; i < METRICS_BUCKETS; i++) {
        count += bucket[i];
        text_add(text, "%s_bucket{function=\"%s\",le=\"%g\"} %" PRIu64 "\n", name, function,
                 metrics_bucket_us[i] / 1e6, count);
    }
    count += bucket[METRICS_BUCKETS];
    text_add(text, "%s_bucket{function=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", name, function, count);
    text_add(text, "%s_sum{function=\"%s\"} %.6f\n", name, function, (double)sum_us / 1e6);
    text_add(text, "%s_count{function=\"%s\"} %" PRIu64 "\n", name, function, count);
}

static void gateway_text(struct text *text, const struct gateway_counters *gateway)
{
    family(text, "vireo_functions", "gauge", "Functions that can be called");
    text_add(text, "vireo_functions %u\n", gateway->functions);
    family(text, "vireo_connections", "gauge", "Open connections of the public port");
    text_add(text, "vireo_connections %u\n", gateway->connections);
    family(text, "vireo_requests_total", "counter", "Requests of the public port");
    text_add(text, "vireo_requests_total %" PRIu64 "\n", gateway->requests);
    family(text, "vireo_problems_total", "counter", "Requests refused before any function");
    text_add(text, "vireo_problems_total %" PRIu64 "\n", gateway->problems);
    family(text, "vireo_log_datagrams_lost_total", "counter",
           "Pieces of output lost between the gateways");
    text_add(text, "vireo_log_datagrams_lost_total %" PRIu64 "\n", gateway->log_datagrams_lost);
    family(text, "vireo_instances_misbehaved_total", "counter",
           "Instances ended because their answer was not proper");
    text_add(text, "vireo_instances_misbehaved_total %" PRIu64 "\n", gateway->instances_misbehaved);
}

static void instances_text(struct text *text, const struct metrics_function *function)
{
    const struct function_counters *c = &function->counters;
    const struct {
        const char *state;
        uint32_t count;
    } states[] = {
        {"starting", c->starting}, {"idle", c->idle}, {"busy", c->busy}, {"leaving", c->leaving}};

    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        text_add(text, "vireo_instances{function=\"%s\",state=\"%s\"} %u\n", function->name,
                 states[i].state, states[i].count);
}

void metrics_text(struct text *text, const struct gateway_counters *gateway,
                  const struct metrics_function *functions, size_t function_count)
{
    static const char *const start_words[METRICS_STARTS] = {"warm", "fork", "cold"};

    gateway_text(text, gateway);

#define EACH for (const struct metrics_function *f = functions; f < functions + function_count; f++)
    family(text, "faas_invocations_total", "counter", "Calls that the function answered");
    EACH text_add(text, "faas_invocations_total{function=\"%s\"} %" PRIu64 "\n", f->name,
                  f->counters.invocations);
    family(text, "faas_starts_total", "counter", "Answered calls by how their instance came");
    EACH for (int i = 0; i < METRICS_STARTS; i++)
        text_add(text, "faas_starts_total{function=\"%s\",kind=\"%s\"} %" PRIu64 "\n", f->name,
                 start_words[i], f->counters.starts[i]);
    family(text, "faas_coldstarts_total", "counter",
           "Answered calls that waited for a new instance");
    EACH text_add(text, "faas_coldstarts_total{function=\"%s\"} %" PRIu64 "\n", f->name,
                  f->counters.starts[METRICS_FORK] + f->counters.starts[METRICS_COLD]);
    family(text, "faas_errors_total", "counter", "Calls that failed, by cause");
    EACH for (int i = 1; i < PROBLEM_CAUSES; i++) if (f->counters.errors[i])
        text_add(text, "faas_errors_total{function=\"%s\",cause=\"%s\"} %" PRIu64 "\n", f->name,
                 problem_word((enum problem_cause)i), f->counters.errors[i]);
    family(text, "faas_invoke_duration_seconds", "histogram", "Time of a call in its instance");
    EACH histogram(text, "faas_invoke_duration_seconds", f->name, f->counters.duration_bucket,
                   f->counters.duration_us);
    family(text, "faas_init_duration_seconds", "histogram", "Start of an instance");
    EACH histogram(text, "faas_init_duration_seconds", f->name, f->counters.init_bucket,
                   f->counters.init_us);
    family(text, "faas_cpu_seconds_total", "counter", "Processor time of ended instances");
    EACH text_add(text, "faas_cpu_seconds_total{function=\"%s\"} %.6f\n", f->name,
                  (double)f->counters.cpu_us / 1e6);
    family(text, "vireo_log_dropped_bytes_total", "counter", "Output that did not fit");
    EACH text_add(text, "vireo_log_dropped_bytes_total{function=\"%s\"} %" PRIu64 "\n", f->name,
                  f->counters.log_dropped_bytes);
    family(text, "vireo_instances", "gauge", "Instances by state");
    EACH instances_text(text, f);
    family(text, "vireo_queue", "gauge", "Calls that wait for an instance");
    EACH text_add(text, "vireo_queue{function=\"%s\"} %u\n", f->name, f->counters.queued);
#undef EACH
}

static void object_put(json_object **object)
{
    json_object_put(*object);
}

static void tokener_free(json_tokener **tokener)
{
    if (*tokener)
        json_tokener_free(*tokener);
}

static int is_metric_name(const char *name)
{
    return name[0] != '\0' && strlen(name) <= 64 &&
           name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

int metrics_supervisor_text(struct text *text, const char *json, size_t bytes)
{
    _cleanup_(tokener_free) json_tokener *tokener = json_tokener_new_ex(4);
    if (!tokener || bytes > 64 << 10)
        return -EBADMSG;
    _cleanup_(object_put) json_object *object = json_tokener_parse_ex(tokener, json, (int)bytes);
    if (!object || !json_object_is_type(object, json_type_object))
        return -EBADMSG;

    json_object_object_foreach(object, name, value)
    {
        if (!is_metric_name(name))
            continue;
        if (json_object_is_type(value, json_type_int))
            text_add(text, "# TYPE vireo_supervisor_%s gauge\nvireo_supervisor_%s %" PRId64 "\n",
                     name, name, json_object_get_int64(value));
        else if (json_object_is_type(value, json_type_double))
            text_add(text, "# TYPE vireo_supervisor_%s gauge\nvireo_supervisor_%s %g\n", name, name,
                     json_object_get_double(value));
    }
    return 0;
}
