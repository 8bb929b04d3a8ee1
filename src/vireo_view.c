/* vireo-view: the files in which a container sees its virtual kernel. Started by vireo-runtime. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/pace.h"
#include "vkernel/view.h"

#define CLIENTS_MAX 64
enum { POLL_FUSE, POLL_LOG, POLL_LISTEN, POLL_BROKER, POLL_CLIENTS };

struct clients {
    struct pollfd list[POLL_CLIENTS + CLIENTS_MAX];
    size_t count; /* of the list */
};

static int read_options(int argc, char **argv, struct view_options *options)
{
    static const struct option known[] = {
        {"id", required_argument, NULL, 'i'},   {"uid", required_argument, NULL, 'u'},
        {"gid", required_argument, NULL, 'g'},  {"log", required_argument, NULL, 'l'},
        {"overcommit", no_argument, NULL, 'o'}, {0}};

    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (option) {
        case 'i': /* for who looks at the list of processes */
            break;
        case 'u':
            options->uid = (uid_t)strtoul(optarg, NULL, 10);
            break;
        case 'g':
            options->gid = (gid_t)strtoul(optarg, NULL, 10);
            break;
        case 'l':
            options->log_bytes = strtoul(optarg, NULL, 10);
            break;
        case 'o':
            options->overcommit = true;
            break;
        default:
            return -EINVAL;
        }
    }
    return 0;
}

static void clients_accept(struct clients *clients)
{
    int fd = accept4(VIEW_FD_LISTEN, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0)
        return;
    if (clients->count == ARRAY_LEN(clients->list)) {
        close(fd);
        return;
    }
    clients->list[clients->count++] = (struct pollfd){.fd = fd, .events = POLLIN};
}

static void clients_serve(struct view *view, struct clients *clients)
{
    for (size_t i = POLL_CLIENTS; i < clients->count;) {
        struct pollfd *one = &clients->list[i];
        if (one->revents == 0 || view_log_answer(view, one->fd)) {
            i++;
            continue;
        }
        close(one->fd);
        *one = clients->list[--clients->count];
    }
}

/* Until nothing of the file system is mounted any more. */
static int serve(struct view *view)
{
    const int fds[] = {[POLL_FUSE] = VIEW_FD_FUSE,
                       [POLL_LOG] = view_log_fd(view),
                       [POLL_LISTEN] = view->log ? VIEW_FD_LISTEN : -1,
                       [POLL_BROKER] = VIEW_FD_BROKER};
    struct clients clients = {.count = POLL_CLIENTS};
    struct fuse_buf buffer = {0};
    struct pace pace = {0};

    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        clients.list[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
    while (!fuse_session_exited(view->session)) {
        if (poll(clients.list, clients.count, view_params_patience()) < 0) {
            if (errno == EINTR)
                continue;
            return -errno;
        }
        if (clients.list[POLL_LOG].revents)
            view_log_serve(view);
        if (clients.list[POLL_BROKER].revents && !view_params_serve())
            clients.list[POLL_BROKER].fd = -1;
        clients_serve(view, &clients);
        if (clients.list[POLL_LISTEN].revents)
            clients_accept(&clients);
        int r = clients.list[POLL_FUSE].revents ? fuse_session_receive_buf(view->session, &buffer)
                                                : -EAGAIN;
        if (r > 0)
            fuse_session_process_buf(view->session, &buffer);
        else if (r != -EAGAIN && r != -EINTR)
            break;
        /* What it does for the container is in no limit of the container's. */
        pace_keep(&pace);
    }
    return 0;
}

/* 1: there will be no container. */
static int await_place(struct view *view)
{
    static struct view_place place;
    int fds[FD_MESSAGE_MAX];
    size_t count = 0;

    ssize_t n = fd_receive(VIEW_FD_BROKER, &place, sizeof place, fds, &count, 0);
    if (n == 0 || n == -ECONNRESET)
        return 1;
    if (n != sizeof place || count != 1)
        return n < 0 ? (int)n : -EPROTO;
    view->options.params = place.params;
    view->options.group = place.group;
    int r = dup2(fds[0], VIEW_FD_GROUP) < 0 ? -errno : 0;
    close(fds[0]);
    return r;
}

static int open_sources(struct view *view, struct err *err)
{
    int r = view->options.log_bytes ? view_log_open(view, err) : 0;

    return r == 0 && view->options.overcommit ? view_overcommit_hold(err) : r;
}

static int begin_sources(struct view *view, struct err *err)
{
    if (view->options.overcommit)
        view_overcommit_sweep();
    return view->options.log_bytes ? view_log_begin(view, err) : 0;
}

static int open_session(struct view *view, struct err *err)
{
    char name[] = VIEW_PROGRAM, *words[] = {name, NULL};
    struct fuse_args arguments = FUSE_ARGS_INIT(1, words);
    char place[24];

    view->session = fuse_session_new(&arguments, &view_operations, sizeof view_operations, view);
    snprintf(place, sizeof place, "/dev/fd/%d", VIEW_FD_FUSE);
    if (!view->session || fuse_session_mount(view->session, place) < 0 ||
        fcntl(VIEW_FD_FUSE, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
        return err_set(err, -EINVAL, "cannot serve the file system");
    return view_kernel_open(err);
}

/* What needs no group comes first: the groups are made meanwhile. */
static int start(struct view *view, struct err *err)
{
    const bool has_sources = view->options.log_bytes || view->options.overcommit;

    prctl(PR_SET_NAME, VIEW_PROGRAM, 0, 0, 0);
    int r = open_session(view, err);
    if (r == 0)
        r = has_sources ? open_sources(view, err) : view_confine(err);
    if (r < 0)
        return r;
    r = await_place(view);
    if (r != 0)
        return r < 0 ? err_set(err, r, "cannot serve the container") : r;
    if (has_sources)
        r = begin_sources(view, err);
    if (r == 0 && has_sources)
        r = view_confine(err);
    /* The end of these is the sign that it serves. */
    if (r == 0 && dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
        r = err_set(err, -errno, "cannot close the standard error");
    return r;
}

int main(int argc, char **argv)
{
    struct view view = {0};
    struct err err = {0};
    int r = read_options(argc, argv, &view.options);

    if (r == 0)
        r = start(&view, &err);
    if (r == 0)
        r = serve(&view);
    if (r < 0)
        fprintf(stderr, "%s: %s\n", VIEW_PROGRAM, err.message);
    return r < 0;
}
