/* linux.resources in the files of control groups v1. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "oci/resources.h"

/* The kernel holds memory <= memory and swap at every moment: the order depends on the way. */
static int set_memory(struct cgroup_place *groups, const struct oci_resources *resources,
                      struct err *err)
{
    const struct oci_i64 *limit = &resources->memory.limit, *swap = &resources->memory.swap;
    const char *const file = "memory.limit_in_bytes", *const both = "memory.memsw.limit_in_bytes";
    struct err first = {0};

    /* "No limit" for memory alone means none for both. */
    bool open = limit->set && limit->value == -1 && !swap->set;
    int r = resource_number(groups, false, "memory", "memory.limit", file, limit->set, limit->value,
                            &first);
    if (r == -EINVAL || r == -EBUSY) {
        r = resource_number(groups, false, "memory", "memory.swap", both, swap->set || open,
                            open ? -1 : swap->value, err);
        if (r == 0)
            r = resource_number(groups, false, "memory", "memory.limit", file, limit->set,
                                limit->value, err);
        return r;
    }
    if (r < 0)
        return err_say(err, r, "%s", first.message);
    return resource_number(groups, false, "memory", "memory.swap", both, swap->set, swap->value,
                           err);
}

/* Since Linux 5.16 the file takes any number and holds none: what was written is looked for. */
static int check_kernel_memory(struct cgroup_place *groups, int64_t value, struct err *err)
{
    const struct cgroup_place_tree *tree = cgroup_place_tree(groups, "memory", false);
    const int64_t page = sysconf(_SC_PAGESIZE);
    char text[32];

    if (value < 0 || !tree || tree->fd < 0)
        return 0;
    _cleanup_(closep) int fd = openat(tree->fd, "memory.kmem.limit_in_bytes", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -errno : fd_read_full(fd, text, sizeof text - 1);
    if (n < 0)
        return err_set(err, (int)n, "cannot read memory.kmem.limit_in_bytes");
    text[n] = '\0';
    if (strtoll(text, NULL, 10) / page <= value / page)
        return 0;
    return err_say(err, -ENOTSUP,
                   "cannot set memory.kernel to %" PRId64 ": this kernel has no such limit", value);
}

static int set_memory_rest(struct cgroup_place *groups, const struct oci_resources *resources,
                           struct err *err)
{
    const __typeof__(resources->memory) *memory = &resources->memory;
    const struct cgroup_place_tree *tree = cgroup_place_tree(groups, "memory", false);
    const bool here = tree && tree->fd >= 0; /* "false", which engines always say, needs none */
    const struct {
        const char *what, *file;
        bool set;
        int64_t value;
    } rows[] = {
        {"memory.reservation", "memory.soft_limit_in_bytes", memory->reservation.set,
         memory->reservation.value},
        {"memory.kernel", "memory.kmem.limit_in_bytes", memory->kernel.set, memory->kernel.value},
        {"memory.kernelTCP", "memory.kmem.tcp.limit_in_bytes", memory->kernel_tcp.set,
         memory->kernel_tcp.value},
        {"memory.swappiness", "memory.swappiness", memory->swappiness.set,
         (int64_t)memory->swappiness.value},
        {"memory.disableOOMKiller", "memory.oom_control",
         memory->disable_oom_killer.set && (memory->disable_oom_killer.value || here),
         (int64_t)memory->disable_oom_killer.value},
        {"memory.useHierarchy", "memory.use_hierarchy",
         memory->use_hierarchy.set && (memory->use_hierarchy.value || here),
         (int64_t)memory->use_hierarchy.value},
    };
    int r = 0;

    for (size_t i = 0; i < ARRAY_LEN(rows) && r == 0; i++)
        r = resource_number(groups, false, "memory", rows[i].what, rows[i].file, rows[i].set,
                            rows[i].value, err);
    return r == 0 && memory->kernel.set ? check_kernel_memory(groups, memory->kernel.value, err)
                                        : r;
}

/* Quota and period are checked against each other at every write: the period may have to wait. */
static int set_cpu(struct cgroup_place *groups, const struct oci_resources *resources,
                   struct err *err)
{
    const __typeof__(resources->cpu) *cpu = &resources->cpu;
    int64_t period = (int64_t)cpu->period.value, rt_period = (int64_t)cpu->realtime_period.value;

    int r = resource_number(groups, false, "cpu", "cpu.shares", "cpu.shares", cpu->shares.set,
                            (int64_t)cpu->shares.value, err);
    if (r < 0)
        return r;
    bool late = resource_number(groups, false, "cpu", "cpu.period", "cpu.cfs_period_us",
                                cpu->period.set, period, NULL) == -EINVAL;
    r = resource_number(groups, false, "cpu", "cpu.quota", "cpu.cfs_quota_us", cpu->quota.set,
                        cpu->quota.value, err);
    if (r == 0 && late)
        r = resource_number(groups, false, "cpu", "cpu.period", "cpu.cfs_period_us", true, period,
                            err);
    if (r == 0)
        r = resource_number(groups, false, "cpu", "cpu.burst", "cpu.cfs_burst_us", cpu->burst.set,
                            (int64_t)cpu->burst.value, err);
    if (r == 0)
        r = resource_number(groups, false, "cpu", "cpu.realtimePeriod", "cpu.rt_period_us",
                            cpu->realtime_period.set, rt_period, err);
    if (r == 0)
        r = resource_number(groups, false, "cpu", "cpu.realtimeRuntime", "cpu.rt_runtime_us",
                            cpu->realtime_runtime.set, cpu->realtime_runtime.value, err);
    return r;
}

/* Which of two files a scheduler of disks brought: BFQ's or the old one's. */
static const char *weight_file(struct cgroup_place *groups, const char *first, const char *second)
{
    const struct cgroup_place_tree *tree = cgroup_place_tree(groups, "blkio", false);

    return tree && tree->fd >= 0 && faccessat(tree->fd, first, F_OK, 0) == 0 ? first : second;
}

static int set_weights(struct cgroup_place *groups, const struct oci_resources *resources,
                       struct err *err)
{
    const __typeof__(resources->block_io) *io = &resources->block_io;
    char text[80], what[64];

    int r = resource_number(groups, false, "blkio", "blockIO.weight",
                            weight_file(groups, "blkio.weight", "blkio.bfq.weight"), io->weight.set,
                            (int64_t)io->weight.value, err);
    if (r == 0)
        r = resource_number(groups, false, "blkio", "blockIO.leafWeight", "blkio.leaf_weight",
                            io->leaf_weight.set, (int64_t)io->leaf_weight.value, err);
    for (size_t i = 0; i < io->weight_count && r == 0; i++) {
        const struct oci_device_weight *weight = &io->weights[i];
        snprintf(what, sizeof what, "blockIO.weightDevice[%zu]", i);
        snprintf(text, sizeof text, "%u:%u %" PRIu64, weight->major, weight->minor,
                 weight->weight.value);
        r = resource_text(groups, false, "blkio", what,
                          weight_file(groups, "blkio.weight_device", "blkio.bfq.weight_device"),
                          weight->weight.set ? text : NULL, err);
        snprintf(text, sizeof text, "%u:%u %" PRIu64, weight->major, weight->minor,
                 weight->leaf_weight.value);
        if (r == 0)
            r = resource_text(groups, false, "blkio", what, "blkio.leaf_weight_device",
                              weight->leaf_weight.set ? text : NULL, err);
    }
    return r;
}

static int set_throttle(struct cgroup_place *groups, const struct oci_resources *resources,
                        struct err *err)
{
    static const char *const files[OCI_THROTTLES] = {
        [OCI_THROTTLE_READ_BPS] = "blkio.throttle.read_bps_device",
        [OCI_THROTTLE_WRITE_BPS] = "blkio.throttle.write_bps_device",
        [OCI_THROTTLE_READ_IOPS] = "blkio.throttle.read_iops_device",
        [OCI_THROTTLE_WRITE_IOPS] = "blkio.throttle.write_iops_device",
    };
    char text[80], what[64];
    int r = 0;

    for (size_t kind = 0; kind < OCI_THROTTLES; kind++) {
        const struct oci_device_rates *rates = &resources->block_io.throttle[kind];
        for (size_t i = 0; i < rates->count && r == 0; i++) {
            snprintf(text, sizeof text, "%u:%u %" PRIu64, rates->list[i].major,
                     rates->list[i].minor, rates->list[i].rate);
            snprintf(what, sizeof what, "blockIO.%s[%zu]", resource_throttle_names[kind], i);
            r = resource_text(groups, false, "blkio", what, files[kind], text, err);
        }
    }
    return r;
}

static int set_network(struct cgroup_place *groups, const struct oci_resources *resources,
                       struct err *err)
{
    char text[80], what[64];

    int r =
        resource_number(groups, false, "net_cls", "network.classID", "net_cls.classid",
                        resources->network_class.set, (int64_t)resources->network_class.value, err);
    for (size_t i = 0; i < resources->network_priority_count && r == 0; i++) {
        const struct oci_interface_priority *row = &resources->network_priorities[i];
        snprintf(text, sizeof text, "%.32s %u", row->name, row->priority);
        snprintf(what, sizeof what, "network.priorities[%zu]", i);
        r = resource_text(groups, false, "net_prio", what, "net_prio.ifpriomap", text, err);
    }
    return r;
}

int resources_v1(struct cgroup_place *groups, const struct oci_resources *resources,
                 struct err *err)
{
    /* v2 has another name for it, and other files: resources_v2.c. */
    bool io = !cgroup_place_tree(groups, "io", true);
    int r = set_memory(groups, resources, err);

    if (r == 0)
        r = set_memory_rest(groups, resources, err);
    if (r == 0)
        r = set_cpu(groups, resources, err);
    if (r == 0 && io)
        r = set_weights(groups, resources, err);
    if (r == 0 && io)
        r = set_throttle(groups, resources, err);
    if (r == 0)
        r = set_network(groups, resources, err);
    return r == 0 ? resource_shared(groups, resources, false, err) : r;
}
