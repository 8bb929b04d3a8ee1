/*
 * Functions in containers: where the files of their images lie while a template has them unpacked.
 * The image itself is in the store, by its hash. STATE/containers has a directory for each
 * template, its function's uid's, filled by the template's own unpacker and removed with it; what a
 * former daemon left is removed at the start.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/tree.h"
#include "faas/supervisor.h"

static void closedirp(DIR **directory)
{
    if (*directory)
        closedir(*directory);
}

/* Nothing of it is mounted: with the former daemon its templates ended. */
static int remove_all(int fd)
{
    int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    _cleanup_(closedirp) DIR *directory = own < 0 ? NULL : fdopendir(own);
    struct dirent *entry;
    int r = 0;

    if (!directory) {
        r = -errno;
        closep(&own);
        return r;
    }
    while (r == 0 && (entry = readdir(directory)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            r = tree_remove(fd, entry->d_name);
    return r;
}

int containers_open(struct supervisor *supervisor, struct err *err)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/containers", supervisor->config.state_dir);
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return err_set(err, -errno, "cannot make '%s'", path);
    supervisor->containers_fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int r = supervisor->containers_fd < 0 ? -errno : remove_all(supervisor->containers_fd);
    return r < 0 ? err_set(err, r, "cannot empty '%s'", path) : 0;
}

int container_directory(struct supervisor *supervisor, uid_t uid,
                        char name[static CONTAINER_DIRECTORY_BYTES], char *path, size_t path_size,
                        struct err *err)
{
    static _Atomic unsigned count;

    snprintf(name, CONTAINER_DIRECTORY_BYTES, "%u", ++count);
    snprintf(path, path_size, "%s/containers/%s", supervisor->config.state_dir, name);
    /* CAP_CHOWN. */
    if (mkdirat(supervisor->containers_fd, name, 0755) < 0 ||
        fchownat(supervisor->containers_fd, name, uid, uid, AT_SYMLINK_NOFOLLOW) < 0)
        return err_set(err, -errno, "cannot make '%s'", path);
    return 0;
}

void container_forget(struct supervisor *supervisor, const char *name)
{
    int r = tree_remove(supervisor->containers_fd, name);

    if (r < 0)
        log_line(LOG_WARNING, "cannot remove 'containers/%s': %s", name, strerror(-r));
}
