/* config.json's linux: namespaces, mappings, devices, paths, propagation, personality. */
#include <errno.h>
#include <json-c/json.h>
#include <linux/mempolicy.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/personality.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "oci/config_reader.h"

static const struct choice namespace_types[] = {
    {"pid", CLONE_NEWPID},       {"network", CLONE_NEWNET}, {"mount", CLONE_NEWNS},
    {"ipc", CLONE_NEWIPC},       {"uts", CLONE_NEWUTS},     {"user", CLONE_NEWUSER},
    {"cgroup", CLONE_NEWCGROUP}, {"time", CLONE_NEWTIME},   {NULL, 0},
};

static const struct field namespace_fields[] = {
    FIELD_CHOICE("type", read_choice_word, struct oci_namespace, name, namespace_types, true),
    FIELD("path", read_string, struct oci_namespace, path),
};

static int read_namespace(struct reader *reader, const struct at *at, const struct field *field,
                          void *out)
{
    struct oci_namespace *ns = out;
    (void)field;
    int r = read_object(reader, at, namespace_fields, ARRAY_LEN(namespace_fields), out);

    if (r < 0)
        return r;
    for (const struct choice *c = namespace_types; c->word; c++)
        if (c->word == ns->name)
            ns->flag = (int)c->number;
    if (ns->path && ns->path[0] == '\0')
        ns->path = NULL; /* engines write "" for "a new one" */
    if (ns->path && ns->path[0] != '/')
        return refuse_key(reader, at, "path", "'%.100s' is not absolute", ns->path);
    return 0;
}
DEFINE_LIST(read_namespace_list, struct oci_namespace, 8, read_namespace)

static int read_namespaces(struct reader *reader, const struct at *at, const struct field *field,
                           void *out)
{
    const struct oci_linux *linux_ = (void *)((char *)out - field->offset);
    int r = read_namespace_list(reader, at, field, out);

    for (size_t i = 0; r == 0 && i < linux_->namespace_count; i++)
        for (size_t j = 0; r == 0 && j < i; j++)
            if (linux_->namespaces[i].flag == linux_->namespaces[j].flag) {
                const struct at inner = {.up = at, .index = i};
                r = refuse_key(reader, &inner, "type", "'%s' is there twice",
                               linux_->namespaces[i].name);
            }
    return r;
}

struct offset_row {
    int64_t secs;
    uint32_t nanosecs;
};
static const struct field offset_fields[] = {
    FIELD("secs", read_i64_plain, struct offset_row, secs),
    FIELD_RANGE("nanosecs", read_u32, struct offset_row, nanosecs, 0, 999999999),
};

static int read_offset(struct reader *reader, const struct at *at, const struct field *field,
                       void *out)
{
    struct offset_row row = {0};
    (void)field;
    int r = read_object(reader, at, offset_fields, ARRAY_LEN(offset_fields), &row);

    if (r == 0)
        *(struct oci_time_offset *)out =
            (struct oci_time_offset){.set = true, .seconds = row.secs, .nanoseconds = row.nanosecs};
    return r;
}

static const struct field offsets_fields[] = {
    FIELD("boottime", read_offset, struct oci_linux, boottime),
    FIELD("monotonic", read_offset, struct oci_linux, monotonic),
};

static int read_offsets(struct reader *reader, const struct at *at, const struct field *field,
                        void *out)
{
    (void)field;
    if (!json_object_is_type(at->value, json_type_object))
        return refuse(reader, at, "it must be an object");
    json_object_object_foreach(at->value, key, value)
    {
        (void)value;
        if (strcmp(key, "boottime") != 0 && strcmp(key, "monotonic") != 0)
            return refuse(reader, at, "the kernel has no clock '%.60s' to set off", key);
    }
    return read_object(reader, at, offsets_fields, ARRAY_LEN(offsets_fields), out);
}

static const struct choice device_types[] = {
    {"c", 'c'}, {"u", 'c'}, {"b", 'b'}, {"p", 'p'}, {NULL, 0},
};
struct device_row {
    const char *path;
    int type;
    struct oci_u64 major, minor, mode, uid, gid;
};
/* The kernel's numbers have 12 and 20 bits. */
static const struct field device_fields[] = {
    FIELD_REQUIRED("path", read_path, struct device_row, path),
    FIELD_CHOICE("type", read_choice, struct device_row, type, device_types, true),
    FIELD_RANGE("major", read_u64, struct device_row, major, 0, 0xfff),
    FIELD_RANGE("minor", read_u64, struct device_row, minor, 0, 0xfffff),
    FIELD_RANGE("fileMode", read_u64, struct device_row, mode, 0, 0177777),
    FIELD_RANGE("uid", read_u64, struct device_row, uid, 0, UINT32_MAX - 1),
    FIELD_RANGE("gid", read_u64, struct device_row, gid, 0, UINT32_MAX - 1),
};

static int read_device(struct reader *reader, const struct at *at, const struct field *field,
                       void *out)
{
    struct device_row row = {0};
    (void)field;
    int r = read_object(reader, at, device_fields, ARRAY_LEN(device_fields), &row);

    if (r < 0)
        return r;
    if (path_climbs(row.path))
        return refuse_key(reader, at, "path", "'%.100s' climbs by '..'", row.path);
    if (row.type != 'p' && (!row.major.set || !row.minor.set))
        return refuse_key(reader, at, !row.major.set ? "major" : "minor", "it is missing");
    *(struct oci_device_node *)out = (struct oci_device_node){
        .path = row.path,
        .type = (char)row.type,
        .major = (uint32_t)row.major.value,
        .minor = (uint32_t)row.minor.value,
        .file_mode = row.mode,
        .uid = row.uid,
        .gid = row.gid,
    };
    return 0;
}
DEFINE_LIST(read_devices, struct oci_device_node, 4096, read_device)

static const struct choice propagations[] = {
    {"shared", MS_SHARED},
    {"rshared", MS_SHARED | MS_REC},
    {"slave", MS_SLAVE},
    {"rslave", MS_SLAVE | MS_REC},
    {"private", MS_PRIVATE},
    {"rprivate", MS_PRIVATE | MS_REC},
    {"unbindable", MS_UNBINDABLE},
    {"runbindable", MS_UNBINDABLE | MS_REC},
    {NULL, 0},
};

static int read_propagation(struct reader *reader, const struct at *at, const struct field *field,
                            void *out)
{
    const struct field words = {.choices = propagations};
    const char *text;
    int flags = 0;
    int r = read_string(reader, at, field, &text);

    if (r == 0 && text[0] != '\0')
        r = read_choice(reader, at, &words, &flags);
    if (r == 0)
        *(unsigned long *)out = (unsigned long)flags;
    return r;
}

static int read_cgroups_path(struct reader *reader, const struct at *at, const struct field *field,
                             void *out)
{
    int r = read_string(reader, at, field, out);

    if (r < 0)
        return r;
    const char *path = *(const char **)out;
    if (path[0] == '\0')
        *(const char **)out = NULL;
    if (strlen(path) >= 2048)
        return refuse(reader, at, "the path is too long");
    if (path_climbs(path))
        return refuse(reader, at, "the path '%.100s' climbs by '..'", path);
    if (strchr(path, '\n'))
        return refuse(reader, at, "there is a line break in the path");
    return 0;
}

/* A key is a file below /proc/sys: with dots or slashes, never climbing. */
static int read_sysctl(struct reader *reader, const struct at *at, const struct field *field,
                       void *out)
{
    const struct oci_pairs *pairs = out;
    int r = read_pairs(reader, at, field, out);

    for (size_t i = 0; r == 0 && i < pairs->count; i++) {
        const char *key = pairs->list[i].key;
        if (strlen(key) > 200 || key[0] == '.' || key[0] == '/' || path_climbs(key) ||
            strstr(key, ".."))
            r = refuse(reader, &(struct at){.up = at, .key = key}, "it contains an invalid path");
    }
    return r;
}

static const struct field rdt_fields[] = {
    FIELD("closID", read_string, struct oci_intel_rdt, clos_id),
    FIELD("l3CacheSchema", read_string, struct oci_intel_rdt, l3_cache_schema),
    FIELD("memBwSchema", read_string, struct oci_intel_rdt, mem_bw_schema),
    FIELD("enableCMT", read_bool, struct oci_intel_rdt, enable_cmt),
    FIELD("enableMBM", read_bool, struct oci_intel_rdt, enable_mbm),
};

static int read_rdt(struct reader *reader, const struct at *at, const struct field *field,
                    void *out)
{
    struct oci_intel_rdt *rdt = config_memory(reader->config, 1, sizeof *rdt);
    (void)field;

    if (!rdt)
        return err_set(reader->err, -ENOMEM, "cannot read '%s'", reader->name);
    int r = read_object(reader, at, rdt_fields, ARRAY_LEN(rdt_fields), rdt);
    if (r < 0)
        return r;
    if (rdt->clos_id &&
        (strchr(rdt->clos_id, '/') || rdt->clos_id[0] == '.' || strlen(rdt->clos_id) > 255))
        return refuse_key(reader, at, "closID", "'%.60s' is not the name of a directory",
                          rdt->clos_id);
    *(struct oci_intel_rdt **)out = rdt;
    return 0;
}

static const struct choice domains[] = {
    {"LINUX", PER_LINUX},
    {"LINUX32", PER_LINUX32},
    {NULL, 0},
};
struct personality_row {
    int domain;
    struct oci_strings flags;
};
static const struct field personality_fields[] = {
    FIELD_CHOICE("domain", read_choice, struct personality_row, domain, domains, true),
    FIELD("flags", read_strings, struct personality_row, flags),
};

static int read_personality(struct reader *reader, const struct at *at, const struct field *field,
                            void *out)
{
    struct oci_linux *linux_ = (void *)((char *)out - field->offset);
    struct personality_row row = {0};
    int r = read_object(reader, at, personality_fields, ARRAY_LEN(personality_fields), &row);

    if (r < 0)
        return r;
    if (row.flags.count > 0)
        return refuse(reader, at, "the specification has no flags yet");
    linux_->personality_set = true;
    linux_->personality = (unsigned long)row.domain;
    return 0;
}

static const struct choice memory_modes[] = {
    {"MPOL_DEFAULT", MPOL_DEFAULT},
    {"MPOL_PREFERRED", MPOL_PREFERRED},
    {"MPOL_BIND", MPOL_BIND},
    {"MPOL_INTERLEAVE", MPOL_INTERLEAVE},
    {"MPOL_LOCAL", MPOL_LOCAL},
    {"MPOL_PREFERRED_MANY", MPOL_PREFERRED_MANY},
    {"MPOL_WEIGHTED_INTERLEAVE", 6}, /* Linux 6.9 */
    {NULL, 0},
};
static const struct choice memory_flags[] = {
    {"MPOL_F_NUMA_BALANCING", MPOL_F_NUMA_BALANCING},
    {"MPOL_F_RELATIVE_NODES", MPOL_F_RELATIVE_NODES},
    {"MPOL_F_STATIC_NODES", MPOL_F_STATIC_NODES},
    {NULL, 0},
};
struct memory_policy_row {
    int mode;
    const char *nodes;
    uint64_t flags;
};
static const struct field memory_policy_fields[] = {
    FIELD_CHOICE("mode", read_choice, struct memory_policy_row, mode, memory_modes, true),
    FIELD("nodes", read_cpu_list, struct memory_policy_row, nodes),
    FIELD_CHOICE("flags", read_choice_flags, struct memory_policy_row, flags, memory_flags, false),
};

static int read_memory_policy(struct reader *reader, const struct at *at, const struct field *field,
                              void *out)
{
    struct oci_memory_policy *policy = config_memory(reader->config, 1, sizeof *policy);
    struct memory_policy_row row = {0};
    (void)field;

    if (!policy)
        return err_set(reader->err, -ENOMEM, "cannot read '%s'", reader->name);
    int r = read_object(reader, at, memory_policy_fields, ARRAY_LEN(memory_policy_fields), &row);
    if (r == 0 && row.nodes && !cpu_list_bits(row.nodes, policy->nodes, OCI_MEMORY_NODES_MAX))
        r = refuse(reader, at, "no machine has all the nodes '%.60s'", row.nodes);
    policy->mode = row.mode | (int)row.flags;
    *(struct oci_memory_policy **)out = policy;
    return r;
}

static const struct field net_device_fields[] = {
    FIELD("name", read_interface_name, struct oci_net_device, new_name),
};

static int read_net_device(struct reader *reader, const struct at *at, struct oci_net_device *list,
                           size_t count)
{
    struct oci_net_device *device = &list[count];
    int r;

    if (!is_interface_name(at->key))
        return refuse(reader, at, "that is no name of an interface");
    r = read_object(reader, at, net_device_fields, ARRAY_LEN(net_device_fields), device);
    device->name = at->key;
    if (!device->new_name)
        device->new_name = device->name;
    for (size_t i = 0; r == 0 && i < count; i++)
        if (strcmp(list[i].new_name, device->new_name) == 0)
            r = refuse(reader, at, "'%s' would be called '%s' as well", list[i].name,
                       device->new_name);
    return r;
}

static int read_net_devices(struct reader *reader, const struct at *at, const struct field *field,
                            void *out)
{
    struct oci_linux *linux_ = (void *)((char *)out - field->offset);

    if (!json_object_is_type(at->value, json_type_object))
        return refuse(reader, at, "it must be an object");
    const size_t length = (size_t)json_object_object_length(at->value);
    if (length > 256)
        return refuse(reader, at, "it has more than 256 devices");
    linux_->net_devices = config_memory(reader->config, length + 1, sizeof *linux_->net_devices);
    if (!linux_->net_devices)
        return err_set(reader->err, -ENOMEM, "cannot read '%s'", reader->name);
    json_object_object_foreach(at->value, key, value)
    {
        const struct at inner = {.up = at, .key = key, .value = value};
        int r = read_net_device(reader, &inner, linux_->net_devices, linux_->net_device_count);
        if (r < 0)
            return r;
        linux_->net_device_count++;
    }
    return 0;
}

static const struct field linux_fields[] = {
    FIELD("uidMappings", read_mappings, struct oci_linux, uid_mappings),
    FIELD("gidMappings", read_mappings, struct oci_linux, gid_mappings),
    {.key = "timeOffsets", .read = read_offsets},
    FIELD("sysctl", read_sysctl, struct oci_linux, sysctl),
    FIELD("resources", read_resources, struct oci_linux, resources),
    FIELD("cgroupsPath", read_cgroups_path, struct oci_linux, cgroups_path),
    FIELD_LIST("namespaces", read_namespaces, struct oci_linux, namespaces, namespace_count),
    FIELD_LIST("devices", read_devices, struct oci_linux, devices, device_count),
    FIELD("seccomp", read_seccomp, struct oci_linux, seccomp),
    FIELD("rootfsPropagation", read_propagation, struct oci_linux, rootfs_propagation),
    FIELD("maskedPaths", read_paths, struct oci_linux, masked_paths),
    FIELD("readonlyPaths", read_paths, struct oci_linux, readonly_paths),
    FIELD("mountLabel", read_string, struct oci_linux, mount_label),
    FIELD("intelRdt", read_rdt, struct oci_linux, intel_rdt),
    FIELD("personality", read_personality, struct oci_linux, personality),
    FIELD("memoryPolicy", read_memory_policy, struct oci_linux, memory_policy),
    FIELD("netDevices", read_net_devices, struct oci_linux, net_devices),
};

int read_linux(struct reader *reader, const struct at *at, const struct field *field, void *out)
{
    (void)field;
    return read_object(reader, at, linux_fields, ARRAY_LEN(linux_fields), out);
}
