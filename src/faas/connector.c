/*
 * The connector's loop. Each request is served by a child of its own, since name resolution and
 * connecting block: it resolves once, connects to the very address that it checked, passes the
 * socket on and ends. A child at a time for each instance: nobody can have more of it by asking
 * more.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/endpoint.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "faas/connector.h"

#define RULES_MAX 64
#define CLIENTS_MAX 8192
#define CHILDREN_MAX 64 /* at once; other requests wait */
/* One connection; all of its names' addresses together may take CHILD_SECONDS. */
#define CONNECT_MS 5000
#define CHILD_SECONDS 15
/* Connections of one instance: so many at once, then so many a second. */
#define BURST 32
#define PER_SECOND 16
#define REPORT_NS INT64_C(1000000000)

/* How a child ends, for the count. */
enum { CHILD_DONE, CHILD_FAILED, CHILD_DENIED, CHILD_LIMITED };

struct client {
    int fd;      /* -1: free */
    bool busy;   /* a child serves it: its next request waits in the socket */
    double left; /* connections that it may ask for now */
    int64_t filled_ns;
    struct connector_report report; /* what is not told yet */
    struct connector_instance *instance;
};

static struct endpoint_rule rules[RULES_MAX];
static size_t rule_count;
static struct client clients[CLIENTS_MAX];
static struct {
    pid_t pid;
    unsigned client;
} children[CHILDREN_MAX];
static unsigned child_count;
static int epoll_fd;
static bool reports; /* there are some */
static int64_t reported_ns;

/* What epoll tells: a client's number, or one of these. */
enum { FROM_SUPERVISOR = CLIENTS_MAX, FROM_SIGNALS };

static void watch(int fd, uint32_t what, uint32_t events, int operation)
{
    struct epoll_event event = {.events = events, .data.u32 = what};

    epoll_ctl(epoll_fd, operation, fd, &event);
}

/* ---- counts ---- */

static void count(struct client *client, int result)
{
    client->report.uses++;
    client->report.denied += result == -EACCES;
    client->report.limited += result == -EAGAIN || result == -ETIMEDOUT || result == -EMFILE;
    reports = true;
}

static void report(struct client *client)
{
    if (client->report.uses == 0 || !client->instance)
        return;
    memcpy(client->report.function, client->instance->function, sizeof client->report.function);
    /* Nobody waits for who counts. */
    fd_send(CONNECTOR_SUPERVISOR_FD, &client->report, sizeof client->report, NULL, 0);
    client->report = (struct connector_report){0};
}

/* Until when the loop may wait, in milliseconds. */
static int report_all(void)
{
    if (!reports)
        return -1;
    int64_t now_ns = clock_now_ns();
    if (now_ns - reported_ns < REPORT_NS)
        return (int)((reported_ns + REPORT_NS - now_ns) / 1000000) + 1;
    for (unsigned i = 0; i < CLIENTS_MAX; i++)
        report(&clients[i]);
    reported_ns = now_ns;
    reports = false;
    return -1;
}

/* ---- a request, in the child ---- */

static struct net_address address_of(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET6)
        return net_address_from(true, &((const struct sockaddr_in6 *)address)->sin6_addr);
    return net_address_from(false, &((const struct sockaddr_in *)address)->sin_addr);
}

/* Of UDP, too: such a socket has this one peer, to and from. */
static int connect_to(const struct addrinfo *found)
{
    _cleanup_(closep) int fd =
        socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct pollfd one = {.fd = fd, .events = POLLOUT};
    int error = 0;
    socklen_t size = sizeof error;

    if (fd < 0)
        return -errno;
    if (connect(fd, found->ai_addr, found->ai_addrlen) < 0) {
        if (errno != EINPROGRESS)
            return -errno;
        if (poll(&one, 1, CONNECT_MS) <= 0)
            return -ETIMEDOUT;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
            return -errno;
        if (error)
            return -error;
    }
    /* The function sets its own flags. */
    if (fcntl(fd, F_SETFL, 0) < 0)
        return -errno;
    return steal_fd(&fd);
}

/* The first of its addresses that may be had and answers. */
static int connect_checked(const struct connector_instance *instance, const char *text)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    struct endpoint endpoint;
    char port[8], host[ENDPOINT_MAX_BYTES + 1];
    int r = -EACCES;

    /* The operator's word as it is now, not as it was when the function was deployed. */
    if (endpoint_connect_parse(text, &endpoint, NULL) < 0 ||
        !endpoint_rules_allow(rules, rule_count, &endpoint)) {
        log_line(LOG_WARNING,
                 "function '%s' may not connect to '%s': it is not in the operator's allow_grants",
                 instance->function, text);
        return -EACCES;
    }
    if (endpoint.udp)
        hints.ai_socktype = SOCK_DGRAM;
    snprintf(port, sizeof port, "%u", endpoint.port);
    snprintf(host, sizeof host, "%s", endpoint.host);
    if (endpoint.is_address)
        net_address_text(&endpoint.address, host, sizeof host);
    int failed = getaddrinfo(host, port, &hints, &found);
    if (failed) {
        log_line(LOG_WARNING, "function '%s' can't connect to '%s': %s", instance->function, text,
                 gai_strerror(failed));
        return -EHOSTUNREACH;
    }
    for (const struct addrinfo *at = found; at; at = at->ai_next) {
        if (at->ai_family != AF_INET && at->ai_family != AF_INET6)
            continue;
        struct net_address address = address_of(at->ai_addr);
        if (!endpoint_rules_allow_address(rules, rule_count, &endpoint, &address)) {
            char shown[64];
            net_address_text(&address, shown, sizeof shown);
            log_line(LOG_WARNING,
                     "function '%s' may not connect to '%s': it is %s, which the operator's "
                     "allow_grants do not name",
                     instance->function, text, shown);
            continue;
        }
        int fd = connect_to(at);
        /* Of several failures the first is told: the best address is tried first. */
        if (fd >= 0 || r == -EACCES)
            r = fd;
        if (fd >= 0)
            break;
    }
    freeaddrinfo(found);
    return r;
}

static _Noreturn void serve(const struct client *client, uint32_t index)
{
    /* It reads what name servers say: of the others' sockets it has none. */
    const int socket = CONNECTOR_SUPERVISOR_FD;
    if (dup3(client->fd, socket, O_CLOEXEC) < 0 || close_range(socket + 1, ~0u, 0) < 0)
        _exit(CHILD_FAILED);
    alarm(CHILD_SECONDS);
    int fd = connect_checked(client->instance, client->instance->endpoints[index]);
    struct guest_connected answer = {.error = fd < 0 ? fd : 0};
    fd_send(socket, &answer, sizeof answer, &fd, fd < 0 ? 0 : 1);
    _exit(fd == -EACCES ? CHILD_DENIED : fd == -ETIMEDOUT ? CHILD_LIMITED : CHILD_DONE);
}

/* ---- the loop ---- */

static void client_drop(unsigned number)
{
    struct client *client = &clients[number];

    report(client);
    /* By name: a child may have it open still, and then a close does not take it out. */
    watch(client->fd, number, 0, EPOLL_CTL_DEL);
    closep(&client->fd);
    client->fd = -1;
    free(client->instance);
    client->instance = NULL;
}

static bool may_connect_now(struct client *client)
{
    int64_t now_ns = clock_now_ns();

    client->left += (double)(now_ns - client->filled_ns) * PER_SECOND / 1e9;
    client->filled_ns = now_ns;
    if (client->left > BURST)
        client->left = BURST;
    if (client->left < 1)
        return false;
    client->left -= 1;
    return true;
}

static void answer_error(struct client *client, int error)
{
    const struct guest_connected answer = {.error = error};

    count(client, error);
    fd_send(client->fd, &answer, sizeof answer, NULL, 0);
}

static void request_serve(unsigned number, uint32_t index)
{
    struct client *client = &clients[number];
    const struct connector_instance *instance = client->instance;

    if (index >= instance->count) {
        log_line(LOG_WARNING, "function '%s' may not connect: it has no grant number %u",
                 instance->function, index);
        answer_error(client, -EACCES);
        return;
    }
    if (!may_connect_now(client)) {
        log_line(LOG_WARNING, "function '%s' may not connect to '%s': too many connections",
                 instance->function, instance->endpoints[index]);
        answer_error(client, -EAGAIN);
        return;
    }
    pid_t pid = fork();
    if (pid == 0)
        serve(client, index);
    if (pid < 0) {
        answer_error(client, -EAGAIN);
        return;
    }
    children[child_count].pid = pid;
    children[child_count++].client = number;
    client->busy = true;
    watch(client->fd, number, 0, EPOLL_CTL_MOD);
}

static void client_ready(unsigned number, uint32_t events)
{
    struct client *client = &clients[number];
    struct guest_connect request;
    int fds[FD_MESSAGE_MAX];
    size_t fd_count = 0;

    if (client->fd < 0)
        return;
    if (client->busy) {
        /* Only its end is told while it is served: the child's answer goes nowhere. */
        if (events & (EPOLLHUP | EPOLLERR))
            watch(client->fd, number, 0, EPOLL_CTL_DEL);
        return;
    }
    if (child_count == CHILDREN_MAX)
        return;
    ssize_t n = fd_receive(client->fd, &request, sizeof request, fds, &fd_count, MSG_DONTWAIT);
    fd_close_all(fds, fd_count);
    if (n == -EAGAIN)
        return;
    if (n == sizeof request && fd_count == 0) {
        request_serve(number, request.index);
        return;
    }
    if (n != 0)
        log_line(LOG_WARNING, "function '%s' may not connect: it sent what is no request",
                 client->instance->function);
    client_drop(number);
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
        struct client *client = &clients[children[at].client];
        int end = WIFEXITED(status) ? WEXITSTATUS(status) : CHILD_FAILED;
        if (end == CHILD_FAILED)
            answer_error(client, -ETIMEDOUT);
        else
            count(client, end == CHILD_DENIED ? -EACCES : end == CHILD_LIMITED ? -ETIMEDOUT : 0);
        client->busy = false;
        watch(client->fd, children[at].client, EPOLLIN, EPOLL_CTL_MOD);
        /* It was taken out when its instance ended; put in again, its end is seen at once. */
        watch(client->fd, children[at].client, EPOLLIN, EPOLL_CTL_ADD);
        children[at] = children[--child_count];
    }
}

/* A new instance; false when the supervisor is gone. */
static bool supervisor_ready(void)
{
    struct connector_instance message;
    int fds[FD_MESSAGE_MAX];
    size_t fd_count = 0;
    unsigned number = 0;

    ssize_t n =
        fd_receive(CONNECTOR_SUPERVISOR_FD, &message, sizeof message, fds, &fd_count, MSG_DONTWAIT);
    if (n == -EAGAIN)
        return true;
    while (number < CLIENTS_MAX && clients[number].fd >= 0)
        number++;
    struct connector_instance *instance = malloc(sizeof *instance);
    if (n != sizeof message || fd_count != 1 || message.count > GRANT_CONNECT_MAX || !instance ||
        number == CLIENTS_MAX) {
        fd_close_all(fds, fd_count);
        free(instance);
        return n > 0 || n == -EMSGSIZE; /* that: no descriptor was left for it */
    }
    *instance = message;
    clients[number] = (struct client){
        .fd = fds[0], .left = BURST, .filled_ns = clock_now_ns(), .instance = instance};
    watch(fds[0], number, EPOLLIN, EPOLL_CTL_ADD);
    return true;
}

static int open_loop(int *ret_signals)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -errno;
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    *ret_signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (epoll_fd < 0 || *ret_signals < 0)
        return -errno;
    watch(CONNECTOR_SUPERVISOR_FD, FROM_SUPERVISOR, EPOLLIN, EPOLL_CTL_ADD);
    watch(*ret_signals, FROM_SIGNALS, EPOLLIN, EPOLL_CTL_ADD);
    for (unsigned i = 0; i < CLIENTS_MAX; i++)
        clients[i].fd = -1;
    return 0;
}

int connector_main(int count, char **texts)
{
    struct err err = {0};
    int signals = -1;

    if (count > RULES_MAX)
        return 2;
    for (; rule_count < (size_t)count; rule_count++)
        if (endpoint_connect_rule_parse(texts[rule_count], &rules[rule_count], &err) < 0)
            return 2;
    if (open_loop(&signals) < 0)
        return 1;
    if (connector_seccomp_install(&err) < 0) {
        log_line(LOG_ERROR, "%s", err.message);
        return 1;
    }
    for (;;) {
        struct epoll_event events[64];
        int n = epoll_wait(epoll_fd, events, ARRAY_LEN(events), report_all());
        for (int i = 0; i < n; i++) {
            if (events[i].data.u32 == FROM_SIGNALS)
                children_ended(signals);
            else if (events[i].data.u32 != FROM_SUPERVISOR)
                client_ready(events[i].data.u32, events[i].events);
            else if (!supervisor_ready())
                return 0;
        }
        /* Level-triggered: with every child at work, only their ends are waited for. */
        if (child_count == CHILDREN_MAX) {
            struct pollfd one = {.fd = signals, .events = POLLIN};
            if (poll(&one, 1, -1) > 0)
                children_ended(signals);
        }
    }
}
