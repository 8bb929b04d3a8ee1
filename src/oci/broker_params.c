/* The broker acts for the files of the view. What comes from there is checked here: the view's
 * process has no rights, and is trusted with none. */
#include "oci/broker_params.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "oci/broker.h"
#include "oci/groups.h"
#include "oci/vkernel.h"
#include "vkernel/overcommit.h"
#include "vkernel/params.h"
#include "vkernel/scheduling.h"

static int keep(const struct oci_place *place, int state_fd, const struct vkernel *vkernel)
{
    int r = oci_vkernel_schedule(place, vkernel, vkernel->sched.policy, NULL);

    return r < 0 ? r : oci_vkernel_save(state_fd, vkernel, NULL);
}

enum vkernel_policy broker_policy(int state_fd)
{
    struct vkernel vkernel;

    return oci_vkernel_load(state_fd, &vkernel, NULL) < 0
               ? VKERNEL_POLICY_DEFAULT
               : (enum vkernel_policy)vkernel.sched.policy;
}

/* What is kept, to be changed: nobody else does until *ret_lock is closed. */
static int open_change(int state_fd, int *ret_lock, struct vkernel *ret_vkernel)
{
    _cleanup_(closep) int lock = oci_vkernel_lock(state_fd, NULL);
    int r = lock < 0 ? lock : oci_vkernel_load(state_fd, ret_vkernel, NULL);

    if (r == 0)
        *ret_lock = steal_fd(&lock);
    return r;
}

int broker_set_policy(const struct oci_place *place, int state_fd, enum vkernel_policy policy)
{
    struct vkernel vkernel;
    int lock = -1, r = open_change(state_fd, &lock, &vkernel);

    if (r < 0)
        return r;
    const bool begins =
        policy == VKERNEL_POLICY_ADAPTIVE && vkernel.sched.policy != VKERNEL_POLICY_ADAPTIVE;
    vkernel.sched.policy = policy;
    r = keep(place, state_fd, &vkernel);
    close(lock);
    return r == 0 && begins ? oci_adaptive_start(place, state_fd, NULL) : r;
}

/* ---- values as text ---- */

static int read_policy(int state_fd, char text[static VIEW_VALUE_BYTES])
{
    enum vkernel_policy policy = broker_policy(state_fd);

    snprintf(
        text, VIEW_VALUE_BYTES, "%s\n",
        vkernel_policy_name(policy == VKERNEL_POLICY_DEFAULT ? VKERNEL_POLICY_NORMAL : policy));
    return 0;
}

/* The slice that acts: what was set, else the policy's, else the kernel's. */
static int read_granularity(int state_fd, char text[static VIEW_VALUE_BYTES])
{
    struct vkernel vkernel;
    int r = oci_vkernel_load(state_fd, &vkernel, NULL);

    if (r < 0)
        return r;
    if (vkernel.sched.policy == VKERNEL_POLICY_FIFO && !vk_sched_fifo_has_slices(&vkernel)) {
        snprintf(text, VIEW_VALUE_BYTES, "0\n"); /* as sched_rr_get_interval(2) tells it */
        return 0;
    }
    uint64_t slice_ns = vk_sched_for(&vkernel, vkernel.sched.policy).slice_ns;
    snprintf(text, VIEW_VALUE_BYTES, "%llu\n",
             (unsigned long long)(slice_ns ? slice_ns : vk_sched_own_slice_ns()));
    return 0;
}

static int write_granularity(const struct oci_place *place, int state_fd, uint32_t slice_us)
{
    struct vkernel vkernel;
    _cleanup_(closep) int lock = -1;
    int r = open_change(state_fd, &lock, &vkernel);

    if (r < 0)
        return r;
    vkernel.sched.slice_us = slice_us;
    r = vk_sched_check_slice(&vkernel, NULL);
    return r < 0 ? r : keep(place, state_fd, &vkernel);
}

/* v1's file of the container's group: NULL text to read it. */
static int swappiness(const struct oci_place *place, const char *value,
                      char text[static VIEW_VALUE_BYTES])
{
    _cleanup_(freep) struct cgroup_place *groups = calloc(1, sizeof *groups);
    _cleanup_(freep) char *now = NULL;
    size_t size = 0;

    if (!groups)
        return -ENOMEM;
    int r = groups_open(place, groups, NULL);
    const struct cgroup_place_tree *memory =
        r < 0 ? NULL : cgroup_place_tree(groups, "memory", false);
    if (r == 0 && (!memory || memory->fd < 0))
        r = -EOPNOTSUPP;
    if (r == 0 && value)
        r = fd_write_string(memory->fd, "memory.swappiness", value);
    if (r == 0 && !value)
        r = fd_read_file(memory->fd, "memory.swappiness", VIEW_VALUE_BYTES - 1, &now, &size, NULL);
    if (r == 0 && !value)
        snprintf(text, VIEW_VALUE_BYTES, "%s", now);
    cgroup_place_close(groups);
    return r;
}

/* Numbers as /proc/sys/vm has them. */
static int read_overcommit(int state_fd, uint32_t param, char text[static VIEW_VALUE_BYTES])
{
    struct vkernel vkernel;
    int r = oci_vkernel_load(state_fd, &vkernel, NULL);

    if (r == 0)
        snprintf(text, VIEW_VALUE_BYTES, "%u\n",
                 param == VIEW_OVERCOMMIT_MEMORY ? overcommit_mode(&vkernel)
                                                 : overcommit_ratio(&vkernel));
    return r;
}

/* EPERM: it would be looser than the host's. */
static int write_overcommit(const struct oci_place *place, int state_fd, uint32_t param,
                            uint32_t value)
{
    struct vkernel vkernel;
    _cleanup_(closep) int lock = -1;
    int r = open_change(state_fd, &lock, &vkernel);

    if (r < 0)
        return r;
    if (param == VIEW_OVERCOMMIT_MEMORY)
        vkernel.memory.overcommit = value + 1;
    else
        vkernel.memory.overcommit_ratio = value + 1;
    r = oci_vkernel_overcommit(place, state_fd, &vkernel, NULL);
    return r < 0 ? r : oci_vkernel_save(state_fd, &vkernel, NULL);
}

/* ---- wishes ---- */

static int look(const struct oci_place *place, int state_fd, uint32_t param,
                char text[static VIEW_VALUE_BYTES])
{
    switch (param) {
    case VIEW_POLICY:
        return read_policy(state_fd, text);
    case VIEW_GRANULARITY:
        return read_granularity(state_fd, text);
    case VIEW_SWAPPINESS:
        return swappiness(place, NULL, text);
    case VIEW_OVERCOMMIT_MEMORY:
    case VIEW_OVERCOMMIT_RATIO:
        return read_overcommit(state_fd, param, text);
    default:
        return -EINVAL;
    }
}

static int change(const struct oci_place *place, int state_fd, const struct view_wish *wish)
{
    char text[VIEW_VALUE_BYTES];
    uint32_t value = 0;
    int r = -EINVAL;

    switch (wish->param) {
    case VIEW_POLICY:
        r = vk_params_policy(wish->value, wish->length, &value);
        return r < 0 ? r : broker_set_policy(place, state_fd, value);
    case VIEW_GRANULARITY:
        r = vk_params_granularity(wish->value, wish->length, &value);
        return r < 0 ? r : write_granularity(place, state_fd, value);
    case VIEW_SWAPPINESS:
        r = vk_params_swappiness(wish->value, wish->length, &value);
        snprintf(text, sizeof text, "%u", value);
        return r < 0 ? r : swappiness(place, text, text);
    case VIEW_OVERCOMMIT_MEMORY:
    case VIEW_OVERCOMMIT_RATIO:
        r = vk_params_overcommit(wish->value, wish->length, wish->param == VIEW_OVERCOMMIT_RATIO,
                                 &value);
        return r < 0 ? r : write_overcommit(place, state_fd, wish->param, value);
    default:
        return r;
    }
}

void broker_grant(const struct oci_place *place, int state_fd, const struct view_wish *wish,
                  struct view_granted *ret_granted)
{
    int r = -EINVAL;

    *ret_granted = (struct view_granted){.number = wish->number};
    if (!wish->is_write)
        r = look(place, state_fd, wish->param, ret_granted->value);
    else if (wish->length <= VIEW_VALUE_BYTES)
        r = change(place, state_fd, wish);
    ret_granted->error = r < 0 ? -r : 0;
    ret_granted->length = r < 0 || wish->is_write ? 0 : (uint32_t)strlen(ret_granted->value);
}
