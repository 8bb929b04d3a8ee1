/* A container that is there: found again by its pid's start time, adjusted, signalled, frozen,
 * limited anew, removed. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "oci/launch_internal.h"
#include "oci/scope.h"

int launch_start_time(pid_t pid, uint64_t *ret_time)
{
    char path[64], text[1024];

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -errno : fd_read_full(fd, text, sizeof text - 1);
    if (n < 0)
        return (int)n;
    text[n] = '\0';
    /* The second field is a name that may hold anything: the last ')' ends it. */
    const char *at = strrchr(text, ')');
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    if (!at)
        return -EPROTO;
    *ret_time = strtoull(at + 1, NULL, 10);
    return 0;
}

int launch_pidfd(const struct oci_place *place, struct err *err)
{
    uint64_t time;

    if (place->pid <= 0)
        return err_say(err, -ESRCH, "cannot find the container's process: there is none");
    _cleanup_(closep) int fd = (int)syscall(SYS_pidfd_open, place->pid, 0);
    int r = fd < 0 ? -errno : launch_start_time(place->pid, &time);
    /* Looked at after the descriptor was taken: the number is this process's while that is so. */
    if (r == 0 && time != place->start_time)
        r = -ESRCH;
    return r < 0 ? err_set(err, -ESRCH, "cannot find the container's process") : steal_fd(&fd);
}

/* ---- what only the runtime may do to the process ---- */

struct scheduler {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

static int set_scheduler(pid_t pid, const struct oci_scheduler *from, struct err *err)
{
    const struct scheduler attr = {
        .size = sizeof attr,
        .policy = (uint32_t)from->policy,
        .flags = from->flags,
        .nice = from->nice,
        .priority = (uint32_t)from->priority,
        .runtime = from->runtime,
        .deadline = from->deadline,
        .period = from->period,
    };

    if (syscall(SYS_sched_setattr, pid, &attr, 0) < 0)
        return err_set(err, -errno, "cannot set process.scheduler");
    return 0;
}

static int set_limits(pid_t pid, const struct oci_process *process, struct err *err)
{
    for (size_t i = 0; i < process->rlimit_count; i++) {
        const struct oci_rlimit *limit = &process->rlimits[i];
        if (prlimit(pid, limit->resource, &limit->limit, NULL) < 0)
            return err_set(err, -errno, "cannot set process.rlimits '%s' to %llu:%llu", limit->name,
                           (unsigned long long)limit->limit.rlim_cur,
                           (unsigned long long)limit->limit.rlim_max);
    }
    return 0;
}

int launch_adjust(pid_t pid, const struct oci_process *process, bool with_limits, struct err *err)
{
    char path[64], text[24];
    int r = 0;

    if (process->oom_score_adj.set) {
        snprintf(path, sizeof path, "/proc/%d/oom_score_adj", (int)pid);
        snprintf(text, sizeof text, "%lld", (long long)process->oom_score_adj.value);
        r = fd_write_string(AT_FDCWD, path, text);
        if (r < 0)
            return err_set(err, r, "cannot set process.oomScoreAdj to %s", text);
    }
    if (process->scheduler)
        r = set_scheduler(pid, process->scheduler, err);
    if (r == 0 && process->io_priority &&
        syscall(SYS_ioprio_set, 1 /* IOPRIO_WHO_PROCESS */, pid,
                process->io_priority->class << 13 | process->io_priority->priority) < 0)
        r = err_set(err, -errno, "cannot set process.ioPriority");
    return r == 0 && with_limits ? set_limits(pid, process, err) : r;
}

/* ---- signals ---- */

int oci_launch_kill(const struct oci_place *place, int signal, struct err *err)
{
    _cleanup_(closep) int fd = launch_pidfd(place, err);

    if (fd < 0)
        return fd;
    if (syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0) < 0)
        return err_set(err, -errno, "cannot send signal %d to the container", signal);
    return 0;
}

int oci_launch_pids(const struct oci_place *place, pid_t **ret_pids, size_t *ret_count,
                    struct err *err)
{
    _cleanup_(freep) struct cgroup_place *groups = calloc(1, sizeof *groups);

    if (!groups)
        return err_set(err, -ENOMEM, "cannot list the container's processes");
    *ret_pids = NULL;
    *ret_count = 0;
    int r = groups_open(place, groups, err);
    if (r == 0)
        r = cgroup_place_pids(groups, ret_pids, ret_count, err);
    cgroup_place_close(groups);
    return r;
}

/* A process forks while its list is read: frozen, nobody does. */
int oci_launch_kill_all(const struct oci_place *place, int signal, struct err *err)
{
    _cleanup_(freep) pid_t *pids = NULL;
    size_t count = 0;

    int r = oci_launch_pids(place, &pids, &count, NULL);
    if (r == -ENOENT) {
        r = oci_launch_kill(place, signal, err);
        return r == -ESRCH ? 0 : r;
    }
    bool thaw = r == 0 && count > 1 && !oci_launch_frozen(place) &&
                oci_launch_freeze(place, true, NULL) == 0;
    if (thaw) {
        free(pids);
        pids = NULL;
        r = oci_launch_pids(place, &pids, &count, err);
    }
    for (size_t i = 0; i < count && r == 0; i++)
        if (kill(pids[i], signal) < 0 && errno != ESRCH)
            r = err_set(err, -errno, "cannot send signal %d to process %d", signal, (int)pids[i]);
    if (thaw)
        oci_launch_freeze(place, false, NULL);
    return r;
}

/* A process that somebody put into a frozen group of his own would never die of its signal. */
static void bring_home(const struct oci_place *place, struct cgroup_place *groups)
{
    if (groups_open(place, groups, NULL) == 0) {
        const struct cgroup_place_tree *tree = cgroup_place_tree(groups, "freezer", false);
        if (tree && tree->fd >= 0)
            cgroup_place_move(tree, place->pid);
        cgroup_place_freeze(groups, false, NULL);
    }
    cgroup_place_close(groups);
}

/* All are killed by ourselves: a scope that systemd stops waits for them to mind a SIGTERM. */
static void scope_end(const struct oci_place *place, struct cgroup_place *groups)
{
    if (cgroup_place_open(groups, NULL) == 0)
        cgroup_place_kill(groups, NULL);
    cgroup_place_close(groups);
    scope_stop(place);
}

int oci_launch_remove(const struct oci_place *place, struct err *err)
{
    _cleanup_(freep) struct cgroup_place *groups = calloc(1, sizeof *groups);

    if (!groups)
        return err_set(err, -ENOMEM, "cannot remove the container's control groups");
    if (oci_launch_kill(place, SIGKILL, NULL) == 0)
        bring_home(place, groups);
    if (!place->cgroup_path[0])
        return 0;
    int r = cgroup_place_find(place->cgroup_path, groups, err);
    /* Nobody is left, as after each program that ended by itself. */
    if (place->scope[0] && r == 0)
        scope_end(place, groups);
    if (r < 0 || cgroup_place_remove_empty(groups))
        return r;
    r = cgroup_place_open(groups, NULL);
    if (r == -ENOENT)
        return 0;
    if (r == 0)
        r = cgroup_place_kill(groups, err);
    if (r == 0)
        r = cgroup_place_remove(groups, err);
    cgroup_place_close(groups);
    return r < 0 ? err_set(err, r, "cannot remove the container's control groups") : 0;
}

/* ---- freezing and limits ---- */

int oci_launch_freeze(const struct oci_place *place, bool frozen, struct err *err)
{
    _cleanup_(freep) struct cgroup_place *groups = calloc(1, sizeof *groups);

    if (!groups)
        return err_set(err, -ENOMEM, "cannot freeze the container");
    int r = groups_open(place, groups, err);
    if (r == 0)
        r = cgroup_place_freeze(groups, frozen, err);
    cgroup_place_close(groups);
    return r;
}

int oci_launch_frozen(const struct oci_place *place)
{
    _cleanup_(freep) struct cgroup_place *groups = calloc(1, sizeof *groups);

    if (!groups || groups_open(place, groups, NULL) < 0)
        return 0;
    int r = cgroup_place_frozen(groups);
    cgroup_place_close(groups);
    return r;
}

int oci_launch_update(const struct oci_place *place, const struct oci_resources *resources,
                      struct err *err)
{
    _cleanup_(freep) struct cgroup_place *groups = calloc(1, sizeof *groups);

    if (!groups)
        return err_set(err, -ENOMEM, "cannot update the container");
    int r = groups_open(place, groups, err);
    if (r == 0 && place->scope[0])
        r = scope_update(place, resources, err);
    if (r == 0) {
        groups_keep();
        r = groups_limit(groups, resources, false, err);
        groups_kept(r < 0);
    }
    cgroup_place_close(groups);
    return r == RESOURCES_NO_DEVICES ? 1 : r;
}
