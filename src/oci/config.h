/*
 * A container's config.json (runtime-spec 1.2, Linux), parsed and validated: names are numbers,
 * limits are checked, what could not mean anything was refused. Whoever holds a struct oci_config
 * need not doubt types, ranges or duplicates; what the kernel thinks of it is another matter.
 *
 * Strings and lists belong to the configuration and live until oci_config_free(). A string that is
 * NULL, a list of length 0 and a number without `set` were not in the file.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

struct err;
struct json_object;
struct oci_arena;

#define OCI_CONFIG_MAX_BYTES (4 << 20) /* of config.json, process.json, resources */
#define OCI_CONFIG_DEPTH_MAX 24
#define OCI_LIST_MAX 65536   /* elements of a list; keys of an object */
#define OCI_MAPPINGS_MAX 340 /* lines of /proc/PID/uid_map that the kernel takes */

struct oci_u64 {
    uint64_t value;
    bool set;
};

struct oci_i64 {
    int64_t value;
    bool set;
};

struct oci_strings {
    const char **list;
    size_t count;
};

/* A pair of an object such as annotations, linux.sysctl and unified; in the file's order. */
struct oci_pair {
    const char *key, *value;
};

struct oci_pairs {
    struct oci_pair *list;
    size_t count;
};

struct oci_mapping {
    uint32_t container_id, host_id, size;
};

struct oci_mappings {
    struct oci_mapping *list;
    size_t count;
};

struct oci_mount {
    const char *destination; /* as written; relative ones (spec 1.0) are taken from "/" */
    const char *type, *source;
    struct oci_strings options; /* as written; oci_launch_mount_options() has the names */
    struct oci_mappings uid_mappings, gid_mappings;
};

/* The five sets; bit N is capability N. `set`: the file has process.capabilities at all. */
struct oci_capabilities {
    uint64_t bounding, effective, inheritable, permitted, ambient;
    bool set;
};

struct oci_rlimit {
    int resource; /* RLIMIT_* */
    const char *name;
    struct rlimit limit; /* UINT64_MAX is RLIM_INFINITY */
};

struct oci_scheduler {
    int policy; /* SCHED_* of sched_setattr(2) */
    uint64_t flags;
    int32_t nice, priority;
    uint64_t runtime, deadline, period;
};

struct oci_io_priority {
    int class; /* IOPRIO_CLASS_* */
    int priority;
};

struct oci_process {
    bool terminal;
    uint32_t console_height, console_width; /* 0: not given */
    uint32_t uid, gid;
    struct oci_u64 umask;
    const uint32_t *additional_gids;
    size_t additional_gid_count;
    struct oci_strings args, env; /* `list` of both ends with NULL */
    const char *cwd;              /* absolute */
    struct oci_capabilities capabilities;
    struct oci_rlimit *rlimits;
    size_t rlimit_count;
    bool no_new_privileges;
    const char *apparmor_profile, *selinux_label;
    struct oci_i64 oom_score_adj;
    struct oci_scheduler *scheduler;                         /* NULL: not given */
    struct oci_io_priority *io_priority;                     /* NULL: not given */
    const char *exec_affinity_initial, *exec_affinity_final; /* lists of CPUs, checked */
};

struct oci_hook {
    const char *path; /* absolute */
    struct oci_strings args, env;
    struct oci_u64 timeout; /* seconds, > 0 */
};

enum oci_hook_kind {
    OCI_HOOK_PRESTART,         /* runtime namespace; part of create */
    OCI_HOOK_CREATE_RUNTIME,   /* runtime namespace; part of create */
    OCI_HOOK_CREATE_CONTAINER, /* path of the runtime, namespaces of the container; before pivot */
    OCI_HOOK_START_CONTAINER,  /* in the container; part of start */
    OCI_HOOK_POSTSTART,        /* runtime namespace; after the user's process began */
    OCI_HOOK_POSTSTOP,         /* runtime namespace; after delete */
    OCI_HOOK_KINDS,
};

/* As config.json names them; one more entry, NULL, ends it. */
extern const char *const oci_hook_names[OCI_HOOK_KINDS + 1];

struct oci_hooks {
    struct oci_hook *list;
    size_t count;
};

struct oci_device_node {
    const char *path; /* absolute */
    char type;        /* 'c', 'b', 'p'; 'u' of the file is 'c' */
    uint32_t major, minor;
    struct oci_u64 file_mode;
    struct oci_u64 uid, gid;
};

/* A line of the device controller. major and minor < 0: any. */
struct oci_device_rule {
    bool allow;
    char type; /* 'a', 'b', 'c' */
    int64_t major, minor;
    bool read, write, mknod;
};

struct oci_device_weight {
    uint32_t major, minor;
    struct oci_u64 weight, leaf_weight;
};

struct oci_device_rate {
    uint32_t major, minor;
    uint64_t rate;
};

enum oci_throttle {
    OCI_THROTTLE_READ_BPS,
    OCI_THROTTLE_WRITE_BPS,
    OCI_THROTTLE_READ_IOPS,
    OCI_THROTTLE_WRITE_IOPS,
    OCI_THROTTLES,
};

struct oci_device_rates {
    struct oci_device_rate *list;
    size_t count;
};

struct oci_hugepage_limit {
    const char *page_size; /* checked: "2MB", "1GB", "64KB" */
    uint64_t limit;
};

struct oci_interface_priority {
    const char *name;
    uint32_t priority;
};

struct oci_rdma {
    const char *device;
    struct oci_u64 hca_handles, hca_objects;
};

struct oci_resources {
    struct oci_device_rule *devices;
    size_t device_count;
    struct { /* -1 is "no limit"; less is refused; 0 is "not given" */
        struct oci_i64 limit, reservation, swap, kernel, kernel_tcp;
        struct oci_u64 swappiness;
        struct oci_u64 disable_oom_killer, use_hierarchy, check_before_update; /* 0, 1 */
    } memory;
    struct {
        struct oci_u64 shares, burst, period, realtime_period;
        struct oci_i64 quota, realtime_runtime, idle;
        const char *cpus, *mems; /* checked lists: "0-3,8" */
    } cpu;
    struct oci_i64 pids_limit; /* -1: no limit */
    struct {
        struct oci_u64 weight, leaf_weight;
        struct oci_device_weight *weights;
        size_t weight_count;
        struct oci_device_rates throttle[OCI_THROTTLES];
    } block_io;
    struct oci_hugepage_limit *hugepages;
    size_t hugepage_count;
    struct oci_u64 network_class;
    struct oci_interface_priority *network_priorities;
    size_t network_priority_count;
    struct oci_rdma *rdma;
    size_t rdma_count;
    struct oci_pairs unified; /* keys are file names of v2: no slash, no "..", not empty */
};

struct oci_namespace {
    int flag;         /* CLONE_NEW*; each once */
    const char *name; /* "pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time" */
    const char *path; /* absolute; NULL: a new one */
};

struct oci_time_offset {
    bool set;
    int64_t seconds;
    uint32_t nanoseconds;
};

/* Comparisons and actions keep the numbers of libseccomp out of here: oci/seccomp.c maps them. */
struct oci_seccomp_arg {
    uint32_t index; /* 0 to 5 */
    uint64_t value, value_two;
    const char *op; /* "SCMP_CMP_EQ"…: checked to be one of the specification's */
};

struct oci_seccomp_rule {
    struct oci_strings names;
    const char *action; /* "SCMP_ACT_…", checked */
    struct oci_u64 errno_ret;
    struct oci_seccomp_arg *args;
    size_t arg_count;
};

struct oci_seccomp {
    struct json_object *object; /* as it was written; the configuration's */
    const char *default_action; /* checked */
    struct oci_u64 default_errno_ret;
    struct oci_strings architectures; /* "SCMP_ARCH_…", checked */
    struct oci_strings flags;         /* "SECCOMP_FILTER_FLAG_…", checked */
    const char *listener_path, *listener_metadata;
    struct oci_seccomp_rule *rules;
    size_t rule_count;
};

struct oci_intel_rdt {
    const char *clos_id, *l3_cache_schema, *mem_bw_schema;
    bool enable_cmt, enable_mbm;
};

/* Of specification 1.3: a device of the runtime's network that moves into the container's. */
struct oci_net_device {
    const char *name, *new_name; /* names of interfaces; each new one once */
};

#define OCI_MEMORY_NODES_MAX 1024

/* Of set_mempolicy(2), for the container's processes. */
struct oci_memory_policy {
    int mode; /* MPOL_* with MPOL_F_* */
    unsigned long nodes[OCI_MEMORY_NODES_MAX / (8 * sizeof(unsigned long))];
};

struct oci_linux {
    struct oci_memory_policy *memory_policy; /* NULL: not given */
    struct oci_mappings uid_mappings, gid_mappings;
    struct oci_time_offset boottime, monotonic;
    struct oci_pairs sysctl;
    struct oci_resources resources;
    const char *cgroups_path;
    struct oci_namespace *namespaces;
    size_t namespace_count;
    struct oci_device_node *devices;
    size_t device_count;
    struct oci_seccomp *seccomp;      /* NULL: none */
    unsigned long rootfs_propagation; /* MS_SHARED…, with MS_REC for the r-forms; 0: not given */
    struct oci_strings masked_paths, readonly_paths; /* absolute */
    const char *mount_label;
    struct oci_intel_rdt *intel_rdt; /* NULL: none */
    struct oci_net_device *net_devices;
    size_t net_device_count;
    bool personality_set;
    unsigned long personality; /* PER_LINUX or PER_LINUX32 */
};

struct oci_config {
    const char *version;
    const char *root_path; /* as written: relative to the bundle or absolute */
    bool root_readonly;
    struct oci_mount *mounts;
    size_t mount_count;
    struct oci_process *process; /* NULL: the file has none; start then fails */
    const char *hostname, *domainname;
    struct oci_hooks hooks[OCI_HOOK_KINDS];
    struct oci_pairs annotations;
    struct oci_linux linux_;      /* `linux` is a macro in gnu17 */
    struct oci_strings warnings;  /* what the specification says to warn of and go on */
    struct json_object *document; /* owned: the strings live in it */
    struct oci_arena *arena;      /* owned: the lists live in it */
};

/*
 * A config.json from memory; `name` stands in the messages. -EINVAL…; the message names the JSON
 * path: "cannot read 'config.json': linux.resources.memory.limit: …".
 */
int oci_config_parse(const char *name, const char *text, size_t bytes,
                     struct oci_config **ret_config, struct err *err);

/* A process object alone (`exec --process`): only ->process is set. */
int oci_process_parse(const char *name, const char *text, size_t bytes,
                      struct oci_config **ret_config, struct err *err);

/* A resources object alone (`update --resources`): only ->linux_.resources is set. */
int oci_resources_parse(const char *name, const char *text, size_t bytes,
                        struct oci_config **ret_config, struct err *err);

/* NULL is fine. */
void oci_config_free(struct oci_config *config);

/* The namespace of CLONE_NEW* `flag` that the file names, or NULL. */
const struct oci_namespace *oci_config_namespace(const struct oci_config *config, int flag);

/* Whether a mount's option is told to a file system when it is made, as "size=64k"; not a label,
 * which nothing may leave out. */
bool oci_mount_option_is_data(const char *option);

/* A value of the annotations, or NULL. */
const char *oci_config_annotation(const struct oci_config *config, const char *key);
