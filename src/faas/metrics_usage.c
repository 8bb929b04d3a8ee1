/* What functions were used for, as JSON: for `vireo describe` and `vireo top`. */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "faas/metrics.h"

static void number(struct text *text, const char *key, uint64_t value)
{
    text_add(text, "\"%s\":%" PRIu64 ",", key, value);
}

static uint64_t errors(const struct function_counters *counters)
{
    uint64_t count = 0;

    for (int i = 1; i < PROBLEM_CAUSES; i++)
        count += counters->errors[i];
    return count;
}

void metrics_usage(struct text *text, const struct metrics_function *function)
{
    const struct function_counters *c = &function->counters;
    const char *comma = "";

    text_add(text, "{\"name\":\"%s\",", function->name);
    number(text, "invocations", c->invocations);
    number(text, "errors", errors(c));
    number(text, "timeouts", c->errors[PROBLEM_TIMEOUT]);
    number(text, "coldstarts",
           c->starts[METRICS_FORK] + c->starts[METRICS_COLD] + c->starts[METRICS_CONTAINER]);
    number(text, "duration_us", c->duration.sum);
    number(text, "billed_duration_ms", c->billed_ms);
    number(text, "cpu_us", c->cpu_us);
    number(text, "billed_cpu_ms", c->billed_cpu_ms);
    if (c->memory_bytes != METRICS_UNKNOWN)
        number(text, "memory_bytes", c->memory_bytes);
    number(text, "billed_memory_kib_ms", c->memory_kib_ms);
    number(text, "starting", c->starting);
    number(text, "idle", c->idle);
    number(text, "busy", c->busy);
    number(text, "leaving", c->leaving);
    number(text, "queue", c->queued);
    number(text, "log_dropped_bytes", c->log_dropped_bytes);
    text_add(text, "\"durations\":[");
    for (size_t i = 0; i <= METRICS_BUCKETS; i++, comma = ",")
        text_add(text, "%s%" PRIu64, comma, c->duration.bucket[i]);
    text_add(text, "]}");
}

void metrics_usage_all(struct text *text, uint64_t time_us,
                       const struct metrics_function *functions, size_t function_count)
{
    const char *comma = "";

    text_add(text, "{\"time_us\":%" PRIu64 ",\"bounds_us\":[", time_us);
    for (size_t i = 0; i < METRICS_BUCKETS; i++, comma = ",")
        text_add(text, "%s%" PRIu64, comma, metrics_bounds_us[i]);
    text_add(text, "],\"functions\":[");
    for (size_t i = 0; i < function_count; i++) {
        if (i > 0)
            text_bytes(text, ",", 1);
        metrics_usage(text, &functions[i]);
    }
    text_add(text, "]}\n");
}
