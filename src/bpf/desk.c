/* Asking the broker from a session: at one of the sockets that sessions share, each question with a
 * socket of its own for what comes back. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "bpf/broker_internal.h"

int desk_ask(int desk, const void *request, size_t bytes, int fd)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    _cleanup_(closep) int ours = ends[0];
    int r = fd_send(desk, request, bytes, (int[]){ends[1], fd}, fd >= 0 ? 2 : 1);
    close(ends[1]);
    return r < 0 ? r : steal_fd(&ours);
}

int desk_answer(int socket, void *answer, size_t bytes)
{
    ssize_t n;

    do
        n = read(socket, answer, bytes);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)bytes ? 0 : -EIO;
}
