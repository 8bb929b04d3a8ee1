/* The broker's loop: a session, which is a child, for each instance that it is told of. */
#include "bpf/broker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "bpf/broker_internal.h"
#include "bpf/budget.h"
#include "bpf/events.h"
#include "bpf/kernel_types.h"
#include "bpf/reader.h"

/* The broker's other descriptors are other functions': maps that are pinned or shared, what is
 * attached. They would stay for as long as this session does. */
static int close_others(const struct session *session)
{
    const int kept[] = {session->socket,   session->pins,          session->hooks,
                        session->shares,   session->leases,        session->root_fd,
                        session->group_fd, session->charge_fds[0], session->charge_fds[1],
                        session->opener};
    unsigned first = BROKER_READER_FD + 1;

    for (;;) {
        /* The lowest that is kept, from there on. */
        unsigned next = ~0u;
        for (size_t i = 0; i < ARRAY_LEN(kept); i++)
            if (kept[i] >= (int)first && (unsigned)kept[i] < next)
                next = (unsigned)kept[i];
        if (next > first && syscall(SYS_close_range, first, next == ~0u ? next : next - 1, 0) < 0)
            return -errno;
        if (next == ~0u)
            return 0;
        first = next + 1;
    }
}

static _Noreturn void serve(struct session *session)
{
    struct stat group;
    struct err err = {0};

    signal(SIGCHLD, SIG_DFL);
    event_ask_at(session->opener);
    close(BROKER_FD);
    if (close_others(session) < 0)
        _exit(1);
    /* A control group's id is its directory's inode. */
    if (session->group_fd >= 0 && fstat(session->group_fd, &group) == 0)
        session->group_id = group.st_ino;
    pid_t broker = session->broker;
    /* What it makes is the function's from here on: maps, programs, its own memory; and so is the
     * time for it. It is in no group that the function's programs take for their own. */
    for (size_t i = 0; i < BROKER_CHARGES_MAX; i++)
        if (session->charge_fds[i] >= 0 && write(session->charge_fds[i], "0", 1) != 1) {
            log_line(LOG_ERROR, "cannot serve eBPF of function '%s': enter its group: %s",
                     session->instance.function, strerror(errno));
            _exit(1);
        }
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != broker ||
        confine_session(session->instance.policy.host, &err) < 0) {
        log_line(LOG_ERROR, "%s", err.message);
        _exit(1);
    }
    session_run(session);
}

/* Sockets that all sessions share: the broker's ends, and theirs. */
struct desk {
    int pins[2], hooks[2], shares[2], leases[2];
    int opener[2]; /* for every event, and for buffers alone; -1: there is none */
};

static void instance_ready(const struct desk *desk, const struct broker_instance *message, int *fds,
                           size_t fd_count)
{
    struct session session = {.socket = fds[0],
                              .group_fd = -1,
                              .charge_fds = {-1, -1},
                              .root_fd = -1,
                              .pins = desk->pins[1],
                              .hooks = desk->hooks[1],
                              .shares = desk->shares[1],
                              .leases = desk->leases[1],
                              .opener = desk->opener[message->policy.host ? 0 : 1],
                              .budget = budget_of(message->owner),
                              .broker = getpid()};
    size_t next = 1;

    if (message->has_group && next < fd_count)
        session.group_fd = fds[next++];
    for (size_t i = 0; i < message->charge_count && i < BROKER_CHARGES_MAX && next < fd_count; i++)
        session.charge_fds[i] = fds[next++];
    if (message->has_root && next < fd_count)
        session.root_fd = fds[next++];

    session.instance = *message;
    pins_narrow(message->owner, &message->policy);
    session.instance.function[sizeof session.instance.function - 1] = '\0';
    session.instance.directory[sizeof session.instance.directory - 1] = '\0';
    if (!session.budget) {
        log_line(LOG_ERROR, "cannot serve eBPF of function '%s': too many functions have it",
                 session.instance.function);
        return;
    }
    kernel_types_prepare();
    pid_t pid = fork();
    if (pid == 0)
        serve(&session);
    if (pid < 0)
        log_line(LOG_ERROR, "cannot serve eBPF of function '%s': %s", session.instance.function,
                 strerror(errno));
}

/* One message of who starts instances; false: there are no more. */
static bool hear(const struct desk *desk)
{
    static struct broker_instance message;
    int fds[FD_MESSAGE_MAX];
    size_t fd_count = 0;
    ssize_t n = fd_receive(BROKER_FD, &message, sizeof message, fds, &fd_count, MSG_DONTWAIT);

    if (n == -EAGAIN || n == -EINTR || n == -EMSGSIZE)
        return true;
    if (n <= 0)
        return false;
    bool good = n == sizeof message && message.version == BROKER_VERSION;
    if (good && message.forget) {
        pins_forget(message.owner);
        budget_forget(message.owner);
        leases_sweep();
    } else if (good && fd_count >= 1 && fd_count <= 3 + BROKER_CHARGES_MAX)
        instance_ready(desk, &message, fds, fd_count);
    fd_close_all(fds, fd_count);
    return true;
}

/* What the reader took for a function is that one's time; false: there is no reader any more. */
static bool reader_told(void)
{
    struct reader_cost cost;
    size_t fd_count = 0;
    int fds[FD_MESSAGE_MAX];
    ssize_t n = fd_receive(BROKER_READER_FD, &cost, sizeof cost, fds, &fd_count, MSG_DONTWAIT);

    fd_close_all(fds, fd_count);
    if (n == sizeof cost && cost.processor_ns > 0)
        budget_count_of(cost.owner, clock_now_ns(), cost.processor_ns);
    return n > 0 || n == -EAGAIN || n == -EINTR;
}

static int serve_all(const struct desk *desk)
{
    static struct pollfd polls[7 + HOOK_HOLDS_MAX + SHARE_HOLDS_MAX];

    for (;;) {
        polls[0] = (struct pollfd){.fd = BROKER_FD, .events = POLLIN};
        polls[1] = (struct pollfd){.fd = BROKER_READER_FD, .events = POLLIN};
        polls[2] = (struct pollfd){.fd = desk->pins[0], .events = POLLIN};
        polls[3] = (struct pollfd){.fd = desk->hooks[0], .events = POLLIN};
        polls[4] = (struct pollfd){.fd = desk->shares[0], .events = POLLIN};
        polls[5] = (struct pollfd){.fd = desk->opener[0]};
        polls[6] = (struct pollfd){.fd = desk->leases[0], .events = POLLIN};
        size_t hooks = hooks_poll(polls + 7), shares = shares_poll(polls + 7 + hooks);
        if (poll(polls, 7 + hooks + shares, hooks_tidy()) < 0) {
            if (errno != EINTR)
                return 1;
            continue;
        }
        /* Without its reader it can serve nobody, without its opener not all: who started it starts
         * them again. */
        if ((polls[1].revents && !reader_told()) || polls[5].revents)
            return 1;
        hooks_end(polls + 7, hooks);
        shares_hear(polls + 7 + hooks, shares);
        if (polls[2].revents)
            pins_serve(desk->pins[0]);
        if (polls[3].revents)
            hooks_serve(desk->hooks[0]);
        if (polls[4].revents)
            shares_serve(desk->shares[0]);
        if (polls[6].revents)
            leases_serve(desk->leases[0]);
        if (polls[0].revents && !hear(desk))
            return 0;
    }
}

int broker_main(uint32_t uid)
{
    struct err err = {0};
    struct desk desk = {.opener = {-1, -1}};

    signal(SIGPIPE, SIG_IGN);
    libbpf_set_print(NULL);   /* what it finds is in errno, and told to whom it concerns */
    signal(SIGCHLD, SIG_IGN); /* nobody asks how a session ended */
    /* It is made before there is anything to hear, by CAP_SYS_ADMIN, which goes here. */
    if ((opener_is_needed() && opener_start(uid, desk.opener, &err) < 0) ||
        confine_broker(uid, &err) < 0) {
        log_line(LOG_ERROR, "%s", err.message);
        return 1;
    }
    event_ask_at(desk.opener[0]);
    if (budget_open() < 0 || kernel_types_open() < 0 || release_open() < 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, desk.pins) < 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, desk.hooks) < 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, desk.shares) < 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, desk.leases) < 0)
        return 1;
    return serve_all(&desk);
}
