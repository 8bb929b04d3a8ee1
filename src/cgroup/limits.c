/* Limits of a group: only what differs from what was last written costs a system call. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "cgroup/internal.h"
#include "cgroup/ops.h"

/* Defaults of the kernel, and the least quota that it takes (1 ms, kernel/sched/core.c). */
#define PERIOD_US 100000
#define PERIOD_MAX_US 1000000
#define QUOTA_MIN_US 1000

static bool io_wanted(const struct cgroup_limits *limits)
{
    return limits->io_bytes_per_second || limits->io_operations_per_second;
}

static bool io_equal(const struct cgroup_limits *a, const struct cgroup_limits *b)
{
    return a->io_bytes_per_second == b->io_bytes_per_second &&
           a->io_operations_per_second == b->io_operations_per_second &&
           (!io_wanted(a) || a->io_device == b->io_device);
}

bool cgroup_limits_equal(const struct cgroup_limits *a, const struct cgroup_limits *b)
{
    return a->memory_bytes == b->memory_bytes && a->cpu_millis == b->cpu_millis &&
           a->pids == b->pids && io_equal(a, b);
}

/* Indexed by part: whether a limit is asked for, whether it differs, what it is called. */
static bool part_wanted(const struct cgroup_limits *limits, enum cgroup_part part)
{
    const bool wanted[CGROUP_PARTS] = {
        [CGROUP_MEMORY] = limits->memory_bytes,
        [CGROUP_CPU] = limits->cpu_millis,
        [CGROUP_PIDS] = limits->pids,
        [CGROUP_IO] = io_wanted(limits),
    };
    return wanted[part];
}

static bool part_differs(const struct cgroup_limits *a, const struct cgroup_limits *b,
                         enum cgroup_part part)
{
    const bool differs[CGROUP_PARTS] = {
        [CGROUP_MEMORY] = a->memory_bytes != b->memory_bytes,
        [CGROUP_CPU] = a->cpu_millis != b->cpu_millis,
        [CGROUP_PIDS] = a->pids != b->pids,
        [CGROUP_IO] = !io_equal(a, b),
    };
    return differs[part];
}

const char *const cgroup_part_names[CGROUP_PARTS] = {
    [CGROUP_MEMORY] = "memory",
    [CGROUP_CPU] = "cpu",
    [CGROUP_PIDS] = "pids",
    [CGROUP_IO] = "io",
};

unsigned cgroup_limits_clip(const struct cgroup_root *root, struct cgroup_limits *limits,
                            const char *ret_missing[4])
{
    unsigned count = 0;

    for (int part = 0; part < CGROUP_PARTS; part++)
        if (part_wanted(limits, part) && !root->controller[part])
            ret_missing[count++] = cgroup_part_names[part];
    if (!root->controller[CGROUP_MEMORY])
        limits->memory_bytes = 0;
    if (!root->controller[CGROUP_CPU])
        limits->cpu_millis = 0;
    if (!root->controller[CGROUP_PIDS])
        limits->pids = 0;
    if (!root->controller[CGROUP_IO])
        limits->io_bytes_per_second = limits->io_operations_per_second = 0;
    return count;
}

int cgroup_limits_apply(struct cgroup *group, const struct cgroup_limits *limits, struct err *err)
{
    const struct cgroup_root *root = group->root;

    for (int part = 0; part < CGROUP_PARTS; part++) {
        if (!part_differs(&group->limits, limits, part))
            continue;
        const struct cgroup_controller *controller = root->controller[part];
        if (!controller)
            return err_say(err, -ENOTSUP,
                           "cannot limit %s: no control group tree of this machine offers it here",
                           cgroup_part_names[part]);
        const struct cgroup_tree *tree = root->part_tree[part];
        int r = cgroup_group_enter_tree(group, (size_t)(tree - root->trees), err);
        if (r < 0)
            return r;
        r = controller->limit(tree, group->dir, &group->limits, limits, err);
        if (r < 0)
            return r;
    }
    group->limits = *limits;
    return 0;
}

int cgroup_limit_write(const struct cgroup_tree *tree, const char *dir, const char *file,
                       const char *value, struct err *err)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", dir, file);
    int r = fd_write_string(tree->fd, path, value);
    if (r < 0)
        return err_set(err, r, "cannot set limit '%s' to '%s'", file, value);
    return 0;
}

int cgroup_limit_pids(const struct cgroup_tree *tree, const char *dir,
                      const struct cgroup_limits *was, const struct cgroup_limits *want,
                      struct err *err)
{
    char value[32] = "max";

    (void)was;
    if (want->pids)
        snprintf(value, sizeof value, "%" PRIu32, want->pids);
    return cgroup_limit_write(tree, dir, "pids.max", value, err);
}

void cgroup_cpu_quota(uint32_t cpu_millis, uint64_t *ret_quota_us, uint64_t *ret_period_us)
{
    uint64_t period = PERIOD_US;

    /* Less than a hundredth of a CPU does not fit into the short period. */
    if ((uint64_t)cpu_millis * period / 1000 < QUOTA_MIN_US)
        period = PERIOD_MAX_US;
    *ret_quota_us = (uint64_t)cpu_millis * period / 1000;
    *ret_period_us = period;
}
