/* Network namespaces made ahead: made, entered, let go. */
#include "contain/networks.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"

/* The processors are the starts' for so long after the last one. */
#define QUIET_NS INT64_C(3000000)
#define SECOND_NS INT64_C(1000000000)
/* More than one is kept for so long after the last was taken. */
#define KEEP_NS (10 * SECOND_NS)

static int loopback_up(void)
{
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    _cleanup_(closep) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    return fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
}

/* The caller is in it. */
static int make(int *ret_fd)
{
    if (unshare(CLONE_NEWNET) < 0)
        return -errno;
    int r = loopback_up();
    if (r < 0)
        return r;
    *ret_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    return *ret_fd < 0 ? -errno : 0;
}

int networks_open(struct networks *networks, struct err *err)
{
    *networks = (struct networks){.home = -1, .wanted = 1};
    int r = make(&networks->home);
    return r < 0 ? err_set(err, r, "cannot make a network namespace") : 0;
}

static void note_taken(struct networks *networks, int64_t now_ns)
{
    if (now_ns - networks->begin_ns > SECOND_NS) {
        networks->begin_ns = now_ns;
        networks->taken = 0;
    }
    networks->taken++;
    networks->last_ns = now_ns;
    if (networks->taken > networks->wanted && networks->wanted < NETWORKS_AHEAD_MAX)
        networks->wanted = networks->taken;
}

int networks_enter(struct networks *networks, int64_t now_ns)
{
    note_taken(networks, now_ns);
    if (networks->count == 0) {
        if (unshare(CLONE_NEWNET) < 0)
            return -errno;
        return loopback_up();
    }
    _cleanup_(closep) int fd = networks->fds[--networks->count];
    return setns(fd, CLONE_NEWNET) < 0 ? -errno : 0;
}

int networks_leave(const struct networks *networks)
{
    return setns(networks->home, CLONE_NEWNET) < 0 ? -errno : 0;
}

void networks_forget(struct networks *networks)
{
    fd_close_all(networks->fds, networks->count);
    networks->count = 0;
    close(networks->home);
}

static int64_t due_ns(const struct networks *networks)
{
    if (networks->count < networks->wanted)
        return networks->last_ns + QUIET_NS;
    return networks->wanted > 1 ? networks->last_ns + KEEP_NS : INT64_MAX;
}

int networks_due_ms(const struct networks *networks, int64_t now_ns)
{
    int64_t due = due_ns(networks);

    if (due == INT64_MAX)
        return -1;
    return due <= now_ns ? 0 : (int)((due - now_ns) / 1000000 + 1);
}

void networks_tend(struct networks *networks, int64_t now_ns)
{
    if (due_ns(networks) > now_ns)
        return;
    if (networks->count < networks->wanted) {
        int fd;
        /* What can't be made now is made when it is needed, or its lack is told then. */
        if (make(&fd) == 0)
            networks->fds[networks->count++] = fd;
        else
            networks->wanted = networks->count;
        if (networks_leave(networks) < 0)
            _exit(1);
        return;
    }
    networks->wanted = 1;
    while (networks->count > networks->wanted)
        close(networks->fds[--networks->count]);
}
