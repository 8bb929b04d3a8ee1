/*
 * The rival of the warm call: a bare libmicrohttpd server that sends a request's body back.
 *
 *   mhd_echo PORT            one thread, MHD's epoll descriptor in the program's own loop (as
 *                            vireo-gateway has it)
 *   mhd_echo PORT internal   one thread of MHD's own
 *   mhd_echo PORT pool N     N threads of MHD's own
 */
#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define BODY_FIRST (64u << 10)
#define BODY_MAX (8u << 20)

struct echo {
    size_t bytes, capacity;
    char *body;
};

static bool room(struct echo *echo, size_t more)
{
    size_t capacity = echo->capacity;

    while (capacity < BODY_MAX && capacity - echo->bytes < more)
        capacity *= 2;
    if (capacity - echo->bytes < more)
        return false;
    char *body = capacity > echo->capacity ? realloc(echo->body, capacity) : echo->body;
    if (!body)
        return false;
    echo->body = body;
    echo->capacity = capacity;
    return true;
}

static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *bytes, void **context)
{
    struct echo *echo = *context;

    (void)user, (void)url, (void)method, (void)version;
    if (!echo) {
        echo = malloc(sizeof *echo);
        if (!echo)
            return MHD_NO;
        *echo = (struct echo){.capacity = BODY_FIRST, .body = malloc(BODY_FIRST)};
        *context = echo;
        if (!echo->body)
            return MHD_NO;
        return MHD_YES;
    }
    if (*bytes > 0) {
        if (!room(echo, *bytes))
            return MHD_NO;
        memcpy(echo->body + echo->bytes, data, *bytes);
        echo->bytes += *bytes;
        *bytes = 0;
        return MHD_YES;
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer(echo->bytes, echo->body, MHD_RESPMEM_MUST_COPY);
    MHD_add_response_header(response, "Content-Type", "application/octet-stream");
    enum MHD_Result r = MHD_queue_response(connection, 200, response);
    MHD_destroy_response(response);
    return r;
}

static void on_over(void *user, struct MHD_Connection *connection, void **context,
                    enum MHD_RequestTerminationCode why)
{
    struct echo *echo = *context;

    (void)user, (void)connection, (void)why;
    if (echo)
        free(echo->body);
    free(echo);
    *context = NULL;
}

static void external_loop(struct MHD_Daemon *daemon)
{
    int fd = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    int outer = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};

    if (outer < 0 || epoll_ctl(outer, EPOLL_CTL_ADD, fd, &event) < 0)
        exit(1);
    for (;;) {
        MHD_UNSIGNED_LONG_LONG timeout;
        MHD_run(daemon);
        int wait = MHD_get_timeout(daemon, &timeout) == MHD_YES ? (int)timeout : -1;
        epoll_wait(outer, &event, 1, wait);
    }
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: mhd_echo PORT [internal | pool N]\n");
        return 2;
    }
    unsigned short port = (unsigned short)atoi(argv[1]);
    bool internal = argc > 2;
    unsigned threads = argc > 3 ? (unsigned)atoi(argv[3]) : 0;
    unsigned flags = MHD_USE_EPOLL | MHD_USE_TURBO;
    if (internal)
        flags |= MHD_USE_INTERNAL_POLLING_THREAD;
    struct MHD_Daemon *daemon =
        MHD_start_daemon(flags, port, NULL, NULL, on_request, NULL, MHD_OPTION_CONNECTION_TIMEOUT,
                         30u, MHD_OPTION_NOTIFY_COMPLETED, on_over, NULL,
                         MHD_OPTION_THREAD_POOL_SIZE, threads, MHD_OPTION_END);
    if (!daemon) {
        fprintf(stderr, "cannot listen on port %u\n", port);
        return 1;
    }
    if (internal)
        pause();
    else
        external_loop(daemon);
    return 0;
}
