/*
 * Counters of one function and of the gateway, and their Prometheus text. Names follow
 * OpenTelemetry's conventions for FaaS (faas.invocations, faas.coldstarts, faas.errors,
 * faas.timeouts, faas.invoke_duration, faas.init_duration, faas.cpu_usage, faas.mem_usage).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "faas/gateway_http.h"
#include "faas/problem.h"

/* Upper bounds of buckets, of times in µs and of memory; one more bucket holds the rest. */
#define METRICS_BUCKETS 17
extern const uint64_t metrics_bounds_us[METRICS_BUCKETS];
extern const uint64_t metrics_bounds_bytes[METRICS_BUCKETS];

#define METRICS_UNKNOWN UINT64_MAX

struct histogram {
    uint64_t bucket[METRICS_BUCKETS + 1];
    uint64_t sum;
};

enum metrics_start { METRICS_WARM, METRICS_FORK, METRICS_COLD, METRICS_CONTAINER, METRICS_STARTS };
extern const char *const metrics_start_words[METRICS_STARTS];

struct function_counters {
    uint64_t invocations;            /* calls answered by the function */
    uint64_t starts[METRICS_STARTS]; /* answered calls by how their instance came */
    uint64_t errors[PROBLEM_CAUSES]; /* problems answered in its name, by cause */
    struct histogram duration;       /* of every call that an instance had, µs */
    struct histogram init;           /* starts of instances, µs */
    struct histogram cpu;            /* of calls, µs; gateway_meter.h says when */
    struct histogram
        memory;      /* peaks of instances in bytes, for each of their calls, at their end */
    uint64_t cpu_us; /* of all instances, as far as it was read */
    uint64_t billed_ms, billed_cpu_ms; /* of calls, each rounded up */
    uint64_t memory_kib_ms;            /* of ended instances: peak times time of their calls */
    uint64_t log_dropped_bytes;
    /* Gauges. */
    uint64_t memory_bytes; /* the supervisor's: of live instances; METRICS_UNKNOWN: not asked */
    uint32_t starting, idle, busy, leaving, queued;
    uint32_t reserved;
};

/* Counters of the gateway itself. */
struct gateway_counters {
    uint64_t requests;           /* of every kind */
    uint64_t problems;           /* answered without a function: unknown names, bad requests */
    uint64_t log_datagrams_lost; /* the telemetry socket was full */
    uint64_t instances_misbehaved;
    struct http_stats http; /* of the public port */
    uint32_t functions, connections;
};

/* Counts `value` `times` times. */
void metrics_observe(struct histogram *histogram, const uint64_t bounds[static METRICS_BUCKETS],
                     uint64_t value, uint64_t times);

/* What is known of one function, by the name that its receiver checked. */
struct metrics_function {
    char name[NAME_MAX_BYTES + 1];
    struct function_counters counters;
};

/* A growing text. */
struct text {
    char *data;
    size_t bytes, capacity;
    int failed; /* memory ran out: the text is not whole */
};
void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_bytes(struct text *text, const void *data, size_t bytes);
void text_clear(struct text *text);

/* Appends the metrics in Prometheus' text format. Names were checked by their receiver. */
void metrics_text(struct text *text, const struct gateway_counters *gateway,
                  const struct metrics_function *functions, size_t function_count);

/* Appends how many lines of the log were lost. */
void metrics_log_lost(struct text *text, uint64_t lines);

/*
 * What the supervisor says of itself, a JSON object: its numbers are appended (`text` may be NULL),
 * the memory of live instances is set in `functions`. A key that is missing is left out. -EBADMSG
 * when it is not such an object.
 */
int metrics_supervisor(struct text *text, const char *json, struct metrics_function *functions,
                       size_t count);

/* Appends what one function was used for, as a JSON object: docs/api.md, "usage". */
void metrics_usage(struct text *text, const struct metrics_function *function);
/* All of them: {"time_us":…, "bounds_us":[…], "functions":[…]}; `time_us` of a clock that only goes
 * forward. */
void metrics_usage_all(struct text *text, uint64_t time_us,
                       const struct metrics_function *functions, size_t function_count);
