/* linux.resources in the files of control groups v2, where some numbers have another scale. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "cgroup/place.h"
#include "oci/resources.h"

/* The tree of a controller if v2 has it; NULL: v1 has, or nobody (v1's half says so). */
static struct cgroup_place_tree *tree_of(struct cgroup_place *groups, const char *controller)
{
    struct cgroup_place_tree *tree = NULL;

    return groups_tree(groups, controller, "", &tree, NULL) == 0 && tree->unified ? tree : NULL;
}

static int64_t number_read(const struct cgroup_place_tree *tree, const char *file)
{
    _cleanup_(freep) char *text = NULL;
    size_t size;

    if (fd_read_file(tree->fd, file, 4096, &text, &size, NULL) < 0)
        return -1;
    return strtoll(text, NULL, 10);
}

/* v1's limit of memory and swap together is v2's of swap alone. */
static int set_swap(const struct cgroup_place_tree *tree, const struct oci_resources *resources,
                    struct err *err)
{
    const struct oci_i64 *limit = &resources->memory.limit, *swap = &resources->memory.swap;
    char text[32] = "max";

    if (!swap->set)
        return 0;
    if (swap->value >= 0) {
        if (!limit->set || limit->value < 0 || swap->value < limit->value)
            return err_say(err, -EINVAL,
                           "cannot set memory.swap to %" PRId64
                           ": it holds memory and swap, and needs memory.limit",
                           swap->value);
        snprintf(text, sizeof text, "%" PRId64, swap->value - limit->value);
    }
    int r = fd_write_string(tree->fd, "memory.swap.max", text);
    /* A kernel that does not swap cannot be told how much. */
    if (r == -ENOENT && (swap->value < 0 || swap->value == limit->value))
        return 0;
    return r < 0 ? err_set(err, r, "cannot set 'memory.swap.max' to '%s'", text) : 0;
}

static int set_memory(struct cgroup_place *groups, const struct oci_resources *resources,
                      struct err *err)
{
    const __typeof__(resources->memory) *memory = &resources->memory;
    const struct cgroup_place_tree *tree = tree_of(groups, "memory");

    if (!tree)
        return 0;
    const struct {
        const char *name;
        bool set;
    } gone[] = {
        {"kernel", memory->kernel.set},
        {"kernelTCP", memory->kernel_tcp.set},
        {"swappiness", memory->swappiness.set},
        {"disableOOMKiller", memory->disable_oom_killer.set && memory->disable_oom_killer.value},
    };
    for (size_t i = 0; i < ARRAY_LEN(gone); i++)
        if (gone[i].set)
            return err_say(err, -ENOTSUP,
                           "cannot set memory.%s: control groups v2 have none "
                           "(linux.resources.memory.%s)",
                           gone[i].name, gone[i].name);
    if (memory->use_hierarchy.set && !memory->use_hierarchy.value)
        return err_say(err, -ENOTSUP,
                       "cannot set memory.useHierarchy to false: control groups v2 are always "
                       "hierarchical");
    if (memory->check_before_update.set && memory->check_before_update.value && memory->limit.set &&
        memory->limit.value >= 0 && number_read(tree, "memory.current") > memory->limit.value)
        return err_say(err, -EBUSY, "cannot set memory.limit to %" PRId64 ": more is in use",
                       memory->limit.value);
    int r = err_at(err, set_swap(tree, resources, err), "linux.resources.memory.swap");
    if (r == 0)
        r = resource_number(groups, true, "memory", "memory.limit", "memory.max", memory->limit.set,
                            memory->limit.value, err);
    if (r == 0)
        r = resource_number(groups, true, "memory", "memory.reservation", "memory.low",
                            memory->reservation.set, memory->reservation.value, err);
    return r;
}

static int set_cpu(struct cgroup_place *groups, const struct oci_resources *resources,
                   struct err *err)
{
    const __typeof__(resources->cpu) *cpu = &resources->cpu;
    struct cgroup_place_tree *tree = tree_of(groups, "cpu");
    char text[64];
    int r = 0;

    if (!tree)
        return 0;
    if (cpu->realtime_period.set || cpu->realtime_runtime.set)
        return err_say(err, -ENOTSUP,
                       "cannot set cpu.realtimePeriod or realtimeRuntime: control "
                       "groups v2 have neither");
    if (cpu->shares.set && cpu->shares.value) {
        /* 2..262144 to 1..10000, as runc and crun do. */
        uint64_t shares = cpu->shares.value < 2        ? 2
                          : cpu->shares.value > 262144 ? 262144
                                                       : cpu->shares.value;
        r = resource_number(groups, true, "cpu", "cpu.shares", "cpu.weight", true,
                            (int64_t)(1 + (shares - 2) * 9999 / 262142), err);
    }
    /* A burst is checked against the quota: a smaller one first, a larger one after it. */
    bool late = cpu->burst.set && resource_number(groups, true, "cpu", "cpu.burst", "cpu.max.burst",
                                                  true, (int64_t)cpu->burst.value, NULL) < 0;
    if (r == 0 && (cpu->quota.set || cpu->period.set)) {
        int n = cpu->quota.set && cpu->quota.value > 0
                    ? snprintf(text, sizeof text, "%" PRId64, cpu->quota.value)
                    : snprintf(text, sizeof text, "max");
        if (!cpu->quota.set) {
            int64_t now = number_read(tree, "cpu.max");
            if (now > 0)
                n = snprintf(text, sizeof text, "%" PRId64, now);
        }
        if (cpu->period.set && cpu->period.value)
            snprintf(text + n, sizeof text - (size_t)n, " %" PRIu64, cpu->period.value);
        r = err_at(err, groups_write(tree, "cpu.max", text, err), "linux.resources.cpu.%s",
                   cpu->quota.set ? "quota" : "period");
    }
    if (r == 0 && late)
        r = resource_number(groups, true, "cpu", "cpu.burst", "cpu.max.burst", true,
                            (int64_t)cpu->burst.value, err);
    return r;
}

/* 10..1000 of v1 to 1..10000. BFQ has v1's scale. */
static int set_weight(const struct cgroup_place_tree *tree, const char *device, uint64_t weight,
                      struct err *err)
{
    char text[80];

    snprintf(text, sizeof text, "%s%" PRIu64, device, weight);
    int r = fd_write_string(tree->fd, "io.bfq.weight", text);
    if (r != -ENOENT)
        return r < 0 ? err_set(err, r, "cannot set 'io.bfq.weight' to '%s'", text) : 0;
    snprintf(text, sizeof text, "%s%" PRIu64, device,
             1 + ((weight < 10 ? 10 : weight) - 10) * 9999 / 990);
    return groups_write(tree, "io.weight", text, err);
}

static int set_io(struct cgroup_place *groups, const struct oci_resources *resources,
                  struct err *err)
{
    static const char *const names[OCI_THROTTLES] = {"rbps", "wbps", "riops", "wiops"};
    const __typeof__(resources->block_io) *io = &resources->block_io;
    struct cgroup_place_tree *tree = tree_of(groups, "io");
    char text[80];
    int r = 0;

    if (!tree)
        return 0;
    if (io->leaf_weight.set)
        return err_say(err, -ENOTSUP, "cannot set blockIO.leafWeight: control groups v2 have none");
    if (io->weight.set && io->weight.value)
        r = err_at(err, set_weight(tree, "", io->weight.value, err),
                   "linux.resources.blockIO.weight");
    for (size_t i = 0; i < io->weight_count && r == 0; i++) {
        if (io->weights[i].leaf_weight.set)
            return err_say(err, -ENOTSUP,
                           "cannot set blockIO.weightDevice[%zu].leafWeight: control groups v2 "
                           "have none",
                           i);
        snprintf(text, sizeof text, "%u:%u ", io->weights[i].major, io->weights[i].minor);
        if (io->weights[i].weight.set)
            r = err_at(err, set_weight(tree, text, io->weights[i].weight.value, err),
                       "linux.resources.blockIO.weightDevice[%zu]", i);
    }
    for (size_t kind = 0; kind < OCI_THROTTLES; kind++)
        for (size_t i = 0; i < io->throttle[kind].count && r == 0; i++) {
            const struct oci_device_rate *rate = &io->throttle[kind].list[i];
            if (rate->rate)
                snprintf(text, sizeof text, "%u:%u %s=%" PRIu64, rate->major, rate->minor,
                         names[kind], rate->rate);
            else
                snprintf(text, sizeof text, "%u:%u %s=max", rate->major, rate->minor, names[kind]);
            r = err_at(err, groups_write(tree, "io.max", text, err),
                       "linux.resources.blockIO.%s[%zu]", resource_throttle_names[kind], i);
        }
    return r;
}

static int set_unified(struct cgroup_place *groups, const struct oci_pairs *pairs, struct err *err)
{
    const struct cgroup_place_tree *tree = cgroup_place_tree(groups, "", true);
    int r = 0;

    if (pairs->count && (!tree || tree->fd < 0))
        return err_say(err, -ENOTSUP, "cannot set unified '%s': there is no v2 tree here",
                       pairs->list[0].key);
    for (size_t i = 0; i < pairs->count && r == 0; i++)
        r = err_at(err, groups_write(tree, pairs->list[i].key, pairs->list[i].value, err),
                   "linux.resources.unified.%s", pairs->list[i].key);
    return r;
}

int resources_v2(struct cgroup_place *groups, const struct oci_resources *resources,
                 struct err *err)
{
    int r = set_memory(groups, resources, err);

    if (r == 0)
        r = set_cpu(groups, resources, err);
    if (r == 0)
        r = set_io(groups, resources, err);
    if (r == 0)
        r = resource_shared(groups, resources, true, err);
    return r == 0 ? set_unified(groups, &resources->unified, err) : r;
}
