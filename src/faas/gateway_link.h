/*
 * A SOCK_SEQPACKET socket in a loop: messages in, with their descriptors; messages out, kept in
 * order while the peer does not read. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fd.h"
#include "faas/gateway_loop.h"

struct err;

#define LINK_MESSAGE_MAX (32u << 10)

struct link_message;

/* In its owner's struct, at a stable address while open. */
struct link {
    struct loop_watch watch;
    struct loop *loop;
    /*
     * A message came. Descriptors that the receiver keeps are set to -1 in `fds`; the others are
     * closed behind it.
     */
    void (*message)(struct link *link, const void *data, size_t bytes, int *fds, size_t fd_count);
    /* The peer has closed, or said what no peer may. Nothing is received any more. */
    void (*closed)(struct link *link);
    struct link_message *first, *last; /* that wait to be sent */
    size_t waiting;
    bool is_closed;
    _Alignas(8) char buffer[LINK_MESSAGE_MAX];
};

/* `fd` becomes non-blocking; it stays the caller's. message and closed are set before. */
int link_open(struct link *link, struct loop *loop, int fd, struct err *err);
/* Drops what was not sent. The descriptor is not closed. */
void link_close(struct link *link);

/*
 * Sends a message, now or when the peer reads again. `fd` (-1: none) is taken over: closed once it
 * was sent. -ENOMEM; -ENOBUFS when more wait than a well-behaved peer lets gather.
 */
int link_send(struct link *link, const void *data, size_t bytes, int fd);

/* Sends it only if that is possible at once: -EAGAIN. */
int link_try(struct link *link, const void *data, size_t bytes);
