/*
 * The broker of emulated calls. A caller is named by a thread id, which may be another's by the
 * time it is looked at: whatever was opened or read by it counts only if the notification is still
 * valid afterwards (seccomp_unotify(2)). A caller that is gone is answered by nobody.
 */
#include "vkernel/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <linux/sysinfo.h>
#include <poll.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/pace.h"
#include "vkernel/syscalls_internal.h"

#define PRIORITY_MAX 99 /* of SCHED_FIFO: sched(7) */

struct call {
    int listener;
    const struct seccomp_notif *notice;
    const struct vk_group *group;
};

/* The same caller still waits: what was got by its id is its. */
static bool is_valid(const struct call *call)
{
    uint64_t id = call->notice->id;

    return ioctl(call->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

/* /proc/PID/mem goes through protection. What the caller has mapped and may not touch like that is
 * EFAULT, as for the kernel; what is not mapped the copy finds itself. Who takes the protection
 * away meanwhile and puts it back can do so anyhow. */
static bool is_protected(FILE *maps, uint64_t from, uint64_t end, bool write)
{
    _cleanup_(freep) char *line = NULL;
    size_t size = 0;

    while (getline(&line, &size, maps) > 0) {
        char *at;
        uint64_t begin = strtoull(line, &at, 16), after = *at ? strtoull(at + 1, &at, 16) : 0;
        if (begin >= end)
            break;
        if (after > from && (strlen(at) < strlen(" rw") || at[write ? 2 : 1] == '-'))
            return true;
    }
    return ferror(maps);
}

/* The caller's memory: of the address space that it has now, whatever becomes of the id. */
static int open_memory(const struct call *call, uint64_t from, size_t size, bool write)
{
    char path[32];
    uint64_t end;

    snprintf(path, sizeof path, "/proc/%u/maps", call->notice->pid);
    _cleanup_(fclosep) FILE *maps = fopen(path, "re");
    snprintf(path, sizeof path, "/proc/%u/mem", call->notice->pid);
    _cleanup_(closep) int fd = open(path, (write ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
    if (fd < 0 || !maps)
        return -EFAULT;
    if (!is_valid(call))
        return -ESRCH;
    if (__builtin_add_overflow(from, size, &end) || is_protected(maps, from, end, write))
        return -EFAULT;
    return steal_fd(&fd);
}

static int copy_out(const struct call *call, uint64_t to, const void *bytes, size_t size)
{
    _cleanup_(closep) int fd = open_memory(call, to, size, true);

    if (fd < 0)
        return fd;
    return pwrite(fd, bytes, size, (off_t)to) == (ssize_t)size ? 0 : -EFAULT;
}

static int copy_in(const struct call *call, uint64_t from, void *bytes, size_t size)
{
    _cleanup_(closep) int fd = open_memory(call, from, size, false);

    if (fd < 0)
        return fd;
    return pread(fd, bytes, size, (off_t)from) == (ssize_t)size ? 0 : -EFAULT;
}

/* The caller by the id that it has itself: the last one of NSpid. */
static int own_id(const struct call *call, pid_t *ret_pid)
{
    char path[32], line[256];
    pid_t found = 0;

    snprintf(path, sizeof path, "/proc/%u/status", call->notice->pid);
    _cleanup_(fclosep) FILE *status = fopen(path, "re");
    while (status && fgets(line, sizeof line, status)) {
        char *last = strncmp(line, "NSpid:", 6) == 0 ? strrchr(line, '\t') : NULL;
        if (last)
            found = (pid_t)strtol(last + 1, NULL, 10);
    }
    if (found <= 0 || !is_valid(call))
        return -ESRCH;
    *ret_pid = found;
    return 0;
}

/* The policy is the whole group's: it is asked for by a thread for itself. */
static int check_self(const struct call *call)
{
    pid_t asked = (pid_t)call->notice->data.args[0], own;

    if (asked == 0)
        return 0;
    int r = own_id(call, &own);
    return r < 0 ? r : asked == own ? 0 : -EPERM;
}

/* ---- the calls ---- */

static int64_t emulate_sysinfo(const struct call *call)
{
    struct sysinfo
        info; /* the kernel's: a libc's may be larger than what the caller has room for */
    uint64_t limit = UINT64_MAX, used = 0;
    unsigned processes = 0;

    if (syscall(SYS_sysinfo, &info) < 0)
        return -errno;
    int r = call->group->memory(call->group->user, &limit, &used, &processes);
    if (r < 0)
        return r;
    uint64_t unit = info.mem_unit ? info.mem_unit : 1;
    uint64_t machine = info.totalram * unit, free_there = info.freeram * unit;
    if (limit > machine)
        limit = machine;
    uint64_t left = limit > used ? limit - used : 0;
    struct sysinfo own = {.uptime = info.uptime,
                          .loads = {info.loads[0], info.loads[1], info.loads[2]},
                          .totalram = limit,
                          .freeram = left < free_there ? left : free_there,
                          .procs = (unsigned short)(processes < 65535 ? processes : 65535),
                          .mem_unit = 1};
    return copy_out(call, call->notice->data.args[0], &own, sizeof own);
}

/* The group has one policy, and nothing beside it: what else is asked for is refused, not dropped.
 * Of fifo's priorities each is the same, as all of the group have it. */
static int64_t set_kernel_policy(const struct call *call, uint32_t policy, uint32_t priority)
{
    if (policy == SCHED_FIFO ? priority < 1 || priority > PRIORITY_MAX : priority != 0)
        return -EINVAL;
    switch (policy) { /* with SCHED_RESET_ON_FORK it is none of these */
    case SCHED_OTHER:
        return call->group->set_policy(call->group->user, VKERNEL_POLICY_NORMAL);
    case SCHED_BATCH:
        return call->group->set_policy(call->group->user, VKERNEL_POLICY_BATCH);
    case SCHED_FIFO:
        return call->group->set_policy(call->group->user, VKERNEL_POLICY_FIFO);
    default:
        return -EINVAL;
    }
}

static int64_t emulate_setscheduler(const struct call *call)
{
    const __u64 *arguments = call->notice->data.args;
    uint32_t priority = 0;
    int r = check_self(call);

    if (r == 0)
        r = arguments[2] ? copy_in(call, arguments[2], &priority, sizeof priority) : -EINVAL;
    return r < 0 ? r : set_kernel_policy(call, (uint32_t)arguments[1], priority);
}

/* sched_setattr(2): as far as the first kernels had it, and what the next ones have behind it,
 * which counts with a flag alone. */
struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t utilization[2];
};
#define ATTRIBUTES_LEAST offsetof(struct attributes, utilization)
#define ATTRIBUTES_MOST 4096

/* Its size as the kernel reads it: 0 is the least, and what lies beyond the known must be 0. */
static int read_attributes(const struct call *call, uint64_t from, struct attributes *ret)
{
    uint8_t bytes[ATTRIBUTES_MOST] = {0};
    uint32_t size;
    int r = copy_in(call, from, &size, sizeof size);

    if (r == 0 && size == 0)
        size = ATTRIBUTES_LEAST;
    if (r == 0 && (size < ATTRIBUTES_LEAST || size > ATTRIBUTES_MOST))
        r = -E2BIG;
    /* Read once: what it says later changes nothing. */
    if (r == 0)
        r = copy_in(call, from, bytes, size);
    for (size_t i = sizeof *ret; r == 0 && i < size; i++)
        if (bytes[i])
            r = -E2BIG;
    memcpy(ret, bytes, sizeof *ret);
    return r;
}

static int64_t emulate_setattr(const struct call *call)
{
    const __u64 *arguments = call->notice->data.args;
    struct attributes wanted = {0};
    int r = check_self(call);

    if (r == 0 && arguments[2] != 0)
        r = -EINVAL;
    if (r == 0)
        r = read_attributes(call, arguments[1], &wanted);
    if (r == 0 &&
        (wanted.flags || wanted.nice || wanted.runtime || wanted.deadline || wanted.period))
        r = -EINVAL;
    return r < 0 ? r : set_kernel_policy(call, wanted.policy, wanted.priority);
}

static int64_t emulate_getscheduler(const struct call *call)
{
    int r = check_self(call);

    if (r < 0)
        return r;
    switch (call->group->policy(call->group->user)) {
    case VKERNEL_POLICY_FIFO:
        return SCHED_FIFO;
    case VKERNEL_POLICY_BATCH:
        return SCHED_BATCH;
    default:
        return SCHED_OTHER;
    }
}

/* Which of its actions fill the caller's buffer: syslog(2). */
static bool log_fills(int type)
{
    return type >= 2 && type <= 4;
}

static int64_t emulate_syslog(const struct call *call)
{
    const __u64 *arguments = call->notice->data.args;
    int type = (int)arguments[0], length = (int)arguments[2];
    const char *text = NULL;

    if (!call->group->log)
        return -ENOSYS;
    if (log_fills(type) && (!arguments[1] || length < 0))
        return -EINVAL;
    if (log_fills(type) && length == 0)
        return 0;
    int64_t value = call->group->log(call->group->user, type, log_fills(type) ? length : 0, &text);
    if (value <= 0 || !log_fills(type))
        return value;
    int r = copy_out(call, arguments[1], text, (size_t)value);
    return r < 0 ? r : value;
}

static const struct {
    uint16_t number;
    int64_t (*answer)(const struct call *call);
} emulated[] = {
    {__NR_sysinfo, emulate_sysinfo},       {__NR_sched_setscheduler, emulate_setscheduler},
    {__NR_sched_setattr, emulate_setattr}, {__NR_sched_getscheduler, emulate_getscheduler},
    {__NR_syslog, emulate_syslog},
};

bool vk_can_emulate(unsigned number)
{
    for (size_t i = 0; i < ARRAY_LEN(emulated); i++)
        if (emulated[i].number == number)
            return true;
    return false;
}

bool vkernel_emulates(const struct vkernel *vkernel)
{
    struct vk_table *table = NULL;

    if (vkernel_syscalls_table(vkernel, &table, NULL) < 0 || !table)
        return false;
    bool any = vk_table_has(table, VK_EMULATED);
    vk_table_free(table);
    return any;
}

/* ---- the listener ---- */

/* What no emulator is for is not there: ENOSYS. */
static void answer_one(int listener, const struct vk_group *group)
{
    struct seccomp_notif notice = {0};

    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &notice) < 0)
        return; /* who called has been ended meanwhile */
    const struct call call = {listener, &notice, group};
    struct seccomp_notif_resp answer = {.id = notice.id, .error = -ENOSYS};
    for (size_t i = 0; i < ARRAY_LEN(emulated); i++) {
        if ((int)emulated[i].number != notice.data.nr)
            continue;
        int64_t value = emulated[i].answer(&call);
        answer.error = value < 0 ? (int32_t)value : 0;
        answer.val = value < 0 ? 0 : value;
    }
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

int vk_broker_serve(int listener, const struct vk_group *group)
{
    struct pollfd all[VK_WATCHES + 1] = {[VK_WATCHES] = {.fd = listener, .events = POLLIN}};
    struct pollfd *calls = &all[VK_WATCHES];
    struct pace pace = {0};
    bool more = true;

    for (size_t i = 0; i < VK_WATCHES; i++)
        all[i] = (struct pollfd){.fd = group->watches[i].fd, .events = POLLIN};
    while (more) {
        if (poll(all, ARRAY_LEN(all), -1) < 0) {
            if (errno != EINTR)
                return -errno;
            continue;
        }
        if (calls->revents & POLLIN)
            answer_one(listener, group);
        else if (calls->revents) /* nobody has the filter any more */
            calls->fd = -1;
        more = calls->fd >= 0;
        for (size_t i = 0; i < VK_WATCHES; i++) {
            if (all[i].revents)
                all[i].fd = group->watches[i].changed(group->user, all[i].fd);
            more = more || all[i].fd >= 0;
        }
        /* The broker's time is not the container's: who calls in a loop waits. */
        pace_keep(&pace);
    }
    return 0;
}
