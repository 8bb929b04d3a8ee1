/* Families' members in control groups of their own, where the manifest says so. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "faas/supervisor_kin_internal.h"
#include "pvm/members.h"

/*
 * Moving a process may make the loop wait 10 ms: so many at once, and then so many a second, of one
 * family and of all. Who comes beyond stays in its parent's group.
 */
#define MOVES_BURST 16u
#define MOVES_PER_SECOND 2u
#define ALL_MOVES_BURST 32u
#define ALL_MOVES_PER_SECOND 10u

static void member_leave(struct supervisor *supervisor, struct kin_member *member)
{
    supervisor_unwatch(supervisor, &member->source);
    closep(&member->source.fd);
    member->source.fd = -1;
    member->pid = 0;
}

static void member_ended(struct supervisor *supervisor, struct source *source, uint32_t events)
{
    struct kin_member *member = source->owner;

    (void)events;
    /* Its children were born in it, and may live on: then the end of the family removes it. */
    if (cgroup_member_remove(member->kin->instance->group, member->pid) == 0)
        member_leave(supervisor, member);
    else
        supervisor_unwatch(supervisor, &member->source);
}

static bool may_move(struct kin *kin)
{
    static struct kin_rate all; /* the loop's */
    int64_t now_ns = clock_now_ns();

    return kin_rate_allows(&kin->moves, MOVES_BURST, MOVES_PER_SECOND, now_ns) &&
           kin_rate_allows(&all, ALL_MOVES_BURST, ALL_MOVES_PER_SECOND, now_ns);
}

/* Its limits stand above it all the same; what it may not expect is to be counted by itself. */
static int refused(struct supervisor *supervisor, struct kin *kin, pid_t pid)
{
    char why[96];

    if (!kin->own_groups) /* a liar's */
        return -EAGAIN;
    snprintf(why, sizeof why,
             "at most %u members have their own, %u at once and %u a second get one", GROUPS_MAX,
             MOVES_BURST, MOVES_PER_SECOND);
    kin_group_refused(supervisor, kin, pid, why);
    return -EAGAIN;
}

/* While a message waits its sender may end, and its number be a stranger's: who is in one of the
 * instance's groups, and was so while the descriptor was taken, is a member. System calls:
 * pidfd_open, those of pvm_pids(), poll. */
int kin_member_pidfd(const struct instance *instance, pid_t pid)
{
    pid_t pids[PVM_MEMBERS_MAX];
    _cleanup_(closep) int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

    if (pidfd < 0)
        return -errno;
    int count = pvm_pids(instance, pids, ARRAY_LEN(pids));
    bool found = false;
    for (int i = 0; i < count && !found; i++)
        found = pids[i] == pid;
    struct pollfd ended = {.fd = pidfd, .events = POLLIN};
    return found && poll(&ended, 1, 0) == 0 ? steal_fd(&pidfd) : -ESRCH;
}

int kin_member_born(struct supervisor *supervisor, struct kin *kin, pid_t pid)
{
    struct kin_member *member = NULL;
    struct err err = {0};

    for (size_t i = 0; kin->own_groups && i < GROUPS_MAX && !member; i++)
        if (kin->members[i].pid == 0)
            member = &kin->members[i];
    if (!member || !kin->instance->group || !may_move(kin))
        return refused(supervisor, kin, pid);
    _cleanup_(closep) int pidfd = kin_member_pidfd(kin->instance, pid);
    if (pidfd < 0)
        return pidfd;
    int r = cgroup_member_make(kin->instance->group, pid, &err);
    if (r < 0) {
        cgroup_member_remove(kin->instance->group, pid);
        supervisor->member_groups_refused++;
        log_line(LOG_WARNING, "%s", err.message);
        return r;
    }
    member->pid = pid;
    member->kin = kin;
    member->source = (struct source){.ready = member_ended, .owner = member, .fd = -1};
    return supervisor_watch(supervisor, &member->source, steal_fd(&pidfd), EPOLLIN, NULL);
}

size_t kin_groups(const struct instance *instance, pid_t *pids, size_t max)
{
    const struct kin *kin = instance->kin;
    size_t count = 0;

    for (size_t i = 0; kin && kin->own_groups && i < GROUPS_MAX && count < max; i++)
        if (kin->members[i].pid)
            pids[count++] = kin->members[i].pid;
    return count;
}

bool kin_groups_end(struct supervisor *supervisor, struct kin *kin)
{
    bool burnt = false;

    for (size_t i = 0; kin->own_groups && i < GROUPS_MAX; i++) {
        if (kin->members[i].pid == 0)
            continue;
        burnt |= cgroup_member_remove(kin->instance->group, kin->members[i].pid) < 0;
        member_leave(supervisor, &kin->members[i]);
    }
    return burnt;
}
