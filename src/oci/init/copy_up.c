/* What lies in a directory goes into the tmpfs that is about to cover it (tmpcopyup). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "oci/init/init.h"

#define DEPTH_MAX 64

static int copy_file(int from_dir, int to_dir, const char *name, const struct stat *status)
{
    _cleanup_(closep) int from =
        openat(from_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (from < 0)
        return -errno;
    _cleanup_(closep) int to = openat(
        to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, status->st_mode & 0777);
    if (to < 0)
        return -errno;
    for (ssize_t n; (n = sendfile(to, from, NULL, 1 << 20)) != 0;)
        if (n < 0)
            return -errno;
    return 0;
}

static int copy_link(int from_dir, int to_dir, const char *name)
{
    char target[PATH_MAX];

    ssize_t length = readlinkat(from_dir, name, target, sizeof target - 1);
    if (length < 0)
        return -errno;
    target[length] = '\0';
    return symlinkat(target, to_dir, name) < 0 ? -errno : 0;
}

static int copy_directory(int from_dir, int to_dir, const char *name, int depth)
{
    if (mkdirat(to_dir, name, 0700) < 0)
        return -errno;
    _cleanup_(closep) int from =
        openat(from_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    _cleanup_(closep) int to =
        openat(to_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (from < 0 || to < 0)
        return -errno;
    return copy_up(from, to, depth + 1);
}

/* Owner, mode and times as they were; a link has no mode. */
static int copy_attributes(int to_dir, const char *name, const struct stat *status)
{
    const struct timespec times[2] = {status->st_atim, status->st_mtim};

    if (fchownat(to_dir, name, status->st_uid, status->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (!S_ISLNK(status->st_mode) && fchmodat(to_dir, name, status->st_mode & 07777, 0) < 0)
        return -errno;
    return utimensat(to_dir, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int copy_entry(int from, int to, const char *name, int depth)
{
    struct stat status;
    int r = 0;

    if (fstatat(from, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (S_ISREG(status.st_mode))
        r = copy_file(from, to, name, &status);
    else if (S_ISDIR(status.st_mode))
        r = copy_directory(from, to, name, depth);
    else if (S_ISLNK(status.st_mode))
        r = copy_link(from, to, name);
    else
        r = mknodat(to, name, status.st_mode, status.st_rdev) < 0 ? -errno : 0;
    return r < 0 ? r : copy_attributes(to, name, &status);
}

int copy_up(int from, int to, int depth)
{
    if (depth > DEPTH_MAX)
        return -ELOOP;
    int again = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (again < 0)
        return -errno;
    DIR *directory = fdopendir(again);
    if (!directory) {
        close(again);
        return -ENOMEM;
    }
    int r = 0;
    for (struct dirent *entry; r == 0 && (entry = readdir(directory));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            r = copy_entry(from, to, entry->d_name, depth);
    closedir(directory);
    return r;
}
