/* Samples of what functions are used for, and what happened between two of them. */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/problem.h"
#include "cli/top_sample.h"

DEFINE_CLEANUP(struct top_sample, top_sample_free)

static uint64_t number(struct json_object *object, const char *key)
{
    long long value = json_number(object, key);

    return value > 0 ? (uint64_t)value : 0;
}

/* An array of numbers; how many, or 0 when it is none or longer than `max`. */
static size_t numbers(struct json_object *object, const char *key, uint64_t *ret_list, size_t max)
{
    struct json_object *array;

    if (!json_object_object_get_ex(object, key, &array) ||
        !json_object_is_type(array, json_type_array) || json_object_array_length(array) > max)
        return 0;
    size_t count = json_object_array_length(array);
    for (size_t i = 0; i < count; i++) {
        int64_t value = json_object_get_int64(json_object_array_get_idx(array, i));
        ret_list[i] = value > 0 ? (uint64_t)value : 0;
    }
    return count;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct top_function *)a)->name, ((const struct top_function *)b)->name);
}

static int function_take(struct top_sample *sample, struct json_object *object)
{
    struct top_function *function = &sample->functions[sample->count];

    *function = (struct top_function){
        .name = json_text(object, "name", NULL),
        .invocations = number(object, "invocations"),
        .errors = number(object, "errors"),
        .cpu_us = number(object, "cpu_us"),
        .memory_bytes = number(object, "memory_bytes"),
        .busy = (uint32_t)number(object, "busy"),
        .queue = (uint32_t)number(object, "queue"),
    };
    function->instances = (uint32_t)(number(object, "starting") + number(object, "idle") +
                                     number(object, "busy") + number(object, "leaving"));
    if (!function->name ||
        numbers(object, "durations", function->durations, TOP_BUCKETS_MAX) != sample->bucket_count)
        return -EBADMSG;
    sample->count++;
    return 0;
}

int top_sample_new(struct json_object *json, struct top_sample **ret_sample)
{
    _cleanup_(top_sample_freep) struct top_sample *sample = calloc(1, sizeof *sample);
    struct json_object *list;

    if (!sample) {
        json_object_put(json);
        return -ENOMEM;
    }
    sample->json = json;
    sample->time_us = number(json, "time_us");
    size_t bounds = numbers(json, "bounds_us", sample->bounds_us, TOP_BUCKETS_MAX - 1);
    if (bounds == 0 || !json_object_object_get_ex(json, "functions", &list) ||
        !json_object_is_type(list, json_type_array))
        return -EBADMSG;
    sample->bucket_count = bounds + 1;
    size_t count = json_object_array_length(list);
    sample->functions = calloc(count + 1, sizeof *sample->functions);
    if (!sample->functions)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        int r = function_take(sample, json_object_array_get_idx(list, i));
        if (r < 0)
            return r;
    }
    qsort(sample->functions, count, sizeof *sample->functions, by_name);
    *ret_sample = steal_ptr(&sample);
    return 0;
}

void top_sample_free(struct top_sample *sample)
{
    if (!sample)
        return;
    free(sample->functions);
    json_object_put(sample->json);
    free(sample);
}

double top_percentile(const uint64_t *counts, const uint64_t *bounds_us, size_t bucket_count,
                      double share)
{
    uint64_t total = 0, below = 0;

    for (size_t i = 0; i < bucket_count; i++)
        total += counts[i];
    double rank = share * (double)total;
    for (size_t i = 0; i < bucket_count - 1; i++) {
        if (counts[i] > 0 && (double)(below + counts[i]) >= rank) {
            double low = i > 0 ? (double)bounds_us[i - 1] : 0;
            double part = (rank - (double)below) / (double)counts[i];
            return low + part * ((double)bounds_us[i] - low);
        }
        below += counts[i];
    }
    /* Above the last bound all that is known is that. */
    return total > 0 ? (double)bounds_us[bucket_count - 2] : 0;
}

/* What a count rose by. One that fell began anew: the daemon, or the function, is another. */
static uint64_t rise(uint64_t before, uint64_t now)
{
    return now >= before ? now - before : now;
}

static int by_order(const void *a, const void *b, void *user)
{
    const struct top_row *one = a, *two = b;
    double x = 0, y = 0;

    switch (*(const enum top_order *)user) {
    case TOP_CPU:
        x = one->cpu_percent, y = two->cpu_percent;
        break;
    case TOP_CALLS:
        x = one->calls, y = two->calls;
        break;
    case TOP_MEMORY:
        x = (double)one->memory_bytes, y = (double)two->memory_bytes;
        break;
    case TOP_NAME:
        break;
    }
    if (x != y)
        return x < y ? 1 : -1;
    /* Those that do the same stay where they are from round to round. */
    return strcmp(one->name, two->name);
}

static void row_make(const struct top_function *before, const struct top_function *now,
                     const struct top_sample *sample, double seconds, struct top_row *ret_row)
{
    static const struct top_function nothing;
    uint64_t counts[TOP_BUCKETS_MAX];

    if (!before)
        before = &nothing;
    uint64_t errors = rise(before->errors, now->errors);
    for (size_t i = 0; i < sample->bucket_count; i++)
        counts[i] = rise(before->durations[i], now->durations[i]);
    *ret_row = (struct top_row){
        .name = now->name,
        .calls = (double)(rise(before->invocations, now->invocations) + errors) / seconds,
        .errors = (double)errors / seconds,
        .cpu_percent = (double)rise(before->cpu_us, now->cpu_us) / 1e4 / seconds,
        .p50_us = top_percentile(counts, sample->bounds_us, sample->bucket_count, 0.5),
        .p99_us = top_percentile(counts, sample->bounds_us, sample->bucket_count, 0.99),
        .memory_bytes = now->memory_bytes,
        .instances = now->instances,
        .busy = now->busy,
        .queue = now->queue,
    };
}

struct top_row *top_rows(const struct top_sample *before, const struct top_sample *now,
                         enum top_order order)
{
    struct top_row *rows = calloc(now->count + 1, sizeof *rows);
    double seconds = (double)(now->time_us - before->time_us) / 1e6;

    if (!rows)
        return NULL;
    /* A daemon that was started again has another clock; no division by nothing. */
    if (now->time_us <= before->time_us)
        seconds = 1;
    for (size_t i = 0; i < now->count; i++) {
        const struct top_function *function = &now->functions[i];
        row_make(bsearch(function, before->functions, before->count, sizeof *function, by_name),
                 function, now, seconds, &rows[i]);
    }
    qsort_r(rows, now->count, sizeof *rows, by_order, &order);
    return rows;
}
