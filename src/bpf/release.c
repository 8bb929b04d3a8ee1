/*
 * What is closed elsewhere. With the last descriptor of a tracepoint's link the kernel waits until
 * no processor runs its program any more, 20 ms and more: the broker's one loop would stand as
 * long, and with it every function's start. So a process of its own, which has nothing else, is
 * given the descriptors and closes them. It has no capability.
 */
#include <errno.h>
#include <signal.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "bpf/broker_internal.h"

/* So few messages wait that what is not closed yet can't become much. */
#define BUFFER_BYTES 4096

static int socket_fd = -1;

static _Noreturn void close_all(int socket, pid_t broker)
{
    char message;

    cap_t none = cap_init();

    if (!none || cap_set_proc(none) < 0 || prctl(PR_SET_NAME, "vireo-release") < 0 ||
        (socket > 0 && close_range(0, (unsigned)socket - 1, 0) < 0) ||
        close_range((unsigned)socket + 1, ~0u, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
        getppid() != broker)
        _exit(1);
    for (;;) {
        int fds[FD_MESSAGE_MAX];
        size_t fd_count = 0;
        ssize_t n = fd_receive(socket, &message, sizeof message, fds, &fd_count, 0);
        if (n == 0 || (n < 0 && n != -EINTR && n != -EMSGSIZE))
            _exit(0);
        fd_close_all(fds, fd_count);
    }
}

int release_open(void)
{
    const int bytes = BUFFER_BYTES;
    const pid_t broker = getpid();
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    (void)setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    pid_t pid = fork();
    if (pid == 0)
        close_all(ends[1], broker);
    int error = pid < 0 ? -errno : 0;
    close(ends[1]);
    if (error) {
        close(ends[0]);
        return error;
    }
    socket_fd = ends[0];
    return 0;
}

int release_fds(int *fds, size_t count)
{
    int r = fd_send_now(socket_fd, "", 1, fds, count);

    if (r == -EAGAIN)
        return r;
    /* It has its own of each. Where nobody takes them, it is waited for here. */
    fd_close_all(fds, count);
    return 0;
}
