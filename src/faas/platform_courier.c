/*
 * The courier's loop: a child for each request, as name resolution and transfers block, so many at
 * once. It has no file but those of name resolution and certificates: functions' data is not there.
 */
#include "faas/platform_courier.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/landlock.h"
#include "base/log.h"

/* Beyond what a request may take by itself. */
#define CHILD_SLACK_SECONDS 5
#define CHILD_SECONDS_MAX 3700

static struct {
    pid_t pid;
    uint32_t kind, number;
} children[COURIER_CHILDREN];
static unsigned child_count;
static uint8_t request_bytes[COURIER_REQUEST_MAX + 1];
static struct {
    struct courier_answer head;
    uint8_t bytes[PLATFORM_DATA_MAX];
} answer;

static void answer_send(uint32_t number, int result)
{
    answer.head.number = number;
    answer.head.error = result < 0 ? result : 0;
    answer.head.bytes = result < 0 ? 0 : (uint32_t)result;
    send(WORKER_CONTROL_FD, &answer, sizeof answer.head + answer.head.bytes, MSG_NOSIGNAL);
}

/* `bytes` behind the head are as many as it says: request_check(). */
static _Noreturn void child_run(const struct platform_options *options,
                                const struct courier_request *head, uint8_t *bytes)
{
    static char first[PLATFORM_TEXT_MAX + 1];
    unsigned seconds = head->timeout_ms / 1000 + CHILD_SLACK_SECONDS;
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(seconds < CHILD_SECONDS_MAX ? seconds : CHILD_SECONDS_MAX);
    memcpy(first, bytes, head->first_bytes);
    const uint8_t *second = bytes + head->first_bytes;
    int r = -EINVAL;
    if (memchr(first, '\0', head->first_bytes))
        r = -EINVAL;
    else if (head->kind == COURIER_HTTP || head->kind == COURIER_HTTP_ANY)
        r = courier_http(options, head, first, second, answer.bytes);
    else if (head->kind == COURIER_MESSAGE)
        r = courier_message(options, head, first, second);
    else if (head->kind == COURIER_EXEC)
        r = courier_exec(options, head, first, second, answer.bytes);
    answer_send(head->number, r);
    _exit(0);
}

static bool request_check(const struct courier_request *head, size_t size)
{
    return head->first_bytes <= PLATFORM_TEXT_MAX && head->second_bytes <= PLATFORM_DATA_MAX &&
           head->room <= PLATFORM_DATA_MAX && head->connect_count <= GRANT_CONNECT_MAX &&
           sizeof *head + head->first_bytes + head->second_bytes == size;
}

static void request_ready(const struct platform_options *options)
{
    struct courier_request head;
    ssize_t n = recv(WORKER_CONTROL_FD, request_bytes, sizeof request_bytes, MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0)
        _exit(0); /* the worker is gone */
    if ((size_t)n < sizeof head)
        _exit(1);
    memcpy(&head, request_bytes, sizeof head);
    if (!request_check(&head, (size_t)n))
        _exit(1);
    for (uint32_t i = 0; i < head.connect_count; i++)
        head.connects[i][sizeof head.connects[i] - 1] = '\0';
    pid_t pid = fork();
    if (pid == 0)
        child_run(options, &head, request_bytes + sizeof head);
    if (pid < 0) {
        answer_send(head.number, -EAGAIN);
        return;
    }
    children[child_count].pid = pid;
    children[child_count].kind = head.kind;
    children[child_count++].number = head.number;
}

/* Of what it asks for only that it asks is read. */
static void redis_ready(const struct platform_options *options, uint32_t function_id)
{
    uint32_t ask;
    ssize_t n = recv(WORKER_REDIS_FD, &ask, sizeof ask, MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0)
        _exit(0);
    _cleanup_(closep) int fd = courier_redis(options, function_id);
    int32_t result = fd < 0 ? fd : 0;
    fd_send(WORKER_REDIS_FD, &result, sizeof result, &fd, fd < 0 ? 0 : 1);
}

static void children_ended(int signal_fd)
{
    struct signalfd_siginfo info;
    int status;
    pid_t pid;

    while (read(signal_fd, &info, sizeof info) == sizeof info)
        ;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        unsigned at = 0;
        while (at < child_count && children[at].pid != pid)
            at++;
        if (at == child_count)
            continue;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
            answer_send(children[at].number,
                        children[at].kind == COURIER_MESSAGE ? -EAGAIN : -ETIMEDOUT);
        children[at] = children[--child_count];
    }
}

static int confine(void)
{
    static const char *const paths[] = {"/etc", "/usr", "/lib"};
    struct landlock_directory directories[ARRAY_LEN(paths)];
    size_t count = 0;

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        int fd = open(paths[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0)
            directories[count++].fd = fd;
    }
    for (size_t i = 0; i < count; i++)
        directories[i].writable = 0;
    int r = landlock_files(directories, count, true);
    for (size_t i = 0; i < count; i++)
        close(directories[i].fd);
    return r;
}

void platform_courier(const struct platform_options *options, uint32_t function_id)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0 || confine() < 0) {
        log_line(LOG_ERROR, "cannot confine a courier");
        _exit(1);
    }
    for (;;) {
        /* With every child at work its next request waits in the socket. */
        struct pollfd polls[] = {
            {.fd = signals, .events = POLLIN},
            {.fd = child_count < COURIER_CHILDREN ? WORKER_CONTROL_FD : -1, .events = POLLIN},
            {.fd = WORKER_REDIS_FD, .events = POLLIN}};
        if (poll(polls, ARRAY_LEN(polls), -1) < 0 && errno != EINTR)
            _exit(1);
        if (polls[0].revents)
            children_ended(signals);
        if (polls[1].revents)
            request_ready(options);
        if (polls[2].revents)
            redis_ready(options, function_id);
    }
}
