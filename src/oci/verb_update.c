/* pause, resume and update. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "oci/config_reader.h"
#include "oci/realtime.h"
#include "oci/runtime.h"

DEFINE_CLEANUP(struct oci_config, oci_config_free)
DEFINE_CLEANUP(struct oci_state, oci_state_close)

static int freeze(struct runtime *runtime, int argc, char **argv, bool frozen, struct err *err)
{
    _cleanup_(oci_state_closep) struct oci_state *state = NULL;
    const enum oci_status wanted = frozen ? OCI_RUNNING : OCI_PAUSED;
    int r = verb_container(runtime, argc, argv, &state, err);

    if (r < 0)
        return r;
    enum oci_status status = oci_state_status(state);
    if (status != wanted && !(frozen && status == OCI_CREATED))
        return err_say(err, -EBUSY, "cannot %s '%s': the container is %s, not %s", argv[0],
                       state->id, oci_status_name(status), oci_status_name(wanted));
    return oci_launch_freeze(&state->place, frozen, err);
}

int verb_pause(struct runtime *runtime, int argc, char **argv, struct err *err)
{
    return freeze(runtime, argc, argv, true, err);
}

int verb_resume(struct runtime *runtime, int argc, char **argv, struct err *err)
{
    return freeze(runtime, argc, argv, false, err);
}

enum kind { NUMBER, NATURAL, BYTES, CPUS };

/* A flag that is a field of the resources. */
static const struct limit {
    const char *name;
    enum kind kind;
    size_t offset;
    long long min, max;
} limits[] = {
#define LIMIT(name_, kind_, member_, min_, max_)                                             \
    {                                                                                        \
        .name = (name_), .kind = (kind_), .offset = offsetof(struct oci_resources, member_), \
        .min = (min_), .max = (max_)                                                         \
    }
    LIMIT("memory", BYTES, memory.limit, -1, INT64_MAX),
    LIMIT("memory-reservation", BYTES, memory.reservation, -1, INT64_MAX),
    LIMIT("memory-swap", BYTES, memory.swap, -1, INT64_MAX),
    LIMIT("kernel-memory", BYTES, memory.kernel, -1, INT64_MAX),
    LIMIT("kernel-memory-tcp", BYTES, memory.kernel_tcp, -1, INT64_MAX),
    LIMIT("cpu-quota", NUMBER, cpu.quota, -1, INT64_MAX),
    LIMIT("cpu-period", NATURAL, cpu.period, 0, INT64_MAX),
    LIMIT("cpu-share", NATURAL, cpu.shares, 0, INT64_MAX),
    LIMIT("cpu-shares", NATURAL, cpu.shares, 0, INT64_MAX),
    LIMIT("cpu-burst", NATURAL, cpu.burst, 0, INT64_MAX),
    LIMIT("cpu-idle", NUMBER, cpu.idle, 0, 1),
    LIMIT("cpu-rt-period", NATURAL, cpu.realtime_period, 0, INT64_MAX),
    LIMIT("cpu-rt-runtime", NUMBER, cpu.realtime_runtime, -1, INT64_MAX),
    LIMIT("cpuset-cpus", CPUS, cpu.cpus, 0, 0),
    LIMIT("cpuset-mems", CPUS, cpu.mems, 0, 0),
    LIMIT("pids-limit", NUMBER, pids_limit, -1, INT64_MAX),
    LIMIT("blkio-weight", NATURAL, block_io.weight, 10, 1000),
#undef LIMIT
};

/* "512", "512k", "1.5G" is refused: whole numbers with one of b, k, m, g (of 1024) behind. */
static int read_bytes(const struct limit *limit, const char *text, int64_t *ret_bytes,
                      struct err *err)
{
    static const char units[] = "bkmgt";
    char *end, digits[32];
    long long number;
    size_t length = strlen(text);
    int shift = 0;

    if (length > 0 && length < sizeof digits) {
        const char *unit = strchr(units, text[length - 1] | 0x20);
        if (unit && *unit && (end = memcpy(digits, text, length + 1))) {
            end[length - 1] = '\0';
            shift = (int)(unit - units) * 10;
            text = digits;
        }
    }
    int r = verb_number(limit->name, text, limit->min, limit->max >> shift, &number, err);
    if (r == 0)
        *ret_bytes = number < 0 ? number : number << shift;
    return r;
}

static int set_limit(const struct limit *limit, const char *text, struct oci_resources *resources,
                     struct err *err)
{
    void *field = (char *)resources + limit->offset;
    long long number = 0;
    int64_t bytes = 0;
    int r = 0;

    switch (limit->kind) {
    case BYTES:
        r = read_bytes(limit, text, &bytes, err);
        *(struct oci_i64 *)field = (struct oci_i64){.value = bytes, .set = true};
        break;
    case NUMBER:
        r = verb_number(limit->name, text, limit->min, limit->max, &number, err);
        *(struct oci_i64 *)field = (struct oci_i64){.value = number, .set = true};
        break;
    case NATURAL:
        r = verb_number(limit->name, text, limit->min, limit->max, &number, err);
        *(struct oci_u64 *)field = (struct oci_u64){.value = (uint64_t)number, .set = true};
        break;
    case CPUS:
        if (!is_cpu_list(text))
            r = err_say(err, -EINVAL, "cannot read --%s '%s': it is no list such as 0-3,8",
                        limit->name, text);
        *(const char **)field = text;
        break;
    }
    return r;
}

static int resources_of_file(const char *path, struct oci_config **ret_config, struct err *err)
{
    _cleanup_(freep) char *text = NULL;
    size_t bytes;
    int r = fd_read_input(path, OCI_CONFIG_MAX_BYTES, &text, &bytes, err);

    return r < 0 ? r : oci_resources_parse(path, text, bytes, ret_config, err);
}

/* What may be committed is counted from the limits of memory. */
static int overcommit_again(const struct oci_state *state, struct err *err)
{
    /* One that is changed from inside meanwhile is neither undone nor missed; -ENOENT: none is
     * kept. */
    _cleanup_(closep) int lock = oci_vkernel_lock(state->fd, err);
    struct vkernel vkernel;
    int r = lock < 0 && lock != -ENOENT ? lock : oci_vkernel_load(state->fd, &vkernel, err);

    return r == 0 && vkernel_has_overcommit(&vkernel)
               ? oci_vkernel_overcommit(&state->place, state->fd, &vkernel, err)
               : r;
}

int verb_update(struct runtime *runtime, int argc, char **argv, struct err *err)
{
    _cleanup_(oci_state_closep) struct oci_state *state = NULL;
    _cleanup_(oci_config_freep) struct oci_config *config = NULL;
    struct verb_option options[ARRAY_LEN(limits) + 4] = {0};
    const char *values[ARRAY_LEN(limits)] = {0}, *file = NULL, *cache = NULL, *bandwidth = NULL;
    struct oci_resources of_flags = {0}, *resources = &of_flags;
    char **words;

    for (size_t i = 0; i < ARRAY_LEN(limits); i++)
        options[i] = (struct verb_option){.name = limits[i].name, .value = &values[i]};
    options[ARRAY_LEN(limits)] =
        (struct verb_option){.name = "resources", .letter = 'r', .value = &file};
    options[ARRAY_LEN(limits) + 1] =
        (struct verb_option){.name = "l3-cache-schema", .value = &cache};
    options[ARRAY_LEN(limits) + 2] =
        (struct verb_option){.name = "mem-bw-schema", .value = &bandwidth};
    int r = verb_options(argc, argv, options, false, 1, 1, &words, err);
    if (r >= 0 && (cache || bandwidth))
        r = err_say(
            err, -ENOTSUP,
            "cannot set '%s': this runtime divides no caches: it uses no resctrl file system",
            cache ? cache : bandwidth);
    if (r >= 0 && file)
        r = resources_of_file(file, &config, err);
    if (r >= 0 && config)
        resources = &config->linux_.resources;
    for (size_t i = 0; r >= 0 && i < ARRAY_LEN(limits); i++)
        if (values[i])
            r = set_limit(&limits[i], values[i], resources, err);
    if (r >= 0)
        r = oci_state_open(runtime->root, words[0], &state, err);
    if (r < 0)
        return r;
    enum oci_status status = oci_state_status(state);
    if (status == OCI_STOPPED || status == OCI_CREATING)
        return err_say(err, -ESRCH, "cannot update '%s': the container is %s", words[0],
                       oci_status_name(status));
    struct vkernel vkernel;
    r = oci_vkernel_load(state->fd, &vkernel, err);
    if (r == 0)
        r = realtime_check_update(&vkernel, resources, err);
    if (r == 0)
        r = oci_launch_update(&state->place, resources, err);
    if (r > 0)
        runtime_report(runtime, "warning",
                       "devices: no program may be loaded by this user: the list is as it was");
    return r >= 0 ? overcommit_again(state, err) : r;
}
