/* Bytes in and out: buffers gathered from guest memory, the channel, files; positions. */
#include <errno.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest/call.h"
#include "guest/signals.h"
#include "guest/wasi_internal.h"

/* The kernel moves at most this much at once (MAX_RW_COUNT); the count fits a wasm i32 too. */
#define MOVE_MAX UINT64_C(0x7ffff000)

/*
 * Checks all `count` buffers of a guest's list and puts those that are not empty into
 * wasi->scratch.iovecs: the first WASI_IOVECS_MAX, MOVE_MAX bytes at most. What is left out makes a
 * short read or write, which every caller must expect.
 */
enum wasi_errno wasi_gather(struct host *host, uint32_t list, uint32_t count, int *ret_count)
{
    const uint8_t *list_at = host_memory(host, list, (uint64_t)count * sizeof(struct wasi_iovec));
    struct iovec *iovecs = host->wasi->scratch.iovecs;
    uint64_t left = MOVE_MAX;
    int used = 0;

    if (!list_at)
        return WASI_EFAULT;
    for (uint32_t i = 0; i < count; i++) {
        struct wasi_iovec one;
        memcpy(&one, list_at + (size_t)i * sizeof one, sizeof one);
        void *buffer = host_memory(host, one.buffer, one.bytes);
        if (!buffer)
            return WASI_EFAULT;
        if (one.bytes == 0 || used == WASI_IOVECS_MAX || left == 0)
            continue;
        size_t bytes = one.bytes < left ? one.bytes : left;
        iovecs[used++] = (struct iovec){buffer, bytes};
        left -= bytes;
    }
    *ret_count = used;
    return WASI_SUCCESS;
}

/* The call's body. What lies there may change while it is copied; where it ends may not. */
static size_t read_body(struct guest_call *call, const struct iovec *iovecs, int count)
{
    size_t total = 0;

    if (!call || !call->body)
        return 0;
    for (int i = 0; i < count && call->body_read < call->body_bytes; i++) {
        size_t left = call->body_bytes - call->body_read;
        size_t bytes = iovecs[i].iov_len < left ? iovecs[i].iov_len : left;
        memcpy(iovecs[i].iov_base, call->body + call->body_read, bytes);
        call->body_read += (uint32_t)bytes;
        total += bytes;
    }
    return total;
}

/* The answer or the log. Outside a call there is neither; a handler's answer is elsewhere. */
static size_t write_channel(struct host *host, const struct wasi_fd *entry,
                            const struct iovec *iovecs, int count)
{
    size_t total = 0;

    for (int i = 0; i < count; i++) {
        const void *data = iovecs[i].iov_base;
        size_t bytes = iovecs[i].iov_len;
        total += bytes;
        if (!host->call)
            continue;
        if (entry->kind == WASI_LOG || !host->call->answer)
            call_log(host->call, data, bytes);
        else if (call_answer(host->call, data, bytes) < 0)
            host_leave(host, HOST_TOO_LARGE);
    }
    return total;
}

/*
 * FDFLAG_NONBLOCK of a stream is ours alone: O_NONBLOCK would belong to the open file description,
 * which the user's shell shares. System call: ppoll.
 */
static bool would_block(const struct wasi_fd *entry, short events)
{
    if (entry->kind != WASI_STREAM || !(entry->flags & WASI_FDFLAG_NONBLOCK))
        return false;
    struct pollfd one = {.fd = entry->fd, .events = events};
    return ppoll(&one, 1, &(struct timespec){0}, NULL) == 0;
}

/* `offset` -1: at the position. System calls: readv, writev, preadv, pwritev. */
static ssize_t move_file(const struct host *host, const struct wasi_fd *entry,
                         enum wasi_direction direction, int count, int64_t offset)
{
    const struct iovec *iovecs = host->wasi->scratch.iovecs;
    ssize_t n;

    if (would_block(entry, direction == WASI_READS ? POLLIN : POLLOUT))
        return -EAGAIN;
    if (offset < 0) {
        long call = direction == WASI_READS ? SYS_readv : SYS_writev;
        do
            n = signals_call(host, call, entry->fd, (long)iovecs, count, 0, 0);
        while (n == -EINTR && !signals_wait(host));
        return n;
    }
    do
        n = direction == WASI_READS ? preadv(entry->fd, iovecs, count, offset)
                                    : pwritev(entry->fd, iovecs, count, offset);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

ssize_t wasi_transfer(struct host *host, const struct wasi_fd *entry, enum wasi_direction direction,
                      int count, int64_t offset)
{
    const struct iovec *iovecs = host->wasi->scratch.iovecs;

    if (entry->kind == WASI_BODY)
        return (ssize_t)read_body(host->call, iovecs, count);
    if (wasi_is_channel(entry))
        return (ssize_t)write_channel(host, entry, iovecs, count);
    return move_file(host, entry, direction, count, offset);
}

static uint32_t move_once(struct host *host, uint32_t fd, enum wasi_direction direction,
                          uint32_t list, uint32_t list_count, int64_t offset, uint32_t ret_bytes)
{
    uint64_t rights = direction == WASI_READS ? WASI_RIGHT_FD_READ : WASI_RIGHT_FD_WRITE;
    void *ret = host_memory(host, ret_bytes, 4);
    struct wasi_fd *entry;
    int count;

    enum wasi_errno error = wasi_fd_get_file(host, fd, rights, &entry);
    if (error)
        return error;
    if (offset >= 0 && (wasi_is_channel(entry) || wasi_is_socket(entry)))
        return WASI_ESPIPE;
    if (offset >= 0 && !(entry->base & WASI_RIGHT_FD_SEEK))
        return WASI_ENOTCAPABLE;
    if (!ret)
        return WASI_EFAULT;
    error = wasi_gather(host, list, list_count, &count);
    if (error)
        return error;

    ssize_t n = wasi_transfer(host, entry, direction, count, offset);
    if (n < 0)
        return wasi_errno_from((int)n);
    memcpy(ret, &(uint32_t){(uint32_t)n}, 4);
    return WASI_SUCCESS;
}

static uint32_t move(struct host *host, uint32_t fd, enum wasi_direction direction, uint32_t list,
                     uint32_t list_count, int64_t offset, uint32_t ret_bytes)
{
    uint32_t error;

    do
        error = move_once(host, fd, direction, list, list_count, offset, ret_bytes);
    while (signals_after(host, error == WASI_EINTR));
    return error;
}

uint32_t WASI(fd_read)(struct host *host, uint32_t fd, uint32_t iovecs, uint32_t count,
                       uint32_t ret_bytes)
{
    return move(host, fd, WASI_READS, iovecs, count, -1, ret_bytes);
}

uint32_t WASI(fd_write)(struct host *host, uint32_t fd, uint32_t iovecs, uint32_t count,
                        uint32_t ret_bytes)
{
    return move(host, fd, WASI_WRITES, iovecs, count, -1, ret_bytes);
}

uint32_t WASI(fd_pread)(struct host *host, uint32_t fd, uint32_t iovecs, uint32_t count,
                        uint64_t offset, uint32_t ret_bytes)
{
    if (offset > INT64_MAX)
        return WASI_EINVAL;
    return move(host, fd, WASI_READS, iovecs, count, (int64_t)offset, ret_bytes);
}

uint32_t WASI(fd_pwrite)(struct host *host, uint32_t fd, uint32_t iovecs, uint32_t count,
                         uint64_t offset, uint32_t ret_bytes)
{
    if (offset > INT64_MAX)
        return WASI_EINVAL;
    return move(host, fd, WASI_WRITES, iovecs, count, (int64_t)offset, ret_bytes);
}

/* Telling needs FD_TELL or FD_SEEK, which implies it. System call: lseek. */
static uint32_t seek(struct host *host, uint32_t fd, int64_t offset, int whence,
                     uint32_t ret_offset)
{
    bool only_tells = offset == 0 && whence == SEEK_CUR;
    void *ret = host_memory(host, ret_offset, 8);
    struct wasi_fd *entry;

    enum wasi_errno error = wasi_fd_get_file(host, fd, 0, &entry);
    if (error)
        return error;
    if (wasi_is_channel(entry) || wasi_is_socket(entry))
        return WASI_ESPIPE;
    if (!(entry->base & (WASI_RIGHT_FD_SEEK | (only_tells ? WASI_RIGHT_FD_TELL : 0))))
        return WASI_ENOTCAPABLE;
    if (!ret)
        return WASI_EFAULT;
    off_t position = lseek(entry->fd, offset, whence);
    if (position < 0)
        return wasi_errno_from(errno);
    memcpy(ret, &position, 8);
    return WASI_SUCCESS;
}

uint32_t WASI(fd_seek)(struct host *host, uint32_t fd, uint64_t offset, uint32_t whence,
                       uint32_t ret_offset)
{
    static const int whences[] = {
        [WASI_WHENCE_SET] = SEEK_SET, [WASI_WHENCE_CUR] = SEEK_CUR, [WASI_WHENCE_END] = SEEK_END};

    if (whence >= sizeof whences / sizeof *whences)
        return WASI_EINVAL;
    return seek(host, fd, (int64_t)offset, whences[whence], ret_offset);
}

uint32_t WASI(fd_tell)(struct host *host, uint32_t fd, uint32_t ret_offset)
{
    return seek(host, fd, 0, SEEK_CUR, ret_offset);
}
