/*
 * The front of vireo-platform: gives each function with instances a worker, passes the instances'
 * sockets on, and the workers' counts to the supervisor. It reads nothing that comes from an
 * instance. A worker that has no instance and no message left says so and is ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "faas/platform.h"
#include "faas/platform_courier.h"

#define WORKERS_MAX 4096

struct worker {
    uint32_t function_id; /* 0: a free place */
    int control;
    pid_t pid;
    uint32_t sent; /* instances that it was told of */
};

static struct platform_options options;
static struct worker workers[WORKERS_MAX];
static unsigned worker_end; /* places from here on are free */
static int epoll_fd;

/* What epoll tells: a worker's number, or one of these. */
enum { FROM_SUPERVISOR = WORKERS_MAX, FROM_SIGNALS };

static void watch(int fd, uint32_t what)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = what};

    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

static struct worker *worker_find(uint32_t function_id)
{
    for (unsigned i = 0; i < worker_end; i++)
        if (workers[i].function_id == function_id)
            return &workers[i];
    return NULL;
}

static struct worker *worker_place(void)
{
    struct worker *free_place = worker_find(0);

    if (!free_place && worker_end < WORKERS_MAX)
        free_place = &workers[worker_end++];
    return free_place;
}

/* In the child: of the other functions' sockets it keeps none. */
static _Noreturn void worker_run(const struct platform_instance *function, int control)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    /* Its copy of the password stays open until its courier or its connection has it. */
    int password = fcntl(PLATFORM_PASSWORD_FD, F_DUPFD_CLOEXEC, 16);
    int kept = fcntl(control, F_DUPFD_CLOEXEC, 32);
    if (kept < 0 || dup3(kept, WORKER_CONTROL_FD, O_CLOEXEC) < 0)
        _exit(1);
    if (password >= 0 && dup3(password, PLATFORM_PASSWORD_FD, O_CLOEXEC) < 0)
        _exit(1);
    if (close_range(PLATFORM_PASSWORD_FD + 1, ~0u, 0) < 0)
        _exit(1);
    platform_worker(&options, function);
}

static struct worker *worker_start(const struct platform_instance *function)
{
    struct worker *worker = worker_place();
    int sockets[2];

    if (!worker ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets) < 0)
        return NULL;
    pid_t pid = fork();
    if (pid == 0)
        worker_run(function, sockets[1]);
    close(sockets[1]);
    if (pid < 0) {
        close(sockets[0]);
        return NULL;
    }
    *worker =
        (struct worker){.function_id = function->function_id, .control = sockets[0], .pid = pid};
    watch(sockets[0], (uint32_t)(worker - workers));
    return worker;
}

/* It is dead, or is to be. */
static void worker_drop(struct worker *worker)
{
    int status;

    if (worker->pid > 0) {
        kill(worker->pid, SIGKILL);
        while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
            ;
    }
    close(worker->control);
    *worker = (struct worker){0};
    while (worker_end > 0 && workers[worker_end - 1].function_id == 0)
        worker_end--;
}

static void report_send(const struct platform_report *report)
{
    fd_send(PLATFORM_SUPERVISOR_FD, report, sizeof *report, NULL, 0);
}

static void worker_died(struct worker *worker)
{
    const struct platform_report report = {
        .type = PLATFORM_REPORT, .function_id = worker->function_id, .ended = 1};

    log_line(LOG_ERROR, "the platform's worker of function %u ended", worker->function_id);
    worker_drop(worker);
    report_send(&report);
}

static void worker_ready(unsigned number)
{
    struct worker *worker = &workers[number];
    union {
        uint32_t type;
        struct platform_report report;
        struct worker_idle idle;
    } message;
    int fds[FD_MESSAGE_MAX];
    size_t fd_count = 0;

    if (worker->function_id == 0)
        return;
    ssize_t n = fd_receive(worker->control, &message, sizeof message, fds, &fd_count, MSG_DONTWAIT);
    if (n == -EAGAIN)
        return;
    fd_close_all(fds, fd_count);
    if (n == sizeof message.report && message.type == PLATFORM_REPORT) {
        /* Whose it is the socket says. */
        message.report.function_id = worker->function_id;
        message.report.ended = message.report.forgotten = 0;
        report_send(&message.report);
    } else if (n == sizeof message.idle && message.type == PLATFORM_IDLE) {
        if (message.idle.seen == worker->sent)
            worker_drop(worker);
    } else {
        worker_died(worker);
    }
}

static void instance_give(const struct platform_instance *message, int *fd)
{
    struct worker *worker = worker_find(message->function_id);

    if (!worker)
        worker = worker_start(message);
    if (!worker) {
        log_line(LOG_ERROR, "cannot serve the platform to '%s': too many functions use it",
                 message->function);
        return;
    }
    if (fd_send(worker->control, message, sizeof *message, fd, fd ? 1 : 0) == 0)
        worker->sent += fd != NULL;
    else
        log_line(LOG_WARNING, "function '%s': its platform's worker is not listening",
                 message->function);
}

/* Its files are the supervisor's to remove, once its worker is dead: FORGET is answered. */
static void function_forget(uint32_t function_id, struct worker *worker)
{
    const struct platform_report report = {
        .type = PLATFORM_REPORT, .function_id = function_id, .forgotten = 1};

    if (worker)
        worker_drop(worker);
    if (options.redis[0]) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(courier_redis_forget(&options, function_id) < 0);
    }
    report_send(&report);
}

/* A message of the supervisor; false when it is gone. */
static bool supervisor_ready(void)
{
    static struct platform_instance message;
    int fds[FD_MESSAGE_MAX];
    size_t fd_count = 0;

    ssize_t n =
        fd_receive(PLATFORM_SUPERVISOR_FD, &message, sizeof message, fds, &fd_count, MSG_DONTWAIT);
    if (n == -EAGAIN)
        return true;
    if (n != sizeof message || fd_count > 1 || message.function_id == 0 ||
        message.connect_count > GRANT_CONNECT_MAX || message.queue_count > GRANT_QUEUE_MAX ||
        message.exec_count > GRANT_EXEC_MAX) {
        fd_close_all(fds, fd_count);
        return n > 0 || n == -EMSGSIZE; /* that: no descriptor was left for it */
    }
    struct worker *worker = worker_find(message.function_id);
    if (message.type == PLATFORM_INSTANCE)
        instance_give(&message, fd_count ? fds : NULL);
    else if (message.type == PLATFORM_FORGET)
        function_forget(message.function_id, worker);
    fd_close_all(fds, fd_count);
    return true;
}

/* Workers that died, and what dead ones left: this is process 1 of its namespace. */
static void reap(int signal_fd)
{
    struct signalfd_siginfo info;
    pid_t pid;

    while (read(signal_fd, &info, sizeof info) == sizeof info)
        ;
    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
        for (unsigned i = 0; i < worker_end; i++)
            if (workers[i].pid == pid)
                workers[i].pid = 0;
}

/* BYTES QUEUE CALLS REDIS [RULE]... */
static int options_read(int argc, char **argv)
{
    if (argc < 5 || argc - 5 > PLATFORM_RULES_MAX)
        return -EINVAL;
    options.bytes = strtoull(argv[1], NULL, 10);
    options.queue_max = (uint32_t)strtoul(argv[2], NULL, 10);
    options.calls = argv[3];
    options.redis = argv[4];
    for (int i = 5; i < argc; i++)
        if (endpoint_connect_rule_parse(argv[i], &options.rules[options.rule_count++], NULL) < 0)
            return -EINVAL;
    return 0;
}

int platform_main(int argc, char **argv)
{
    struct err err = {0};
    sigset_t set;

    if (options_read(argc, argv) < 0)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    umask(077);
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (epoll_fd < 0 || signals < 0)
        return 1;
    if (platform_seccomp_install(false, &err) < 0) {
        log_line(LOG_ERROR, "%s", err.message);
        return 1;
    }
    watch(PLATFORM_SUPERVISOR_FD, FROM_SUPERVISOR);
    watch(signals, FROM_SIGNALS);
    for (;;) {
        struct epoll_event events[64];
        int n = epoll_wait(epoll_fd, events, ARRAY_LEN(events), -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.u32 < WORKERS_MAX)
                worker_ready(events[i].data.u32);
            else if (events[i].data.u32 == FROM_SUPERVISOR && !supervisor_ready())
                return 0;
        }
        reap(signals);
    }
}
