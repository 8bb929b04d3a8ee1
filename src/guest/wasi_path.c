/*
 * Operations on names. Those that look at a file open it (O_PATH) and ask the descriptor; those
 * that change a directory open the directory and name the last component, which such calls never
 * follow. A trailing slash stays with the name: the kernel gives it its meaning, and follows no
 * symlink for it where it makes or removes a name.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "guest/wasi_internal.h"

/* A path of the guest below a directory that has `rights`, as its parent and last component. */
static enum wasi_errno open_parent(struct host *host, uint32_t fd, uint64_t rights, uint32_t path,
                                   uint32_t path_bytes, char buffer[static WASI_PATH_MAX],
                                   struct wasi_parent *ret_parent)
{
    struct wasi_fd *directory;

    enum wasi_errno error = wasi_fd_get_directory(host, fd, rights, &directory);
    if (error)
        return error;
    error = wasi_path_copy(host, path, path_bytes, buffer);
    if (error)
        return error;
    return wasi_errno_from(wasi_parent_open(directory->fd, buffer, ret_parent));
}

/* The file itself, O_PATH, which the caller closes. */
static enum wasi_errno open_path(struct host *host, uint32_t fd, uint64_t rights, uint32_t lookup,
                                 uint32_t path, uint32_t path_bytes, int *ret_fd)
{
    char *buffer = host->wasi->path[0];
    struct wasi_fd *directory;

    if (lookup & ~WASI_LOOKUP_SYMLINK_FOLLOW)
        return WASI_EINVAL;
    enum wasi_errno error = wasi_fd_get_directory(host, fd, rights, &directory);
    if (error)
        return error;
    error = wasi_path_copy(host, path, path_bytes, buffer);
    if (error)
        return error;
    int follow = lookup & WASI_LOOKUP_SYMLINK_FOLLOW ? 0 : O_NOFOLLOW;
    int opened = wasi_open_beneath(directory->fd, buffer, O_PATH | follow, 0);
    if (opened < 0)
        return wasi_errno_from(opened);
    *ret_fd = opened;
    return WASI_SUCCESS;
}

/* System calls: openat2, mkdirat, close. */
uint32_t WASI(path_create_directory)(struct host *host, uint32_t fd, uint32_t path,
                                     uint32_t path_bytes)
{
    _cleanup_(wasi_parent_close) struct wasi_parent parent = {.opened = -1};

    enum wasi_errno error = open_parent(host, fd, WASI_RIGHT_PATH_CREATE_DIRECTORY, path,
                                        path_bytes, host->wasi->path[0], &parent);
    if (error)
        return error;
    return mkdirat(parent.fd, parent.name, 0777) < 0 ? wasi_errno_from(errno) : WASI_SUCCESS;
}

/* System calls: openat2, unlinkat, close. */
static uint32_t remove_name(struct host *host, uint32_t fd, uint64_t rights, uint32_t path,
                            uint32_t path_bytes, int flags)
{
    _cleanup_(wasi_parent_close) struct wasi_parent parent = {.opened = -1};

    enum wasi_errno error =
        open_parent(host, fd, rights, path, path_bytes, host->wasi->path[0], &parent);
    if (error)
        return error;
    return unlinkat(parent.fd, parent.name, flags) < 0 ? wasi_errno_from(errno) : WASI_SUCCESS;
}

uint32_t WASI(path_remove_directory)(struct host *host, uint32_t fd, uint32_t path,
                                     uint32_t path_bytes)
{
    return remove_name(host, fd, WASI_RIGHT_PATH_REMOVE_DIRECTORY, path, path_bytes, AT_REMOVEDIR);
}

uint32_t WASI(path_unlink_file)(struct host *host, uint32_t fd, uint32_t path, uint32_t path_bytes)
{
    return remove_name(host, fd, WASI_RIGHT_PATH_UNLINK_FILE, path, path_bytes, 0);
}

/* System calls: openat2, renameat2, close. */
uint32_t WASI(path_rename)(struct host *host, uint32_t old_fd, uint32_t old_path,
                           uint32_t old_bytes, uint32_t new_fd, uint32_t new_path,
                           uint32_t new_bytes)
{
    _cleanup_(wasi_parent_close) struct wasi_parent from = {.opened = -1}, to = {.opened = -1};

    enum wasi_errno error = open_parent(host, old_fd, WASI_RIGHT_PATH_RENAME_SOURCE, old_path,
                                        old_bytes, host->wasi->path[0], &from);
    if (error)
        return error;
    error = open_parent(host, new_fd, WASI_RIGHT_PATH_RENAME_TARGET, new_path, new_bytes,
                        host->wasi->path[1], &to);
    if (error)
        return error;
    if (syscall(SYS_renameat2, from.fd, from.name, to.fd, to.name, 0) < 0)
        return wasi_errno_from(errno);
    return WASI_SUCCESS;
}

/*
 * linkat(2) follows a symlink before a trailing slash, out of the directory if it leads there. What
 * has a slash must be a directory, and a directory can't be linked: nothing is linked here.
 */
static enum wasi_errno refuse_trailing_slash(const struct wasi_parent *from)
{
    char name[NAME_MAX + 1];

    if (from->name[from->name_bytes] != '/')
        return WASI_SUCCESS;
    if (from->name_bytes > NAME_MAX)
        return WASI_ENAMETOOLONG;
    memcpy(name, from->name, from->name_bytes);
    name[from->name_bytes] = '\0';
    int fd = wasi_open_beneath(from->fd, name, O_PATH | O_DIRECTORY, 0);
    if (fd < 0)
        return wasi_errno_from(fd);
    close(fd);
    return WASI_EPERM;
}

/*
 * A symlink is linked itself: linking what it leads to would need a descriptor's link, which the
 * kernel gives to the privileged only. System calls: openat2, linkat, close.
 */
uint32_t WASI(path_link)(struct host *host, uint32_t old_fd, uint32_t lookup, uint32_t old_path,
                         uint32_t old_bytes, uint32_t new_fd, uint32_t new_path, uint32_t new_bytes)
{
    _cleanup_(wasi_parent_close) struct wasi_parent from = {.opened = -1}, to = {.opened = -1};

    if (lookup != 0)
        return WASI_EINVAL;
    enum wasi_errno error = open_parent(host, old_fd, WASI_RIGHT_PATH_LINK_SOURCE, old_path,
                                        old_bytes, host->wasi->path[0], &from);
    if (error)
        return error;
    error = open_parent(host, new_fd, WASI_RIGHT_PATH_LINK_TARGET, new_path, new_bytes,
                        host->wasi->path[1], &to);
    if (error)
        return error;
    error = refuse_trailing_slash(&from);
    if (error)
        return error;
    if (linkat(from.fd, from.name, to.fd, to.name, 0) < 0)
        return wasi_errno_from(errno);
    return WASI_SUCCESS;
}

/* An absolute target would mean another file to everybody else. System calls: openat2, symlinkat,
 * close. */
uint32_t WASI(path_symlink)(struct host *host, uint32_t target, uint32_t target_bytes, uint32_t fd,
                            uint32_t path, uint32_t path_bytes)
{
    _cleanup_(wasi_parent_close) struct wasi_parent parent = {.opened = -1};

    enum wasi_errno error = open_parent(host, fd, WASI_RIGHT_PATH_SYMLINK, path, path_bytes,
                                        host->wasi->path[0], &parent);
    if (error)
        return error;
    error = wasi_path_copy(host, target, target_bytes, host->wasi->path[1]);
    if (error)
        return error;
    if (symlinkat(host->wasi->path[1], parent.fd, parent.name) < 0)
        return wasi_errno_from(errno);
    return WASI_SUCCESS;
}

/* What does not fit is cut. System calls: openat2, readlinkat, close. */
uint32_t WASI(path_readlink)(struct host *host, uint32_t fd, uint32_t path, uint32_t path_bytes,
                             uint32_t buffer, uint32_t bytes, uint32_t ret_bytes)
{
    char *buffer_at = host_memory(host, buffer, bytes);
    void *ret = host_memory(host, ret_bytes, 4);
    _cleanup_(closep) int opened = -1;

    enum wasi_errno error =
        open_path(host, fd, WASI_RIGHT_PATH_READLINK, 0, path, path_bytes, &opened);
    if (error)
        return error;
    if (!buffer_at || !ret)
        return WASI_EFAULT;
    /* Into a buffer of ours, so that one of no bytes is asked of a symlink too. */
    ssize_t used = readlinkat(opened, "", host->wasi->path[0], WASI_PATH_MAX);
    if (used < 0)
        return errno == ENOENT ? WASI_EINVAL : wasi_errno_from(errno); /* ENOENT: no symlink */
    uint32_t copied = (uint64_t)used < bytes ? (uint32_t)used : bytes;
    memcpy(buffer_at, host->wasi->path[0], copied);
    memcpy(ret, &copied, 4);
    return WASI_SUCCESS;
}

/* System calls: openat2, fstat, close. */
uint32_t WASI(path_filestat_get)(struct host *host, uint32_t fd, uint32_t lookup, uint32_t path,
                                 uint32_t path_bytes, uint32_t ret_filestat)
{
    void *ret = host_memory(host, ret_filestat, sizeof(struct wasi_filestat));
    _cleanup_(closep) int opened = -1;
    struct wasi_filestat filestat;
    struct stat st;

    enum wasi_errno error =
        open_path(host, fd, WASI_RIGHT_PATH_FILESTAT_GET, lookup, path, path_bytes, &opened);
    if (error)
        return error;
    if (!ret)
        return WASI_EFAULT;
    if (fstat(opened, &st) < 0)
        return wasi_errno_from(errno);
    wasi_filestat_from(&st, &filestat);
    memcpy(ret, &filestat, sizeof filestat);
    return WASI_SUCCESS;
}

/* System calls: openat2, utimensat, close. */
uint32_t WASI(path_filestat_set_times)(struct host *host, uint32_t fd, uint32_t lookup,
                                       uint32_t path, uint32_t path_bytes, uint64_t atim,
                                       uint64_t mtim, uint32_t flags)
{
    _cleanup_(closep) int opened = -1;
    struct timespec times[2];

    enum wasi_errno error = wasi_times_from(atim, mtim, flags, times);
    if (error)
        return error;
    error =
        open_path(host, fd, WASI_RIGHT_PATH_FILESTAT_SET_TIMES, lookup, path, path_bytes, &opened);
    if (error)
        return error;
    return wasi_errno_from(wasi_set_times(opened, times));
}
