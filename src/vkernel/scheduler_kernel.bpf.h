/* The kernel's side of sched_ext, as far as scheduler.bpf.c uses it. Where a member is, is found
 * when the program is loaded. */
#pragma once

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* kernel/sched/ext_internal.h, ext.h */
#define SCX_DSQ_GLOBAL 0x8000000000000001ull
#define SCX_DSQ_LOCAL 0x8000000000000002ull
#define SCX_ENQ_WAKEUP 1ull
#define SCX_ENQ_CPU_SELECTED (1ull << 20)
#define SCX_ENQ_PREEMPT (1ull << 32)
#define SCX_DEQ_SLEEP 1ull
#define SCX_KICK_IDLE 1ull
#define SCX_KICK_PREEMPT 2ull
#define SCX_TASK_QUEUED 1u
#define PF_KTHREAD 0x00200000u

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct cpumask {
    unsigned long bits[1];
};
struct kernfs_node {
    __u64 id;
};
struct cgroup;
struct cgroup_subsys_state {
    struct cgroup *cgroup;
    struct cgroup_subsys_state *parent;
};
struct cgroup {
    struct cgroup_subsys_state self;
    struct kernfs_node *kn;
};
struct sched_entity {
    unsigned char custom_slice;
    __u64 slice;
};
struct sched_ext_entity {
    __u32 flags;
    __u32 weight; /* 100 is nice 0 */
};
struct task_struct {
    unsigned int flags;
    int nr_cpus_allowed, tgid;
    const struct cpumask *cpus_ptr;
    struct cpumask cpus_mask; /* clang describes what is pointed to by its name alone */
    struct sched_entity se;
    struct sched_ext_entity scx;
};
struct scx_init_task_args {
    bool fork;
    struct cgroup *cgroup;
};
struct scx_cgroup_init_args {
    __u32 weight;
    __u64 bw_period_us, bw_quota_us;
};
enum scx_exit_kind { SCX_EXIT_NONE };
struct scx_exit_info {
    enum scx_exit_kind kind;
    const char *reason;
    char *msg;
};
#pragma clang attribute pop

struct bpf_iter_num {
    __u64 opaque[1];
} __attribute__((aligned(8)));
struct bpf_iter_scx_dsq {
    __u64 opaque[6];
} __attribute__((aligned(8)));

extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;
extern int bpf_iter_scx_dsq_new(struct bpf_iter_scx_dsq *it, __u64 queue, __u64 flags) __ksym;
extern struct task_struct *bpf_iter_scx_dsq_next(struct bpf_iter_scx_dsq *it) __ksym;
extern void bpf_iter_scx_dsq_destroy(struct bpf_iter_scx_dsq *it) __ksym;
extern bool bpf_cpumask_test_cpu(__u32 cpu, const struct cpumask *mask) __ksym;

extern int scx_bpf_create_dsq(__u64 queue, int node) __ksym;
extern void scx_bpf_destroy_dsq(__u64 queue) __ksym;
extern int scx_bpf_dsq_nr_queued(__u64 queue) __ksym;
extern void scx_bpf_dsq_insert(struct task_struct *task, __u64 queue, __u64 slice_ns,
                               __u64 flags) __ksym;
extern void scx_bpf_dsq_insert_vtime(struct task_struct *task, __u64 queue, __u64 slice_ns,
                                     __u64 vtime, __u64 flags) __ksym;
extern bool scx_bpf_dsq_move_to_local(__u64 queue) __ksym;
extern void scx_bpf_dsq_move_set_slice(struct bpf_iter_scx_dsq *it, __u64 slice_ns) __ksym;
extern bool scx_bpf_dsq_move(struct bpf_iter_scx_dsq *it, struct task_struct *task, __u64 queue,
                             __u64 flags) __ksym;
extern bool scx_bpf_task_set_slice(struct task_struct *task, __u64 slice_ns) __ksym;
extern int scx_bpf_select_cpu_dfl(struct task_struct *task, int previous, __u64 flags,
                                  bool *idle) __ksym;
extern int scx_bpf_pick_idle_cpu(const struct cpumask *allowed, __u64 flags) __ksym;
extern void scx_bpf_kick_cpu(int cpu, __u64 flags) __ksym;
extern int scx_bpf_task_cpu(const struct task_struct *task) __ksym;
