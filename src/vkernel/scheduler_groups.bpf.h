/* Groups come, change and go. */
#pragma once

#include "vkernel/scheduler_state.bpf.h"

/* A free slot for a group; NONE. */
static __always_inline int take_slot(__u64 id)
{
    struct bpf_iter_num free;
    int *slot, found = NONE;

    bpf_iter_num_new(&free, (int)free_hint, SLOTS);
    while ((slot = bpf_iter_num_next(&free))) {
        struct node *node = node_of((__u32)*slot);
        if (node && __sync_val_compare_and_swap(&node->id, 0, id) == 0) {
            found = *slot;
            break;
        }
    }
    bpf_iter_num_destroy(&free);
    return found;
}

static __always_inline void set_bandwidth(struct node *node, __u64 period_us, __u64 quota_us)
{
    /* None is the largest number there is. */
    node->quota_ns = quota_us < 1ull << 40 ? quota_us * 1000 : 0;
    node->period_ns = period_us * 1000;
    node->period_end = bpf_ktime_get_ns() + node->period_ns;
    node->used_ns = 0;
}

SEC("scx.s/cgroup_init")
int BPF_PROG(cgroup_init, struct cgroup *group, struct scx_cgroup_init_args *args)
{
    __u64 id = group->kn->id;
    struct cgroup_subsys_state *above = group->self.parent;
    __u32 parent_slot = above ? slot_of(above->cgroup) : ROOT;
    struct node *parent = node_of(parent_slot);

    if (!parent)
        return -12;
    int slot = above && parent->depth + 1 >= LEVELS ? NONE : take_slot(id);
    struct node *node = slot == NONE ? 0 : node_of((__u32)slot);
    if (node) {
        node->weight = args->weight;
        node->policy = SCHEDULER_NORMAL;
        node->seen = 0;
        node->depth = above ? parent->depth + 1 : 0;
        for (__u32 level = 0; level < LEVELS; level++)
            node->path[level] = level < node->depth ? parent->path[level] : (__u32)slot;
        node->vtime = parent->clock;
        node->own = node->clock = 0;
        set_bandwidth(node, args->bw_period_us, args->bw_quota_us);
        if (scx_bpf_create_dsq((__u64)slot + 1, NONE) < 0)
            return -12;
        if (words_used < (__u32)slot / 64 + 1)
            words_used = (__u32)slot / 64 + 1;
        free_hint = (__u32)slot + 1;
        parent_slot = (__u32)slot;
    }
    return bpf_map_update_elem(&slots, &id, &parent_slot, BPF_ANY);
}

SEC("scx.s/cgroup_exit")
int BPF_PROG(cgroup_exit, struct cgroup *group)
{
    __u64 id = group->kn->id;
    __u32 slot = slot_of(group);
    struct node *node = node_of(slot);

    bpf_map_delete_elem(&slots, &id);
    bpf_map_delete_elem(&vireo_policies, &id);
    if (!node || node->id != id)
        return 0;
    scx_bpf_destroy_dsq((__u64)slot + 1);
    if (free_hint > slot)
        free_hint = slot;
    node->id = 0;
    return 0;
}

SEC("scx/cgroup_set_weight")
int BPF_PROG(cgroup_set_weight, struct cgroup *group, __u32 weight)
{
    struct node *node = node_of(slot_of(group));

    if (node && node->id == group->kn->id)
        node->weight = weight;
    return 0;
}

SEC("scx/cgroup_set_idle")
int BPF_PROG(cgroup_set_idle, struct cgroup *group, bool idle)
{
    struct node *node = node_of(slot_of(group));

    if (node && node->id == group->kn->id)
        node->idle = idle;
    return 0;
}

SEC("scx/cgroup_set_bandwidth")
int BPF_PROG(cgroup_set_bandwidth, struct cgroup *group, __u64 period_us, __u64 quota_us,
             __u64 burst_us)
{
    struct node *node = node_of(slot_of(group));

    if (node && node->id == group->kn->id)
        set_bandwidth(node, period_us, quota_us);
    return 0;
}
