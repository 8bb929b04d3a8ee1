/*
 * Sockets: listening ones that a grant opened outside, and connections, which were accepted or come
 * from the broker of connections. None is made, bound or connected here: there is no such system
 * call. Bytes also move by fd_read() and fd_write() (wasi_io.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/endpoint.h"
#include "guest/signals.h"
#include "guest/template.h"
#include "guest/wasi_internal.h"

#define UDP_BYTES (sizeof ENDPOINT_UDP - 1)

uint32_t Z_vireoZ_connect(struct host *host, uint32_t name, uint32_t bytes);

/* What WASI says of the flags of sock_recv() and of its answer, and of sock_shutdown(). */
#define RECV_PEEK 1u
#define RECV_WAITALL 2u
#define SHUTDOWN_READ 1u
#define SHUTDOWN_WRITE 2u

static enum wasi_errno get_socket(struct host *host, uint32_t fd, enum wasi_kind kind,
                                  uint64_t rights, struct wasi_fd **ret_entry)
{
    struct wasi_fd *entry = wasi_fd_any(host, fd);

    if (!entry)
        return WASI_EBADF;
    if (entry->kind != WASI_LISTENER && entry->kind != WASI_CONNECTION)
        return WASI_ENOTSOCK;
    if (entry->kind != kind)
        return kind == WASI_LISTENER ? WASI_EINVAL : WASI_ENOTCONN;
    return wasi_fd_get(host, fd, rights, ret_entry);
}

void wasi_connection_install(struct wasi *wasi, uint32_t fd, int socket, uint32_t flags)
{
    wasi_fd_install(wasi, fd,
                    &(struct wasi_fd){
                        .kind = WASI_CONNECTION,
                        .filetype = WASI_FILETYPE_SOCKET_STREAM,
                        .flags = (uint16_t)flags,
                        .owned = true,
                        .fd = socket,
                        .list_fd = -1,
                        .base = WASI_RIGHT_FD_READ | WASI_RIGHT_FD_WRITE |
                                WASI_RIGHT_POLL_FD_READWRITE | WASI_RIGHT_FD_FDSTAT_SET_FLAGS |
                                WASI_RIGHT_FD_FILESTAT_GET | WASI_RIGHT_SOCK_SHUTDOWN,
                    });
}

void wasi_drop_connections(struct wasi *wasi)
{
    for (uint32_t i = 0; i < WASI_FDS_MAX; i++) {
        struct wasi_fd *entry = &wasi->fds[i];
        int ends[2];
        if (entry->kind != WASI_CONNECTION)
            continue;
        close(entry->fd);
        entry->fd = -1;
        if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
            continue;
        close(ends[1]);
        entry->fd = ends[0];
    }
}

/*
 * A listening socket is always non-blocking: the next instance has the same open file description,
 * so that its flag can't be the guest's. System calls: accept4, ppoll.
 */
static int accept_one(const struct host *host, const struct wasi_fd *listener, int flags)
{
    struct wasi *wasi = host->wasi;

    for (;;) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | flags);
        if (fd >= 0)
            return fd;
        /* A connection that went away while it waited is not the guest's business. */
        if (errno == EINTR || errno == ECONNABORTED)
            continue;
        if (errno != EAGAIN || (listener->flags & WASI_FDFLAG_NONBLOCK))
            return -errno;
        struct pollfd polls[2] = {{.fd = listener->fd, .events = POLLIN}};
        uint32_t count = 1 + wasi_wake_poll(wasi, &polls[1]);
        long r = signals_call(host, SYS_ppoll, (long)polls, count, 0, 0, 0);
        if (r < 0 && (r != -EINTR || signals_wait(host)))
            return (int)r;
        if (count > 1 && wasi_wake_polled(wasi, &polls[1]) && !polls[0].revents)
            return -EINTR;
    }
}

/* Where the next connection is put: -EMFILE. */
static int accept_to(struct host *host, const struct wasi_fd *listener, bool nonblocking)
{
    uint32_t number;

    if (wasi_fd_reserve(host->wasi, &number) != WASI_SUCCESS)
        return -EMFILE;
    int accepted = accept_one(host, listener, nonblocking ? SOCK_NONBLOCK : 0);
    if (accepted < 0)
        return accepted;
    wasi_connection_install(host->wasi, number, accepted, nonblocking ? WASI_FDFLAG_NONBLOCK : 0);
    return (int)number;
}

int wasi_accept(struct host *host, uint32_t fd, bool nonblocking)
{
    const struct wasi_fd *entry = wasi_fd_any(host, fd);

    if (!entry)
        return -EBADF;
    if (entry->kind != WASI_LISTENER)
        return entry->kind == WASI_CONNECTION ? -EINVAL : -ENOTSOCK;
    return accept_to(host, entry, nonblocking);
}

static uint32_t accept_once(struct host *host, uint32_t fd, uint32_t flags, uint32_t ret_fd)
{
    void *ret = host_memory(host, ret_fd, 4);
    struct wasi_fd *listener;

    enum wasi_errno error = get_socket(host, fd, WASI_LISTENER, WASI_RIGHT_SOCK_ACCEPT, &listener);
    if (error)
        return error;
    if (!ret)
        return WASI_EFAULT;
    if (flags & ~(uint32_t)WASI_FDFLAG_NONBLOCK)
        return WASI_EINVAL;
    int number = accept_to(host, listener, flags != 0);
    if (number < 0)
        return wasi_errno_from(number);
    memcpy(ret, &number, 4);
    return WASI_SUCCESS;
}

uint32_t WASI(sock_accept)(struct host *host, uint32_t fd, uint32_t flags, uint32_t ret_fd)
{
    uint32_t error;

    do
        error = accept_once(host, fd, flags, ret_fd);
    while (signals_after(host, error == WASI_EINTR));
    return error;
}

/* Into the first buffer that is not empty: more is a short read. System call: recvfrom. */
static uint32_t receive_once(struct host *host, uint32_t fd, uint32_t iovecs, uint32_t count,
                             uint32_t flags, uint32_t ret_bytes, uint32_t ret_flags)
{
    void *bytes_at = host_memory(host, ret_bytes, 4);
    void *flags_at = host_memory(host, ret_flags, 2);
    struct wasi_fd *entry;
    int used;
    ssize_t n;

    enum wasi_errno error = get_socket(host, fd, WASI_CONNECTION, WASI_RIGHT_FD_READ, &entry);
    if (error)
        return error;
    if (flags & ~(RECV_PEEK | RECV_WAITALL))
        return WASI_EINVAL;
    if (!bytes_at || !flags_at)
        return WASI_EFAULT;
    error = wasi_gather(host, iovecs, count, &used);
    if (error)
        return error;
    const struct iovec *first = host->wasi->scratch.iovecs;
    do
        n = signals_call(
            host, SYS_recvfrom, entry->fd, used ? (long)first->iov_base : 0,
            used ? (long)first->iov_len : 0,
            (flags & RECV_PEEK ? MSG_PEEK : 0) | (flags & RECV_WAITALL ? MSG_WAITALL : 0), 0);
    while (n == -EINTR && !signals_wait(host));
    if (n < 0)
        return wasi_errno_from((int)n);
    memcpy(bytes_at, &(uint32_t){(uint32_t)n}, 4);
    memset(flags_at, 0, 2); /* a stream's data is never cut */
    return WASI_SUCCESS;
}

uint32_t WASI(sock_recv)(struct host *host, uint32_t fd, uint32_t iovecs, uint32_t count,
                         uint32_t flags, uint32_t ret_bytes, uint32_t ret_flags)
{
    uint32_t error;

    do
        error = receive_once(host, fd, iovecs, count, flags, ret_bytes, ret_flags);
    while (signals_after(host, error == WASI_EINTR));
    return error;
}

/* There are no flags. As fd_write(), which never raises SIGPIPE here. */
uint32_t WASI(sock_send)(struct host *host, uint32_t fd, uint32_t iovecs, uint32_t count,
                         uint32_t flags, uint32_t ret_bytes)
{
    struct wasi_fd *entry;

    enum wasi_errno error = get_socket(host, fd, WASI_CONNECTION, WASI_RIGHT_FD_WRITE, &entry);
    if (error)
        return error;
    if (flags)
        return WASI_EINVAL;
    return WASI(fd_write)(host, fd, iovecs, count, ret_bytes);
}

/* System call: shutdown. A listening socket can't be: it would be so for the next instance too. */
uint32_t WASI(sock_shutdown)(struct host *host, uint32_t fd, uint32_t how)
{
    static const int hows[] = {[SHUTDOWN_READ] = SHUT_RD,
                               [SHUTDOWN_WRITE] = SHUT_WR,
                               [SHUTDOWN_READ | SHUTDOWN_WRITE] = SHUT_RDWR};
    struct wasi_fd *entry;

    enum wasi_errno error = get_socket(host, fd, WASI_CONNECTION, WASI_RIGHT_SOCK_SHUTDOWN, &entry);
    if (error)
        return error;
    if (how == 0 || how > (SHUTDOWN_READ | SHUTDOWN_WRITE))
        return WASI_EINVAL;
    return shutdown(entry->fd, hows[how]) < 0 ? wasi_errno_from(errno) : WASI_SUCCESS;
}

/* The answer and the socket in it, or -errno. System call: recvmsg. */
static int receive_connection(int connector)
{
    struct guest_connected answer;
    union {
        struct cmsghdr header; /* for its alignment */
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec part = {&answer, sizeof answer};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    int fd = -1;
    ssize_t n;

    do
        n = recvmsg(connector, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
        header->cmsg_len == CMSG_LEN(sizeof fd))
        memcpy(&fd, CMSG_DATA(header), sizeof fd);
    if (n == sizeof answer && answer.error == 0 && fd >= 0)
        return fd;
    if (fd >= 0)
        close(fd);
    if (n != sizeof answer)
        return -EIO; /* the connector is gone */
    /* A descriptor that did not fit our table is not in the message. */
    return answer.error < 0 ? answer.error : -EMFILE;
}

/* Which of them may be had is not decided here. System calls: write, recvmsg. */
int wasi_connect(struct host *host, const char *name, uint32_t bytes)
{
    const struct wasi_options *options = &host->wasi->options;
    struct guest_connect request = {0};
    uint32_t number;

    while (request.index < options->connect_count &&
           (strlen(options->connects[request.index]) != bytes ||
            memcmp(options->connects[request.index], name, bytes) != 0))
        request.index++;
    if (request.index == options->connect_count)
        return -EACCES;
    if (wasi_fd_reserve(host->wasi, &number) != WASI_SUCCESS)
        return -EMFILE;
    if (write(options->connector, &request, sizeof request) != sizeof request)
        return -EIO;
    int fd = receive_connection(options->connector);
    if (fd < 0)
        return fd;
    wasi_connection_install(host->wasi, number, fd, 0);
    if (bytes >= UDP_BYTES && memcmp(name + bytes - UDP_BYTES, ENDPOINT_UDP, UDP_BYTES) == 0)
        host->wasi->fds[number].filetype = WASI_FILETYPE_SOCKET_DGRAM;
    return (int)number;
}

/* Module "vireo", connect: a descriptor, or a WASI errno as a negative number. */
uint32_t Z_vireoZ_connect(struct host *host, uint32_t name, uint32_t bytes)
{
    const char *text = host_memory(host, name, bytes);
    int number = text ? wasi_connect(host, text, bytes) : -EFAULT;

    return number < 0 ? (uint32_t) - (int)wasi_errno_from(number) : (uint32_t)number;
}
