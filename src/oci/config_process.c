/* config.json's process: user, capabilities, limits, scheduling. */
#include <errno.h>
#include <json-c/json.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <linux/sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/capability_names.h"
#include "oci/config_reader.h"

struct console {
    uint32_t height, width;
};

/* The kernel's struct winsize has 16 bits for each. */
static const struct field console_fields[] = {
    FIELD_RANGE("height", read_u32, struct console, height, 0, UINT16_MAX),
    FIELD_RANGE("width", read_u32, struct console, width, 0, UINT16_MAX),
};

static int read_console(struct reader *reader, const struct at *at, const struct field *field,
                        void *out)
{
    struct oci_process *process = (void *)((char *)out - field->offset);
    struct console console = {0};
    int r = read_object(reader, at, console_fields, ARRAY_LEN(console_fields), &console);

    process->console_height = console.height;
    process->console_width = console.width;
    return r;
}

/* (uid_t)-1 means "none" to the kernel's calls. */
static const struct field id_bounds = {.min = 0, .max = UINT32_MAX - 1};

static int read_id(struct reader *reader, const struct at *at, const struct field *field, void *out)
{
    (void)field;
    return read_u32(reader, at, &id_bounds, out);
}
DEFINE_LIST(read_ids, uint32_t, 65536, read_id)

static const struct field user_fields[] = {
    FIELD("uid", read_id, struct oci_process, uid),
    FIELD("gid", read_id, struct oci_process, gid),
    FIELD_RANGE("umask", read_u64, struct oci_process, umask, 0, 0777),
    FIELD_LIST("additionalGids", read_ids, struct oci_process, additional_gids,
               additional_gid_count),
};

/* "user" has a struct of its own in the file, none in ours: `out` is the process. */
DEFINE_OBJECT(read_user, user_fields)

/*
 * A name that this kernel or we do not know is a warning, as the specification has it since 1.1; up
 * to 1.0.2 it had to be an error. What is no name of a capability at all is refused.
 */
static int read_capability(struct reader *reader, const struct at *at, uint64_t *set)
{
    static const struct field none;
    const char *name;
    int r = read_word(reader, at, &none, &name);

    if (r < 0)
        return r;
    int number = capability_number(name);
    if (number >= 0) {
        *set |= 1ull << number;
        return 0;
    }
    const char *version = reader->config->version;
    const bool strict = version && strncmp(version, "1.0.", 4) == 0;
    if (strict || strlen(name) > 60 ||
        name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789")] != '\0')
        return refuse(reader, at, "there is no capability '%.60s'", name);
    return config_warn(reader, at, "this capability is not known here; it is left out");
}

static int read_capability_set(struct reader *reader, const struct at *at,
                               const struct field *field, void *out)
{
    (void)field;
    if (!json_object_is_type(at->value, json_type_array))
        return refuse(reader, at, "it must be a list");
    size_t count = json_object_array_length(at->value);
    if (count > 1024)
        return refuse(reader, at, "it has more than 1024 elements");
    for (size_t i = 0; i < count; i++) {
        struct at inner = {.up = at, .index = i, .value = json_object_array_get_idx(at->value, i)};
        int r = read_capability(reader, &inner, out);
        if (r < 0)
            return r;
    }
    return 0;
}

static const struct field capability_fields[] = {
    FIELD("bounding", read_capability_set, struct oci_capabilities, bounding),
    FIELD("effective", read_capability_set, struct oci_capabilities, effective),
    FIELD("inheritable", read_capability_set, struct oci_capabilities, inheritable),
    FIELD("permitted", read_capability_set, struct oci_capabilities, permitted),
    FIELD("ambient", read_capability_set, struct oci_capabilities, ambient),
};

/* The kernel's rule: only what is permitted and inheritable can be ambient. */
static int warn_of_ambient(struct reader *reader, const struct at *at,
                           const struct oci_capabilities *capabilities)
{
    uint64_t left = capabilities->ambient & ~(capabilities->permitted & capabilities->inheritable);
    struct at list = {.up = at, .key = "ambient"};
    int r = 0;

    if (left == 0 || !json_object_object_get_ex(at->value, list.key, &list.value))
        return 0;
    size_t count = json_object_array_length(list.value);
    for (size_t i = 0; i < count && r == 0; i++) {
        const struct at inner = {.up = &list, .index = i};
        int number =
            capability_number(json_object_get_string(json_object_array_get_idx(list.value, i)));
        if (number < 0 || !(left >> number & 1))
            continue;
        left &= ~(1ull << number);
        r = config_warn(reader, &inner, "it is not permitted and inheritable; it is left out");
    }
    return r;
}

static int read_capabilities(struct reader *reader, const struct at *at, const struct field *field,
                             void *out)
{
    struct oci_capabilities *capabilities = out;
    (void)field;

    capabilities->set = true;
    int r = read_object(reader, at, capability_fields, ARRAY_LEN(capability_fields), out);
    return r < 0 ? r : warn_of_ambient(reader, at, capabilities);
}

static const struct choice rlimit_names[] = {
    {"RLIMIT_AS", RLIMIT_AS},
    {"RLIMIT_CORE", RLIMIT_CORE},
    {"RLIMIT_CPU", RLIMIT_CPU},
    {"RLIMIT_DATA", RLIMIT_DATA},
    {"RLIMIT_FSIZE", RLIMIT_FSIZE},
    {"RLIMIT_LOCKS", 10},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
    {"RLIMIT_MSGQUEUE", 12},
    {"RLIMIT_NICE", 13},
    {"RLIMIT_NOFILE", RLIMIT_NOFILE},
    {"RLIMIT_NPROC", RLIMIT_NPROC},
    {"RLIMIT_RSS", RLIMIT_RSS},
    {"RLIMIT_RTPRIO", 14},
    {"RLIMIT_RTTIME", 15},
    {"RLIMIT_SIGPENDING", 11},
    {"RLIMIT_STACK", RLIMIT_STACK},
    {NULL, 0},
};

struct rlimit_row {
    const char *name;
    uint64_t soft, hard;
};
static const struct field rlimit_fields[] = {
    FIELD_CHOICE("type", read_choice_word, struct rlimit_row, name, rlimit_names, true),
    FIELD_REQUIRED("soft", read_u64_plain, struct rlimit_row, soft),
    FIELD_REQUIRED("hard", read_u64_plain, struct rlimit_row, hard),
};

static int read_rlimit(struct reader *reader, const struct at *at, const struct field *field,
                       void *out)
{
    struct oci_rlimit *rlimit = out;
    struct rlimit_row row = {0};
    (void)field;
    int r = read_object(reader, at, rlimit_fields, ARRAY_LEN(rlimit_fields), &row);

    if (r < 0)
        return r;
    if (row.soft > row.hard)
        return refuse(reader, at, "the soft limit of %s is over its hard limit", row.name);
    for (const struct choice *c = rlimit_names; c->word; c++)
        if (c->word == row.name)
            rlimit->resource = (int)c->number;
    rlimit->name = row.name;
    rlimit->limit = (struct rlimit){.rlim_cur = row.soft, .rlim_max = row.hard};
    return 0;
}
DEFINE_LIST(read_rlimit_list, struct oci_rlimit, 16, read_rlimit)

static int read_rlimits(struct reader *reader, const struct at *at, const struct field *field,
                        void *out)
{
    const struct oci_process *process = (void *)((char *)out - field->offset);
    int r = read_rlimit_list(reader, at, field, out);

    for (size_t i = 0; r == 0 && i < process->rlimit_count; i++)
        for (size_t j = 0; r == 0 && j < i; j++)
            if (process->rlimits[i].resource == process->rlimits[j].resource) {
                const struct at inner = {.up = at, .index = i};
                r = refuse_key(reader, &inner, "type", "%s is there twice",
                               process->rlimits[i].name);
            }
    return r;
}

#define SCHED_DEADLINE_NUMBER 6
static const struct choice scheduler_policies[] = {
    {"SCHED_OTHER", 0}, {"SCHED_FIFO", 1}, {"SCHED_RR", 2},
    {"SCHED_BATCH", 3}, {"SCHED_IDLE", 5}, {"SCHED_DEADLINE", SCHED_DEADLINE_NUMBER},
    {NULL, 0},
};
static const struct choice scheduler_flags[] = {
    {"SCHED_FLAG_RESET_ON_FORK", 0x01},  {"SCHED_FLAG_RECLAIM", 0x02},
    {"SCHED_FLAG_DL_OVERRUN", 0x04},     {"SCHED_FLAG_KEEP_POLICY", 0x08},
    {"SCHED_FLAG_KEEP_PARAMS", 0x10},    {"SCHED_FLAG_UTIL_CLAMP_MIN", 0x20},
    {"SCHED_FLAG_UTIL_CLAMP_MAX", 0x40}, {NULL, 0},
};

static const struct field scheduler_fields[] = {
    FIELD_CHOICE("policy", read_choice, struct oci_scheduler, policy, scheduler_policies, true),
    FIELD_RANGE("nice", read_i32, struct oci_scheduler, nice, -20, 19),
    FIELD_RANGE("priority", read_i32, struct oci_scheduler, priority, 0, 99),
    FIELD_CHOICE("flags", read_choice_flags, struct oci_scheduler, flags, scheduler_flags, false),
    FIELD("runtime", read_u64_plain, struct oci_scheduler, runtime),
    FIELD("deadline", read_u64_plain, struct oci_scheduler, deadline),
    FIELD("period", read_u64_plain, struct oci_scheduler, period),
};

#define DEADLINE_LEAST_NS 1024 /* the kernel's resolution of a runtime */

/* What the kernel would answer with a bare EINVAL. */
static int check_deadline(struct reader *reader, const struct at *at, const struct oci_scheduler *s)
{
    const unsigned long long runtime = s->runtime, deadline = s->deadline, period = s->period;

    if (!json_object_object_get_ex(at->value, "runtime", NULL))
        return refuse(reader, at, "sched_setattr: `SCHED_DEADLINE` requires `runtime`");
    if (!json_object_object_get_ex(at->value, "deadline", NULL))
        return refuse(reader, at, "sched_setattr: `SCHED_DEADLINE` requires `deadline`");
    if (runtime == 0)
        return refuse(reader, at, "sched_setattr: `SCHED_DEADLINE` runtime must be greater than 0");
    if (runtime < DEADLINE_LEAST_NS || runtime > INT64_MAX)
        return refuse(reader, at,
                      "sched_setattr: `SCHED_DEADLINE` runtime %llu must be between %d and %lld",
                      runtime, DEADLINE_LEAST_NS, (long long)INT64_MAX);
    if (runtime > deadline)
        return refuse(reader, at,
                      "sched_setattr: `SCHED_DEADLINE` runtime %llu must be <= deadline %llu",
                      runtime, deadline);
    if (period != 0 && deadline > period)
        return refuse(reader, at,
                      "sched_setattr: `SCHED_DEADLINE` deadline %llu must be <= period %llu",
                      deadline, period);
    return 0;
}

static int read_scheduler(struct reader *reader, const struct at *at, const struct field *field,
                          void *out)
{
    struct oci_scheduler *scheduler = config_memory(reader->config, 1, sizeof *scheduler);
    (void)field;

    if (!scheduler)
        return err_set(reader->err, -ENOMEM, "cannot read '%s'", reader->name);
    int r = read_object(reader, at, scheduler_fields, ARRAY_LEN(scheduler_fields), scheduler);
    if (r < 0)
        return r;
    const bool deadline = scheduler->policy == SCHED_DEADLINE_NUMBER;
    if (!deadline && (scheduler->runtime || scheduler->deadline || scheduler->period))
        return refuse(reader, at, "runtime, deadline and period are of SCHED_DEADLINE alone");
    if (scheduler->priority != 0 && scheduler->policy != 1 && scheduler->policy != 2)
        return refuse(reader, at, "a priority is of SCHED_FIFO and SCHED_RR alone");
    if (scheduler->nice != 0 && (deadline || scheduler->policy == 1 || scheduler->policy == 2))
        return refuse_key(reader, at, "nice",
                          "a nice value is of SCHED_OTHER, SCHED_BATCH and SCHED_IDLE alone");
    *(struct oci_scheduler **)out = scheduler;
    return deadline ? check_deadline(reader, at, scheduler) : 0;
}

static const struct choice io_classes[] = {
    {"IOPRIO_CLASS_RT", IOPRIO_CLASS_RT},
    {"IOPRIO_CLASS_BE", IOPRIO_CLASS_BE},
    {"IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE},
    {NULL, 0},
};
static const struct field io_priority_fields[] = {
    FIELD_CHOICE("class", read_choice, struct oci_io_priority, class, io_classes, true),
    FIELD_RANGE("priority", read_i32, struct oci_io_priority, priority, 0, 7),
};

static int read_io_priority(struct reader *reader, const struct at *at, const struct field *field,
                            void *out)
{
    struct oci_io_priority *priority = config_memory(reader->config, 1, sizeof *priority);
    (void)field;

    if (!priority)
        return err_set(reader->err, -ENOMEM, "cannot read '%s'", reader->name);
    *(struct oci_io_priority **)out = priority;
    return read_object(reader, at, io_priority_fields, ARRAY_LEN(io_priority_fields), priority);
}

static int read_args(struct reader *reader, const struct at *at, const struct field *field,
                     void *out)
{
    const struct oci_strings *args = out;
    const struct at first = {.up = at};
    int r = read_strings(reader, at, field, out);

    if (r < 0)
        return r;
    if (args->count == 0)
        return refuse(reader, at, "it has no element; the first names the program");
    return args->list[0][0] ? 0 : refuse(reader, &first, "it is empty; it names the program");
}

static const struct field affinity_fields[] = {
    FIELD("initial", read_cpu_list, struct oci_process, exec_affinity_initial),
    FIELD("final", read_cpu_list, struct oci_process, exec_affinity_final),
};
DEFINE_OBJECT(read_affinity, affinity_fields)

static const struct field process_fields[] = {
    FIELD("terminal", read_bool, struct oci_process, terminal),
    FIELD("consoleSize", read_console, struct oci_process, console_height),
    {.key = "user", .read = read_user},
    FIELD_REQUIRED("args", read_args, struct oci_process, args),
    FIELD("env", read_env, struct oci_process, env),
    FIELD_REQUIRED("cwd", read_path, struct oci_process, cwd),
    FIELD("capabilities", read_capabilities, struct oci_process, capabilities),
    FIELD_LIST("rlimits", read_rlimits, struct oci_process, rlimits, rlimit_count),
    FIELD("noNewPrivileges", read_bool, struct oci_process, no_new_privileges),
    FIELD("apparmorProfile", read_string, struct oci_process, apparmor_profile),
    FIELD("selinuxLabel", read_string, struct oci_process, selinux_label),
    FIELD_RANGE("oomScoreAdj", read_i64, struct oci_process, oom_score_adj, -1000, 1000),
    FIELD("scheduler", read_scheduler, struct oci_process, scheduler),
    FIELD("ioPriority", read_io_priority, struct oci_process, io_priority),
    {.key = "execCPUAffinity", .read = read_affinity},
};

int read_process(struct reader *reader, const struct at *at, const struct field *field, void *out)
{
    static const char *const nothing[] = {NULL};
    struct oci_process *process = config_memory(reader->config, 1, sizeof *process);
    (void)field;

    if (!process)
        return err_set(reader->err, -ENOMEM, "cannot read '%s'", reader->name);
    process->env.list = (const char **)nothing;
    *(struct oci_process **)out = process;
    return read_object(reader, at, process_fields, ARRAY_LEN(process_fields), process);
}
