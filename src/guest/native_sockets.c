/*
 * Connections of native code by POSIX names: accepted from a granted listening socket, or given by
 * the connector. None is made here, and none has options: there is no such system call.
 */
#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "guest/native.h"
#include "guest/native_posix.h"
#include "guest/signals.h"
#include "guest/wasi_internal.h"
#include "vireo/io_native.h"

/* Of whom it is nothing is said. System calls: those of wasi_accept(). */
int native_accept4(int fd, struct sockaddr *address, socklen_t *bytes, int flags)
{
    struct host *host = native_enter();
    int n = host ? -EINVAL : -EPERM;

    if (host && !(flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)))
        do
            n = wasi_accept(host, (uint32_t)fd, (flags & SOCK_NONBLOCK) != 0);
        while (signals_after(host, n == -EINTR));
    if (n >= 0 && address && bytes)
        *bytes = 0;
    return (int)native_leave(host, n);
}

int native_accept(int fd, struct sockaddr *address, socklen_t *bytes)
{
    return native_accept4(fd, address, bytes, 0);
}

/* System call: recvfrom. */
static ssize_t receive(struct host *host, int fd, void *to, size_t room, int flags)
{
    const struct wasi_fd *entry = wasi_fd_any(host, (uint32_t)fd);
    long n;

    if (!entry)
        return -EBADF;
    if (entry->kind != WASI_CONNECTION)
        return entry->kind == WASI_LISTENER ? -ENOTCONN : -ENOTSOCK;
    if (flags & ~(MSG_PEEK | MSG_WAITALL | MSG_DONTWAIT))
        return -EINVAL;
    do
        n = signals_call(host, SYS_recvfrom, entry->fd, (long)to, (long)room, flags, 0);
    while (n == -EINTR && !signals_wait(host));
    return n;
}

ssize_t native_recv(int fd, void *to, size_t room, int flags)
{
    struct host *host = native_enter();
    ssize_t n = -EPERM;

    if (host)
        do
            n = receive(host, fd, to, room, flags);
        while (signals_after(host, n == -EINTR));
    return native_leave(host, n);
}

/* As write(), which never raises SIGPIPE here; there are no flags but that one. */
ssize_t native_send(int fd, const void *from, size_t bytes, int flags)
{
    struct host *host = native_enter();
    const struct wasi_fd *entry = host ? wasi_fd_any(host, (uint32_t)fd) : NULL;
    int error = !host                            ? EPERM
                : !entry                         ? EBADF
                : entry->kind == WASI_LISTENER   ? ENOTCONN
                : entry->kind != WASI_CONNECTION ? ENOTSOCK
                : flags & ~(MSG_NOSIGNAL)        ? EINVAL
                                                 : 0;

    native_leave(host, 0);
    if (!error)
        return native_write(fd, from, bytes);
    errno = error;
    return -1;
}

int native_shutdown(int fd, int how)
{
    struct host *host = native_enter();

    return (int)native_leave(host, vireo_import_shutdown(fd, how));
}
