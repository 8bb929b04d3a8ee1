/*
 * The layer io for native code: files below the folders that the manifest grants, and connections
 * that the connector made. Descriptors are the numbers of WASI's table, never the kernel's, so that
 * the code has what it opened and nothing else. The verifier's library (verify/sdk/base.c) makes
 * POSIX of it; what its code may count on is in the allow-list. Each answers a number, or -errno.
 * Meanwhile the table and its buffers are in use: a handler of the code's comes afterwards.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "vireo/io_native.h"
#include "guest/native.h"
#include "guest/signals.h"
#include "guest/wasi_internal.h"

/* What else an open may ask for is none of a function's business, and refused. */
#define OPEN_FLAGS                                                                         \
    (O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | O_CLOEXEC | \
     O_NOFOLLOW | O_NOCTTY)

/* ---- descriptors ---- */

/* A folder, which is not opened by name, and a listening socket are none here. */
static struct wasi_fd *find(struct host *host, int32_t fd, uint64_t rights)
{
    struct wasi_fd *entry = host ? wasi_fd_any(host, (uint32_t)fd) : NULL;

    if (!entry || entry->kind == WASI_DIRECTORY || entry->kind == WASI_LISTENER ||
        (entry->base & rights) != rights)
        return NULL;
    return entry;
}

static struct wasi_fd *find_file(struct host *host, int32_t fd, uint64_t rights)
{
    struct wasi_fd *entry = find(host, fd, rights);

    return entry && entry->kind == WASI_FILE ? entry : NULL;
}

static int32_t move(int32_t fd, enum wasi_direction direction, void *bytes, uint32_t count,
                    int64_t at)
{
    _cleanup_(native_leavep) struct host *host = native_enter();
    struct wasi_fd *entry =
        find(host, fd, direction == WASI_READS ? WASI_RIGHT_FD_READ : WASI_RIGHT_FD_WRITE);

    if (!entry)
        return -EBADF;
    if (at >= 0 && entry->kind != WASI_FILE)
        return -ESPIPE;
    host->wasi->scratch.iovecs[0] = (struct iovec){bytes, count};
    ssize_t n = wasi_transfer(host, entry, direction, count > 0, at);
    /* The kernel moves less than 2 GiB at once. */
    return n > (ssize_t)count ? -EIO : (int32_t)n;
}

int32_t vireo_import_read(int32_t fd, void *to, uint32_t room)
{
    return move(fd, WASI_READS, to, room, -1);
}

int32_t vireo_import_pread(int32_t fd, void *to, uint32_t room, int64_t at)
{
    return at < 0 ? -EINVAL : move(fd, WASI_READS, to, room, at);
}

int32_t vireo_import_write(int32_t fd, const void *from, uint32_t bytes)
{
    return move(fd, WASI_WRITES, (void *)(uintptr_t)from, bytes, -1);
}

int32_t vireo_import_pwrite(int32_t fd, const void *from, uint32_t bytes, int64_t at)
{
    return at < 0 ? -EINVAL : move(fd, WASI_WRITES, (void *)(uintptr_t)from, bytes, at);
}

int32_t vireo_import_lseek(int32_t fd, int64_t by, int32_t whence, int64_t *ret_at)
{
    _cleanup_(native_leavep) struct host *host = native_enter();
    struct wasi_fd *entry = find(host, fd, 0);
    off_t at = -1;

    *ret_at = 0;
    if (!entry)
        return -EBADF;
    if (entry->kind != WASI_FILE)
        return -ESPIPE;
    if (whence >= SEEK_SET && whence <= SEEK_END)
        at = lseek(entry->fd, by, whence);
    else
        errno = EINVAL;
    if (at < 0)
        return -errno;
    *ret_at = at;
    return 0;
}

int32_t vireo_import_ftruncate(int32_t fd, int64_t bytes)
{
    _cleanup_(native_leavep) struct host *host = native_enter();
    struct wasi_fd *entry = find_file(host, fd, WASI_RIGHT_FD_WRITE);

    if (!entry)
        return find(host, fd, 0) ? -EINVAL : -EBADF;
    return ftruncate(entry->fd, bytes) < 0 ? -errno : 0;
}

int32_t vireo_import_fsync(int32_t fd)
{
    _cleanup_(native_leavep) struct host *host = native_enter();
    struct wasi_fd *entry = find_file(host, fd, 0);

    if (!entry)
        return find(host, fd, 0) ? -EINVAL : -EBADF;
    return fsync(entry->fd) < 0 ? -errno : 0;
}

int32_t vireo_import_close(int32_t fd)
{
    _cleanup_(native_leavep) struct host *host = native_enter();

    return find(host, fd, 0) ? wasi_fd_release(host->wasi, (uint32_t)fd) : -EBADF;
}

/* ---- names ---- */

/* A name in the folder that is granted for it: below that nothing but the kernel reads it. */
struct place {
    const struct wasi_directory *folder;
    char *path; /* of it; a buffer of the table's */
};

/* Without what only says "from the root", where every path begins. */
static const char *relative(const char *path)
{
    while (*path == '/' || (path[0] == '.' && (path[1] == '/' || path[1] == '\0')))
        path++;
    return path;
}

/* The rest of `path` behind the folder's own; NULL: it is not below. */
static const char *below(const char *path, const char *folder)
{
    size_t length = strlen(relative(folder));

    if (strncmp(path, relative(folder), length) != 0 ||
        (length > 0 && path[length] != '/' && path[length] != '\0'))
        return NULL;
    return relative(path + length);
}

/* In the innermost folder that has it, from the working directory: of proved code the root. `which`
 * of two buffers. */
static int locate(struct host *host, const char *path, uint32_t bytes, unsigned which, bool changes,
                  struct place *ret_place)
{
    const char *rest = NULL;

    if (!host)
        return -EACCES;
    if (bytes == 0)
        return -ENOENT;
    size_t before = path[0] == '/' ? 0 : strlen(host->wasi->cwd);
    if (bytes >= WASI_PATH_MAX || before + (before > 0) + bytes >= WASI_PATH_MAX)
        return -ENAMETOOLONG;
    if (memchr(path, '\0', bytes))
        return -EINVAL;
    char *copy = host->wasi->path[which];
    memcpy(copy, host->wasi->cwd, before);
    if (before > 0)
        copy[before++] = '/';
    memcpy(copy + before, path, bytes);
    copy[before + bytes] = '\0';
    for (size_t i = 0; i < host->wasi->options.directory_count; i++) {
        const char *behind = below(relative(copy), host->wasi->directories[i].path);
        if (!behind || (rest && behind <= rest))
            continue;
        rest = behind;
        ret_place->folder = &host->wasi->directories[i];
    }
    if (!rest)
        return -ENOENT;
    if (changes && !ret_place->folder->writable)
        return -EACCES;
    memmove(copy, *rest ? rest : ".", *rest ? strlen(rest) + 1 : sizeof ".");
    ret_place->path = copy;
    return 0;
}

static void install(struct wasi *wasi, uint32_t number, int fd, int access)
{
    const uint64_t rights[] = {[O_RDONLY] = WASI_RIGHT_FD_READ,
                               [O_WRONLY] = WASI_RIGHT_FD_WRITE,
                               [O_RDWR] = WASI_RIGHT_FD_READ | WASI_RIGHT_FD_WRITE};

    wasi_fd_install(wasi, number,
                    &(struct wasi_fd){.kind = WASI_FILE,
                                      .filetype = WASI_FILETYPE_REGULAR_FILE,
                                      .owned = true,
                                      .fd = fd,
                                      .list_fd = -1,
                                      .base = rights[access]});
}

int native_status(const char *path, struct stat *ret_status)
{
    _cleanup_(native_leavep) struct host *host = native_enter();
    struct place place;
    int r = locate(host, path, (uint32_t)strnlen(path, WASI_PATH_MAX), 0, false, &place);
    _cleanup_(closep) int fd =
        r < 0 ? r : wasi_open_beneath(place.folder->fd, place.path, O_PATH, 0);

    if (fd < 0)
        return fd;
    return fstat(fd, ret_status) < 0 ? -errno : 0;
}

/* System calls: openat2, fstat, close. */
int32_t vireo_import_open(const char *path, uint32_t bytes, uint32_t flags)
{
    _cleanup_(native_leavep) struct host *host = native_enter();
    const int access = (int)(flags & O_ACCMODE);
    struct place place;
    uint32_t number;
    struct stat st;

    if ((flags & ~(uint32_t)OPEN_FLAGS) || access == O_ACCMODE)
        return -EINVAL;
    int r =
        locate(host, path, bytes, 0, access != O_RDONLY || (flags & (O_CREAT | O_TRUNC)), &place);
    if (r < 0)
        return r;
    struct wasi *wasi = host->wasi;
    if (wasi_fd_reserve(wasi, &number) != WASI_SUCCESS)
        return -EMFILE;
    _cleanup_(closep) int fd = wasi_open_beneath(place.folder->fd, place.path, (int)flags, 0666);
    if (fd < 0)
        return fd;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    install(wasi, number, steal_fd(&fd), access);
    return (int32_t)number;
}

/* Where a name is that is made, removed or changed; the buffer stays in use. */
static int open_parent(struct host *host, const char *path, uint32_t bytes, unsigned which,
                       struct wasi_parent *ret_parent)
{
    struct place place;
    int r = locate(host, path, bytes, which, true, &place);

    return r < 0 ? r : wasi_parent_open(place.folder->fd, place.path, ret_parent);
}

/* System calls: openat2, mkdirat, close. */
int32_t vireo_import_mkdir(const char *path, uint32_t bytes)
{
    _cleanup_(native_leavep) struct host *host = native_enter();
    _cleanup_(wasi_parent_close) struct wasi_parent parent = {.opened = -1};

    int r = open_parent(host, path, bytes, 0, &parent);
    if (r < 0)
        return r;
    return mkdirat(parent.fd, parent.name, 0777) < 0 ? -errno : 0;
}

/* System calls: openat2, unlinkat, close. */
static int32_t remove_name(const char *path, uint32_t bytes, int flags)
{
    _cleanup_(native_leavep) struct host *host = native_enter();
    _cleanup_(wasi_parent_close) struct wasi_parent parent = {.opened = -1};

    int r = open_parent(host, path, bytes, 0, &parent);
    if (r < 0)
        return r;
    return unlinkat(parent.fd, parent.name, flags) < 0 ? -errno : 0;
}

int32_t vireo_import_unlink(const char *path, uint32_t bytes)
{
    return remove_name(path, bytes, 0);
}

int32_t vireo_import_rmdir(const char *path, uint32_t bytes)
{
    return remove_name(path, bytes, AT_REMOVEDIR);
}

/* System calls: openat2, renameat2, close. */
int32_t vireo_import_rename(const char *from, uint32_t from_bytes, const char *to,
                            uint32_t to_bytes)
{
    _cleanup_(native_leavep) struct host *host = native_enter();
    _cleanup_(wasi_parent_close) struct wasi_parent old = {.opened = -1}, new = {.opened = -1};

    int r = open_parent(host, from, from_bytes, 0, &old);
    if (r == 0)
        r = open_parent(host, to, to_bytes, 1, &new);
    if (r < 0)
        return r;
    return syscall(SYS_renameat2, old.fd, old.name, new.fd, new.name, 0) < 0 ? -errno : 0;
}

/* ---- connections ---- */

int32_t vireo_import_connect(const char *name, uint32_t bytes)
{
    _cleanup_(native_leavep) struct host *host = native_enter();

    return host ? wasi_connect(host, name, bytes) : -EACCES;
}

/* A file is always ready. System call: ppoll. */
int32_t vireo_import_poll(int32_t fd, int32_t events, int32_t timeout_ms)
{
    _cleanup_(native_leavep) struct host *host = native_enter();
    struct wasi_fd *entry = find(host, fd, 0);
    struct timespec timeout = {.tv_sec = timeout_ms / 1000,
                               .tv_nsec = timeout_ms % 1000 * 1000000L};

    if (!entry)
        return -EBADF;
    if (entry->kind != WASI_CONNECTION)
        return events & (POLLIN | POLLOUT);
    struct pollfd one = {.fd = entry->fd, .events = (short)events};
    long n =
        signals_call(host, SYS_ppoll, (long)&one, 1, timeout_ms < 0 ? 0 : (long)&timeout, 0, 0);
    return n < 0 ? (int32_t)n : one.revents & INT16_MAX;
}

/* System call: shutdown. */
int32_t vireo_import_shutdown(int32_t fd, int32_t how)
{
    _cleanup_(native_leavep) struct host *host = native_enter();
    struct wasi_fd *entry = find(host, fd, 0);

    if (!entry)
        return -EBADF;
    if (entry->kind != WASI_CONNECTION)
        return -ENOTSOCK;
    if (how < SHUT_RD || how > SHUT_RDWR)
        return -EINVAL;
    return shutdown(entry->fd, how) < 0 ? -errno : 0;
}
