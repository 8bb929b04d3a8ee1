/* Removing a tree without recursion: a folder in it that is not empty becomes its neighbour. */
#include "base/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

static void closedirp(DIR **directory)
{
    if (*directory)
        closedir(*directory);
}

/* Empties one folder: files go, folders are moved to "NAME~N" for the next N. */
static int empty(int dir_fd, const char *at, const char *name, unsigned *count)
{
    int fd = openat(dir_fd, at, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    _cleanup_(closedirp) DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    char moved[NAME_MAX + 1];

    if (!directory) {
        int r = -errno;
        closep(&fd);
        return r;
    }
    while ((entry = readdir(directory))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            unlinkat(fd, entry->d_name, 0) == 0)
            continue;
        if (errno != EISDIR && errno != EPERM)
            return -errno;
        if (unlinkat(fd, entry->d_name, AT_REMOVEDIR) == 0)
            continue;
        if (errno != ENOTEMPTY && errno != EEXIST)
            return -errno;
        snprintf(moved, sizeof moved, "%.200s~%u", name, *count);
        if (renameat(fd, entry->d_name, dir_fd, moved) < 0)
            return -errno;
        ++*count;
    }
    return 0;
}

int tree_remove(int dir_fd, const char *name)
{
    char at[NAME_MAX + 1];
    unsigned count = 0;
    int r;

    snprintf(at, sizeof at, "%s", name);
    for (unsigned i = 0;; i++) {
        r = empty(dir_fd, at, name, &count);
        if (r == -ENOENT && i == 0)
            return 0;
        if (r == -ENOTDIR)
            r = unlinkat(dir_fd, at, 0) < 0 ? -errno : 0;
        else if (r == 0 && unlinkat(dir_fd, at, AT_REMOVEDIR) < 0)
            r = -errno;
        if (r < 0 || i == count)
            return r;
        snprintf(at, sizeof at, "%.200s~%u", name, i);
    }
}
