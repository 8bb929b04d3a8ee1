/* config.json's linux.resources; also what `update` is given. */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "oci/config_reader.h"

/* Engines write 0 for "not given" where 0 means nothing to the kernel, as runc reads it. */
static void unset_zero(struct oci_i64 *number)
{
    number->set = number->set && number->value != 0;
}

static void unset_zero_u64(struct oci_u64 *number)
{
    number->set = number->set && number->value != 0;
}

struct device_rule_row {
    bool allow;
    const char *type, *access;
    struct oci_i64 major, minor;
};
static const struct choice rule_types[] = {{"a", 'a'}, {"b", 'b'}, {"c", 'c'}, {NULL, 0}};
static const struct field device_rule_fields[] = {
    FIELD_REQUIRED("allow", read_bool, struct device_rule_row, allow),
    FIELD_CHOICE("type", read_choice_word, struct device_rule_row, type, rule_types, false),
    FIELD_RANGE("major", read_i64, struct device_rule_row, major, -1, UINT32_MAX),
    FIELD_RANGE("minor", read_i64, struct device_rule_row, minor, -1, UINT32_MAX),
    FIELD("access", read_string, struct device_rule_row, access),
};

static int read_device_rule(struct reader *reader, const struct at *at, const struct field *field,
                            void *out)
{
    struct device_rule_row row = {.type = "a"};
    (void)field;
    int r = read_object(reader, at, device_rule_fields, ARRAY_LEN(device_rule_fields), &row);

    if (r < 0)
        return r;
    const char *access = row.access && row.access[0] ? row.access : "rwm";
    if (access[strspn(access, "rwm")] != '\0')
        return refuse_key(reader, at, "access", "'%.20s' has other letters than r, w and m",
                          access);
    *(struct oci_device_rule *)out = (struct oci_device_rule){
        .allow = row.allow,
        .type = row.type[0],
        .major = row.major.set ? row.major.value : -1,
        .minor = row.minor.set ? row.minor.value : -1,
        .read = strchr(access, 'r') != NULL,
        .write = strchr(access, 'w') != NULL,
        .mknod = strchr(access, 'm') != NULL,
    };
    return 0;
}
DEFINE_LIST(read_device_rules, struct oci_device_rule, 4096, read_device_rule)

#define MEMORY(key, member) \
    FIELD_RANGE(key, read_i64, struct oci_resources, memory.member, -1, INT64_MAX)
static const struct field memory_fields[] = {
    MEMORY("limit", limit),
    MEMORY("reservation", reservation),
    MEMORY("swap", swap),
    MEMORY("kernel", kernel),
    MEMORY("kernelTCP", kernel_tcp),
    FIELD("swappiness", read_u64, struct oci_resources, memory.swappiness),
    FIELD("disableOOMKiller", read_flag, struct oci_resources, memory.disable_oom_killer),
    FIELD("useHierarchy", read_flag, struct oci_resources, memory.use_hierarchy),
    FIELD("checkBeforeUpdate", read_flag, struct oci_resources, memory.check_before_update),
};

static int read_memory(struct reader *reader, const struct at *at, const struct field *field,
                       void *out)
{
    struct oci_resources *resources = out;
    (void)field;
    int r = read_object(reader, at, memory_fields, ARRAY_LEN(memory_fields), out);

    if (r < 0)
        return r;
    unset_zero(&resources->memory.limit);
    unset_zero(&resources->memory.reservation);
    unset_zero(&resources->memory.swap);
    unset_zero(&resources->memory.kernel);
    unset_zero(&resources->memory.kernel_tcp);
    /* docker writes (uint64_t)-1 for "the default". */
    struct oci_u64 *swappiness = &resources->memory.swappiness;
    if (swappiness->value == UINT64_MAX)
        swappiness->set = false;
    if (swappiness->set && swappiness->value > 100)
        return refuse_key(reader, at, "swappiness", "%llu is over 100",
                          (unsigned long long)swappiness->value);
    const struct oci_i64 *limit = &resources->memory.limit, *swap = &resources->memory.swap;
    if (swap->set && swap->value > 0 && limit->set && limit->value > 0 &&
        swap->value < limit->value)
        return refuse_key(reader, at, "swap",
                          "memory and swap together are below the memory's limit");
    return 0;
}

static const struct field cpu_fields[] = {
    FIELD_RANGE("shares", read_u64, struct oci_resources, cpu.shares, 0, INT64_MAX),
    FIELD_RANGE("quota", read_i64, struct oci_resources, cpu.quota, -1, INT64_MAX),
    FIELD_RANGE("burst", read_u64, struct oci_resources, cpu.burst, 0, INT64_MAX),
    FIELD_RANGE("period", read_u64, struct oci_resources, cpu.period, 0, INT64_MAX),
    FIELD_RANGE("realtimeRuntime", read_i64, struct oci_resources, cpu.realtime_runtime, -1,
                INT64_MAX),
    FIELD_RANGE("realtimePeriod", read_u64, struct oci_resources, cpu.realtime_period, 0,
                INT64_MAX),
    FIELD("cpus", read_cpu_list, struct oci_resources, cpu.cpus),
    FIELD("mems", read_cpu_list, struct oci_resources, cpu.mems),
    FIELD_RANGE("idle", read_i64, struct oci_resources, cpu.idle, 0, 1),
};
DEFINE_OBJECT(read_cpu_fields, cpu_fields)

static int read_cpu(struct reader *reader, const struct at *at, const struct field *field,
                    void *out)
{
    struct oci_resources *resources = out;
    int r = read_cpu_fields(reader, at, field, out);

    unset_zero_u64(&resources->cpu.shares);
    unset_zero(&resources->cpu.quota);
    unset_zero_u64(&resources->cpu.period);
    unset_zero(&resources->cpu.realtime_runtime);
    unset_zero_u64(&resources->cpu.realtime_period);
    return r;
}

/* The keys of `pids` stand in oci_resources itself. */
static const struct field pids_fields[] = {
    FIELD_RANGE("limit", read_i64, struct oci_resources, pids_limit, -1, INT64_MAX),
};
DEFINE_OBJECT(read_pids_fields, pids_fields)

static int read_pids(struct reader *reader, const struct at *at, const struct field *field,
                     void *out)
{
    int r = read_pids_fields(reader, at, field, out);

    unset_zero(&((struct oci_resources *)out)->pids_limit);
    return r;
}

/* 0 is what engines write for "not given". */
static int read_weight(struct reader *reader, const struct at *at, const struct field *field,
                       void *out)
{
    struct oci_u64 *weight = out;
    int r = read_u64(reader, at, field, out);

    if (r == 0 && weight->value == 0)
        weight->set = false;
    else if (r == 0 && (weight->value < 10 || weight->value > 1000))
        r = refuse(reader, at, "%llu is not within 10 to 1000", (unsigned long long)weight->value);
    return r;
}

static const struct field weight_fields[] = {
    FIELD_REQUIRED("major", read_u32, struct oci_device_weight, major),
    FIELD_REQUIRED("minor", read_u32, struct oci_device_weight, minor),
    FIELD("weight", read_weight, struct oci_device_weight, weight),
    FIELD("leafWeight", read_weight, struct oci_device_weight, leaf_weight),
};
DEFINE_OBJECT(read_device_weight, weight_fields)
DEFINE_LIST(read_device_weights, struct oci_device_weight, 1024, read_device_weight)

static const struct field rate_fields[] = {
    FIELD_REQUIRED("major", read_u32, struct oci_device_rate, major),
    FIELD_REQUIRED("minor", read_u32, struct oci_device_rate, minor),
    FIELD_REQUIRED("rate", read_u64_plain, struct oci_device_rate, rate),
};
DEFINE_OBJECT(read_device_rate, rate_fields)

static int read_device_rates(struct reader *reader, const struct at *at, const struct field *field,
                             void *out)
{
    struct oci_device_rates *rates = out;
    void *list = NULL;
    (void)field;
    int r =
        read_list(reader, at, sizeof *rates->list, 1024, read_device_rate, &list, &rates->count);

    rates->list = list;
    return r;
}

static const struct field block_io_fields[] = {
    FIELD("weight", read_weight, struct oci_resources, block_io.weight),
    FIELD("leafWeight", read_weight, struct oci_resources, block_io.leaf_weight),
    FIELD_LIST("weightDevice", read_device_weights, struct oci_resources, block_io.weights,
               block_io.weight_count),
    FIELD("throttleReadBpsDevice", read_device_rates, struct oci_resources,
          block_io.throttle[OCI_THROTTLE_READ_BPS]),
    FIELD("throttleWriteBpsDevice", read_device_rates, struct oci_resources,
          block_io.throttle[OCI_THROTTLE_WRITE_BPS]),
    FIELD("throttleReadIOPSDevice", read_device_rates, struct oci_resources,
          block_io.throttle[OCI_THROTTLE_READ_IOPS]),
    FIELD("throttleWriteIOPSDevice", read_device_rates, struct oci_resources,
          block_io.throttle[OCI_THROTTLE_WRITE_IOPS]),
};
DEFINE_OBJECT(read_block_io, block_io_fields)

static int read_page_size(struct reader *reader, const struct at *at, const struct field *field,
                          void *out)
{
    int r = read_word(reader, at, field, out);

    if (r < 0)
        return r;
    const char *text = *(const char **)out;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 5 || text[0] == '0' ||
        (strcmp(text + digits, "KB") != 0 && strcmp(text + digits, "MB") != 0 &&
         strcmp(text + digits, "GB") != 0))
        return refuse(reader, at, "'%.60s' is no size such as 2MB", text);
    return 0;
}

static const struct field hugepage_fields[] = {
    FIELD_REQUIRED("pageSize", read_page_size, struct oci_hugepage_limit, page_size),
    FIELD_REQUIRED("limit", read_u64_plain, struct oci_hugepage_limit, limit),
};
DEFINE_OBJECT(read_hugepage, hugepage_fields)
DEFINE_LIST(read_hugepages, struct oci_hugepage_limit, 16, read_hugepage)

static const struct field priority_fields[] = {
    FIELD_REQUIRED("name", read_interface_name, struct oci_interface_priority, name),
    FIELD_REQUIRED("priority", read_u32, struct oci_interface_priority, priority),
};
DEFINE_OBJECT(read_priority, priority_fields)
DEFINE_LIST(read_priorities, struct oci_interface_priority, 1024, read_priority)

static const struct field network_fields[] = {
    FIELD_RANGE("classID", read_u64, struct oci_resources, network_class, 0, UINT32_MAX),
    FIELD_LIST("priorities", read_priorities, struct oci_resources, network_priorities,
               network_priority_count),
};
DEFINE_OBJECT(read_network, network_fields)

static const struct field rdma_fields[] = {
    FIELD_RANGE("hcaHandles", read_u64, struct oci_rdma, hca_handles, 0, UINT32_MAX),
    FIELD_RANGE("hcaObjects", read_u64, struct oci_rdma, hca_objects, 0, UINT32_MAX),
};

static int read_rdma(struct reader *reader, const struct at *at, const struct field *field,
                     void *out)
{
    struct oci_resources *resources = (void *)((char *)out - field->offset);

    if (!json_object_is_type(at->value, json_type_object))
        return refuse(reader, at, "it must be an object");
    resources->rdma = config_memory(
        reader->config, (size_t)json_object_object_length(at->value) + 1, sizeof *resources->rdma);
    if (!resources->rdma)
        return err_set(reader->err, -ENOMEM, "cannot read '%s'", reader->name);
    json_object_object_foreach(at->value, key, value)
    {
        struct at inner = {.up = at, .key = key, .value = value};
        struct oci_rdma *rdma = &resources->rdma[resources->rdma_count++];
        if (*key == '\0' || strlen(key) > 63 || strpbrk(key, "/ \t\n"))
            return refuse(reader, &inner, "that is no name of a device");
        int r = read_object(reader, &inner, rdma_fields, ARRAY_LEN(rdma_fields), rdma);
        if (r < 0)
            return r;
        rdma->device = key;
    }
    return 0;
}

/*
 * Of the files that are every group's own, those that are limits: cgroup.procs would take any
 * process of the machine in, to end with the container, and others stop or kill it.
 */
static bool is_limit(const char *key)
{
    static const char *const limits[] = {"cgroup.max.depth", "cgroup.max.descendants",
                                         "cgroup.pressure"};

    if (strncmp(key, "cgroup.", 7) != 0)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(limits); i++)
        if (strcmp(key, limits[i]) == 0)
            return true;
    return false;
}

/* Keys are names of files in the group: nothing that leads elsewhere. */
static int read_unified(struct reader *reader, const struct at *at, const struct field *field,
                        void *out)
{
    const struct oci_pairs *pairs = out;
    int r = read_pairs(reader, at, field, out);

    for (size_t i = 0; r == 0 && i < pairs->count; i++) {
        const char *key = pairs->list[i].key;
        if (strchr(key, '/') || key[0] == '.' || !strchr(key, '.') || strlen(key) > 255)
            r = refuse(reader, &(struct at){.up = at, .key = key},
                       "that is no name of a control file such as memory.high");
        else if (!is_limit(key))
            r = refuse(reader, &(struct at){.up = at, .key = key},
                       "that is no limit, but what the runtime itself does with the group");
    }
    return r;
}

static const struct field resources_fields[] = {
    FIELD_LIST("devices", read_device_rules, struct oci_resources, devices, device_count),
    {.key = "memory", .read = read_memory},
    {.key = "cpu", .read = read_cpu},
    {.key = "pids", .read = read_pids},
    {.key = "blockIO", .read = read_block_io},
    FIELD_LIST("hugepageLimits", read_hugepages, struct oci_resources, hugepages, hugepage_count),
    {.key = "network", .read = read_network},
    FIELD("rdma", read_rdma, struct oci_resources, rdma),
    FIELD("unified", read_unified, struct oci_resources, unified),
};

int read_resources(struct reader *reader, const struct at *at, const struct field *field, void *out)
{
    (void)field;
    return read_object(reader, at, resources_fields, ARRAY_LEN(resources_fields), out);
}
