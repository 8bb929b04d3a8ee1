/*
 * Descriptors of native code by POSIX names: pipes above all, which a family talks by. Numbers are
 * those of WASI's table, never the kernel's. Files are opened by the layer io (native_io.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "guest/native.h"
#include "guest/native_posix.h"
#include "guest/signals.h"
#include "guest/wasi_internal.h"
#include "vireo/io_native.h"

ssize_t native_readv(int fd, const struct iovec *list, int count);
ssize_t native_writev(int fd, const struct iovec *list, int count);
ssize_t native_pread(int fd, void *to, size_t room, off_t at);
ssize_t native_pwrite(int fd, const void *from, size_t bytes, off_t at);
int native_dup(int fd);
int native_dup2(int fd, int to);
int native_poll(struct pollfd *list, nfds_t count, int timeout_ms);
int native_nanosleep(const struct timespec *time, struct timespec *rest);
int native_usleep(unsigned microseconds);
unsigned native_sleep(unsigned seconds);

uint32_t Z_vireoZ_dup(struct host *host, uint32_t from, uint32_t to);

#define KEPT_FLAGS (O_NONBLOCK | O_APPEND)

/* ---- bytes ---- */

/* System calls: those of wasi_transfer(). `list` is copied anew each time: a handler that ran in
 * between may have used the table's own. */
static ssize_t move_once(struct host *host, int fd, enum wasi_direction direction,
                         const struct iovec *list, int count)
{
    uint64_t right = direction == WASI_READS ? WASI_RIGHT_FD_READ : WASI_RIGHT_FD_WRITE;
    struct wasi_fd *entry;

    if (wasi_fd_get_file(host, (uint32_t)fd, right, &entry) || entry->kind == WASI_LISTENER)
        return -EBADF;
    memcpy(host->wasi->scratch.iovecs, list, (size_t)count * sizeof *list);
    return wasi_transfer(host, entry, direction, count, -1);
}

static ssize_t move(int fd, enum wasi_direction direction, const struct iovec *list, int count)
{
    struct host *host = native_enter();
    ssize_t n = host ? -EINVAL : -EPERM;

    if (host && count >= 0 && count <= WASI_IOVECS_MAX)
        do
            n = move_once(host, fd, direction, list, count);
        while (signals_after(host, n == -EINTR));
    return native_leave(host, n);
}

ssize_t native_readv(int fd, const struct iovec *list, int count)
{
    return move(fd, WASI_READS, list, count);
}

ssize_t native_writev(int fd, const struct iovec *list, int count)
{
    return move(fd, WASI_WRITES, list, count);
}

ssize_t native_read(int fd, void *to, size_t room)
{
    return move(fd, WASI_READS, &(struct iovec){to, room}, 1);
}

ssize_t native_write(int fd, const void *from, size_t bytes)
{
    return move(fd, WASI_WRITES, &(struct iovec){(void *)(uintptr_t)from, bytes}, 1);
}

/* The layer io moves less than 2 GiB at once. */
static uint32_t some(size_t bytes)
{
    return bytes < INT32_MAX ? (uint32_t)bytes : INT32_MAX;
}

ssize_t native_pread(int fd, void *to, size_t room, off_t at)
{
    struct host *host = native_enter();

    return native_leave(host, vireo_import_pread(fd, to, some(room), at));
}

ssize_t native_pwrite(int fd, const void *from, size_t bytes, off_t at)
{
    struct host *host = native_enter();

    return native_leave(host, vireo_import_pwrite(fd, from, some(bytes), at));
}

off_t native_lseek(int fd, off_t by, int whence)
{
    struct host *host = native_enter();
    int64_t at;
    int r = vireo_import_lseek(fd, by, whence, &at);

    return native_leave(host, r < 0 ? r : at);
}

/* ---- what is open ---- */

int native_close(int fd)
{
    struct host *host = native_enter();

    return (int)native_leave(host, vireo_import_close(fd));
}

static int copy(struct host *host, int fd, uint32_t to)
{
    const struct wasi_fd *entry = wasi_fd_any(host, (uint32_t)fd);

    if (!entry || (to != UINT32_MAX && to >= WASI_FDS_MAX))
        return -EBADF;
    if (entry->kind == WASI_DIRECTORY)
        return -EINVAL;
    int32_t r = (int32_t)Z_vireoZ_dup(host, (uint32_t)fd, to);
    return r < 0 ? -EMFILE : r;
}

/* System calls: fcntl, close. */
int native_dup(int fd)
{
    struct host *host = native_enter();

    return (int)native_leave(host, host ? copy(host, fd, UINT32_MAX) : -EPERM);
}

int native_dup2(int fd, int to)
{
    struct host *host = native_enter();

    return (int)native_leave(host, !host ? -EPERM : to < 0 ? -EBADF : copy(host, fd, (uint32_t)to));
}

/* System call: fstat. Of the channel's ends it says that they are pipes. */
static int status_of(struct host *host, int fd, struct stat *status)
{
    const struct wasi_fd *entry = wasi_fd_any(host, (uint32_t)fd);

    if (!entry)
        return -EBADF;
    if (!wasi_is_channel(entry))
        return fstat(entry->fd, status) < 0 ? -errno : 0;
    *status = (struct stat){.st_mode = S_IFIFO | 0600};
    return 0;
}

int native_fstat(int fd, struct stat *status)
{
    struct host *host = native_enter();

    return (int)native_leave(host, host ? status_of(host, fd, status) : -EPERM);
}

/* Nothing is executed here, so that FD_CLOEXEC is no matter. System call: fcntl. */
static int control(struct host *host, int fd, int command, int value)
{
    struct wasi_fd *entry = wasi_fd_any(host, (uint32_t)fd);
    bool own = entry && (entry->kind == WASI_FILE || entry->kind == WASI_CONNECTION);

    if (!entry)
        return -EBADF;
    if (command == F_GETFD || command == F_SETFD)
        return 0;
    if (command == F_GETFL && own) {
        int flags = fcntl(entry->fd, F_GETFL);
        return flags < 0 ? -errno : flags & (O_ACCMODE | KEPT_FLAGS);
    }
    if (command == F_GETFL)
        return (entry->flags & WASI_FDFLAG_NONBLOCK ? O_NONBLOCK : 0) |
               (entry->base & WASI_RIGHT_FD_WRITE ? O_WRONLY : O_RDONLY);
    if (command != F_SETFL)
        return -EINVAL;
    if (own && fcntl(entry->fd, F_SETFL, value & KEPT_FLAGS) < 0)
        return -errno;
    entry->flags = (uint16_t)((value & O_NONBLOCK ? WASI_FDFLAG_NONBLOCK : 0) |
                              (value & O_APPEND ? WASI_FDFLAG_APPEND : 0));
    return 0;
}

int native_fcntl(int fd, int command, ...)
{
    struct host *host = native_enter();
    va_list list;

    va_start(list, command);
    int value = command == F_SETFL ? va_arg(list, int) : 0;
    va_end(list);
    return (int)native_leave(host, host ? control(host, fd, command, value) : -EPERM);
}

/* ---- waiting ---- */

/* What is known of each without asking the kernel: how many. The kernel's list has the others. */
static int look(struct host *host, struct pollfd *list, nfds_t count, struct pollfd *polls)
{
    int ready = 0;

    for (nfds_t i = 0; i < count; i++) {
        const struct wasi_fd *entry =
            list[i].fd < 0 ? NULL : wasi_fd_any(host, (uint32_t)list[i].fd);
        const bool asked = entry && !wasi_is_channel(entry) && entry->kind != WASI_DIRECTORY;
        polls[i] = (struct pollfd){.fd = asked ? entry->fd : -1, .events = list[i].events};
        list[i].revents = (short)(list[i].fd < 0 ? 0
                                  : !entry       ? POLLNVAL
                                  : asked        ? 0
                                                 : list[i].events & (POLLIN | POLLOUT));
        ready += list[i].revents != 0;
    }
    return ready;
}

/* System call: ppoll; without any descriptor that may keep it waiting, clock_nanosleep. */
static int wait_for(struct host *host, struct pollfd *list, nfds_t count, int timeout_ms)
{
    struct timespec time = {.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000L};
    struct pollfd *polls = host->wasi->scratch.polls;

    if (count > WASI_FDS_MAX)
        return -EINVAL;
    int ready = look(host, list, count, polls);
    if (ready > 0)
        time = (struct timespec){0};
    const bool for_ever = timeout_ms < 0 && ready == 0;
    const uint32_t wakes = wasi_wake_poll(host->wasi, &polls[count]);
    if (count + wakes == 0 && !for_ever)
        return (int)signals_call(host, SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, (long)&time, 0, 0);
    long n = signals_call(host, SYS_ppoll, (long)polls, (long)(count + wakes),
                          for_ever ? 0 : (long)&time, 0, 0);
    if (n < 0)
        return ready > 0 ? ready : (int)n;
    const bool woken = wakes > 0 && wasi_wake_polled(host->wasi, &polls[count]);
    for (nfds_t i = 0; i < count; i++)
        if (polls[i].fd >= 0) {
            list[i].revents = polls[i].revents;
            ready += polls[i].revents != 0;
        }
    return woken && ready == 0 ? -EINTR : ready;
}

int native_poll(struct pollfd *list, nfds_t count, int timeout_ms)
{
    struct host *host = native_enter();

    return (int)native_leave(host, host ? wait_for(host, list, count, timeout_ms) : -EPERM);
}

/* System call: clock_nanosleep; ppoll where an update ends it: the kernel says what is left. */
static long sleep_for(struct host *host, const struct timespec *time, struct timespec *left)
{
    struct pollfd wake;

    if (wasi_wake_poll(host->wasi, &wake) == 0)
        return signals_call(host, SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, (long)time, (long)left,
                            0);
    long n = signals_call(host, SYS_ppoll, (long)&wake, 1, (long)left, 0, 0);
    return n > 0 && wasi_wake_polled(host->wasi, &wake) ? -EINTR : n < 0 ? n : 0;
}

int native_nanosleep(const struct timespec *time, struct timespec *rest)
{
    struct host *host = native_enter();
    struct timespec left = *time;
    long r = host ? sleep_for(host, time, &left) : -EPERM;

    if (r == -EINTR && rest)
        *rest = left;
    return (int)native_leave(host, r);
}

int native_usleep(unsigned microseconds)
{
    return native_nanosleep(
        &(struct timespec){microseconds / 1000000, microseconds % 1000000 * 1000L}, NULL);
}

unsigned native_sleep(unsigned seconds)
{
    struct timespec left = {0};

    if (native_nanosleep(&(struct timespec){seconds, 0}, &left) == 0)
        return 0;
    return (unsigned)left.tv_sec;
}
