/* The broker and the view's process. */
#include "oci/broker_view.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"

/* How long a view may take; it does nothing but answer. */
#define ANSWER_SECONDS 2
/* Newer than the headers: since Linux 6.9 a server is told again what waits for its answer. */
#define NOTIFY_RESEND 7
/* A request with all that it carries (libfuse's limit is a megabyte). */
#define REQUEST_BYTES ((1 << 20) + 4096)

static int connect_line(struct view_line *line)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval limit = {.tv_sec = ANSWER_SECONDS};

    if (line->socket >= 0)
        return 0;
    _cleanup_(closep) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/" VIEW_SOCKET,
             line->state_fd);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) < 0 ||
        connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        return -EIO;
    line->socket = steal_fd(&fd);
    return 0;
}

int64_t view_line_log(struct view_line *line, int type, int length, const char **ret_text)
{
    const struct view_ask ask = {type, length};

    if (connect_line(line) < 0)
        return -EIO;
    ssize_t n = send(line->socket, &ask, sizeof ask, MSG_NOSIGNAL) < 0
                    ? -1
                    : recv(line->socket, &line->answer, sizeof line->answer, 0);
    size_t text =
        n < (ssize_t)sizeof line->answer.value ? 0 : (size_t)n - sizeof line->answer.value;
    /* A length that is not what came is none of ours. */
    if (n < (ssize_t)sizeof line->answer.value ||
        (text > 0 && line->answer.value != (int64_t)text) || text > (size_t)length) {
        close(line->socket);
        line->socket = -1;
        return -EIO;
    }
    *ret_text = line->answer.text;
    return line->answer.value;
}

int view_stand_in(int fuse)
{
    const struct fuse_out_header again = {.len = sizeof again, .error = NOTIFY_RESEND};

    if (fcntl(fuse, F_SETFL, O_RDWR | O_NONBLOCK) == 0 &&
        write(fuse, &again, sizeof again) == (ssize_t)sizeof again)
        return fuse;
    close(fuse);
    return -1;
}

bool view_refuse(int fuse)
{
    static union {
        struct fuse_in_header head;
        char bytes[REQUEST_BYTES];
    } request;

    ssize_t n = read(fuse, &request, sizeof request);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR || errno == ENOENT;
    if (n < (ssize_t)sizeof request.head)
        return false;
    switch (request.head.opcode) {
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT: /* what it interrupts is answered anyway */
        return true;
    default:
        break;
    }
    const struct fuse_out_header answer = {
        .len = sizeof answer, .error = -EIO, .unique = request.head.unique};
    return write(fuse, &answer, sizeof answer) == (ssize_t)sizeof answer || errno == ENOENT;
}
