/* The broker's loop: a session, which is a child, for each instance that it is told of. */
#include "bpf/broker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "bpf/broker_internal.h"

static _Noreturn void serve(struct session *session)
{
    struct stat group;
    struct err err = {0};

    signal(SIGCHLD, SIG_DFL);
    close(BROKER_FD);
    /* A control group's id is its directory's inode. */
    if (session->group_fd >= 0 && fstat(session->group_fd, &group) == 0)
        session->group_id = group.st_ino;
    pid_t broker = session->broker;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != broker ||
        confine_session(session->instance.policy.host, &err) < 0) {
        log_line(LOG_ERROR, "%s", err.message);
        _exit(1);
    }
    session_run(session);
}

static void instance_ready(int pins, const struct broker_instance *message, int *fds,
                           size_t fd_count)
{
    struct session session = {
        .socket = fds[0], .group_fd = -1, .root_fd = -1, .pins = pins, .broker = getpid()};
    size_t next = 1;

    if (message->has_group && next < fd_count)
        session.group_fd = fds[next++];
    if (message->has_root && next < fd_count)
        session.root_fd = fds[next++];

    session.instance = *message;
    session.instance.function[sizeof session.instance.function - 1] = '\0';
    pid_t pid = fork();
    if (pid == 0)
        serve(&session);
    if (pid < 0)
        log_line(LOG_ERROR, "cannot serve eBPF of function '%s': %s", session.instance.function,
                 strerror(errno));
}

int broker_main(uint32_t uid)
{
    static struct broker_instance message;
    struct err err = {0};
    int pins[2];

    signal(SIGPIPE, SIG_IGN);
    libbpf_set_print(NULL);   /* what it finds is in errno, and told to whom it concerns */
    signal(SIGCHLD, SIG_IGN); /* nobody asks how a session ended */
    if (confine_broker(uid, &err) < 0) {
        log_line(LOG_ERROR, "%s", err.message);
        return 1;
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pins) < 0)
        return 1;
    for (;;) {
        struct pollfd polls[] = {{.fd = BROKER_FD, .events = POLLIN},
                                 {.fd = BROKER_READER_FD},
                                 {.fd = pins[0], .events = POLLIN}};
        int fds[FD_MESSAGE_MAX];
        size_t fd_count = 0;
        if (poll(polls, ARRAY_LEN(polls), -1) < 0 && errno != EINTR)
            return 1;
        /* Without its reader it can serve nobody: who started it starts both again. */
        if (polls[1].revents)
            return 1;
        if (polls[2].revents)
            pins_serve(pins[0]);
        ssize_t n = fd_receive(BROKER_FD, &message, sizeof message, fds, &fd_count, MSG_DONTWAIT);
        if (n == -EAGAIN || n == -EINTR || n == -EMSGSIZE)
            continue;
        if (n <= 0)
            return 0;
        bool good = n == sizeof message && message.version == BROKER_VERSION;
        if (good && message.forget)
            pins_forget(message.owner);
        else if (good && fd_count >= 1 && fd_count <= 3)
            instance_ready(pins[1], &message, fds, fd_count);
        fd_close_all(fds, fd_count);
    }
}
