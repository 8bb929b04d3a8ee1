/* The BPF scheduler: what its programs (scheduler.bpf.c), who holds them and who sets a group's
 * policy agree on. */
#pragma once

#include <linux/types.h>

/* Names of maps are the kernel's, for all of the machine: the layout is part of this one. */
#define SCHEDULER_MAP "vireo_policies"
#define SCHEDULER_GROUPS_MAX 8192
/* What /sys/kernel/sched_ext/root/ops says. */
#define SCHEDULER_NAME "vireo"

/*
 * The map: a group's id (the inode of its directory) and its policy. Under the id that no group has
 * is the time of the last change: groups look again when it is another one.
 */
#define SCHEDULER_CHANGED 0

/* Groups below one that has a policy have it too; where none has, it is normal. */
enum scheduler_policy { SCHEDULER_NORMAL, SCHEDULER_BATCH, SCHEDULER_FIFO };

/* The kernel has taken the scheduler back. */
struct scheduler_end {
    __u32 kind; /* the kernel's enum scx_exit_kind */
    __u32 reserved;
    char reason[64];
    char message[192];
};
#define SCHEDULER_UNREGISTERED 64
