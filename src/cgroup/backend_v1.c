/* Control groups v1: one directory per tree, entered by writing "0" to `tasks`. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cgroup/internal.h"
#include "cgroup/ops.h"

static int v1_open(struct cgroup_tree *tree, const char *base, const char *mount_point,
                   const char *name, struct err *err)
{
    int r = cgroup_directory_make(base, name, NULL, NULL, tree->path, sizeof tree->path, &tree->fd,
                                  err);
    (void)mount_point;
    if (r == 0)
        snprintf(tree->base, sizeof tree->base, "%s", base);
    return r;
}

static void v1_close(struct cgroup_tree *tree)
{
    (void)tree;
}

static int v1_entry(const struct cgroup_tree *tree, const char *dir, int *ret_clone_fd,
                    int *ret_tasks_fd)
{
    char path[64];

    (void)ret_clone_fd;
    snprintf(path, sizeof path, "%s/tasks", dir);
    int fd = openat(tree->fd, path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    *ret_tasks_fd = fd;
    return 0;
}

/*
 * There is no cgroup.kill, and a freezer tree would cost every group a directory and every child an
 * attach. A pids limit of 0 stops forks as well, so that the list can only become shorter.
 */
static int v1_kill(int dir_fd)
{
    if (cgroup_file_exists(dir_fd, "pids.max"))
        fd_write_string(dir_fd, "pids.max", "0");
    int r = cgroup_kill_listed(dir_fd);
    return r < 0 ? r : 0;
}

/* force_empty gives page cache and what is reclaimable back; it needs no amount. */
static void v1_reclaim(const struct cgroup_tree *tree, const char *dir, uint64_t bytes)
{
    char path[64];

    (void)bytes;
    snprintf(path, sizeof path, "%s/memory.force_empty", dir);
    fd_write_string(tree->fd, path, "0");
}

const struct cgroup_backend cgroup_backend_v1 = {
    .name = "v1",
    .unified = false,
    .open = v1_open,
    .close = v1_close,
    .entry = v1_entry,
    .kill = v1_kill,
    .reclaim = v1_reclaim,
};

static int memory_write(const struct cgroup_tree *tree, const char *dir, uint64_t bytes,
                        struct err *err)
{
    char value[32] = "-1";

    if (bytes)
        snprintf(value, sizeof value, "%" PRIu64, bytes);
    return cgroup_limit_write(tree, dir, "memory.limit_in_bytes", value, err);
}

/* Memory and swap together; the file is there only when the kernel accounts swap. */
static int swap_write(const struct cgroup_tree *tree, const char *dir, uint64_t bytes,
                      struct err *err)
{
    char value[32] = "-1";
    char path[128];

    if (bytes)
        snprintf(value, sizeof value, "%" PRIu64, bytes);
    snprintf(path, sizeof path, "%s/memory.memsw.limit_in_bytes", dir);
    int r = fd_write_string(tree->fd, path, value);
    if (r < 0 && r != -ENOENT)
        return err_set(err, r, "cannot set limit 'memory.memsw.limit_in_bytes' to '%s'", value);
    return 0;
}

/* The kernel holds memory <= memory and swap at every moment: the order depends on the way. */
int v1_limit_memory(const struct cgroup_tree *tree, const char *dir,
                    const struct cgroup_limits *was, const struct cgroup_limits *want,
                    struct err *err)
{
    bool grows = want->memory_bytes == 0 ||
                 (was->memory_bytes != 0 && want->memory_bytes > was->memory_bytes);
    int r = 0;

    if (grows)
        r = swap_write(tree, dir, want->memory_bytes, err);
    if (r == 0)
        r = memory_write(tree, dir, want->memory_bytes, err);
    if (r == 0 && !grows)
        r = swap_write(tree, dir, want->memory_bytes, err);
    return r;
}

int v1_limit_cpu(const struct cgroup_tree *tree, const char *dir, const struct cgroup_limits *was,
                 const struct cgroup_limits *want, struct err *err)
{
    uint64_t quota, period, quota_was, period_was;
    char value[32] = "-1";
    int r = 0;

    cgroup_cpu_quota(want->cpu_millis ? want->cpu_millis : 1000, &quota, &period);
    cgroup_cpu_quota(was->cpu_millis ? was->cpu_millis : 1000, &quota_was, &period_was);
    /* Quota and period are checked against each other at every write: go through "no quota". */
    if (period != period_was) {
        r = cgroup_limit_write(tree, dir, "cpu.cfs_quota_us", "-1", err);
        snprintf(value, sizeof value, "%" PRIu64, period);
        if (r == 0)
            r = cgroup_limit_write(tree, dir, "cpu.cfs_period_us", value, err);
    }
    snprintf(value, sizeof value, "%" PRIu64, quota);
    if (r == 0)
        r = cgroup_limit_write(tree, dir, "cpu.cfs_quota_us", want->cpu_millis ? value : "-1", err);
    return r;
}

static const char *const throttle_bytes[] = {"blkio.throttle.read_bps_device",
                                             "blkio.throttle.write_bps_device"};
static const char *const throttle_operations[] = {"blkio.throttle.read_iops_device",
                                                  "blkio.throttle.write_iops_device"};

static int throttle_write(const struct cgroup_tree *tree, const char *dir,
                          const char *const files[2], const char *disk, uint64_t value,
                          struct err *err)
{
    char line[96];
    int r = 0;

    snprintf(line, sizeof line, "%s %" PRIu64, disk, value);
    for (int i = 0; i < 2 && r == 0; i++)
        r = cgroup_limit_write(tree, dir, files[i], line, err);
    return r;
}

/* v1 sees direct and synchronous I/O only: write-back is charged to the kernel's own threads. */
int v1_limit_io(const struct cgroup_tree *tree, const char *dir, const struct cgroup_limits *was,
                const struct cgroup_limits *want, struct err *err)
{
    char disk[32];

    /* A disk that went away took its limits along: failures don't matter here. */
    if ((was->io_bytes_per_second || was->io_operations_per_second) &&
        cgroup_disk_text(was->io_device, disk, sizeof disk, NULL) == 0) {
        throttle_write(tree, dir, throttle_bytes, disk, 0, NULL);
        throttle_write(tree, dir, throttle_operations, disk, 0, NULL);
    }
    if (!want->io_bytes_per_second && !want->io_operations_per_second)
        return 0;
    int r = cgroup_disk_text(want->io_device, disk, sizeof disk, err);
    if (r == 0 && want->io_bytes_per_second)
        r = throttle_write(tree, dir, throttle_bytes, disk, want->io_bytes_per_second, err);
    if (r == 0 && want->io_operations_per_second)
        r = throttle_write(tree, dir, throttle_operations, disk, want->io_operations_per_second,
                           err);
    return r;
}
