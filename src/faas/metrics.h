/*
 * Counters of one function and of the gateway, and their Prometheus text. Names follow
 * OpenTelemetry's conventions for FaaS (faas.invocations, faas.coldstarts, faas.errors,
 * faas.invoke_duration, faas.init_duration).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "faas/problem.h"

/* Upper bounds of the duration buckets in µs; one more bucket holds the rest. */
#define METRICS_BUCKETS 17
extern const uint32_t metrics_bucket_us[METRICS_BUCKETS];

enum metrics_start { METRICS_WARM, METRICS_FORK, METRICS_COLD, METRICS_STARTS };

struct function_counters {
    uint64_t invocations;            /* calls answered by the function */
    uint64_t starts[METRICS_STARTS]; /* answered calls by how their instance came */
    uint64_t errors[PROBLEM_CAUSES]; /* problems answered in its name, by cause */
    uint64_t duration_bucket[METRICS_BUCKETS + 1];
    uint64_t duration_us; /* sum */
    uint64_t init_bucket[METRICS_BUCKETS + 1];
    uint64_t init_us; /* sum; starts of instances */
    uint64_t cpu_us;  /* of ended instances */
    uint64_t log_dropped_bytes;
    /* Gauges. */
    uint32_t starting, idle, busy, leaving, queued;
    uint32_t reserved;
};

/* Counters of the gateway itself. */
struct gateway_counters {
    uint64_t requests;           /* of every kind */
    uint64_t problems;           /* answered without a function: unknown names, bad requests */
    uint64_t log_datagrams_lost; /* the telemetry socket was full */
    uint64_t instances_misbehaved;
    uint32_t functions, connections;
};

void metrics_duration(uint64_t bucket[static METRICS_BUCKETS + 1], uint64_t *sum_us, uint64_t us);

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

/*
 * Appends what the supervisor says of itself: a flat JSON object of numbers, each a gauge
 * `vireo_supervisor_<key>`. What is not a number under a name of [a-z0-9_] is left out. -EBADMSG
 * when it is not such an object.
 */
int metrics_supervisor_text(struct text *text, const char *json, size_t bytes);
