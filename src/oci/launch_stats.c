/* oci_launch_stats(): the container's counters, from whichever tree has them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "oci/launch_internal.h"

#define NOTHING UINT64_MAX
#define FILE_MAX (1 << 20)

static char *read_text(const struct cgroup_place_tree *tree, const char *file)
{
    char *text = NULL;
    size_t size;

    return tree && tree->fd >= 0 && fd_read_file(tree->fd, file, FILE_MAX, &text, &size, NULL) == 0
               ? text
               : NULL;
}

/* A file that is one number; "max" is no limit. */
static uint64_t read_number(const struct cgroup_place_tree *tree, const char *file)
{
    _cleanup_(freep) char *text = read_text(tree, file);
    char *end;

    if (!text || strncmp(text, "max", 3) == 0)
        return NOTHING;
    uint64_t value = strtoull(text, &end, 10);
    return end == text ? NOTHING : value;
}

/* The number behind `key` at the begin of a line. */
static uint64_t find_number(const char *text, const char *key)
{
    size_t length = strlen(key);

    for (const char *line = text; line && *line;) {
        if (strncmp(line, key, length) == 0 && line[length] == ' ')
            return strtoull(line + length + 1, NULL, 10);
        line = strchr(line, '\n');
        line += line != NULL;
    }
    return NOTHING;
}

static uint64_t times(uint64_t value, uint64_t factor)
{
    return value == NOTHING ? NOTHING : value * factor;
}

static void read_cpu(struct cgroup_place *groups, struct oci_stats *stats)
{
    const struct cgroup_place_tree *accounting = cgroup_place_tree(groups, "cpuacct", false);
    const struct cgroup_place_tree *cpu = cgroup_place_tree(groups, "cpu", false);
    const struct cgroup_place_tree *unified = cgroup_place_tree(groups, "", true);

    if (accounting && accounting->fd >= 0) {
        stats->cpu_total_ns = read_number(accounting, "cpuacct.usage");
        stats->cpu_user_ns = read_number(accounting, "cpuacct.usage_user");
        stats->cpu_system_ns = read_number(accounting, "cpuacct.usage_sys");
    } else {
        _cleanup_(freep) char *text = read_text(unified, "cpu.stat");
        stats->cpu_total_ns = times(find_number(text, "usage_usec"), 1000);
        stats->cpu_user_ns = times(find_number(text, "user_usec"), 1000);
        stats->cpu_system_ns = times(find_number(text, "system_usec"), 1000);
    }
    bool old = cpu && cpu->fd >= 0;
    _cleanup_(freep) char *text = read_text(old ? cpu : unified, "cpu.stat");
    stats->cpu_periods = find_number(text, "nr_periods");
    stats->cpu_throttled_periods = find_number(text, "nr_throttled");
    stats->cpu_throttled_ns = old ? find_number(text, "throttled_time")
                                  : times(find_number(text, "throttled_usec"), 1000);
}

static void read_memory_raw(const struct cgroup_place_tree *tree, struct oci_stats *stats)
{
    _cleanup_(freep) char *text = read_text(tree, "memory.stat");
    char *rest = text;

    for (char *line; rest && (line = strsep(&rest, "\n"));) {
        char *space = strchr(line, ' ');
        if (!space || stats->memory_raw.count == ARRAY_LEN(stats->memory_raw.list))
            continue;
        *space = '\0';
        struct oci_pair_u64 *pair = &stats->memory_raw.list[stats->memory_raw.count++];
        snprintf(pair->name, sizeof pair->name, "%s", line);
        pair->value = strtoull(space + 1, NULL, 10);
    }
}

static uint64_t raw_find(const struct oci_stats *stats, const char *name)
{
    for (size_t i = 0; i < stats->memory_raw.count; i++)
        if (strcmp(stats->memory_raw.list[i].name, name) == 0)
            return stats->memory_raw.list[i].value;
    return NOTHING;
}

static void read_memory(struct cgroup_place *groups, struct oci_stats *stats)
{
    const struct cgroup_place_tree *old = cgroup_place_tree(groups, "memory", false);
    const struct cgroup_place_tree *unified = cgroup_place_tree(groups, "memory", true);

    if (old && old->fd >= 0) {
        stats->memory_usage = read_number(old, "memory.usage_in_bytes");
        stats->memory_max_usage = read_number(old, "memory.max_usage_in_bytes");
        stats->memory_failcnt = read_number(old, "memory.failcnt");
        stats->memory_limit = read_number(old, "memory.limit_in_bytes");
        stats->memory_swap_usage = read_number(old, "memory.memsw.usage_in_bytes");
        stats->memory_swap_limit = read_number(old, "memory.memsw.limit_in_bytes");
        stats->memory_kernel_usage = read_number(old, "memory.kmem.usage_in_bytes");
        _cleanup_(freep) char *text = read_text(old, "memory.oom_control");
        stats->memory_oom_kills = find_number(text, "oom_kill");
        read_memory_raw(old, stats);
        stats->memory_cache = raw_find(stats, "cache");
        return;
    }
    stats->memory_usage = read_number(unified, "memory.current");
    stats->memory_max_usage = read_number(unified, "memory.peak");
    stats->memory_limit = read_number(unified, "memory.max");
    stats->memory_swap_usage = read_number(unified, "memory.swap.current");
    stats->memory_swap_limit = read_number(unified, "memory.swap.max");
    _cleanup_(freep) char *text = read_text(unified, "memory.events");
    stats->memory_oom_kills = find_number(text, "oom_kill");
    stats->memory_failcnt = find_number(text, "max");
    read_memory_raw(unified, stats);
    stats->memory_cache = raw_find(stats, "file");
    stats->memory_kernel_usage = raw_find(stats, "kernel");
}

static struct oci_blkio_stat *disk_find(struct oci_stats *stats, unsigned major, unsigned minor)
{
    for (size_t i = 0; i < stats->blkio_count; i++)
        if (stats->blkio[i].major == major && stats->blkio[i].minor == minor)
            return &stats->blkio[i];
    if (stats->blkio_count == ARRAY_LEN(stats->blkio))
        return NULL;
    struct oci_blkio_stat *disk = &stats->blkio[stats->blkio_count++];
    *disk = (struct oci_blkio_stat){.major = major, .minor = minor};
    return disk;
}

/* v1: "8:0 Read 4096", a line a direction. */
static void read_disks_v1(const struct cgroup_place_tree *tree, const char *file, bool bytes,
                          struct oci_stats *stats)
{
    _cleanup_(freep) char *text = read_text(tree, file);
    char *rest = text;

    for (char *line; rest && (line = strsep(&rest, "\n"));) {
        unsigned major, minor;
        char way[16];
        unsigned long long value;
        if (sscanf(line, "%u:%u %15s %llu", &major, &minor, way, &value) != 4)
            continue;
        struct oci_blkio_stat *disk = disk_find(stats, major, minor);
        bool read = strcmp(way, "Read") == 0;
        if (disk && (read || strcmp(way, "Write") == 0))
            *(bytes  ? read ? &disk->read_bytes : &disk->write_bytes
              : read ? &disk->read_ios
                     : &disk->write_ios) = value;
    }
}

/* v2: "8:0 rbytes=1 wbytes=2 rios=3 wios=4 …". */
static void read_disks_v2(const struct cgroup_place_tree *tree, struct oci_stats *stats)
{
    _cleanup_(freep) char *text = read_text(tree, "io.stat");
    char *rest = text;

    for (char *line; rest && (line = strsep(&rest, "\n"));) {
        unsigned major, minor;
        unsigned long long read_bytes, write_bytes, read_ios, write_ios;
        if (sscanf(line, "%u:%u rbytes=%llu wbytes=%llu rios=%llu wios=%llu", &major, &minor,
                   &read_bytes, &write_bytes, &read_ios, &write_ios) != 6)
            continue;
        struct oci_blkio_stat *disk = disk_find(stats, major, minor);
        if (disk)
            *disk =
                (struct oci_blkio_stat){major, minor, read_bytes, write_bytes, read_ios, write_ios};
    }
}

static void read_disks(struct cgroup_place *groups, struct oci_stats *stats)
{
    const struct cgroup_place_tree *old = cgroup_place_tree(groups, "blkio", false);

    if (old && old->fd >= 0) {
        read_disks_v1(old, "blkio.throttle.io_service_bytes", true, stats);
        read_disks_v1(old, "blkio.throttle.io_serviced", false, stats);
    } else {
        read_disks_v2(cgroup_place_tree(groups, "", true), stats);
    }
}

static void read_hugepages(struct cgroup_place *groups, struct oci_stats *stats)
{
    static const char *const sizes[] = {"64KB", "2MB", "32MB", "512MB", "1GB", "16GB"};
    struct cgroup_place_tree *tree;
    char file[64];

    if (groups_tree(groups, "hugetlb", "", &tree, NULL) < 0)
        return;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct oci_hugetlb_stat row = {.max_usage = NOTHING, .failcnt = NOTHING};
        snprintf(file, sizeof file,
                 tree->unified ? "hugetlb.%s.current" : "hugetlb.%s.usage_in_bytes", sizes[i]);
        row.usage = read_number(tree, file);
        if (row.usage == NOTHING || stats->hugetlb_count == ARRAY_LEN(stats->hugetlb))
            continue;
        snprintf(row.page_size, sizeof row.page_size, "%s", sizes[i]);
        if (!tree->unified) {
            snprintf(file, sizeof file, "hugetlb.%s.max_usage_in_bytes", sizes[i]);
            row.max_usage = read_number(tree, file);
            snprintf(file, sizeof file, "hugetlb.%s.failcnt", sizes[i]);
            row.failcnt = read_number(tree, file);
        }
        stats->hugetlb[stats->hugetlb_count++] = row;
    }
}

int oci_launch_stats(const struct oci_place *place, struct oci_stats *ret_stats, struct err *err)
{
    _cleanup_(freep) struct cgroup_place *groups = calloc(1, sizeof *groups);
    struct cgroup_place_tree *tree = NULL;

    if (!groups)
        return err_set(err, -ENOMEM, "cannot read the container's counters");
    int r = groups_open(place, groups, err);
    if (r == 0) {
        memset(ret_stats, 0xff, sizeof *ret_stats); /* every number: nothing counts it */
        ret_stats->memory_raw.count = ret_stats->blkio_count = ret_stats->hugetlb_count = 0;
        read_cpu(groups, ret_stats);
        read_memory(groups, ret_stats);
        if (groups_tree(groups, "pids", "", &tree, NULL) == 0) {
            ret_stats->pids_current = read_number(tree, "pids.current");
            ret_stats->pids_limit = read_number(tree, "pids.max");
        }
        read_disks(groups, ret_stats);
        read_hugepages(groups, ret_stats);
    }
    cgroup_place_close(groups);
    return r;
}
