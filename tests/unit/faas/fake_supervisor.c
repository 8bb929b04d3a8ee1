/*
 * A supervisor for tests of vireo-gateway: the real protocol, instances that are plain forks. What
 * an instance does follows from its function's name. It deploys a fixed set of functions, serves
 * until its standard input ends, then drains the gateway and reports how it ended.
 *
 *   fake_supervisor GATEWAY DIRECTORY
 *
 * prints "ready PORT PID PID" (of both gateways) once they were told. Admin listens on
 * DIRECTORY/admin.sock.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "faas/protocol.h"
#include "guest/channel.h"
#include "fake_instance.h"

#define INSTANCES_MAX 256

struct fake_instance {
    uint64_t token;
    pid_t pid; /* 0: free */
    bool stopped;
};

static struct fake_instance instances[INSTANCES_MAX];
static int gateway_socket = -1, admin_socket = -1;
static uint64_t next_pvm_id = 1;
static unsigned starts;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* ---- instances ---- */

static void instance_loop(const struct fake_function *function, struct channel *channel,
                          int event_fd)
{
    uint32_t seen = 0;

    for (;;) {
        uint32_t now = atomic_load_explicit(&channel->request_sequence, memory_order_acquire);
        if (now == seen) {
            if (!channel_wait_begin(&channel->guest_waits, &channel->request_sequence, seen))
                continue;
            syscall(SYS_futex, &channel->request_sequence, FUTEX_WAIT, seen, NULL, NULL, 0);
            channel->guest_waits = 0;
            continue;
        }
        seen++;
        uint32_t ready = CHANNEL_READY;
        if (!atomic_compare_exchange_strong(&channel->slots[slot_of(channel, seen)].state, &ready,
                                            CHANNEL_TAKEN)) {
            publish(channel, event_fd, seen);
            continue;
        }
        response_of(channel, seen)->flags = function->facts.per_request ? CHANNEL_FINISHED : 0;
        function->serve(channel, event_fd, seen);
        if (function->facts.per_request)
            _exit(0);
    }
}

static void send_ended(uint64_t token, uint32_t end, int status, const char *message)
{
    struct gateway_ended ended = {
        .type = GATEWAY_ENDED, .end = end, .token = token, .status = status, .cpu_us = 100};

    snprintf(ended.message, sizeof ended.message, "%s", message);
    if (fd_send(gateway_socket, &ended, sizeof ended, NULL, 0) < 0)
        fprintf(stderr, "fake_supervisor: cannot tell of an end\n");
}

static void start(const struct gateway_start *wish)
{
    struct fake_function *function = NULL;
    struct fake_instance *instance = NULL;

    for (size_t i = 0; i < function_count; i++)
        if (functions[i].facts.function_id == wish->function_id)
            function = &functions[i];
    for (size_t i = 0; i < INSTANCES_MAX && !instance; i++)
        if (instances[i].pid == 0)
            instance = &instances[i];
    if (!function || !function->serve || !instance) {
        send_ended(wish->token, GATEWAY_END_NOT_STARTED, 0, "it has no code");
        return;
    }

    int memory = memfd_create("channel", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int event = eventfd(0, EFD_CLOEXEC);
    if (memory < 0 || event < 0 || ftruncate(memory, CHANNEL_BYTES) < 0 ||
        (strcmp(function->name, "unsealed") != 0 &&
         fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0))
        die("channel");
    pid_t pid = fork();
    if (pid < 0)
        die("fork");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        fake_memory_fd = memory;
        struct channel *channel =
            mmap(NULL, CHANNEL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
        instance_loop(function, channel, event);
    }
    *instance = (struct fake_instance){.token = wish->token, .pid = pid};
    struct gateway_started started = {
        .type = GATEWAY_STARTED,
        .function_id = wish->function_id,
        .token = wish->token,
        .pvm_id = next_pvm_id++,
        .start_kind = starts++ ? GATEWAY_FORK : GATEWAY_COLD_TEMPLATE,
        .start_us = 300,
        .generation = function->facts.generation,
    };
    int fds[] = {memory, event};
    if (fd_send(gateway_socket, &started, sizeof started, fds, 2) < 0)
        fprintf(stderr, "fake_supervisor: cannot tell of a start\n");
    close(memory);
    close(event);
}

static void stop(const struct gateway_stop *wish)
{
    for (size_t i = 0; i < INSTANCES_MAX; i++)
        if (instances[i].pid && instances[i].token == wish->token) {
            instances[i].stopped = true;
            kill(instances[i].pid, SIGKILL);
        }
}

static void reap(void)
{
    for (size_t i = 0; i < INSTANCES_MAX; i++) {
        struct fake_instance *instance = &instances[i];
        int status;
        if (instance->pid == 0 || waitpid(instance->pid, &status, WNOHANG) != instance->pid)
            continue;
        uint32_t end = instance->stopped   ? GATEWAY_END_KILLED
                       : WIFEXITED(status) ? GATEWAY_END_EXIT
                                           : GATEWAY_END_CRASH;
        instance->pid = 0;
        send_ended(instance->token, end, status, "");
    }
}

static void on_calls(void)
{
    union {
        uint32_t type;
        struct gateway_start start;
        struct gateway_stop stop;
    } message;
    ssize_t n = recv(gateway_socket, &message, sizeof message, MSG_DONTWAIT);

    if (n == sizeof message.start && message.type == GATEWAY_START)
        start(&message.start);
    else if (n == sizeof message.stop && message.type == GATEWAY_STOP)
        stop(&message.stop);
}

/* ---- the admin side ---- */

static void reply_json(uint64_t token, const char *json)
{
    struct admin_reply reply = {
        .type = ADMIN_REPLY, .token = token, .body_bytes = (uint32_t)strlen(json)};
    int fd;

    if (fd_sealed_copy("reply", json, strlen(json), &fd, NULL) < 0)
        die("reply");
    fd_send(admin_socket, &reply, sizeof reply, &fd, 1);
    close(fd);
}

static void reply_error(uint64_t token, int error, const char *message)
{
    struct admin_reply reply = {.type = ADMIN_REPLY, .token = token, .error = error};

    snprintf(reply.message, sizeof reply.message, "%s", message);
    fd_send(admin_socket, &reply, sizeof reply, NULL, 0);
}

static bool is_deployed(const char *name)
{
    for (size_t i = 0; i < function_count; i++)
        if (strcmp(functions[i].name, name) == 0)
            return true;
    return false;
}

static void on_deploy(const struct admin_request *request, int fd)
{
    struct admin_progress progress = {.type = ADMIN_PROGRESS, .token = request->token};
    struct stat status;
    char json[256];

    if (fd < 0 || fstat(fd, &status) < 0 ||
        fcntl(fd, F_GET_SEALS) != (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) {
        reply_error(request->token, -EINVAL, "cannot read the source: it is not sealed");
        return;
    }
    if (strcmp(request->name, "broken") == 0) {
        reply_error(request->token, -EINVAL, "cannot compile 'broken': line 1: \"x\" is what?");
        return;
    }
    strcpy(progress.stage, "compile");
    fd_send(admin_socket, &progress, sizeof progress, NULL, 0);
    usleep(50000);
    strcpy(progress.stage, "link");
    fd_send(admin_socket, &progress, sizeof progress, NULL, 0);
    snprintf(json, sizeof json,
             "{\"name\":\"%s\",\"bytes\":%lld,\"memory\":\"%s\",\"param_bytes\":%u,\"uid\":%u}",
             request->name, (long long)status.st_size, request->memory, request->param_bytes,
             request->caller_uid);
    reply_json(request->token, json);
}

static void on_admin(void)
{
    static struct admin_request request;
    int fds[FD_MESSAGE_MAX];
    size_t fd_count;
    ssize_t n = fd_receive(admin_socket, &request, sizeof request, fds, &fd_count, MSG_DONTWAIT);

    if (n != sizeof request)
        return;
    switch (request.type) {
    case ADMIN_LIST:
        reply_json(request.token, "[{\"name\":\"echo\"}]\n");
        break;
    case ADMIN_DESCRIBE:
    case ADMIN_REMOVE:
        if (is_deployed(request.name))
            reply_json(request.token, "{\"name\":\"it\"}\n");
        else
            reply_error(request.token, -ENOENT, "no such function");
        break;
    case ADMIN_STATUS:
        reply_json(request.token, "{\"groups_ready\":7,\"memory\":{\"echo\":1048576}}");
        break;
    case ADMIN_DEPLOY:
        on_deploy(&request, fd_count > 0 ? fds[0] : -1);
        break;
    }
    fd_close_all(fds, fd_count);
}

/* ---- gateways ---- */

static pid_t spawn(const char *program, const char *role, int supervisor, int telemetry, int listen,
                   const char *option)
{
    pid_t pid = fork();

    if (pid < 0)
        die("fork");
    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int fds[] = {supervisor, telemetry, listen};
    for (int i = 0; i < 3; i++)
        fds[i] = fcntl(fds[i], F_DUPFD, 20);
    for (int i = 0; i < 3; i++)
        if (dup2(fds[i], 3 + i) < 0)
            die("dup2");
    syscall(SYS_close_range, 6u, ~0u, 0u);
    setenv("VIREO_TEST", "1", 1);
    execl(program, program, role, option, NULL);
    die(program);
    return -1;
}

static int listen_tcp(int *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(fd, 1024) < 0 || getsockname(fd, (struct sockaddr *)&address, &size) < 0)
        die("listen");
    *ret_port = ntohs(address.sin_port);
    return fd;
}

static int listen_unix(const char *directory)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s/admin.sock", directory);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 64) < 0)
        die(address.sun_path);
    return fd;
}

static void no_action(int signal_number)
{
    (void)signal_number;
}

static void tell_functions(void)
{
    struct gateway_simple ready = {.type = GATEWAY_READY};

    functions_fill();
    for (uint32_t i = 0; i < function_count; i++)
        fd_send(gateway_socket, &functions[i].facts, sizeof functions[i].facts, NULL, 0);
    fd_send(gateway_socket, &ready, sizeof ready, NULL, 0);
}

/* Lines on standard input: "redeploy NAME", "gone NAME"; its end: drain. */
static bool command(void)
{
    static char text[256];
    ssize_t n = read(0, text, sizeof text - 1);

    if (n <= 0)
        return false;
    text[n] = '\0';
    char *save, *verb = strtok_r(text, " \n", &save), *name = strtok_r(NULL, " \n", &save);
    for (size_t i = 0; verb && name && i < function_count; i++) {
        struct gateway_function *facts = &functions[i].facts;
        if (strcmp(facts->name, name) != 0)
            continue;
        if (strcmp(verb, "redeploy") == 0) {
            facts->generation++;
            fd_send(gateway_socket, facts, sizeof *facts, NULL, 0);
        } else {
            struct gateway_function_gone gone = {GATEWAY_FUNCTION_GONE, facts->function_id};
            fd_send(gateway_socket, &gone, sizeof gone, NULL, 0);
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    int calls_pair[2], admin_pair[2], telemetry[2], port;

    if (argc < 3)
        return 2;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, calls_pair) < 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, admin_pair) < 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, telemetry) < 0)
        die("socketpair");
    int tcp = listen_tcp(&port);
    int local = listen_unix(argv[2]);
    pid_t calls = spawn(argv[1], "calls", calls_pair[1], telemetry[0], tcp, NULL);
    pid_t admin = spawn(argv[1], "admin", admin_pair[1], telemetry[1], local, NULL);
    close(calls_pair[1]);
    close(admin_pair[1]);
    close(telemetry[0]);
    close(telemetry[1]);
    close(tcp);
    close(local);
    gateway_socket = calls_pair[0];
    admin_socket = admin_pair[0];

    /* SIGCHLD only interrupts ppoll(). */
    sigset_t block, none;
    sigemptyset(&none);
    sigemptyset(&block);
    sigaddset(&block, SIGCHLD);
    sigprocmask(SIG_BLOCK, &block, NULL);
    signal(SIGCHLD, no_action);
    signal(SIGPIPE, SIG_IGN);
    tell_functions();
    printf("ready %d %d %d\n", port, (int)calls, (int)admin);
    fflush(stdout);

    bool draining = false;
    int result = 0, left = 2;
    while (left > 0) {
        struct pollfd fds[] = {
            {gateway_socket, POLLIN, 0}, {admin_socket, POLLIN, 0}, {draining ? -1 : 0, POLLIN, 0}};
        ppoll(fds, 3, NULL, &none);
        if (fds[0].revents)
            on_calls();
        if (fds[1].revents)
            on_admin();
        if (fds[2].revents && !command()) {
            struct gateway_simple drain = {.type = GATEWAY_DRAIN};
            draining = true;
            fd_send(gateway_socket, &drain, sizeof drain, NULL, 0);
            fd_send(admin_socket, &drain, sizeof drain, NULL, 0);
        }
        for (int i = 0; i < 2; i++) {
            pid_t *pid = i == 0 ? &calls : &admin;
            int status;
            if (*pid > 0 && waitpid(*pid, &status, WNOHANG) == *pid) {
                *pid = -1;
                left--;
                if (status != 0 || !draining) {
                    fprintf(stderr, "fake_supervisor: a gateway ended with status %#x\n", status);
                    result = 1;
                    left = 0;
                }
            }
        }
        reap();
    }
    return result;
}
