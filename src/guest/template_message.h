/* What a template is told while it serves, received: the same for each of the three programs. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/fd.h"
#include "guest/template.h"

struct template_message {
    union {
        uint32_t type;
        struct guest_fork fork;
        struct guest_kill kill;
        struct guest_keep keep;
    } body;
    int fds[FD_MESSAGE_MAX]; /* the receiver's from here on */
    size_t fd_count;
};

/*
 * Takes the next message of `socket`, without waiting. GUEST_FORK, GUEST_KILL or GUEST_KEEP, whose
 * size is right; 0: there is none; -EPIPE: the host is gone; -EBADMSG: it is none of these. With an
 * error or 0 there are no descriptors.
 */
int template_message_receive(int socket, struct template_message *ret_message);
