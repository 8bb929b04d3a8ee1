/*
 * A worker: serves the instances of one function, one request at a time; what needs the network it
 * hands to its courier and answers when that does. It has no socket but theirs, cannot make one,
 * and sees no file but its function's.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/landlock.h"
#include "base/log.h"
#include "faas/kept.h"
#include "faas/platform.h"
#include "faas/platform_courier.h"
#include "faas/platform_keys.h"

#define WORKER_MEMORY_BYTES (96u << 20)
#define CLIENTS_MAX 2048
#define SECOND_NS INT64_C(1000000000)
/* Without an instance and without a message it ends. */
#define IDLE_NS (10 * SECOND_NS)
/* Of processor time: so much at once, then a quarter of a processor. */
#define CPU_BURST_NS (2 * SECOND_NS)
#define CPU_SHARE 4
/* A message is tried so often, each time twice as long after the last, up to a minute: some three
 * minutes in all. */
#define TRIES_MAX 10
#define RETRY_MS 500
#define RETRY_MAX_MS 60000

struct client {
    int fd;                   /* -1: a free place */
    bool busy;                /* its request is with the courier */
    enum allow_served served; /* what it asked the courier for */
    uint32_t sequence, room;
    struct platform_instance *instance;
};

/* What epoll tells: a client's number, or one of these. */
enum { FROM_CONTROL = CLIENTS_MAX, FROM_COURIER };
/* Of the courier's requests: a client's number, or this. */
#define NUMBER_MESSAGE CLIENTS_MAX

static struct client clients[CLIENTS_MAX];
static unsigned client_count, client_end;
static struct kept *kept;
static struct kept_message message; /* that the courier has, if `sending` */
static bool sending;
static uint32_t timeout_ms, function_id;
static char function_name[NAME_MAX_BYTES + 1];
static struct platform_report report;
static int64_t report_due_ns, idle_due_ns, queue_due_ns; /* 0: not */
static int64_t cpu_left_ns, cpu_filled_ns;
static uint32_t seen;
static int epoll_fd;
static uint8_t request_bytes[PLATFORM_REQUEST_MAX + 1];
static uint8_t answer_bytes[COURIER_ANSWER_MAX];

static void watch(int fd, uint32_t what, uint32_t events, int operation)
{
    struct epoll_event event = {.events = events, .data.u32 = what};

    epoll_ctl(epoll_fd, operation, fd, &event);
}

/* ---- counts ---- */

static void count(enum allow_served which, int result)
{
    struct platform_use *use = &report.use[which];

    use->uses++;
    use->denied += result == -EACCES;
    use->limited += result == -ENOSPC || result == -EAGAIN || result == -ETIMEDOUT ||
                    result == -EMSGSIZE || result == -ENOMEM;
    if (report_due_ns == 0)
        report_due_ns = clock_now_ns() + SECOND_NS;
}

static void report_send(void)
{
    for (enum allow_served i = 0; i < ALLOW_SERVED; i++)
        if (report.use[i].denied || report.use[i].limited)
            log_line(LOG_WARNING, "function '%s': %s was refused %u times, met a limit %u times",
                     function_name, allow_served_name(i), report.use[i].denied,
                     report.use[i].limited);
    report.type = PLATFORM_REPORT;
    fd_send(WORKER_CONTROL_FD, &report, sizeof report, NULL, 0);
    memset(&report, 0, sizeof report);
    report_due_ns = 0;
}

/* Its processor time is this function's to have, within bounds: beyond them all of it waits. */
static void pay(void)
{
    struct timespec used;
    static int64_t paid_ns;
    int64_t now_ns = clock_now_ns();

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    int64_t used_ns = (int64_t)used.tv_sec * SECOND_NS + used.tv_nsec;
    cpu_left_ns += (now_ns - cpu_filled_ns) / CPU_SHARE - (used_ns - paid_ns);
    if (cpu_left_ns > CPU_BURST_NS)
        cpu_left_ns = CPU_BURST_NS;
    cpu_filled_ns = now_ns;
    paid_ns = used_ns;
    if (cpu_left_ns >= 0)
        return;
    int64_t wait_ns = -cpu_left_ns * CPU_SHARE;
    const struct timespec wait = {wait_ns / SECOND_NS, wait_ns % SECOND_NS};
    nanosleep(&wait, NULL);
}

/* ---- clients ---- */

static void client_drop(unsigned number)
{
    struct client *client = &clients[number];

    close(client->fd);
    free(client->instance);
    *client = (struct client){.fd = -1};
    if (--client_count == 0)
        idle_due_ns = clock_now_ns() + IDLE_NS;
}

static void client_answer(unsigned number, uint32_t sequence, int result, const void *bytes)
{
    const struct platform_answer answer = {.sequence = sequence,
                                           .error = result < 0 ? result : 0,
                                           .bytes = result < 0 ? 0 : (uint32_t)result};
    struct iovec parts[] = {{(void *)(uintptr_t)&answer, sizeof answer},
                            {(void *)(uintptr_t)bytes, answer.bytes}};
    const struct msghdr header = {.msg_iov = parts, .msg_iovlen = 2};

    /* It has room for the one answer that it waits for: one that does not read is ended. */
    if (sendmsg(clients[number].fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        client_drop(number);
}

static int to_courier(const struct courier_request *head, const void *first, const void *second)
{
    struct iovec parts[] = {{(void *)(uintptr_t)head, sizeof *head},
                            {(void *)(uintptr_t)first, head->first_bytes},
                            {(void *)(uintptr_t)second, head->second_bytes}};
    const struct msghdr header = {.msg_iov = parts, .msg_iovlen = 3};

    return sendmsg(WORKER_COURIER_FD, &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

/* 1: the courier answers it. */
static int http(unsigned number, const struct platform_request *request, const uint8_t *first,
                const uint8_t *second)
{
    const struct platform_instance *instance = clients[number].instance;
    struct courier_request head = {
        .kind = request->operation == PLATFORM_HTTP_ANY ? COURIER_HTTP_ANY : COURIER_HTTP,
        .number = number,
        .function_id = function_id,
        .timeout_ms = instance->timeout_ms,
        .first_bytes = request->first_bytes,
        .second_bytes = request->second_bytes,
        .room = request->room,
        .connect_count = instance->connect_count};

    if (head.kind == COURIER_HTTP && instance->connect_count == 0)
        return -EACCES;
    memcpy(head.connects, instance->connects, sizeof head.connects);
    int r = to_courier(&head, first, second);
    return r < 0 ? r : 1;
}

/* The names are of programs: whoever filled the list in has looked. 1: the courier answers it. */
static int exec_program(unsigned number, const struct platform_request *request,
                        const uint8_t *name, const uint8_t *input)
{
    const struct platform_instance *instance = clients[number].instance;
    const struct courier_request head = {.kind = COURIER_EXEC,
                                         .number = number,
                                         .function_id = function_id,
                                         .timeout_ms = instance->timeout_ms,
                                         .first_bytes = request->first_bytes,
                                         .second_bytes = request->second_bytes,
                                         .room = request->room};

    for (uint32_t i = 0; i < instance->exec_count; i++)
        if (strlen(instance->exec[i]) == head.first_bytes &&
            memcmp(instance->exec[i], name, head.first_bytes) == 0) {
            int r = to_courier(&head, name, input);
            return r < 0 ? r : 1;
        }
    return -EACCES;
}

static int push(const struct platform_instance *instance, const uint8_t *name, size_t name_bytes,
                const uint8_t *body, size_t bytes)
{
    for (uint32_t i = 0; i < instance->queue_count; i++)
        if (strlen(instance->queue[i]) == name_bytes &&
            memcmp(instance->queue[i], name, name_bytes) == 0) {
            queue_due_ns = clock_now_ns();
            return kept_queue_push(kept, instance->queue[i], body, bytes);
        }
    return -EACCES;
}

/* The answer's length, -errno, or 1 of PLATFORM_HTTP* and _EXEC: it is answered later. */
static int request_run(unsigned number, const struct platform_request *request,
                       const uint8_t *first, const uint8_t *second, uint8_t *out)
{
    const size_t first_bytes = request->first_bytes, second_bytes = request->second_bytes;

    if (request->operation <= PLATFORM_KV_DELETE && first_bytes == 0)
        return -EINVAL;
    if (request->operation <= PLATFORM_KV_DELETE && first_bytes > PLATFORM_KEY_MAX)
        return -EMSGSIZE;
    switch (request->operation) {
    case PLATFORM_KV_GET:
        return keys_get(kept, first, first_bytes, out, request->room);
    case PLATFORM_KV_PUT:
        return keys_put(kept, first, first_bytes, second, second_bytes);
    case PLATFORM_KV_DELETE:
        return keys_delete(kept, first, first_bytes);
    case PLATFORM_SQL:
        return kept_sql(kept, (const char *)first, first_bytes, second, second_bytes, out,
                        request->room);
    case PLATFORM_QUEUE_PUSH:
        return push(clients[number].instance, first, first_bytes, second, second_bytes);
    case PLATFORM_EXEC:
        return exec_program(number, request, first, second);
    default:
        return http(number, request, first, second);
    }
}

_Static_assert((int)PLATFORM_KV_GET == ALLOW_KV_GET + 1 && (int)PLATFORM_SQL == ALLOW_SQL + 1 &&
                   (int)PLATFORM_HTTP_ANY == ALLOW_HTTP_ANY + 1 &&
                   (int)PLATFORM_EXEC == ALLOW_EXEC + 1 &&
                   (int)PLATFORM_OPERATIONS == ALLOW_SERVED + 1,
               "an operation is an entry of the allow-list");

/* Answers it, or has it answered later. */
static void request_serve(unsigned number, const struct platform_request *request,
                          const uint8_t *first, const uint8_t *second)
{
    struct client *client = &clients[number];
    static uint8_t out[PLATFORM_DATA_MAX];
    enum allow_served which = (enum allow_served)(request->operation - 1);
    bool by_courier = which == ALLOW_HTTP || which == ALLOW_HTTP_ANY || which == ALLOW_EXEC;
    int r = -EACCES;

    if (client->instance->allowed & 1u << which)
        r = request_run(number, request, first, second, out);
    if (by_courier && r == 1) {
        client->busy = true;
        client->served = which;
        client->sequence = request->sequence;
        client->room = request->room;
        watch(client->fd, number, 0, EPOLL_CTL_MOD);
        return;
    }
    count(which, r);
    client_answer(number, request->sequence, r, out);
}

static void client_ready(unsigned number, uint32_t events)
{
    struct client *client = &clients[number];
    struct platform_request request;

    if (client->fd < 0)
        return;
    /* While its request is with the courier only its end is told. */
    if (client->busy) {
        if (events & (EPOLLHUP | EPOLLERR))
            client_drop(number);
        return;
    }
    ssize_t n = recv(client->fd, request_bytes, sizeof request_bytes, MSG_DONTWAIT | MSG_TRUNC);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n >= (ssize_t)sizeof request && n <= (ssize_t)PLATFORM_REQUEST_MAX) {
        memcpy(&request, request_bytes, sizeof request);
        const uint8_t *first = request_bytes + sizeof request;
        if (request.operation >= PLATFORM_KV_GET && request.operation < PLATFORM_OPERATIONS &&
            request.first_bytes <= PLATFORM_TEXT_MAX && request.second_bytes <= PLATFORM_DATA_MAX &&
            request.room <= PLATFORM_DATA_MAX &&
            sizeof request + request.first_bytes + request.second_bytes == (size_t)n) {
            request_serve(number, &request, first, first + request.first_bytes);
            pay();
            return;
        }
    }
    if (n != 0)
        log_line(LOG_WARNING, "function '%s' sent the platform what is no request", function_name);
    client_drop(number);
}

/* ---- messages ---- */

static void message_next(void)
{
    struct courier_request head = {
        .kind = COURIER_MESSAGE, .number = NUMBER_MESSAGE, .timeout_ms = timeout_ms};
    int64_t wait_ms;

    if (sending)
        return;
    queue_due_ns = 0;
    int r = kept_queue_next(kept, &message, &wait_ms);
    if (r == 1) {
        head.function_id = function_id;
        head.first_bytes = (uint32_t)strlen(message.function);
        head.second_bytes = (uint32_t)message.bytes;
        sending = to_courier(&head, message.function, message.body) == 0;
        if (!sending)
            kept_queue_later(kept, message.id, RETRY_MS);
    }
    if (r == 1 && !sending)
        wait_ms = RETRY_MS;
    if (wait_ms >= 0 && !sending)
        queue_due_ns = clock_now_ns() + wait_ms * 1000000;
}

static void message_sent(int error)
{
    sending = false;
    if (error == 0) {
        kept_queue_done(kept, message.id);
    } else if (error != -EAGAIN || message.tries + 1 >= TRIES_MAX) {
        log_line(LOG_WARNING, "function '%s': a message to '%s' is given up: %s", function_name,
                 message.function, strerror(-error));
        count(ALLOW_QUEUE_PUSH, -EAGAIN);
        kept_queue_done(kept, message.id);
    } else {
        int64_t wait_ms = (int64_t)RETRY_MS << message.tries;
        kept_queue_later(kept, message.id, wait_ms < RETRY_MAX_MS ? wait_ms : RETRY_MAX_MS);
    }
    queue_due_ns = clock_now_ns();
}

/* ---- the courier and the front ---- */

static void courier_ready(void)
{
    struct courier_answer answer;
    int fds[FD_MESSAGE_MAX];
    size_t fd_count = 0;
    ssize_t n = fd_receive(WORKER_COURIER_FD, answer_bytes, sizeof answer_bytes, fds, &fd_count,
                           MSG_DONTWAIT);

    if (n == -EAGAIN)
        return;
    if (n < (ssize_t)sizeof answer)
        _exit(1); /* it is gone: the front starts both again */
    memcpy(&answer, answer_bytes, sizeof answer);
    fd_close_all(fds, fd_count);
    if (answer.number == NUMBER_MESSAGE) {
        message_sent(answer.error);
        return;
    }
    struct client *client = answer.number < CLIENTS_MAX ? &clients[answer.number] : NULL;
    if (!client || client->fd < 0 || !client->busy ||
        (answer.error >= 0 && (sizeof answer + answer.bytes != (size_t)n)))
        return;
    int r = answer.error < 0              ? answer.error
            : answer.bytes > client->room ? -EMSGSIZE
                                          : (int)answer.bytes;
    count(client->served, r);
    client->busy = false;
    watch(client->fd, answer.number, EPOLLIN, EPOLL_CTL_MOD);
    client_answer(answer.number, client->sequence, r, answer_bytes + sizeof answer);
}

/* A new instance, or that a message may wait. */
static void control_ready(void)
{
    struct platform_instance instance;
    int fds[FD_MESSAGE_MAX];
    size_t fd_count = 0;
    unsigned number = 0;
    ssize_t n =
        fd_receive(WORKER_CONTROL_FD, &instance, sizeof instance, fds, &fd_count, MSG_DONTWAIT);

    if (n == -EAGAIN)
        return;
    if (n <= 0)
        _exit(0); /* the front is gone, or has dropped us */
    timeout_ms = instance.timeout_ms;
    if (fd_count == 0) {
        queue_due_ns = clock_now_ns();
        return;
    }
    seen++;
    while (number < CLIENTS_MAX && clients[number].fd >= 0)
        number++;
    struct platform_instance *copy = malloc(sizeof *copy);
    if (n != sizeof instance || fd_count != 1 || !copy || number == CLIENTS_MAX) {
        fd_close_all(fds, fd_count);
        free(copy);
        return;
    }
    *copy = instance;
    clients[number] = (struct client){.fd = fds[0], .instance = copy};
    client_end = number >= client_end ? number + 1 : client_end;
    client_count++;
    idle_due_ns = 0;
    watch(fds[0], number, EPOLLIN, EPOLL_CTL_ADD);
}

static void idle(void)
{
    const struct worker_idle word = {.type = PLATFORM_IDLE, .seen = seen};

    idle_due_ns = clock_now_ns() + IDLE_NS;
    if (sending || queue_due_ns)
        return;
    if (report_due_ns)
        report_send();
    fd_send(WORKER_CONTROL_FD, &word, sizeof word, NULL, 0);
}

static int next_timeout_ms(void)
{
    const int64_t dues[] = {report_due_ns, idle_due_ns, queue_due_ns};
    int64_t first = 0, now_ns = clock_now_ns();

    for (size_t i = 0; i < ARRAY_LEN(dues); i++)
        if (dues[i] && (first == 0 || dues[i] < first))
            first = dues[i];
    if (first == 0)
        return -1;
    return first <= now_ns ? 0 : (int)((first - now_ns) / 1000000) + 1;
}

static void serve(void)
{
    for (;;) {
        struct epoll_event events[64];
        int n = epoll_wait(epoll_fd, events, ARRAY_LEN(events), next_timeout_ms());
        for (int i = 0; i < n; i++) {
            if (events[i].data.u32 == FROM_CONTROL)
                control_ready();
            else if (events[i].data.u32 == FROM_COURIER)
                courier_ready();
            else
                client_ready(events[i].data.u32, events[i].events);
        }
        int64_t now_ns = clock_now_ns();
        if (report_due_ns && report_due_ns <= now_ns)
            report_send();
        if (queue_due_ns && queue_due_ns <= now_ns)
            message_next();
        if (idle_due_ns && idle_due_ns <= now_ns && client_count == 0)
            idle();
    }
}

/* Before the worker's own wall: the courier keeps the network. */
static int courier_start(const struct platform_options *options)
{
    int sockets[2], redis[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, redis) < 0)
        return -errno;
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    int end = fcntl(sockets[pid == 0], F_DUPFD_CLOEXEC, 16);
    int redis_end = fcntl(redis[pid == 0], F_DUPFD_CLOEXEC, 16);
    if (pid == 0) {
        /* The password is the courier's alone. */
        int password = fcntl(PLATFORM_PASSWORD_FD, F_DUPFD_CLOEXEC, 32);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (dup3(end, WORKER_CONTROL_FD, O_CLOEXEC) < 0 ||
            (password >= 0 && dup3(password, PLATFORM_PASSWORD_FD, O_CLOEXEC) < 0) ||
            dup3(redis_end, WORKER_REDIS_FD, O_CLOEXEC) < 0 ||
            close_range(WORKER_REDIS_FD + 1, ~0u, 0) < 0)
            _exit(1);
        platform_courier(options, function_id);
    }
    if (dup3(end, WORKER_COURIER_FD, O_CLOEXEC) < 0 ||
        dup3(redis_end, WORKER_REDIS_FD, O_CLOEXEC) < 0 ||
        close_range(WORKER_REDIS_FD + 1, ~0u, 0) < 0)
        return -errno;
    return fcntl(WORKER_COURIER_FD, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

/* Its directory, and nothing else. */
static int confine(const char *directory, struct err *err)
{
    /* It is what keeps functions' data apart when SQLite is subverted. */
    if (landlock_version() < 1)
        return err_say(err, -ENOSYS, "this kernel has no Landlock");
    if (mkdir(directory, 0700) < 0 && errno != EEXIST)
        return err_set(err, -errno, "cannot make '%s'", directory);
    _cleanup_(closep) int fd = open(directory, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, -errno, "cannot open '%s'", directory);
    int r = landlock_files(&(struct landlock_directory){.fd = fd, .writable = 1}, 1, false);
    if (r < 0)
        return err_set(err, r, "cannot confine a worker to '%s'", directory);
    return platform_seccomp_install(true, err);
}

/* Of a worker and its courier each, all together: what a function's statements and answers make it
 * keep is this function's trouble. SQLite's own share is smaller (kept.c). */
static int limit_memory(void)
{
    const struct rlimit limit = {WORKER_MEMORY_BYTES, WORKER_MEMORY_BYTES};

    return setrlimit(RLIMIT_DATA, &limit) < 0 ? -errno : 0;
}

void platform_worker(const struct platform_options *options,
                     const struct platform_instance *function)
{
    char directory[64];
    struct err err = {0};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    function_id = function->function_id;
    timeout_ms = function->timeout_ms;
    memcpy(function_name, function->function, sizeof function_name);
    function_name[NAME_MAX_BYTES] = '\0';
    snprintf(directory, sizeof directory, PLATFORM_DATA "/%u", function_id);
    for (unsigned i = 0; i < CLIENTS_MAX; i++)
        clients[i].fd = -1;
    cpu_left_ns = CPU_BURST_NS;
    cpu_filled_ns = clock_now_ns();
    idle_due_ns = cpu_filled_ns + IDLE_NS;
    int r = limit_memory();
    if (r < 0)
        err_set(&err, r, "cannot limit its memory");
    if (r == 0 && (r = courier_start(options)) < 0)
        err_set(&err, r, "cannot start a courier");
    if (r == 0)
        r = confine(directory, &err);
    if (r == 0)
        r = kept_new(directory, options->bytes, options->queue_max, &kept);
    if (r == 0 && options->redis[0])
        keys_use_redis(function_id, options->bytes);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (r < 0 || epoll_fd < 0) {
        log_line(LOG_ERROR, "function '%s' has no platform: %s", function_name, err.message);
        _exit(1);
    }
    watch(WORKER_CONTROL_FD, FROM_CONTROL, EPOLLIN, EPOLL_CTL_ADD);
    watch(WORKER_COURIER_FD, FROM_COURIER, EPOLLIN, EPOLL_CTL_ADD);
    queue_due_ns = cpu_filled_ns; /* what waits since the last worker */
    serve();
    _exit(0);
}
