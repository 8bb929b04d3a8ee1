/* events: figures of a container, in the form that runc gave them and that engines read. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "oci/runtime.h"

DEFINE_CLEANUP(struct oci_state, oci_state_close)

/* What nothing counts here is left out: a 0 would be a lie. */
static void add(struct json_object *object, const char *key, uint64_t value)
{
    if (value != UINT64_MAX)
        json_object_object_add(object, key, json_object_new_uint64(value));
}

static struct json_object *child(struct json_object *object, const char *key)
{
    struct json_object *inner = json_object_new_object();

    json_object_object_add(object, key, inner);
    return inner;
}

static void add_cpu(struct json_object *data, const struct oci_stats *stats)
{
    struct json_object *cpu = child(data, "cpu"), *usage = child(cpu, "usage");

    add(usage, "total", stats->cpu_total_ns);
    add(usage, "kernel", stats->cpu_system_ns);
    add(usage, "user", stats->cpu_user_ns);
    struct json_object *throttling = child(cpu, "throttling");
    add(throttling, "periods", stats->cpu_periods);
    add(throttling, "throttledPeriods", stats->cpu_throttled_periods);
    add(throttling, "throttledTime", stats->cpu_throttled_ns);
}

static void add_memory(struct json_object *data, const struct oci_stats *stats)
{
    struct json_object *memory = child(data, "memory"), *part = child(memory, "usage");

    add(memory, "cache", stats->memory_cache);
    add(part, "limit", stats->memory_limit);
    add(part, "usage", stats->memory_usage);
    add(part, "max", stats->memory_max_usage);
    add(part, "failcnt", stats->memory_failcnt);
    part = child(memory, "swap");
    add(part, "limit", stats->memory_swap_limit);
    add(part, "usage", stats->memory_swap_usage);
    part = child(memory, "kernel");
    add(part, "usage", stats->memory_kernel_usage);
    part = child(memory, "raw");
    for (size_t i = 0; i < stats->memory_raw.count; i++)
        add(part, stats->memory_raw.list[i].name, stats->memory_raw.list[i].value);
    add(memory, "oomKills", stats->memory_oom_kills);
}

static void add_device(struct json_object *list, const struct oci_blkio_stat *stat, const char *op,
                       uint64_t value)
{
    if (value == UINT64_MAX)
        return;
    struct json_object *row = json_object_new_object();
    add(row, "major", stat->major);
    add(row, "minor", stat->minor);
    json_object_object_add(row, "op", json_object_new_string(op));
    add(row, "value", value);
    json_object_array_add(list, row);
}

static void add_block_io(struct json_object *data, const struct oci_stats *stats)
{
    struct json_object *blkio = child(data, "blkio");
    struct json_object *bytes = json_object_new_array(), *ios = json_object_new_array();

    json_object_object_add(blkio, "ioServiceBytesRecursive", bytes);
    json_object_object_add(blkio, "ioServicedRecursive", ios);
    for (size_t i = 0; i < stats->blkio_count; i++) {
        add_device(bytes, &stats->blkio[i], "Read", stats->blkio[i].read_bytes);
        add_device(bytes, &stats->blkio[i], "Write", stats->blkio[i].write_bytes);
        add_device(ios, &stats->blkio[i], "Read", stats->blkio[i].read_ios);
        add_device(ios, &stats->blkio[i], "Write", stats->blkio[i].write_ios);
    }
}

static struct json_object *event(const char *id, const struct oci_stats *stats)
{
    struct json_object *object = json_object_new_object(), *part;

    json_object_object_add(object, "type", json_object_new_string("stats"));
    json_object_object_add(object, "id", json_object_new_string(id));
    struct json_object *data = child(object, "data");
    add_cpu(data, stats);
    add_memory(data, stats);
    part = child(data, "pids");
    add(part, "current", stats->pids_current);
    add(part, "limit", stats->pids_limit);
    add_block_io(data, stats);
    struct json_object *pages = child(data, "hugetlb");
    for (size_t i = 0; i < stats->hugetlb_count; i++) {
        part = child(pages, stats->hugetlb[i].page_size);
        add(part, "usage", stats->hugetlb[i].usage);
        add(part, "max", stats->hugetlb[i].max_usage);
        add(part, "failcnt", stats->hugetlb[i].failcnt);
    }
    return object;
}

static int print_event(const struct oci_state *state, struct err *err)
{
    _cleanup_(freep) struct oci_stats *stats = calloc(1, sizeof *stats);

    if (!stats)
        return err_set(err, -ENOMEM, "cannot read figures of '%s'", state->id);
    int r = oci_launch_stats(&state->place, stats, err);
    if (r < 0)
        return r;
    struct json_object *object = event(state->id, stats);
    printf("%s\n", json_object_to_json_string_ext(object, JSON_C_TO_STRING_NOSLASHESCAPE));
    fflush(stdout);
    json_object_put(object);
    return 0;
}

/* "5", "5s", "500ms", "1m". */
static int read_interval(const char *text, struct timespec *ret_interval, struct err *err)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);
    unsigned long unit = strcmp(end, "ms") == 0                  ? 1
                         : strcmp(end, "s") == 0 || *end == '\0' ? 1000
                         : strcmp(end, "m") == 0                 ? 60000
                                                                 : 0;

    if (end == text || unit == 0 || number == 0 || number > 86400)
        return err_say(err, -EINVAL, "cannot read --interval '%s': it is a time such as 5s", text);
    number *= unit;
    *ret_interval = (struct timespec){.tv_sec = (time_t)(number / 1000),
                                      .tv_nsec = (long)(number % 1000) * 1000000};
    return 0;
}

int verb_events(struct runtime *runtime, int argc, char **argv, struct err *err)
{
    _cleanup_(oci_state_closep) struct oci_state *state = NULL;
    struct timespec interval = {.tv_sec = 5};
    const char *every = NULL;
    bool once = false;
    char **words;
    const struct verb_option options[] = {
        {.name = "stats", .flag = &once},
        {.name = "interval", .value = &every},
        {NULL},
    };
    int r = verb_options(argc, argv, options, false, 1, 1, &words, err);

    if (r >= 0 && every)
        r = read_interval(every, &interval, err);
    if (r >= 0)
        r = oci_state_open(runtime->root, words[0], &state, err);
    if (r < 0)
        return r;
    if (oci_state_status(state) == OCI_STOPPED)
        return err_say(err, -ESRCH, "cannot read figures of '%s': the container is stopped",
                       words[0]);
    do {
        r = print_event(state, err);
        if (r < 0 || once)
            return r;
        nanosleep(&interval, NULL);
    } while (oci_state_status(state) != OCI_STOPPED);
    return 0;
}
