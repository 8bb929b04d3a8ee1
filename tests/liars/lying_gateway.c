/*
 * A calls gateway that was subverted: it has what the real one has (descriptors, uid, system-call
 * filter) and uses it against the supervisor. Takes the real gateway's place in a daemon of its own
 * (tests/system/liars.bats). On the public port it answers /readyz, and GET /lie/NAME tells one
 * lie: the body says what came of it; none comes when the supervisor ended the liar for it. As the
 * admin gateway it is the real one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "faas/gateway_seccomp.h"
#include "faas/protocol.h"
#include "faas/telemetry.h"

/* src/vireo_gateway.c, whose main() is named so here. */
int gateway_main(int argc, char **argv);

/* Silence after which nothing more is taken to come. */
#define SETTLE_MS 300

static int poll_fd;
static uint32_t function_id; /* of the function "victim" */
static struct {
    unsigned started, not_started, ended;
    char message[256]; /* the last reason of a start that failed */
} seen;

/* ---- what the supervisor says ---- */

static void take_message(const char *message, size_t bytes)
{
    const struct gateway_function *function = (const void *)message;
    const struct gateway_ended *ended = (const void *)message;

    switch (function->type) {
    case GATEWAY_FUNCTION:
        if (bytes == sizeof *function && strcmp(function->name, "victim") == 0)
            function_id = function->function_id;
        break;
    case GATEWAY_STARTED:
        seen.started++;
        break;
    case GATEWAY_ENDED:
        if (bytes != sizeof *ended)
            break;
        if (ended->end != GATEWAY_END_NOT_STARTED) {
            seen.ended++;
            break;
        }
        seen.not_started++;
        memcpy(seen.message, ended->message, sizeof seen.message - 1);
        break;
    case GATEWAY_DRAIN:
        _exit(0);
    default:
        break;
    }
}

/* Reads what is there. The supervisor's end is ours. */
static void take_messages(void)
{
    static _Alignas(8) char message[4096];
    int fds[FD_MESSAGE_MAX];
    size_t fd_count;
    ssize_t n;

    while ((n = fd_receive(GATEWAY_SUPERVISOR_FD, message, sizeof message, fds, &fd_count,
                           MSG_DONTWAIT)) > 0) {
        fd_close_all(fds, fd_count);
        take_message(message, (size_t)n);
    }
    if (n == 0)
        _exit(0);
}

/* Until the supervisor has nothing more to say. */
static void settle(void)
{
    struct epoll_event event;
    int64_t end = clock_now_ns() + SETTLE_MS * 1000000LL;

    while (clock_now_ns() < end) {
        if (epoll_wait(poll_fd, &event, 1, 20) > 0 && event.data.fd == GATEWAY_SUPERVISOR_FD) {
            take_messages();
            end = clock_now_ns() + SETTLE_MS * 1000000LL;
        }
    }
}

/* ---- lies ---- */

static int say(const void *message, size_t bytes, size_t fd_count)
{
    const int fds[FD_MESSAGE_MAX] = {0};
    int r;

    /* A full socket is waited for: a flood is to arrive. */
    while ((r = fd_send(GATEWAY_SUPERVISOR_FD, message, bytes, fds, fd_count)) == -EAGAIN)
        take_messages();
    return r;
}

static void say_start(uint32_t id, uint64_t token, size_t bytes, size_t fd_count)
{
    char message[64] = {0};
    struct gateway_start start = {.type = GATEWAY_START, .function_id = id, .token = token};

    memcpy(message, &start, sizeof start);
    say(message, bytes, fd_count);
}

static void say_admin(uint32_t type, size_t fd_count)
{
    static struct admin_request request;

    request = (struct admin_request){.type = type, .token = 1, .name = "victim"};
    say(&request, sizeof request, fd_count);
}

static void say_bytes(size_t bytes, int fill)
{
    static char message[64 << 10];

    memset(message, fill, bytes);
    say(message, bytes, 0);
}

static void many_starts(uint32_t id, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        say_start(id, 1000 + i, sizeof(struct gateway_start), 0);
}

/* Sends and does not read what comes back. */
static void deaf_starts(void)
{
    struct gateway_start start = {.type = GATEWAY_START, .function_id = 999};

    for (unsigned i = 0; i < 400000; i++) {
        start.token = i;
        while (fd_send(GATEWAY_SUPERVISOR_FD, &start, sizeof start, NULL, 0) == -EAGAIN)
            ;
    }
}

static void stop_all(void)
{
    struct gateway_stop stop = {.type = GATEWAY_STOP, .reason = 77};
    struct gateway_ground ground = {.type = GATEWAY_GROUND, .background = 77};

    for (uint64_t token = 0; token < 2000; token++) {
        stop.token = ground.token = token;
        say(&ground, sizeof ground, 0);
        say(&stop, sizeof stop, 0);
    }
}

/* To the admin gateway: texts longer than they say, names that are none, descriptors, nothing. */
static void lie_to_admin(void)
{
    static struct telemetry_log log = {
        .type = TELEMETRY_LOG, .bytes = 1u << 31, .function = "victim"};
    const int fds[1] = {0};

    fd_send(GATEWAY_TELEMETRY_FD, &log, sizeof log, NULL, 0);
    log.bytes = 4;
    memset(log.function, '/', sizeof log.function);
    fd_send(GATEWAY_TELEMETRY_FD, &log, TELEMETRY_LOG_HEAD + 4, NULL, 0);
    strcpy(log.function, "victim");
    fd_send(GATEWAY_TELEMETRY_FD, &log, TELEMETRY_LOG_HEAD + 4, fds, 1);
    memcpy(log.text, "\033[2J", 4);
    fd_send(GATEWAY_TELEMETRY_FD, &log, TELEMETRY_LOG_HEAD + 4, NULL, 0);
    fd_send(GATEWAY_TELEMETRY_FD, "x", 1, NULL, 0);
}

/*
 * The sockets are shared with whoever comes after us: what is done to them would stay. Numbers with
 * upper bits are the same descriptors to the kernel. Prints what was refused.
 */
static void lie_with_sockets(char *ret_text, size_t size)
{
    const struct linger linger = {.l_onoff = 1};
    unsigned refused = 0;

    for (int fd = GATEWAY_SUPERVISOR_FD; fd <= GATEWAY_LISTEN_FD; fd++) {
        if (fd == GATEWAY_SUPERVISOR_FD)
            continue; /* ours alone: its end is our end */
        refused += shutdown(fd, SHUT_RDWR) < 0;
        refused += syscall(SYS_shutdown, (1ull << 32) + (unsigned)fd, SHUT_RDWR) < 0;
        refused += setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) < 0;
    }
    snprintf(ret_text, size, "refused %u of 6\n", refused);
}

#define LIE(name, action)                               \
    static void lie_##name(char *ret_text, size_t size) \
    {                                                   \
        (void)ret_text, (void)size;                     \
        action;                                         \
    }
LIE(short, say_bytes(2, 7))
LIE(empty, say_bytes(0, 0))
LIE(unknown, say_bytes(16, 0x55))
LIE(oversize, say_bytes(60 << 10, 7))
LIE(long_start, say_start(function_id, 1, sizeof(struct gateway_start) + 1, 0))
LIE(cut_start, say_start(function_id, 1, sizeof(struct gateway_start) - 1, 0))
LIE(descriptor, say_start(function_id, 1, sizeof(struct gateway_start), 1))
LIE(descriptors, say_start(function_id, 1, sizeof(struct gateway_start), FD_MESSAGE_MAX))
LIE(deploy, say_admin(ADMIN_DEPLOY, 1))
LIE(remove, say_admin(ADMIN_REMOVE, 0))
LIE(deaf, deaf_starts())
LIE(no_function, many_starts(999, 100))
LIE(flood, many_starts(function_id, 9000))
LIE(twice, (many_starts(function_id, 1), many_starts(function_id, 1)))
LIE(stop, stop_all())
LIE(admin, lie_to_admin())

static const struct {
    const char *name;
    void (*tell)(char *ret_text, size_t size);
} lies[] = {
    {"short", lie_short},
    {"empty", lie_empty},
    {"unknown", lie_unknown},
    {"oversize", lie_oversize},
    {"long_start", lie_long_start},
    {"cut_start", lie_cut_start},
    {"descriptor", lie_descriptor},
    {"descriptors", lie_descriptors},
    {"deploy", lie_deploy},
    {"remove", lie_remove},
    {"deaf", lie_deaf},
    {"no_function", lie_no_function},
    {"flood", lie_flood},
    {"twice", lie_twice},
    {"stop", lie_stop},
    {"admin", lie_admin},
    {"sockets", lie_with_sockets},
};

/* ---- the public port ---- */

static void answer(int connection, const char *status, const char *body)
{
    char text[1024];
    int bytes = snprintf(text, sizeof text,
                         "HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
                         status, strlen(body), body);

    (void)!send(connection, text, (size_t)bytes, MSG_NOSIGNAL);
}

static void serve(int connection)
{
    char request[4096], name[64] = "", text[512] = "";
    ssize_t n = recv(connection, request, sizeof request - 1, 0);

    request[n > 0 ? n : 0] = '\0';
    if (sscanf(request, "GET /lie/%63[a-z_]", name) != 1) {
        answer(connection, "200 OK", "ready\n");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
        if (strcmp(lies[i].name, name) != 0)
            continue;
        settle();
        memset(&seen, 0, sizeof seen);
        lies[i].tell(text, sizeof text);
        settle();
        if (!text[0])
            snprintf(text, sizeof text, "started %u, not started %u, ended %u: %s\n", seen.started,
                     seen.not_started, seen.ended, seen.message);
        answer(connection, "200 OK", text);
        return;
    }
    answer(connection, "404 Not Found", "no such lie\n");
}

static int lie_for_ever(void)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = GATEWAY_SUPERVISOR_FD};
    struct err err = {0};

    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (poll_fd < 0 || epoll_ctl(poll_fd, EPOLL_CTL_ADD, GATEWAY_SUPERVISOR_FD, &event) < 0)
        return 1;
    event.data.fd = GATEWAY_LISTEN_FD;
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, GATEWAY_LISTEN_FD, &event) < 0 ||
        gateway_seccomp_install(GATEWAY_ROLE_CALLS, &err) < 0)
        return 1;
    for (;;) {
        if (epoll_wait(poll_fd, &event, 1, -1) < 0 && errno != EINTR)
            return 1;
        if (event.data.fd == GATEWAY_SUPERVISOR_FD) {
            take_messages();
            continue;
        }
        int connection = accept4(GATEWAY_LISTEN_FD, NULL, NULL, SOCK_CLOEXEC);
        if (connection < 0)
            continue;
        serve(connection);
        close(connection);
    }
}

int main(int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "calls") == 0)
        return lie_for_ever();
    return gateway_main(argc, argv);
}
