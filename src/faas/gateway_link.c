/* A message socket in a loop. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "faas/gateway_link.h"

/* Messages taken in one round, so that a flood of them leaves time for the rest. */
#define MESSAGES_A_ROUND 64
/* Messages that may wait to be sent. Every instance needs two in its life. */
#define WAITING_MAX 65536

struct link_message {
    struct link_message *next;
    size_t bytes;
    int fd;
    char data[];
};

static void end(struct link *link)
{
    if (link->is_closed)
        return;
    link->is_closed = true;
    loop_remove(link->loop, &link->watch);
    link->closed(link);
}

static void send_waiting(struct link *link)
{
    while (link->first) {
        struct link_message *message = link->first;
        int r = fd_send(link->watch.fd, message->data, message->bytes, &message->fd,
                        message->fd >= 0 ? 1 : 0);
        if (r == -EAGAIN)
            return;
        link->first = message->next;
        if (!link->first)
            link->last = NULL;
        link->waiting--;
        closep(&message->fd);
        free(message);
        if (r < 0) {
            end(link);
            return;
        }
    }
    loop_change(link->loop, &link->watch, EPOLLIN);
}

static void on_event(struct loop_watch *watch, uint32_t events)
{
    struct link *link = (struct link *)((char *)watch - offsetof(struct link, watch));

    if (events & EPOLLOUT)
        send_waiting(link);
    for (int i = 0; i < MESSAGES_A_ROUND && !link->is_closed; i++) {
        int fds[FD_MESSAGE_MAX];
        size_t fd_count;
        ssize_t n =
            fd_receive(watch->fd, link->buffer, sizeof link->buffer, fds, &fd_count, MSG_DONTWAIT);
        if (n == -EAGAIN)
            return;
        if (n <= 0) {
            end(link);
            return;
        }
        link->message(link, link->buffer, (size_t)n, fds, fd_count);
        fd_close_all(fds, fd_count);
    }
}

int link_open(struct link *link, struct loop *loop, int fd, struct err *err)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return err_set(err, -errno, "cannot use descriptor %d", fd);
    link->loop = loop;
    link->first = link->last = NULL;
    link->waiting = 0;
    link->is_closed = false;
    link->watch = (struct loop_watch){.event = on_event, .fd = fd};
    return loop_add(loop, &link->watch, EPOLLIN, err);
}

void link_close(struct link *link)
{
    if (!link->loop)
        return;
    if (!link->is_closed)
        loop_remove(link->loop, &link->watch);
    link->is_closed = true;
    while (link->first) {
        struct link_message *next = link->first->next;
        closep(&link->first->fd);
        free(link->first);
        link->first = next;
    }
}

int link_try(struct link *link, const void *data, size_t bytes)
{
    if (link->is_closed)
        return -EPIPE;
    return link->first ? -EAGAIN : fd_send(link->watch.fd, data, bytes, NULL, 0);
}

int link_send(struct link *link, const void *data, size_t bytes, int fd)
{
    _cleanup_(closep) int owned = fd;

    if (link->is_closed)
        return -EPIPE;
    if (!link->first) {
        int r = fd_send(link->watch.fd, data, bytes, &owned, owned >= 0 ? 1 : 0);
        if (r != -EAGAIN)
            return r;
    }
    if (link->waiting == WAITING_MAX)
        return -ENOBUFS;
    struct link_message *message = malloc(sizeof *message + bytes);
    if (!message)
        return -ENOMEM;
    *message = (struct link_message){.bytes = bytes, .fd = steal_fd(&owned)};
    memcpy(message->data, data, bytes);
    if (!link->last)
        loop_change(link->loop, &link->watch, EPOLLIN | EPOLLOUT);
    *(link->last ? &link->last->next : &link->first) = message;
    link->last = message;
    link->waiting++;
    return 0;
}
