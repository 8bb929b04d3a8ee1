/*
 * Which keys a family has, by the kernel: looked for in the family's own namespace of queues and
 * shared memory, in which this thread is for as long as it asks.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/msg.h>
#include <sys/shm.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "faas/supervisor_kin_internal.h"

/* Once of a family. CAP_SYS_PTRACE. */
void kin_namespace_open(struct kin *kin, pid_t member)
{
    char path[48];

    if (kin->ipc >= 0)
        return;
    snprintf(path, sizeof path, "/proc/%d/ns/ipc", (int)member);
    _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    /* It was a member's if the number is one's now. */
    _cleanup_(closep) int pidfd = fd < 0 ? -1 : kin_member_pidfd(kin->instance, member);
    if (pidfd >= 0)
        kin->ipc = steal_fd(&fd);
}

/* What it may not read is there, too: EACCES. */
static bool is_there(const struct kin_key *key)
{
    int id = key->kind == KIN_QUEUE ? msgget(key->key, 0) : shmget(key->key, 0, 0);

    return id >= 0 || errno != ENOENT;
}

/* System calls: setns, twice; msgget or shmget of each. CAP_SYS_ADMIN. */
void kin_look(void *context, uint64_t family, const struct kin_key *const *keys, unsigned count,
              bool *ret_there)
{
    static int own = -1; /* kept for good: each look comes back to it */
    const struct supervisor *supervisor = context;
    const struct kin *kin = supervisor->instances[family % INSTANCES_MAX].kin;

    memset(ret_there, true, count * sizeof *ret_there);
    if (own < 0)
        own = open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC);
    if (!kin || kin->ipc < 0 || own < 0 || setns(kin->ipc, CLONE_NEWIPC) < 0)
        return;
    for (unsigned i = 0; i < count; i++)
        ret_there[i] = is_there(keys[i]);
    if (setns(own, CLONE_NEWIPC) == 0)
        return;
    log_line(LOG_ERROR, "cannot leave a family's namespace: %s", strerror(errno));
    abort(); /* what is started from here would be in it */
}
