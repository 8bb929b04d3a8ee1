/* What `vireo top` shows: two samples of GET /system/usage, and what happened between them. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct json_object;

/* Buckets of durations that a sample may have, the one without bound included. */
#define TOP_BUCKETS_MAX 64

struct top_function {
    const char *name; /* in the sample's JSON */
    uint64_t invocations, errors, cpu_us, memory_bytes;
    uint32_t instances, busy, queue;
    uint64_t durations[TOP_BUCKETS_MAX];
};

struct top_sample {
    struct json_object *json;
    uint64_t time_us;
    uint64_t bounds_us[TOP_BUCKETS_MAX]; /* the last bucket has none */
    size_t bucket_count;                 /* of durations: bounds and one */
    struct top_function *functions;      /* by name */
    size_t count;
};

/* One row of the table. */
struct top_row {
    const char *name;
    double calls, errors;  /* a second; calls: answered ones and errors */
    double cpu_percent;    /* of one processor */
    double p50_us, p99_us; /* of the calls between the samples; 0: there were none */
    uint64_t memory_bytes;
    uint32_t instances, busy, queue;
};

enum top_order { TOP_CPU, TOP_CALLS, TOP_MEMORY, TOP_NAME };

/* Takes `json` over, also when it fails: -EBADMSG when it is no such sample, -ENOMEM. */
int top_sample_new(struct json_object *json, struct top_sample **ret_sample);
void top_sample_free(struct top_sample *sample); /* NULL is fine */

/*
 * A row for each function of `now`, in this order; the array is the caller's to free, names are
 * those of `now`. Counts that went back began anew. NULL: no memory.
 */
struct top_row *top_rows(const struct top_sample *before, const struct top_sample *now,
                         enum top_order order);

/* The duration that a share of the counted calls did not pass, by line within its bucket. */
double top_percentile(const uint64_t *counts, const uint64_t *bounds_us, size_t bucket_count,
                      double share);
