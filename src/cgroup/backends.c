/*
 * The tables: which tree serves what. The first row that this machine has wins, v2 first. A new
 * kernel interface is a new row here and nothing else.
 */
#include "cgroup/internal.h"
#include "cgroup/ops.h"

const struct cgroup_backend *const cgroup_backends[2] = {&cgroup_backend_v2, &cgroup_backend_v1};

/* clang-format off */
const struct cgroup_controller cgroup_controllers[] = {
    {CGROUP_MEMORY, &cgroup_backend_v2, "memory", "memory.max",                     false, v2_limit_memory},
    {CGROUP_MEMORY, &cgroup_backend_v1, "memory", "memory.limit_in_bytes",          false, v1_limit_memory},
    {CGROUP_CPU,    &cgroup_backend_v2, "cpu",    "cpu.max",                        false, v2_limit_cpu},
    {CGROUP_CPU,    &cgroup_backend_v1, "cpu",    "cpu.cfs_quota_us",               false, v1_limit_cpu},
    {CGROUP_PIDS,   &cgroup_backend_v2, "pids",   "pids.max",                       false, cgroup_limit_pids},
    {CGROUP_PIDS,   &cgroup_backend_v1, "pids",   "pids.max",                       false, cgroup_limit_pids},
    {CGROUP_IO,     &cgroup_backend_v2, "io",     "io.max",                         false, v2_limit_io},
    {CGROUP_IO,     &cgroup_backend_v1, "blkio",  "blkio.throttle.read_bps_device", true,  v1_limit_io},
};

const struct cgroup_source cgroup_sources[] = {
    {COUNT_PIDS,        &cgroup_backend_v2, "pids",    "pids.current",               NULL,         1, false, false},
    {COUNT_PIDS,        &cgroup_backend_v1, "pids",    "pids.current",               NULL,         1, false, false},
    {COUNT_PIDS,        &cgroup_backend_v2, NULL,      "cgroup.events",              "populated",  1, false, false},
    {COUNT_MEMORY,      &cgroup_backend_v2, "memory",  "memory.current",             NULL,         1, false, false},
    {COUNT_MEMORY,      &cgroup_backend_v1, "memory",  "memory.usage_in_bytes",      NULL,         1, false, false},
    {COUNT_OOM,         &cgroup_backend_v2, "memory",  "memory.events",              "oom_kill",   1, false, false},
    {COUNT_OOM,         &cgroup_backend_v1, "memory",  "memory.oom_control",         "oom_kill",   1, false, false},
    {COUNT_DENIED,      &cgroup_backend_v2, "pids",    "pids.events",                "max",        1, false, false},
    {COUNT_DENIED,      &cgroup_backend_v1, "pids",    "pids.events",                "max",        1, false, false},
    /* Every v2 group counts CPU time, with or without the controller; v1 only where cpuacct is
     * mounted together with cpu: a tree of its own would cost more than it tells. */
    {COUNT_CPU,         &cgroup_backend_v2, NULL,      "cpu.stat",                   "usage_usec", 1, false, false},
    {COUNT_CPU,         &cgroup_backend_v1, "cpuacct", "cpuacct.usage",              NULL,      1000, false, false},
    /* Resetting memory.peak is Linux 6.12's, and for the writing descriptor only. */
    {COUNT_MEMORY_PEAK, &cgroup_backend_v2, "memory",  "memory.peak",                NULL,         1, true,  true},
    {COUNT_MEMORY_PEAK, &cgroup_backend_v1, "memory",  "memory.max_usage_in_bytes",  NULL,         1, true,  false},
};

const struct cgroup_feature cgroup_features[] = {
    {"kill",   &cgroup_backend_v2, "cgroup.kill"},
    {"kill",   &cgroup_backend_v2, "cgroup.procs"},
    {"kill",   &cgroup_backend_v1, "cgroup.procs"},
    {"freeze", &cgroup_backend_v2, "cgroup.freeze"},
    {CGROUP_BACKGROUND, &cgroup_backend_v2, "cpu.idle"},
    {CGROUP_BACKGROUND, &cgroup_backend_v1, "cpu.idle"},
    {"attach", &cgroup_backend_v2, "cgroup.procs"},
    {"attach", &cgroup_backend_v1, "tasks"},
};
/* clang-format on */

const size_t cgroup_controller_count = ARRAY_LEN(cgroup_controllers);
const size_t cgroup_source_count = ARRAY_LEN(cgroup_sources);
const size_t cgroup_feature_count = ARRAY_LEN(cgroup_features);
