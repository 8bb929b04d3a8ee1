/*
 * Counters of a group, and making it clean for its next tenant.
 *
 * The kernel counts since the directory was made; we tell differences since the group was taken.
 * Each counter's file stays open while descriptors are plenty: a read is then one pread (0.8 µs)
 * instead of open, read and close (7 µs).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cgroup/internal.h"

/* Enough for memory.events and cpu.stat, whose lines that we read are among the first. */
#define COUNTER_TEXT_MAX 1024

/* The number behind `key` at the begin of a line, or the first number when there is no key. */
static int number_find(const char *text, const char *key, uint64_t *ret_value)
{
    const char *at = text;
    size_t length = key ? strlen(key) : 0;

    while (key && !(strncmp(at, key, length) == 0 && at[length] == ' ')) {
        at = strchr(at, '\n');
        if (!at)
            return -ENOENT;
        at++;
    }
    char *end;
    uint64_t value = strtoull(at + length, &end, 10);
    if (end == at + length)
        return -ENODATA;
    *ret_value = value;
    return 0;
}

/* Counts a descriptor that is to stay open; false when there are too many. */
static bool fd_may_stay(struct cgroup_root *root)
{
    if (atomic_fetch_add_explicit(&root->open_fds, 1, memory_order_relaxed) < root->open_fds_max)
        return true;
    atomic_fetch_sub_explicit(&root->open_fds, 1, memory_order_relaxed);
    return false;
}

/* The counter's descriptor: kept (then *ret_close is false) or to be closed after use. */
static int counter_open(struct cgroup *group, enum cgroup_counter counter, bool *ret_close)
{
    struct cgroup_root *root = group->root;
    const struct cgroup_source *source = root->source[counter];
    char path[128];

    *ret_close = false;
    if (!source)
        return -ENOENT;
    if (group->counter_fd[counter] >= 0)
        return group->counter_fd[counter];
    snprintf(path, sizeof path, "%s/%s", group->dir, source->file);
    int fd = openat(root->source_tree[counter]->fd, path,
                    (source->resets ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    /* memory.peak is read-only before Linux 6.12. */
    if (fd < 0 && source->resets && errno == EACCES)
        fd = openat(root->source_tree[counter]->fd, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fd_may_stay(root))
        group->counter_fd[counter] = fd;
    else
        *ret_close = true;
    return fd;
}

int cgroup_counter_read(struct cgroup *group, enum cgroup_counter counter, uint64_t *ret_value)
{
    const struct cgroup_source *source = group->root->source[counter];
    char text[COUNTER_TEXT_MAX];
    bool close_it;

    int fd = counter_open(group, counter, &close_it);
    if (fd < 0)
        return fd;
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    int r = n < 0 ? -errno : 0;
    if (close_it)
        close(fd);
    if (r < 0)
        return r;
    text[n] = '\0';
    uint64_t value;
    r = number_find(text, source->key, &value);
    if (r == 0)
        *ret_value = value / source->divide;
    return r;
}

/*
 * Sets the peak back. Where that can't be done the old peak becomes the baseline: what is below it
 * is not seen.
 */
static void peak_reset(struct cgroup *group)
{
    bool close_it;

    int fd = counter_open(group, COUNT_MEMORY_PEAK, &close_it);
    if (fd < 0)
        return;
    const struct cgroup_source *source = group->root->source[COUNT_MEMORY_PEAK];
    /* A reset that holds for one descriptor is lost with it. */
    bool done = !(close_it && source->keep_open) && pwrite(fd, "0", 1, 0) == 1;
    if (close_it)
        close(fd);
    group->baseline[COUNT_MEMORY_PEAK] = 0;
    if (!done)
        cgroup_counter_read(group, COUNT_MEMORY_PEAK, &group->baseline[COUNT_MEMORY_PEAK]);
}

int cgroup_group_clean(struct cgroup *group)
{
    uint64_t value;

    if (cgroup_counter_read(group, COUNT_PIDS, &value) == 0 && value > 0)
        return -EBUSY;
    if (cgroup_counter_read(group, COUNT_MEMORY, &value) == 0 &&
        value > group->root->memory_residue)
        return -EAGAIN;
    cgroup_counter_read(group, COUNT_OOM, &group->baseline[COUNT_OOM]);
    cgroup_counter_read(group, COUNT_DENIED, &group->baseline[COUNT_DENIED]);
    cgroup_counter_read(group, COUNT_CPU, &group->baseline[COUNT_CPU]);
    peak_reset(group);
    return 0;
}

void cgroup_group_reclaim(struct cgroup *group)
{
    const struct cgroup_tree *tree = group->root->source_tree[COUNT_MEMORY];
    uint64_t bytes;

    if (tree && cgroup_counter_read(group, COUNT_MEMORY, &bytes) == 0)
        tree->backend->reclaim(tree, group->dir, bytes);
}

int cgroup_cpu_fd(struct cgroup *group, uint64_t *ret_base_us)
{
    bool close_it;

    int fd = counter_open(group, COUNT_CPU, &close_it);
    if (fd < 0)
        return -1;
    if (close_it) {
        close(fd);
        return -1;
    }
    *ret_base_us = group->baseline[COUNT_CPU];
    return fd;
}

/* Since the group was taken; 0 when nothing counts it. */
static int since_take(struct cgroup *group, enum cgroup_counter counter, uint64_t *ret_value)
{
    uint64_t value = 0;

    int r = cgroup_counter_read(group, counter, &value);
    if (r < 0 && r != -ENOENT)
        return r;
    *ret_value = value > group->baseline[counter] ? value - group->baseline[counter] : 0;
    return 0;
}

int cgroup_read_events(struct cgroup *group, struct cgroup_events *ret_events)
{
    struct cgroup_events events = {0};

    int r = since_take(group, COUNT_OOM, &events.oom_kills);
    if (r == 0)
        r = since_take(group, COUNT_DENIED, &events.pids_denied);
    if (r == 0)
        *ret_events = events;
    return r;
}

int cgroup_read_memory(struct cgroup *group, uint64_t *ret_bytes)
{
    return cgroup_counter_read(group, COUNT_MEMORY, ret_bytes);
}

int cgroup_read_usage(struct cgroup *group, struct cgroup_usage *ret_usage)
{
    struct cgroup_usage usage = {0};
    uint64_t pids = 0, peak = 0;

    int r = since_take(group, COUNT_CPU, &usage.cpu_us);
    if (r < 0)
        return r;
    r = cgroup_counter_read(group, COUNT_PIDS, &pids);
    if (r == 0 || r == -ENOENT)
        r = cgroup_counter_read(group, COUNT_MEMORY, &usage.memory_bytes);
    if (r == 0 || r == -ENOENT)
        r = cgroup_counter_read(group, COUNT_MEMORY_PEAK, &peak);
    if (r < 0 && r != -ENOENT)
        return r;
    usage.pids = (uint32_t)pids;
    /* A peak that is not above an earlier tenant's tells nothing: now is the best that is known. */
    bool is_ours = peak > group->baseline[COUNT_MEMORY_PEAK];
    usage.memory_peak_bytes = is_ours && peak > usage.memory_bytes ? peak : usage.memory_bytes;
    *ret_usage = usage;
    return 0;
}
