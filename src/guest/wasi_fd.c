/* Operations on an open descriptor that move no bytes. */
#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "guest/wasi_internal.h"

uint32_t Z_vireoZ_dup(struct host *host, uint32_t from, uint32_t to);

/* System call: posix_fadvise (fadvise64). */
uint32_t WASI(fd_advise)(struct host *host, uint32_t fd, uint64_t offset, uint64_t bytes,
                         uint32_t advice)
{
    static const int advices[] = {POSIX_FADV_NORMAL,   POSIX_FADV_SEQUENTIAL, POSIX_FADV_RANDOM,
                                  POSIX_FADV_WILLNEED, POSIX_FADV_DONTNEED,   POSIX_FADV_NOREUSE};
    struct wasi_fd *entry = wasi_fd_any(host, fd);

    if (entry && wasi_is_channel(entry))
        return WASI_ESPIPE;
    enum wasi_errno error = wasi_fd_get_file(host, fd, WASI_RIGHT_FD_ADVISE, &entry);
    if (error)
        return error;
    if (advice >= sizeof advices / sizeof *advices || offset > INT64_MAX || bytes > INT64_MAX)
        return WASI_EINVAL;
    return wasi_errno_from(posix_fadvise(entry->fd, (off_t)offset, (off_t)bytes, advices[advice]));
}

/* System call: fallocate. */
uint32_t WASI(fd_allocate)(struct host *host, uint32_t fd, uint64_t offset, uint64_t bytes)
{
    struct wasi_fd *entry;
    int r;

    enum wasi_errno error = wasi_fd_get_file(host, fd, WASI_RIGHT_FD_ALLOCATE, &entry);
    if (error)
        return error;
    if (bytes == 0 || offset > INT64_MAX || bytes > INT64_MAX)
        return WASI_EINVAL;
    if (offset + bytes > INT64_MAX)
        return WASI_EFBIG;
    do
        r = fallocate(entry->fd, 0, (off_t)offset, (off_t)bytes);
    while (r < 0 && errno == EINTR);
    return r < 0 ? wasi_errno_from(errno) : WASI_SUCCESS;
}

/* System call: close. Standard streams of the process stay open: only the guest loses them. */
uint32_t WASI(fd_close)(struct host *host, uint32_t fd)
{
    if (!wasi_fd_any(host, fd))
        return WASI_EBADF;
    return wasi_errno_from(wasi_fd_release(host->wasi, fd));
}

static uint32_t flush(struct host *host, uint32_t fd, uint64_t rights, int (*call)(int))
{
    struct wasi_fd *entry = wasi_fd_any(host, fd);
    int r;

    if (entry && wasi_is_channel(entry))
        return WASI_EINVAL; /* as of a pipe */
    enum wasi_errno error = wasi_fd_get_file(host, fd, rights, &entry);
    if (error)
        return error;
    do
        r = call(entry->fd);
    while (r < 0 && errno == EINTR);
    return r < 0 ? wasi_errno_from(errno) : WASI_SUCCESS;
}

/* System call: fdatasync. */
uint32_t WASI(fd_datasync)(struct host *host, uint32_t fd)
{
    return flush(host, fd, WASI_RIGHT_FD_DATASYNC, fdatasync);
}

/* System call: fsync. */
uint32_t WASI(fd_sync)(struct host *host, uint32_t fd)
{
    return flush(host, fd, WASI_RIGHT_FD_SYNC, fsync);
}

/* Major numbers of terminals: tty, console and /dev/tty, pseudo-terminals, serial lines. */
static bool is_terminal(const struct stat *st)
{
    unsigned int number = major(st->st_rdev);

    return S_ISCHR(st->st_mode) &&
           (number == 4 || number == 5 || (number >= 136 && number <= 143) || number == 204);
}

/*
 * A stream's type, and the rights that its type leaves. A guest takes a character device that can't
 * be sought in for a terminal; so a terminal, and no other device, is shown without these rights.
 * System call: fstat (isatty() would need ioctl).
 */
static void look_at_stream(struct wasi_fd *entry)
{
    const uint64_t seeking = WASI_RIGHT_FD_SEEK | WASI_RIGHT_FD_TELL;
    struct stat st;

    if (entry->kind != WASI_STREAM || fstat(entry->fd, &st) < 0)
        return;
    entry->filetype = (uint8_t)wasi_filetype_from(st.st_mode);
    if (is_terminal(&st))
        entry->base &= ~seeking;
}

uint32_t WASI(fd_fdstat_get)(struct host *host, uint32_t fd, uint32_t ret_fdstat)
{
    struct wasi_fd *entry = wasi_fd_any(host, fd);
    void *ret = host_memory(host, ret_fdstat, sizeof(struct wasi_fdstat));

    if (!entry)
        return WASI_EBADF;
    if (!ret)
        return WASI_EFAULT;
    look_at_stream(entry);
    struct wasi_fdstat fdstat = {
        .filetype = entry->filetype,
        .flags = entry->flags,
        .rights_base = entry->base,
        .rights_inheriting = entry->inheriting,
    };
    memcpy(ret, &fdstat, sizeof fdstat);
    return WASI_SUCCESS;
}

/*
 * APPEND and NONBLOCK; Linux does not change the SYNC flags of an open file. A stream's are kept by
 * us alone (see would_block()). System call: fcntl F_SETFL, on files that the guest opened.
 */
uint32_t WASI(fd_fdstat_set_flags)(struct host *host, uint32_t fd, uint32_t flags)
{
    const uint32_t fixed = WASI_FDFLAG_SYNC | WASI_FDFLAG_DSYNC | WASI_FDFLAG_RSYNC;
    struct wasi_fd *entry;

    enum wasi_errno error = wasi_fd_get_file(host, fd, WASI_RIGHT_FD_FDSTAT_SET_FLAGS, &entry);
    if (error)
        return error;
    if ((flags & ~WASI_FDFLAGS_ALL) || ((flags ^ entry->flags) & fixed))
        return WASI_EINVAL;
    if ((entry->kind == WASI_FILE || entry->kind == WASI_CONNECTION) &&
        fcntl(entry->fd, F_SETFL, wasi_open_flags_from(flags)) < 0)
        return wasi_errno_from(errno);
    entry->flags = (uint16_t)flags;
    return WASI_SUCCESS;
}

/* Rights are only ever given up. */
uint32_t WASI(fd_fdstat_set_rights)(struct host *host, uint32_t fd, uint64_t base,
                                    uint64_t inheriting)
{
    struct wasi_fd *entry = wasi_fd_any(host, fd);

    if (!entry)
        return WASI_EBADF;
    if ((base & ~entry->base) || (inheriting & ~entry->inheriting))
        return WASI_ENOTCAPABLE;
    entry->base = base;
    entry->inheriting = inheriting;
    return WASI_SUCCESS;
}

/* System call: fstat. A channel is no file: all but its type is zero. */
uint32_t WASI(fd_filestat_get)(struct host *host, uint32_t fd, uint32_t ret_filestat)
{
    void *ret = host_memory(host, ret_filestat, sizeof(struct wasi_filestat));
    struct wasi_filestat filestat = {.filetype = WASI_FILETYPE_UNKNOWN};
    struct wasi_fd *entry;
    struct stat st;

    enum wasi_errno error = wasi_fd_get(host, fd, WASI_RIGHT_FD_FILESTAT_GET, &entry);
    if (error)
        return error;
    if (!ret)
        return WASI_EFAULT;
    if (!wasi_is_channel(entry)) {
        if (fstat(entry->fd, &st) < 0)
            return wasi_errno_from(errno);
        wasi_filestat_from(&st, &filestat);
    }
    memcpy(ret, &filestat, sizeof filestat);
    return WASI_SUCCESS;
}

/* System call: ftruncate. */
uint32_t WASI(fd_filestat_set_size)(struct host *host, uint32_t fd, uint64_t bytes)
{
    struct wasi_fd *entry;
    int r;

    enum wasi_errno error = wasi_fd_get_file(host, fd, WASI_RIGHT_FD_FILESTAT_SET_SIZE, &entry);
    if (error)
        return error;
    if (bytes > INT64_MAX)
        return WASI_EINVAL;
    do
        r = ftruncate(entry->fd, (off_t)bytes);
    while (r < 0 && errno == EINTR);
    return r < 0 ? wasi_errno_from(errno) : WASI_SUCCESS;
}

/* System call: utimensat. */
uint32_t WASI(fd_filestat_set_times)(struct host *host, uint32_t fd, uint64_t atim, uint64_t mtim,
                                     uint32_t flags)
{
    struct timespec times[2];
    struct wasi_fd *entry;

    enum wasi_errno error = wasi_fd_get(host, fd, WASI_RIGHT_FD_FILESTAT_SET_TIMES, &entry);
    if (error)
        return error;
    error = wasi_times_from(atim, mtim, flags, times);
    if (error)
        return error;
    return wasi_errno_from(wasi_set_times(entry->fd, times));
}

uint32_t WASI(fd_prestat_get)(struct host *host, uint32_t fd, uint32_t ret_prestat)
{
    struct wasi_fd *entry = wasi_fd_any(host, fd);
    void *ret = host_memory(host, ret_prestat, sizeof(struct wasi_prestat));

    /* A guest's C library counts upwards from 3 until this error. */
    if (!entry || !entry->preopen)
        return WASI_EBADF;
    if (!ret)
        return WASI_EFAULT;
    struct wasi_prestat prestat = {
        .tag = WASI_PREOPEN_DIRECTORY,
        .name_bytes = (uint32_t)strlen(entry->preopen),
    };
    memcpy(ret, &prestat, sizeof prestat);
    return WASI_SUCCESS;
}

uint32_t WASI(fd_prestat_dir_name)(struct host *host, uint32_t fd, uint32_t name, uint32_t bytes)
{
    struct wasi_fd *entry = wasi_fd_any(host, fd);
    void *ret = host_memory(host, name, bytes);

    if (!entry || !entry->preopen)
        return WASI_EBADF;
    if (!ret)
        return WASI_EFAULT;
    size_t used = strlen(entry->preopen);
    if (bytes < used)
        return WASI_ENAMETOOLONG;
    memcpy(ret, entry->preopen, used);
    return WASI_SUCCESS;
}

/* `to` must be open: a guest can't put descriptors at numbers that it made up. */
uint32_t WASI(fd_renumber)(struct host *host, uint32_t from, uint32_t to)
{
    struct wasi *wasi = host->wasi;
    struct wasi_fd *entry = wasi_fd_any(host, from);

    if (!entry || !wasi_fd_any(host, to))
        return WASI_EBADF;
    if (from == to)
        return WASI_SUCCESS;
    struct wasi_fd moved = *entry;
    *entry = (struct wasi_fd){.kind = WASI_LOG, .fd = -1, .list_fd = -1}; /* owns nothing now */
    wasi_fd_release(wasi, to);
    wasi_fd_install(wasi, to, &moved);
    wasi_fd_release(wasi, from);
    return WASI_SUCCESS;
}

/*
 * Module "vireo", dup: a number more for what `from` is, `to` or the lowest that is free
 * (UINT32_MAX). Both have one descriptor of the kernel's; each has its own rights and flags. It, or
 * a WASI errno as a negative number.
 */
uint32_t Z_vireoZ_dup(struct host *host, uint32_t from, uint32_t to)
{
    const struct wasi_fd *entry = wasi_fd_any(host, from);
    enum wasi_errno error = WASI_SUCCESS;

    if (!entry || (to != UINT32_MAX && to >= WASI_FDS_MAX))
        return (uint32_t)-WASI_EBADF;
    /* Its stream of names belongs to one. */
    if (entry->kind == WASI_DIRECTORY)
        return (uint32_t)-WASI_EINVAL;
    if (from == to)
        return to;
    struct wasi_fd copy = *entry;
    if (to == UINT32_MAX)
        error = wasi_fd_reserve(host->wasi, &to);
    if (error)
        return (uint32_t) - (int)error;
    wasi_fd_release(host->wasi, to);
    wasi_fd_install(host->wasi, to, &copy);
    return to;
}
