/* From the device of a file system to the disk that the kernel limits. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "cgroup/internal.h"

static int numbers_parse(const char *text, unsigned *ret_major, unsigned *ret_minor)
{
    int end = 0;
    unsigned found_major, found_minor;

    if (sscanf(text, "%u:%u%n", &found_major, &found_minor, &end) != 2 ||
        (text[end] != '\0' && text[end] != '\n' && text[end] != ' '))
        return -EINVAL;
    *ret_major = found_major;
    *ret_minor = found_minor;
    return 0;
}

/*
 * A btrfs file system has an anonymous device (major 0); its mount names one of its disks. Other
 * anonymous devices (overlay, tmpfs, NFS) have no disk of their own.
 */
static int anonymous_resolve(const char *mounts, unsigned *number_major, unsigned *number_minor)
{
    for (const char *line = mounts; line && *line;) {
        unsigned line_major, line_minor;
        char type[32], source[256];
        const char *dash = strstr(line, " - ");
        if (!dash)
            break;
        struct stat status;
        if (sscanf(line, "%*u %*u %u:%u", &line_major, &line_minor) == 2 &&
            line_major == *number_major && line_minor == *number_minor &&
            sscanf(dash, " - %31s %255s", type, source) == 2 && strcmp(type, "btrfs") == 0 &&
            stat(source, &status) == 0 && S_ISBLK(status.st_mode)) {
            *number_major = major(status.st_rdev);
            *number_minor = minor(status.st_rdev);
            return 0;
        }
        line = strchr(dash, '\n');
        line = line ? line + 1 : NULL;
    }
    return -ENODEV;
}

int cgroup_device_disk(const char *sys, const char *mounts, uint64_t device, unsigned *ret_major,
                       unsigned *ret_minor, struct err *err)
{
    unsigned disk_major = major((dev_t)device);
    unsigned disk_minor = minor((dev_t)device);
    char path[256];
    struct stat status;

    if (disk_major == 0 && anonymous_resolve(mounts, &disk_major, &disk_minor) < 0)
        return err_say(err, -ENODEV,
                       "cannot limit io of device %u:%u: it is not a disk (overlay, tmpfs, "
                       "network or btrfs subvolume); choose a directory on a disk's file system",
                       disk_major, disk_minor);

    snprintf(path, sizeof path, "%s/%u:%u", sys, disk_major, disk_minor);
    if (stat(path, &status) < 0)
        return err_set(err, -ENODEV, "cannot limit io of device %u:%u", disk_major, disk_minor);
    snprintf(path, sizeof path, "%s/%u:%u/partition", sys, disk_major, disk_minor);
    if (stat(path, &status) == 0) {
        /* The link leads to .../disk/partition, so its parent is the disk. */
        _cleanup_(freep) char *text = NULL;
        size_t size;
        snprintf(path, sizeof path, "%s/%u:%u/../dev", sys, disk_major, disk_minor);
        int r = fd_read_file(AT_FDCWD, path, 64, &text, &size, err);
        if (r < 0)
            return r;
        if (numbers_parse(text, &disk_major, &disk_minor) < 0)
            return err_say(err, -ENODEV, "cannot limit io: '%s' names no device", path);
    }
    *ret_major = disk_major;
    *ret_minor = disk_minor;
    return 0;
}

int cgroup_disk_text(uint64_t device, char *ret_text, size_t size, struct err *err)
{
    _cleanup_(freep) char *mounts = NULL;
    unsigned disk_major, disk_minor;
    size_t mounts_size;

    int r = fd_read_file(AT_FDCWD, "/proc/self/mountinfo", 16 << 20, &mounts, &mounts_size, err);
    if (r == 0)
        r = cgroup_device_disk("/sys/dev/block", mounts, device, &disk_major, &disk_minor, err);
    if (r == 0)
        snprintf(ret_text, size, "%u:%u", disk_major, disk_minor);
    return r;
}
