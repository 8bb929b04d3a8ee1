/*
 * The opener: beside the broker where the kernel keeps perf_event_open(2) for CAP_SYS_ADMIN, as
 * Debian's do while the sysctl kernel.perf_event_paranoid is 3. It has that capability and a table
 * of system calls with this one and what a socket needs: no file, no memory, no process. It opens
 * what event_check() lets pass, which is what CAP_PERFMON is enough for on other kernels; what a
 * policy allows its askers have looked at.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "bpf/broker_internal.h"
#include "bpf/events.h"

#ifndef CAP_PERFMON
#define CAP_PERFMON 38 /* newer than libcap's headers may be */
#endif

#define ALL 3     /* every kind can be asked for here */
#define OUTPUTS 4 /* EVENT_OUTPUT alone */

static bool has(cap_t set, cap_value_t capability)
{
    cap_flag_value_t value;

    return cap_get_flag(set, capability, CAP_EFFECTIVE, &value) == 0 && value == CAP_SET;
}

bool opener_is_needed(void)
{
    static const cap_value_t admin = CAP_SYS_ADMIN;
    static const struct event_request output = {.kind = EVENT_OUTPUT};
    cap_t set = cap_get_proc();
    bool needed = false;

    /* Who was not given CAP_PERFMON is not meant to have events. */
    if (set && has(set, CAP_PERFMON) && has(set, admin) &&
        cap_set_flag(set, CAP_EFFECTIVE, 1, &admin, CAP_CLEAR) == 0 && cap_set_proc(set) == 0) {
        _cleanup_(closep) int event = event_open_own(&output, 0);
        needed = event == -EACCES || event == -EPERM;
        if (cap_set_flag(set, CAP_EFFECTIVE, 1, &admin, CAP_SET) < 0 || cap_set_proc(set) < 0)
            needed = false;
    }
    cap_free(set);
    return needed;
}

/* It may have ended, or its queue is full: then the asker sees the end of this socket. */
static void answer(int socket, int event)
{
    const int32_t result = event < 0 ? event : 0;

    (void)fd_send_now(socket, &result, sizeof result, &event, event >= 0);
}

static void serve_one(int socket, uint32_t kprobe_type)
{
    struct event_request request;
    int fds[FD_MESSAGE_MAX];
    size_t count = 0;
    ssize_t n = fd_receive(socket, &request, sizeof request, fds, &count, MSG_DONTWAIT);

    if (n == sizeof request && count == 1) {
        bool may = socket == ALL || request.kind == EVENT_OUTPUT;
        _cleanup_(closep) int event = may ? event_open_own(&request, kprobe_type) : -EPERM;
        answer(fds[0], event);
    }
    if (n >= 0)
        fd_close_all(fds, count);
}

/* A message without bytes is no end: any asker could send one. */
static _Noreturn void serve(uint32_t kprobe_type)
{
    for (;;) {
        struct pollfd polls[] = {{.fd = ALL, .events = POLLIN}, {.fd = OUTPUTS, .events = POLLIN}};
        if (poll(polls, ARRAY_LEN(polls), -1) < 0 && errno != EINTR)
            _exit(1);
        for (size_t i = 0; i < ARRAY_LEN(polls); i++) {
            if (polls[i].revents & ~POLLIN)
                _exit(0); /* the broker is gone */
            if (polls[i].revents)
                serve_one(polls[i].fd, kprobe_type);
        }
    }
}

/* Nothing of the broker's is left open but the two sockets' other ends. */
static int keep_sockets(int all, int outputs)
{
    int moved[] = {fcntl(all, F_DUPFD_CLOEXEC, OUTPUTS + 1),
                   fcntl(outputs, F_DUPFD_CLOEXEC, OUTPUTS + 1)};

    if (moved[0] < 0 || moved[1] < 0 || dup3(moved[0], ALL, O_CLOEXEC) < 0 ||
        dup3(moved[1], OUTPUTS, O_CLOEXEC) < 0 || syscall(SYS_close_range, OUTPUTS + 1, ~0u, 0) < 0)
        return -errno;
    return 0;
}

static _Noreturn void run(uint32_t uid, pid_t broker, int all, int outputs)
{
    struct err err = {0};
    uint32_t kprobe_type = 0;

    /* Without kprobes nobody comes as far as to ask for one: its number is read first. */
    (void)event_kprobe_type(&kprobe_type);
    int r = keep_sockets(all, outputs);
    if (r == 0 && prctl(PR_SET_NAME, "vireo-opener") < 0)
        r = -errno;
    if (r < 0)
        err_set(&err, r, "cannot start the opener of events");
    else
        r = confine_opener(uid, broker, &err);
    if (r < 0) {
        log_line(LOG_ERROR, "%s", err.message);
        _exit(1);
    }
    /* What it could say it has said. */
    for (int fd = 0; fd < ALL; fd++)
        close(fd);
    serve(kprobe_type);
}

int opener_start(uint32_t uid, int ret_sockets[static 2], struct err *err)
{
    int all[2] = {-1, -1}, outputs[2] = {-1, -1};
    pid_t broker = getpid(), pid = -1;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, all) == 0 &&
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, outputs) == 0)
        pid = fork();
    int r = pid < 0 ? -errno : 0;
    if (pid == 0)
        run(uid, broker, all[1], outputs[1]);
    closep(&all[1]);
    closep(&outputs[1]);
    if (r < 0) {
        closep(&all[0]);
        closep(&outputs[0]);
        return err_set(err, r, "cannot start the opener of events");
    }
    ret_sockets[0] = all[0];
    ret_sockets[1] = outputs[0];
    return 0;
}
