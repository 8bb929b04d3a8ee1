/*
 * What lies below a root that was moved over the host's, where pivot_root(2) can't be had. All that
 * is mounted there is detached: a procfs or a sysfs that is seen whole anywhere in a mount
 * namespace lets a user namespace below mount one of its own, without masks (mount_too_revealing()
 * in the kernel's fs/namespace.c).
 *
 * The process's root is still the old one: its paths lead below the new root, never into it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <linux/stat.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "oci/init/init.h"
#include "oci/init/mount_calls.h"

#define UMOUNT_FLAGS (2 | 8) /* MNT_DETACH | UMOUNT_NOFOLLOW of <sys/mount.h> */

/* A line of mountinfo: proc(5). */
struct line {
    char id[24], path[4 * PATH_MAX], type[64];
};

struct lines {
    int fd;
    size_t at, end;
    char buffer[4096];
};

static int next_byte(struct lines *lines)
{
    if (lines->at == lines->end) {
        ssize_t n = read(lines->fd, lines->buffer, sizeof lines->buffer);
        if (n <= 0)
            return n < 0 ? -errno : -ENODATA;
        lines->at = 0;
        lines->end = (size_t)n;
    }
    return (unsigned char)lines->buffer[lines->at++];
}

/* "\040" is a space. */
static void unescape(char *text)
{
    char *to = text;

    for (; *text; to++) {
        if (text[0] == '\\' && text[1] && text[2] && text[3]) {
            *to = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0'));
            text += 4;
        } else {
            *to = *text++;
        }
    }
    *to = '\0';
}

/* 1, 0 at the end, or -errno. */
static int next_line(struct lines *lines, struct line *ret)
{
    size_t field = 0, used = 0, dash = 0;
    char separator[2] = "";
    int c;

    *ret->id = *ret->path = *ret->type = '\0';
    while ((c = next_byte(lines)) >= 0 && c != '\n') {
        if (c == ' ') {
            if (field > 5 && strcmp(separator, "-") == 0 && used == 1 && !dash)
                dash = field;
            field++;
            used = 0;
            continue;
        }
        char *out = field == 0 ? ret->id : field == 4 ? ret->path : separator;
        size_t room = field == 0 ? sizeof ret->id : field == 4 ? sizeof ret->path : 2;
        if (dash && field == dash + 1) {
            out = ret->type;
            room = sizeof ret->type;
        }
        if (used + 1 < room) {
            out[used] = (char)c;
            out[used + 1] = '\0';
        } else if (out == ret->path) {
            return -ENAMETOOLONG;
        }
        used++;
    }
    unescape(ret->path);
    return c == '\n' ? 1 : c == -ENODATA ? 0 : c;
}

static int rewind_lines(struct lines *lines)
{
    lines->at = lines->end = 0;
    return lseek(lines->fd, 0, SEEK_SET) < 0 ? -errno : 0;
}

/* What is mounted on it must not be an event on the host. */
static int part(const char *path)
{
    struct mount_attr attr = {.propagation = MS_PRIVATE};

    _cleanup_(closep) int fd = openat(AT_FDCWD, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : call_mount_setattr(fd, 0, &attr);
}

/* Once through the list: how many were detached. One on the other comes away with the next time. */
static int detach_all(struct lines *lines)
{
    static struct line line;
    int count = 0;

    int r = rewind_lines(lines);
    while (r == 0 && (r = next_line(lines, &line)) > 0) {
        r = 0;
        /* -EINVAL: nothing is mounted there now, or it came from a user namespace above. */
        if (strcmp(line.path, "/") != 0 && syscall(SYS_umount2, line.path, UMOUNT_FLAGS) == 0)
            count++;
    }
    return r < 0 ? r : count;
}

/* Whether the mount of that number is what the path leads to. */
static bool is_there(const struct line *line)
{
    struct statx status;

    _cleanup_(closep) int fd = openat(AT_FDCWD, line->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    return fd >= 0 && syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &status) == 0 &&
           status.stx_mnt_id == strtoull(line->id, NULL, 10);
}

/* What a user namespace above holds there, or the host is a peer of, is not ours to detach: it is
 * covered. One below another on the same place is so already. */
static int cover_rest(struct init *init, struct lines *lines)
{
    static struct line line;

    int r = rewind_lines(lines);
    while (r == 0 && (r = next_line(lines, &line)) > 0) {
        const bool whole = strcmp(line.type, "proc") == 0 || strcmp(line.type, "sysfs") == 0;
        r = 0;
        if (!whole || !is_there(&line))
            continue;
        r = part(line.path);
        if (r == 0 && syscall(SYS_mount, "tmpfs", line.path, "tmpfs", (unsigned long)MS_RDONLY,
                              "size=4k") < 0)
            r = -errno;
        if (r < 0)
            return err_set(&init->err, r, "cannot cover the host's '%s'", line.path);
    }
    return r;
}

int old_root_open(struct init *init)
{
    int fd = proc_open("self/mountinfo", O_RDONLY | O_CLOEXEC);

    return fd < 0 ? err_set(&init->err, fd, "cannot open '/proc/self/mountinfo'") : fd;
}

int old_root_clear(struct init *init, int mountinfo)
{
    static struct lines lines;
    int r;

    lines.fd = mountinfo;
    /* Of two on one place the lower one is out of reach, and still the host's peer where the root
     * is: the end of the upper one would be its end on the host. */
    do
        r = init->plan->propagation & MS_SHARED ? 0 : detach_all(&lines);
    while (r > 0);
    if (r == 0)
        r = cover_rest(init, &lines);
    return r < 0 ? err_set(&init->err, r, "cannot detach the host's mounts") : 0;
}
