/*
 * A child's budget is part of its parent's, so each group on the way has the sum of what is below
 * it. The kernel's files are all that is remembered: what is gone with a group is free again.
 */
#include "oci/realtime.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "cgroup/place.h"
#include "oci/config.h"
#include "vkernel/vkernel.h"

#define RUNTIME "cpu.rt_runtime_us"
#define PERIOD "cpu.rt_period_us"
/* A budget comes round so often, and whoever has none waits no longer than it lasts. The kernel's
 * own period, a second, tells groups that somebody else gave theirs. */
#define PERIOD_US 100000
#define PERCENT_US (PERIOD_US / 100)
#define TOGETHER_US (PERIOD_US / 2)
#define TRIES 50
#define LOCK_PATH "/run/vireo-realtime.lock"
#define LOCK_WAIT_SECONDS 10

int realtime_prepare(const struct vkernel *vkernel, struct oci_config *config, struct err *err)
{
    __typeof__(config->linux_.resources.cpu) *cpu = &config->linux_.resources.cpu;
    _cleanup_(freep) struct cgroup_place *groups = calloc(1, sizeof *groups);

    if (vkernel->sched.realtime == 0)
        return 0;
    if (!groups)
        return err_set(err, -ENOMEM, "cannot give real time");
    int r = cgroup_place_find("/", groups, err);
    if (r < 0)
        return r;
    const struct cgroup_place_tree *tree = cgroup_place_tree(groups, "cpu", false);
    char path[sizeof tree->point + sizeof RUNTIME + 1] = "";
    if (tree)
        snprintf(path, sizeof path, "%s/" RUNTIME, tree->point);
    if (!tree || access(path, F_OK) < 0)
        return err_say(err, -ENOTSUP,
                       "cannot give real time (sched.realtime): groups have no budgets of it here "
                       "(RT_GROUP_SCHED and a v1 tree of the CPU), and without one it has no end");
    if (cpu->realtime_period.set || cpu->realtime_runtime.set)
        return err_say(err, -EINVAL,
                       "cannot give real time (sched.realtime): the configuration has a budget of "
                       "its own (linux.resources.cpu)");
    cpu->realtime_period.set = true;
    cpu->realtime_period.value = PERIOD_US;
    return 0;
}

int realtime_check_update(const struct vkernel *vkernel, const struct oci_resources *resources,
                          struct err *err)
{
    if (vkernel->sched.realtime == 0 ||
        (!resources->cpu.realtime_period.set && !resources->cpu.realtime_runtime.set))
        return 0;
    return err_say(
        err, -EINVAL,
        "cannot set 'cpu.realtimeRuntime': the container has a budget of sched.realtime, "
        "which is set at its start");
}

/* ---- one group ---- */

static int64_t read_number(int group, const char *file)
{
    char text[32];

    _cleanup_(closep) int fd = openat(group, file, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -errno : fd_read_full(fd, text, sizeof text - 1);
    if (n < 0)
        return n;
    text[n] = '\0';
    return strtoll(text, NULL, 10);
}

/* What it has of each PERIOD_US, rounded up; all of it where it is not limited. */
static int64_t share_of(int group)
{
    int64_t runtime = read_number(group, RUNTIME), period = read_number(group, PERIOD);

    if (runtime < 0 || period <= 0)
        return PERIOD_US;
    return (runtime * PERIOD_US + period - 1) / period;
}

/* Not somebody else's: without a budget, or with one of our period. */
static bool is_ours(int group)
{
    return read_number(group, RUNTIME) == 0 || read_number(group, PERIOD) == PERIOD_US;
}

static int set_share(int group, int64_t share)
{
    char text[24];
    int r = 0;

    if (read_number(group, PERIOD) != PERIOD_US) {
        snprintf(text, sizeof text, "%d", PERIOD_US);
        r = fd_write_string(group, PERIOD, text);
    }
    snprintf(text, sizeof text, "%lld", (long long)share);
    return r < 0 ? r : fd_write_string(group, RUNTIME, text);
}

/* The children's together, but for one. */
static int64_t share_below(int group, const char *except, size_t except_length)
{
    int copy = openat(group, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = copy < 0 ? NULL : fdopendir(copy);
    int64_t sum = 0;

    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        const char *name = entry->d_name;
        if (entry->d_type != DT_DIR || name[0] == '.' ||
            (strlen(name) == except_length && memcmp(name, except, except_length) == 0))
            continue;
        _cleanup_(closep) int child = openat(group, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (child >= 0) /* or it has just gone */
            sum += share_of(child);
    }
    if (directory)
        closedir(directory);
    return sum;
}

/* ---- the way to a group ---- */

/* The first name of a path, and what follows it; 0: there is none. */
static size_t first_name(const char **path, const char **ret_rest)
{
    *path += strspn(*path, "/");
    size_t length = strcspn(*path, "/");
    *ret_rest = *path + length;
    *ret_rest += strspn(*ret_rest, "/");
    return length;
}

static int open_first(int parent, const char *path, size_t length)
{
    char name[256];

    if (length == 0 || length >= sizeof name)
        return -EINVAL;
    memcpy(name, path, length);
    name[length] = '\0';
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* What the first group of the path must have, so that the last one can have `share`. */
static int64_t needed(int parent, const char *path, int64_t share)
{
    const char *rest;
    size_t length = first_name(&path, &rest);

    _cleanup_(closep) int group = open_first(parent, path, length);
    if (group < 0 || !*rest)
        return group < 0 ? group : share;
    const char *next = rest, *unused;
    size_t next_length = first_name(&next, &unused);
    int64_t below = needed(group, rest, share);
    if (below < 0)
        return below;
    below += share_below(group, next, next_length);
    return is_ours(group) || share_of(group) < below ? below : share_of(group);
}

/* What grows begins above, what shrinks below: a parent has as much as its children at any time. */
static int apply(int parent, const char *path, int64_t share)
{
    const char *rest;
    size_t length = first_name(&path, &rest);

    _cleanup_(closep) int group = open_first(parent, path, length);
    int64_t wanted = needed(parent, path, share);
    if (group < 0 || wanted < 0)
        return group < 0 ? group : (int)wanted;
    int64_t now = share_of(group);
    if (now < wanted && !is_ours(group))
        return -EDQUOT;
    int r = now < wanted ? set_share(group, wanted) : 0;
    if (r == 0 && *rest)
        r = apply(group, rest, share);
    return r == 0 && now > wanted ? set_share(group, wanted) : r;
}

/* A group that was removed counts for its parent until the kernel has let go of it. */
static int apply_patiently(int root, const char *path, int64_t share)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    int r = apply(root, path, share);

    for (int i = 0; i < TRIES && (r == -EINVAL || r == -EBUSY); i++) {
        nanosleep(&pause, NULL);
        r = apply(root, path, share);
    }
    return r;
}

/* Of two at once each would see the other without its budget. */
static int lock(void)
{
    _cleanup_(closep) int fd = open(LOCK_PATH, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    int r = fd < 0 ? -errno : fd_lock(fd, LOCK_WAIT_SECONDS);
    return r < 0 ? r : steal_fd(&fd);
}

int realtime_give(struct cgroup_place *groups, uint32_t percent, struct err *err)
{
    const struct cgroup_place_tree *tree = cgroup_place_tree(groups, "cpu", false);
    const char *top = groups->path, *rest;
    const int64_t share = (int64_t)percent * PERCENT_US;

    if (percent == 0)
        return 0;
    _cleanup_(closep) int locked = lock();
    _cleanup_(closep) int root =
        tree ? open(tree->point, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -ENOTSUP;
    if (locked == -EBUSY)
        return err_say(err, locked,
                       "cannot give real time: another process has had '" LOCK_PATH
                       "' locked for %d seconds",
                       LOCK_WAIT_SECONDS);
    if (locked < 0 || root < 0)
        return err_set(err, locked < 0 ? locked : -ENOENT, "cannot give real time");
    size_t length = first_name(&top, &rest);
    int64_t others = share_below(root, top, length), own = needed(root, groups->path, share);
    if (own >= 0 && others + own > TOGETHER_US)
        return err_say(err, -EDQUOT,
                       "cannot give %u%% of real time (sched.realtime): others have %lld%%, and "
                       "all together have at most %d%%",
                       percent, (long long)((others + own - share) / PERCENT_US),
                       TOGETHER_US / PERCENT_US);
    int r = own < 0 ? (int)own : apply_patiently(root, groups->path, share);
    return r == -EDQUOT ? err_say(err, r,
                                  "cannot give %u%% of real time (sched.realtime): a group above "
                                  "has a smaller budget of somebody else's",
                                  percent)
           : r < 0      ? err_set(err, r, "cannot give %u%% of real time (sched.realtime)", percent)
                        : 0;
}

void realtime_take_back(const char *path)
{
    _cleanup_(freep) struct cgroup_place *groups = calloc(1, sizeof *groups);
    _cleanup_(freep) char *at = strdup(path);
    const struct cgroup_place_tree *tree = NULL;

    if (groups && at && cgroup_place_find(path, groups, NULL) == 0)
        tree = cgroup_place_tree(groups, "cpu", false);
    _cleanup_(closep) int root = tree ? open(tree->point, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    _cleanup_(closep) int locked = root < 0 ? -1 : lock();
    if (locked < 0 || at[0] != '/')
        return;
    _cleanup_(closep) int group = openat(root, at + 1, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char *end = strrchr(at, '/');
    if (group < 0 && end > at) {
        *end = '\0';
        group = openat(root, at + 1, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (group >= 0 && is_ours(group))
        (void)apply_patiently(root, at, share_below(group, "", 0));
}
