/* What a template is told while it serves. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "guest/template_message.h"

static size_t size_of(uint32_t type)
{
    switch (type) {
    case GUEST_FORK:
        return sizeof(struct guest_fork);
    case GUEST_KILL:
        return sizeof(struct guest_kill);
    case GUEST_KEEP:
        return sizeof(struct guest_keep);
    default:
        return 0;
    }
}

int template_message_receive(int socket, struct template_message *message)
{
    memset(message, 0, sizeof *message);
    /* One that is longer than the longest of them is cut: an error of fd_receive(). */
    ssize_t n = fd_receive(socket, &message->body, sizeof message->body, message->fds,
                           &message->fd_count, MSG_DONTWAIT);
    if (n == -EAGAIN)
        return 0;
    if (n <= 0)
        return -EPIPE;
    if (size_of(message->body.type) == (size_t)n)
        return (int)message->body.type;
    fd_close_all(message->fds, message->fd_count);
    message->fd_count = 0;
    return -EBADMSG;
}
