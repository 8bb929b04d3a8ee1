/* <poll.h> of wasi-libc, whose poll() fails where one descriptor is closed, or is asked for nothing
 * but its end. */
#ifndef VIREO_POSIX_POLL_H
#define VIREO_POSIX_POLL_H

#define poll vireo_poll_open
#include_next <poll.h>
#undef poll

#include <errno.h>
#include <fcntl.h>

int vireo_poll_open(struct pollfd *list, nfds_t count, int timeout_ms) __asm__("poll");
static inline int poll(struct pollfd *list, nfds_t count, int timeout_ms) __asm__("vireo_poll");

/* Among the events, where they have no meaning: this one is closed; of this one only the end is
 * wanted; and it is passed over for once. */
#define VIREO_POLL_CLOSED 0x0800
#define VIREO_POLL_END 0x0400
#define VIREO_POLL_PASSED 0x0200
/* How often one is looked at that has something to read, which nobody asks for. */
#define VIREO_POLL_LOOK_MS 20

/* Only then are they looked at one by one: what is closed is passed over for once, as a negative
 * number is, and is POLLNVAL. */
static inline int vireo_poll_some(struct pollfd *list, nfds_t count, int timeout_ms)
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

/* How many have something to say; those that have something to read alone are passed over next. */
static inline int vireo_poll_ends(struct pollfd *list, nfds_t count, int found)
{
    for (nfds_t i = 0; i < count && found > 0; i++) {
        if (!(list[i].events & VIREO_POLL_END) || !list[i].revents)
            continue;
        list[i].revents &= ~POLLIN;
        if (list[i].revents)
            continue;
        list[i].fd = ~list[i].fd;
        list[i].events |= VIREO_POLL_PASSED;
        found--;
    }
    return found;
}

static inline void vireo_poll_pass_none(struct pollfd *list, nfds_t count)
{
    for (nfds_t i = 0; i < count; i++)
        if (list[i].events & VIREO_POLL_PASSED) {
            list[i].fd = ~list[i].fd;
            list[i].events &= ~VIREO_POLL_PASSED;
        }
}

static inline int poll(struct pollfd *list, nfds_t count, int timeout_ms)
{
    int r = vireo_poll_some(list, count, timeout_ms), left = timeout_ms, passed;

    if (r >= 0 || errno != ENOSYS)
        return r;
    for (nfds_t i = 0; i < count; i++)
        if (list[i].fd >= 0 && !(list[i].events & (POLLIN | POLLOUT)))
            list[i].events |= POLLIN | VIREO_POLL_END;
    r = vireo_poll_ends(list, count, vireo_poll_some(list, count, left));
    for (;;) {
        passed = 0;
        for (nfds_t i = 0; i < count; i++)
            passed |= list[i].events & VIREO_POLL_PASSED;
        if (r != 0 || !passed || left == 0)
            break;
        /* What the others say meanwhile comes at once. */
        int look = left < 0 || left > VIREO_POLL_LOOK_MS ? VIREO_POLL_LOOK_MS : left;
        left -= left < 0 ? 0 : look;
        r = vireo_poll_ends(list, count, vireo_poll_some(list, count, look));
        vireo_poll_pass_none(list, count);
        if (r == 0)
            r = vireo_poll_ends(list, count, vireo_poll_some(list, count, 0));
    }
    vireo_poll_pass_none(list, count);
    for (nfds_t i = 0; i < count; i++)
        if (list[i].events & VIREO_POLL_END)
            list[i].events &= ~(POLLIN | VIREO_POLL_END);
    return r;
}

#endif
