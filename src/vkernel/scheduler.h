/*
 * The BPF scheduler (sched_ext), which an operator may have loaded: what there is, and how a
 * group's policy gets there. It is held by vireo-sched; who sets a policy tells that process, over
 * a socket that root alone reaches, and needs no bpf(2).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vkernel/vkernel.h"

struct err;

#define SCHEDULER_PROGRAM "vireo-sched"
#define SCHEDULER_SOCKET "/run/vireo-sched.sock"
/* What a group was told stands in this attribute of its directory, for a scheduler that is loaded
 * later: a policy's name. trusted.*: CAP_SYS_ADMIN of the host. */
#define SCHEDULER_ATTRIBUTE "trusted.vireo.policy"

enum scheduler_state {
    SCHEDULER_UNKNOWN, /* the kernel has no sched_ext */
    SCHEDULER_OFF,
    SCHEDULER_OURS,
    SCHEDULER_FOREIGN,
};

/* What is loaded, and its name; "" where nothing is. */
enum scheduler_state scheduler_state(char ret_name[static 64]);

/* A message to vireo-sched, and its answer: 0 or -errno, an int32_t. */
struct scheduler_wish {
    uint64_t group;  /* the inode of its directory in the v2 tree */
    uint32_t policy; /* enum vkernel_policy: normal, batch, fifo */
    uint32_t reserved;
};

/* Whether a policy is another one than normal, so that the scheduler is to be told of it. */
bool scheduler_orders(enum vkernel_policy policy);
/*
 * A group's policy: remembered with the group, and given to the scheduler if it is there. Without
 * it that is no error: threads have what vk_sched_apply() gives them. `group_fd`: its directory in
 * the v2 tree. CAP_SYS_ADMIN.
 */
int scheduler_tell(int group_fd, enum vkernel_policy policy, struct err *err);
