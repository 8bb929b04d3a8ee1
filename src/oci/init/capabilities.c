/* Ids and the five sets of capabilities, in the one order that works. */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "oci/init/init.h"

#ifndef PR_CAP_AMBIENT
#define PR_CAP_AMBIENT 47
#define PR_CAP_AMBIENT_RAISE 2
#define PR_CAP_AMBIENT_CLEAR_ALL 4
#endif

/* The kernel's last capability is where it starts to say EINVAL. */
static int drop_bounding(uint64_t keep)
{
    for (unsigned i = 0; i < 64; i++)
        if (!(keep >> i & 1) && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0) {
            if (errno == EINVAL && i > CAP_SETPCAP)
                return 0;
            return -errno;
        }
    return 0;
}

static int take_ids(struct init *init)
{
    const struct init_process *process = &init->plan->process;

    bool groups = process->set_groups && !init->no_groups;

    if (!groups && process->group_count)
        return init_asked(init, err_set(&init->err, -EPERM, "cannot set the additional groups"),
                          "process.user.additionalGids");
    if (groups && syscall(SYS_setgroups, process->group_count, process->groups) < 0)
        return init_asked(init, err_set(&init->err, -errno, "cannot set the additional groups"),
                          "process.user.additionalGids");
    if (syscall(SYS_setresgid, process->gid, process->gid, process->gid) < 0)
        return init_asked(init, err_set(&init->err, -errno, "cannot become group %u", process->gid),
                          "process.user.gid");
    if (syscall(SYS_setresuid, process->uid, process->uid, process->uid) < 0)
        return init_asked(init, err_set(&init->err, -errno, "cannot become user %u", process->uid),
                          "process.user.uid");
    return 0;
}

static int set_three(const struct init_process *process)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct sets[2] = {
        {(uint32_t)process->effective, (uint32_t)process->permitted,
         (uint32_t)process->inheritable},
        {(uint32_t)(process->effective >> 32), (uint32_t)(process->permitted >> 32),
         (uint32_t)(process->inheritable >> 32)},
    };

    return syscall(SYS_capset, &header, sets) < 0 ? -errno : 0;
}

static int raise_ambient(uint64_t set)
{
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
        return -errno;
    for (unsigned i = 0; set >> i; i++)
        if ((set >> i & 1) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) < 0)
            return -errno;
    return 0;
}

/* The permitted ones survive the change of user (KEEPCAPS), the effective ones come back by set. */
int init_capabilities(struct init *init)
{
    const struct init_process *process = &init->plan->process;

    int r = drop_bounding(process->bounding);
    if (r < 0)
        return err_set(&init->err, r, "cannot drop capabilities of the bounding set");
    if (process->uid && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
        return err_set(&init->err, -errno, "cannot keep capabilities");
    r = take_ids(init);
    if (r < 0)
        return r;
    r = set_three(process);
    if (r < 0)
        return err_set(&init->err, r,
                       "cannot set capabilities (does the runtime itself hold all of them?)");
    /* The kernel's rule: only what is permitted and inheritable can be ambient. Configurations name
     * more (runc's own template does), and mean what every runtime makes of it. */
    r = raise_ambient(process->ambient & process->permitted & process->inheritable);
    return r < 0 ? err_set(&init->err, r, "cannot set the ambient capabilities") : 0;
}
