/* The scheduling of a virtual kernel's group: which policy and slice its threads have. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "vkernel/vkernel.h"

struct err;

/* What the kernel is told of a thread. */
struct vk_sched {
    uint32_t policy;   /* SCHED_OTHER, SCHED_BATCH; SCHED_FIFO with a budget */
    uint64_t slice_ns; /* 0: the kernel's own */
    bool has_budget;   /* its group has one of real time: threads of SCHED_FIFO are changed too */
};

const char *vkernel_policy_name(enum vkernel_policy policy);

/* What a policy other than adaptive and default is made of. `slice_us` 0: the policy's own. */
struct vk_sched vk_sched_of(enum vkernel_policy policy, uint32_t slice_us);

/* The same for a virtual kernel: with a budget of real time fifo is the kernel's SCHED_FIFO. */
struct vk_sched vk_sched_for(const struct vkernel *vkernel, enum vkernel_policy policy);

/* Whether what is fifo has slices: with a budget of real time and under the BPF scheduler who runs
 * goes on until it waits. */
bool vk_sched_fifo_has_slices(const struct vkernel *vkernel);
/* -EINVAL: a slice is said where nothing has one: such a fifo, or a kernel without slices. */
int vk_sched_check_slice(const struct vkernel *vkernel, struct err *err);

/* Whether groups can have budgets of real time: RT_GROUP_SCHED, in a v1 tree of the CPU. */
bool vk_sched_budgets_work(void);

/*
 * The wall's own, which is `default`: normal, and for instances that are `called` by a channel
 * short slices. Such a one works for microseconds and sleeps; when it wakes it is given the CPU at
 * once instead of at the tick that ends another's slice (4 ms), and its share is what it was. A
 * kernel without slices (before Linux 6.12) has batch for it: an instance that put the gateway
 * aside at each wake would undo its batches.
 */
struct vk_sched vk_sched_own(bool called, uint32_t slice_us);

/* The processes of a group into `pids`, at most `max`: their count, or -errno. */
typedef int (*vk_pids)(void *user, pid_t *pids, size_t max);

#define VK_SCHED_PIDS_MAX 4096

/*
 * Gives every thread of the group this policy and slice, those that are started meanwhile too: it
 * goes over the group until nothing is left to change. Threads keep their place: none is stopped.
 * CAP_SYS_NICE where they have another uid. -EBUSY: it did not come to an end; -E2BIG.
 */
int vk_sched_apply(vk_pids pids, void *user, const struct vk_sched *sched, struct err *err);

/* Whether a thread can have a slice of its own here (Linux 6.12); tried on this thread. */
bool vk_sched_slices_work(void);
/* This thread's: the kernel's own one, if nobody set another. */
uint64_t vk_sched_own_slice_ns(void);

/* What a group did between two looks. */
struct vk_sched_load {
    double use; /* per cent of the time that the CPUs had for it: its own and their idle time */
    double switches; /* a second, voluntary and not */
};

/* What a group has done so far. */
struct vk_sched_count {
    int64_t time_ns;
    uint64_t cpu_us;   /* of its control group: the caller's to fill in */
    uint64_t idle_us;  /* of all CPUs of the machine */
    uint64_t switches; /* of the threads that there are */
};
/* Reads all but cpu_us. -errno. */
int vk_sched_count(vk_pids pids, void *user, struct vk_sched_count *ret_count);
/* Between two of them. */
struct vk_sched_load vk_sched_load(const struct vk_sched_count *before,
                                   const struct vk_sched_count *now);
/* Between what adaptive decides, and how often it looks; what was not said has a default. */
struct vk_sched_limits {
    uint32_t interval_ms, use_high, use_low, switches_high, switches_low;
};
struct vk_sched_limits vk_sched_limits(const struct vkernel *vkernel);

/* What adaptive makes of it: fifo when both are high, normal when both are low, else as it was. */
enum vkernel_policy vk_sched_adapt(const struct vkernel *vkernel, enum vkernel_policy now,
                                   const struct vk_sched_load *load);
