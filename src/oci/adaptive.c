/* Adaptive scheduling of a container: of no daemon, so by a process of its own. */
#include "oci/adaptive.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/pace.h"
#include "oci/vkernel.h"
#include "vkernel/scheduling.h"

#define MILLISECOND_NS 1000000L
/* How long one that is just ending is waited for. */
#define LOCK_TRIES 100

/* Until then, or until the container's first process has ended: mostly nobody is left then. */
static void rest_or_end(int *init, unsigned ms)
{
    struct pollfd end = {.fd = *init, .events = POLLIN};

    if (poll(&end, 1, (int)ms) > 0)
        close(steal_fd(init));
}

static void rest(unsigned ms)
{
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * MILLISECOND_NS};

    nanosleep(&time, NULL);
}

/* One that waits is enough, however often the policy changes. */
static bool is_next(int fd)
{
    struct flock next = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};

    return fcntl(fd, F_OFD_SETLK, &next) == 0;
}

static void begin_looking(int fd)
{
    struct flock next = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_len = 1};

    fcntl(fd, F_OFD_SETLK, &next);
}

/* The file that says what was seen is the lock of who looks. */
static int take_place(int state_fd)
{
    /* Nothing is made in a directory that is being removed. */
    _cleanup_(closep) int lock = oci_vkernel_lock(state_fd, NULL);
    _cleanup_(closep) int fd =
        lock < 0 ? lock
                 : openat(state_fd, ADAPTIVE_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (lock >= 0)
        close(steal_fd(&lock));
    for (int i = 0; fd >= 0 && is_next(fd) && i < LOCK_TRIES; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
            begin_looking(fd);
            return steal_fd(&fd);
        }
        rest(10);
    }
    return -EBUSY;
}

/* -ESRCH: nothing runs there. */
static int count(const struct oci_place *place, struct vk_sched_count *ret_count)
{
    _cleanup_(freep) struct oci_stats *stats = calloc(1, sizeof *stats);
    _cleanup_(freep) pid_t *pids = NULL;
    size_t processes = 0;

    int r = stats ? oci_launch_pids(place, &pids, &processes, NULL) : -ENOMEM;
    if (r == 0 && processes == 0)
        r = -ESRCH;
    if (r == 0)
        r = oci_launch_stats(place, stats, NULL);
    if (r == 0)
        r = vk_sched_count(oci_vkernel_pids, (void *)place, ret_count);
    if (r == 0)
        ret_count->cpu_us = stats->cpu_total_ns / 1000;
    return r;
}

/* One write: who reads has all of it. */
static void tell(int fd, enum vkernel_policy policy, unsigned long long decisions,
                 const struct vk_sched_load *load)
{
    char text[128];

    int n = snprintf(text, sizeof text, "%s %llu %.1f %.1f%*s\n", vkernel_policy_name(policy),
                     decisions, load->use, load->switches, 20, "");
    /* What could not be written is not seen: the next one may be. */
    (void)!pwrite(fd, text, (size_t)n, 0);
}

/* Nobody sets another policy meanwhile, and there is no other container of this name: who removes
 * this one has to have the lock. */
static int decide(const struct oci_place *place, int state_fd, enum vkernel_policy policy)
{
    _cleanup_(closep) int lock = oci_vkernel_lock(state_fd, NULL);
    struct vkernel vkernel;

    int r = lock < 0 ? lock : oci_vkernel_load(state_fd, &vkernel, NULL);
    if (r == 0 && vkernel.sched.policy != VKERNEL_POLICY_ADAPTIVE)
        r = -ESRCH;
    return r < 0 ? r : oci_vkernel_schedule(place, &vkernel, policy, NULL);
}

void adaptive_look(const struct oci_place *place, int state_fd)
{
    enum vkernel_policy now = VKERNEL_POLICY_NORMAL;
    struct vk_sched_count before, after;
    unsigned long long decisions = 0;
    struct pace pace = {0};
    struct vkernel vkernel;

    _cleanup_(closep) int init = (int)syscall(SYS_pidfd_open, place->pid, 0);
    _cleanup_(closep) int seen = take_place(state_fd);
    if (seen < 0 || count(place, &before) < 0)
        return;
    for (;;) {
        if (oci_vkernel_load(state_fd, &vkernel, NULL) < 0 ||
            vkernel.sched.policy != VKERNEL_POLICY_ADAPTIVE)
            return;
        rest_or_end(&init, vk_sched_limits(&vkernel).interval_ms);
        if (count(place, &after) < 0)
            return;
        const struct vk_sched_load load = vk_sched_load(&before, &after);
        before = after;
        enum vkernel_policy next = vk_sched_adapt(&vkernel, now, &load);
        /* What an exec has brought meanwhile began as normal. */
        if ((next != now || next == VKERNEL_POLICY_FIFO) && decide(place, state_fd, next) == 0) {
            decisions += next != now;
            now = next;
        }
        tell(seen, now, decisions, &load);
        pace_keep(&pace); /* thousands of threads take long to look at */
    }
}

int adaptive_read(int state_fd, struct adaptive_seen *ret_seen)
{
    _cleanup_(freep) char *text = NULL;
    size_t size = 0;

    int r = fd_read_file(state_fd, ADAPTIVE_FILE, 127, &text, &size, NULL);
    if (r < 0)
        return r;
    return sscanf(text, "%15s %llu %lf %lf", ret_seen->policy, &ret_seen->decisions, &ret_seen->use,
                  &ret_seen->switches) == 4
               ? 0
               : -ENOENT;
}
