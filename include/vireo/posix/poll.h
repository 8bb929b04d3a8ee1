/* <poll.h> of wasi-libc, whose poll() fails where one descriptor is closed. */
#ifndef VIREO_POSIX_POLL_H
#define VIREO_POSIX_POLL_H

#define poll vireo_poll_open
#include_next <poll.h>
#undef poll

#include <errno.h>
#include <fcntl.h>

int vireo_poll_open(struct pollfd *list, nfds_t count, int timeout_ms) __asm__("poll");
static inline int poll(struct pollfd *list, nfds_t count, int timeout_ms) __asm__("vireo_poll");

/* Among the events, where it has no meaning: this one is closed. */
#define VIREO_POLL_CLOSED 0x0800

/* Only then are they looked at one by one: what is closed is passed over for once, as a negative
 * number is, and is POLLNVAL. */
static inline int poll(struct pollfd *list, nfds_t count, int timeout_ms)
{
    int r = vireo_poll_open(list, count, timeout_ms), closed = 0;

    if (r >= 0 || errno != EBADF)
        return r;
    for (nfds_t i = 0; i < count; i++)
        if (list[i].fd >= 0 && fcntl(list[i].fd, F_GETFL) < 0) {
            list[i].fd = ~list[i].fd;
            list[i].events |= VIREO_POLL_CLOSED;
            closed++;
        }
    r = (nfds_t)closed < count ? vireo_poll_open(list, count, 0) : 0;
    for (nfds_t i = 0; i < count; i++)
        if (list[i].fd < 0 && (list[i].events & VIREO_POLL_CLOSED)) {
            list[i].fd = ~list[i].fd;
            list[i].events &= ~VIREO_POLL_CLOSED;
            list[i].revents = POLLNVAL;
        }
    return r < 0 ? r : r + closed;
}

#endif
