/*
 * The part of scheduling. fifo: within the group who runs goes on until it waits, or for the
 * longest slice that EEVDF gives (100 ms, since Linux 6.12); as SCHED_BATCH it is not put aside for
 * those that it wakes. Between groups the shares of the CPU stay what they are: a slice is when,
 * not how much.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "vkernel/scheduler.h"
#include "vkernel/scheduling.h"

/* The kernel's bounds of a slice. */
#define SLICE_MIN_US 100u
#define SLICE_MAX_US 100000u

/* All budgets of real time together, per cent of each CPU. */
#define REALTIME_MAX 50u

/* Rounds over a group: a thread that is started inherits, so the second one finds what the first
 * one missed, and nothing is left for the third unless threads come and go all the time. */
#define ROUNDS_MAX 32

/* linux/sched/types.h's, which can't be included beside sched.h. */
struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

static const char *const policies[] = {
    [VKERNEL_POLICY_DEFAULT] = "default",   [VKERNEL_POLICY_NORMAL] = "normal",
    [VKERNEL_POLICY_BATCH] = "batch",       [VKERNEL_POLICY_FIFO] = "fifo",
    [VKERNEL_POLICY_ADAPTIVE] = "adaptive",
};

const char *vkernel_policy_name(enum vkernel_policy policy)
{
    return policies[policy];
}

struct vk_sched vk_sched_of(enum vkernel_policy policy, uint32_t slice_us)
{
    struct vk_sched sched = {.policy = SCHED_OTHER, .slice_ns = slice_us * UINT64_C(1000)};

    if (policy == VKERNEL_POLICY_FIFO && slice_us == 0)
        sched.slice_ns = SLICE_MAX_US * UINT64_C(1000);
    if (policy == VKERNEL_POLICY_FIFO || policy == VKERNEL_POLICY_BATCH)
        sched.policy = SCHED_BATCH;
    return sched;
}

struct vk_sched vk_sched_for(const struct vkernel *vkernel, enum vkernel_policy policy)
{
    struct vk_sched sched = vk_sched_of(policy, vkernel->sched.slice_us);

    sched.has_budget = vkernel->sched.realtime > 0;
    if (sched.has_budget && policy == VKERNEL_POLICY_FIFO)
        sched = (struct vk_sched){.policy = SCHED_FIFO, .has_budget = true};
    return sched;
}

bool vk_sched_fifo_has_slices(const struct vkernel *vkernel)
{
    char name[64];

    return !vkernel->sched.realtime && scheduler_state(name) != SCHEDULER_OURS;
}

int vk_sched_check_slice(const struct vkernel *vkernel, struct err *err)
{
    if (!vkernel->sched.slice_us)
        return 0;
    if (!vk_sched_slices_work())
        return err_say(err, -EINVAL,
                       "cannot set sched.slice: this kernel has no slices of a thread's own (Linux "
                       "6.12)");
    if (vkernel->sched.policy != VKERNEL_POLICY_FIFO || vk_sched_fifo_has_slices(vkernel))
        return 0;
    return err_say(err, -EINVAL,
                   "cannot set sched.slice: %s fifo has no slices, who runs goes on until it waits",
                   vkernel->sched.realtime ? "with sched.realtime" : "under the BPF scheduler");
}

/* ---- keys ---- */

/* Numbers: name, where it is, what it may be, and what stands there when nothing was said. In the
 * order of struct vk_sched_limits. */
static const struct number {
    const char *key, *unit;
    size_t offset;
    uint32_t min, max, otherwise;
} numbers[] = {
    {"interval", "ms", offsetof(struct vkernel, sched.interval_ms), 10, 60000, 100},
    {"use_high", "%", offsetof(struct vkernel, sched.use_high), 1, 100, 60},
    {"use_low", "%", offsetof(struct vkernel, sched.use_low), 1, 100, 30},
    {"switches_high", "", offsetof(struct vkernel, sched.switches_high), 1, 100000000, 2000},
    {"switches_low", "", offsetof(struct vkernel, sched.switches_low), 1, 100000000, 1000},
};

static uint32_t number_get(const struct vkernel *vkernel, const struct number *number)
{
    return *(const uint32_t *)((const char *)vkernel + number->offset);
}

static int number_set(struct vkernel *vkernel, const struct number *number, const char *value,
                      struct err *reason)
{
    char *end;
    unsigned long given = value[0] >= '0' && value[0] <= '9' ? strtoul(value, &end, 10) : 0;

    if (given < number->min || given > number->max || (*end && strcmp(end, number->unit) != 0))
        return err_say(reason, -EINVAL, "%s '%.40s': it is a number from %u to %u%s", number->key,
                       value, number->min, number->max, number->unit);
    *(uint32_t *)((char *)vkernel + number->offset) = (uint32_t)given;
    return 0;
}

/* vkernel's own names for two of them were numbers. */
static int policy_set(struct vkernel *vkernel, const char *value, struct err *reason)
{
    if (strcmp(value, "0") == 0)
        value = "normal";
    if (strcmp(value, "1") == 0)
        value = "fifo";
    for (uint32_t i = 0; i < ARRAY_LEN(policies); i++) {
        if (strcmp(policies[i], value) != 0)
            continue;
        vkernel->sched.policy = i;
        return 0;
    }
    return err_say(reason, -EINVAL,
                   "policy '%.40s': it is normal (0), fifo (1), batch, adaptive or default", value);
}

static int slice_set(struct vkernel *vkernel, const char *value, struct err *reason)
{
    char *end;
    unsigned long given = value[0] >= '0' && value[0] <= '9' ? strtoul(value, &end, 10) : 0;

    if (given > 0 && given <= SLICE_MAX_US && strcmp(end, "ms") == 0)
        given *= 1000;
    else if (given > 0 && strcmp(end, "us") != 0)
        given = 0;
    if (strcmp(value, "default") != 0 && (given < SLICE_MIN_US || given > SLICE_MAX_US))
        return err_say(reason, -EINVAL, "slice '%.40s': it is default, or from 100us to 100ms",
                       value);
    vkernel->sched.slice_us = (uint32_t)given;
    return 0;
}

static int realtime_set(struct vkernel *vkernel, const char *value, struct err *reason)
{
    char *end;
    unsigned long given = value[0] >= '1' && value[0] <= '9' ? strtoul(value, &end, 10) : 0;

    if (given > 0 && strcmp(end, "%") != 0)
        given = 0;
    if (strcmp(value, "off") != 0 && (given == 0 || given > REALTIME_MAX))
        return err_say(reason, -EINVAL, "realtime '%.40s': it is off, or from 1%% to %u%%", value,
                       REALTIME_MAX);
    vkernel->sched.realtime = (uint32_t)given;
    return 0;
}

static int set(struct vkernel *vkernel, const char *key, const char *value, struct err *reason)
{
    if (strcmp(key, "policy") == 0)
        return policy_set(vkernel, value, reason);
    if (strcmp(key, "realtime") == 0)
        return realtime_set(vkernel, value, reason);
    if (strcmp(key, "slice") == 0)
        return slice_set(vkernel, value, reason);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (strcmp(numbers[i].key, key) == 0)
            return number_set(vkernel, &numbers[i], value, reason);
    return err_say(reason, -ENOENT,
                   "sched has policy, slice, realtime, interval, use_high, use_low, "
                   "switches_high and switches_low, not '%.40s'",
                   key);
}

static void each(const struct vkernel *vkernel, vkernel_row row, void *user)
{
    uint32_t slice_us = vkernel->sched.slice_us;
    char text[32];

    row("policy", policies[vkernel->sched.policy], vkernel->sched.policy != 0, user);
    if (slice_us && slice_us % 1000 == 0)
        snprintf(text, sizeof text, "%ums", slice_us / 1000);
    else
        snprintf(text, sizeof text, slice_us ? "%uus" : "default", slice_us);
    row("slice", text, slice_us != 0, user);
    snprintf(text, sizeof text, vkernel->sched.realtime ? "%u%%" : "off", vkernel->sched.realtime);
    row("realtime", text, vkernel->sched.realtime != 0, user);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        uint32_t number = number_get(vkernel, &numbers[i]);
        snprintf(text, sizeof text, "%u%s", number ? number : numbers[i].otherwise,
                 numbers[i].unit);
        row(numbers[i].key, text, number != 0, user);
    }
}

/* ---- a group ---- */

/* The lowest of the kernel's real-time priorities, which is ours. */
#define REALTIME_PRIORITY 1

static bool is_ours(const struct attributes *now, const struct vk_sched *sched)
{
    return now->policy == SCHED_OTHER || now->policy == SCHED_BATCH ||
           (sched->has_budget && now->policy == SCHED_FIFO && now->priority == REALTIME_PRIORITY);
}

/* 1: it was changed; 0: it was so, or has ended. */
static int thread_set(pid_t tid, const struct vk_sched *sched)
{
    struct attributes now = {0};

    if (syscall(__NR_sched_getattr, tid, &now, sizeof now, 0) < 0)
        return errno == ESRCH ? 0 : -errno;
    /* Who gave itself to the idle ones stays there; who has a real-time policy was given it by
     * somebody with the right to. */
    if (!is_ours(&now, sched))
        return 0;
    struct attributes wanted = {.size = sizeof wanted,
                                .priority = sched->policy == SCHED_FIFO ? REALTIME_PRIORITY : 0,
                                .policy = sched->policy,
                                .nice = now.nice,
                                .runtime = sched->slice_ns};
    /* The kernel tells its own slice where none was given: that one can't be compared. Before Linux
     * 6.12 there are none, and what is told is 0. */
    if (now.policy == wanted.policy && sched->slice_ns &&
        (now.runtime == sched->slice_ns || now.runtime == 0))
        return 0;
    bool was_so = now.policy == wanted.policy && sched->slice_ns == 0;
    if (syscall(__NR_sched_setattr, tid, &wanted, 0) < 0)
        return errno == ESRCH ? 0 : -errno;
    return !was_so;
}

/* The threads of one process; how many were changed. */
static int process_set(int tasks_fd, const struct vk_sched *sched)
{
    DIR *tasks = fdopendir(tasks_fd);
    int changed = 0, r = 0;

    if (!tasks) {
        close(tasks_fd);
        return -errno;
    }
    for (struct dirent *entry; r >= 0 && (entry = readdir(tasks));) {
        pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (tid <= 0)
            continue;
        r = thread_set(tid, sched);
        changed += r > 0;
    }
    closedir(tasks);
    return r < 0 ? r : changed;
}

static bool is_in(const pid_t *pids, int count, pid_t pid)
{
    for (int i = 0; i < count; i++)
        if (pids[i] == pid)
            return true;
    return false;
}

/* One process, by a descriptor that is certainly of the group: it is in it after it was opened. */
static int member_set(vk_pids pids, void *user, pid_t pid, pid_t *again,
                      const struct vk_sched *sched)
{
    char path[32];

    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    _cleanup_(closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ESRCH ? 0 : -errno;
    int count = pids(user, again, VK_SCHED_PIDS_MAX);
    if (count < 0)
        return count;
    return is_in(again, count, pid) ? process_set(steal_fd(&fd), sched) : 0;
}

int vk_sched_apply(vk_pids pids, void *user, const struct vk_sched *sched, struct err *err)
{
    _cleanup_(freep) pid_t *list = calloc(2 * VK_SCHED_PIDS_MAX, sizeof *list);
    int changed = 1;

    if (!list)
        return err_set(err, -ENOMEM, "cannot change the scheduling");
    for (int round = 0; changed > 0 && round < ROUNDS_MAX; round++) {
        int count = pids(user, list, VK_SCHED_PIDS_MAX);
        if (count < 0)
            return err_set(err, count, "cannot read the processes of the group");
        if (count == VK_SCHED_PIDS_MAX)
            return err_say(err, -E2BIG, "cannot change the scheduling: more than %d processes",
                           VK_SCHED_PIDS_MAX - 1);
        changed = 0;
        for (int i = 0; i < count; i++) {
            int r = member_set(pids, user, list[i], list + VK_SCHED_PIDS_MAX, sched);
            if (r < 0)
                return err_set(err, r, "cannot change the scheduling of process %d", (int)list[i]);
            changed += r;
        }
    }
    return changed == 0 ? 0
                        : err_say(err, -EBUSY,
                                  "cannot change the scheduling: threads come and go "
                                  "faster than they are changed");
}

struct vk_sched_limits vk_sched_limits(const struct vkernel *vkernel)
{
    uint32_t values[ARRAY_LEN(numbers)];

    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        uint32_t number = number_get(vkernel, &numbers[i]);
        values[i] = number ? number : numbers[i].otherwise;
    }
    return (struct vk_sched_limits){values[0], values[1], values[2], values[3], values[4]};
}

/* ---- the mechanism ---- */

static bool is_since(unsigned major, unsigned minor)
{
    struct utsname name;
    unsigned is_major = 0, is_minor = 0;

    uname(&name);
    sscanf(name.release, "%u.%u", &is_major, &is_minor);
    return is_major > major || (is_major == major && is_minor >= minor);
}

/* Whether a slice that is asked for is there afterwards; on this thread, which has it only then.
 * One of another class can't try. */
bool vk_sched_slices_work(void)
{
    struct attributes before = {0}, now = {0};

    if (syscall(__NR_sched_getattr, 0, &before, sizeof before, 0) < 0)
        return false;
    if (before.policy != SCHED_OTHER && before.policy != SCHED_BATCH)
        return is_since(6, 12);
    struct attributes wanted = before;
    wanted.size = sizeof wanted;
    wanted.runtime = 7000000;
    bool works = syscall(__NR_sched_setattr, 0, &wanted, 0) == 0 &&
                 syscall(__NR_sched_getattr, 0, &now, sizeof now, 0) == 0 && now.runtime == 7000000;
    wanted.runtime = 0;
    syscall(__NR_sched_setattr, 0, &wanted, 0);
    return works;
}

uint64_t vk_sched_own_slice_ns(void)
{
    struct attributes own = {0};

    return syscall(__NR_sched_getattr, 0, &own, sizeof own, 0) < 0 ? 0 : own.runtime;
}

struct vk_sched vk_sched_own(bool called, uint32_t slice_us)
{
    if (called && !vk_sched_slices_work())
        return vk_sched_of(VKERNEL_POLICY_BATCH, 0);
    if (called && slice_us == 0)
        slice_us = SLICE_MIN_US;
    return vk_sched_of(VKERNEL_POLICY_NORMAL, slice_us);
}

bool vk_sched_budgets_work(void)
{
    return access("/sys/fs/cgroup/cpu/cpu.rt_runtime_us", F_OK) == 0 ||
           access("/sys/fs/cgroup/cpu,cpuacct/cpu.rt_runtime_us", F_OK) == 0;
}

/* What the kernel's own scheduler has. */
static void describe_slices(struct vkernel_mechanism *ret_mechanism, const char *why)
{
    bool slices = vk_sched_slices_work();

    *ret_mechanism = (struct vkernel_mechanism){.grade = VKERNEL_LESSER};
    snprintf(ret_mechanism->name, sizeof ret_mechanism->name, "%s",
             slices ? "EEVDF slices" : "SCHED_BATCH");
    snprintf(ret_mechanism->detail, sizeof ret_mechanism->detail, "%s; %s; %s",
             slices ? "fifo is slices of 100 ms without preemption by those that wake: two that "
                      "compute alternate"
                    : "no slices of a thread's own (Linux 6.12): fifo is batch",
             why,
             vk_sched_budgets_work() ? "budgets of SCHED_FIFO: sched.realtime"
                                     : "no SCHED_FIFO: groups have no budgets of it here");
}

static void mechanism(struct vkernel_mechanism *ret_mechanism)
{
    char name[64];

    switch (scheduler_state(name)) {
    case SCHEDULER_UNKNOWN:
        describe_slices(ret_mechanism, "this kernel has no sched_ext");
        return;
    case SCHEDULER_OFF:
        describe_slices(ret_mechanism, "sched_ext is there and off (vireo sched)");
        return;
    case SCHEDULER_OURS:
        *ret_mechanism = (struct vkernel_mechanism){.grade = VKERNEL_BEST, .name = "sched_ext"};
        snprintf(ret_mechanism->detail, sizeof ret_mechanism->detail,
                 "vireo's BPF scheduler has all threads: fifo is strict within a group, shares "
                 "between groups are by cpu.weight");
        return;
    case SCHEDULER_FOREIGN:
        break;
    }
    *ret_mechanism = (struct vkernel_mechanism){.grade = VKERNEL_LESSER};
    snprintf(ret_mechanism->name, sizeof ret_mechanism->name, "sched_ext '%.40s'", name);
    snprintf(ret_mechanism->detail, sizeof ret_mechanism->detail,
             "a scheduler that is not vireo's has the threads: what policies and slices do is "
             "for it to say");
}

#define REALTIME_LACKS "functions share the CPUs by their weights, and none comes before all others"

const struct vkernel_part vkernel_sched = {
    .name = "sched",
    .summary = "its own scheduling policy, changed while it runs",
    .live = "",
    .not_live = "realtime",
    .lacks = {[VKERNEL_OF_PVM] = REALTIME_LACKS, [VKERNEL_OF_FUNCTION] = REALTIME_LACKS},
    .lacks_keys = "realtime",
    .set = set,
    .each = each,
    .mechanism = mechanism,
};
