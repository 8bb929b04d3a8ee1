/* What the scheduler knows of groups, threads and CPUs. */
#pragma once

#include "vkernel/scheduler_kernel.bpf.h"
#include "vkernel/scheduler_record.h"

#define SLOTS SCHEDULER_GROUPS_MAX
#define WORDS (SLOTS / 64)
/* Deeper groups are one with their parents, as are those that find no slot. */
#define LEVELS 8
#define NONE (-1)
#define ROOT 0
/* Groups that a CPU tries whose threads may all be bound to others. */
#define ATTEMPTS 16
#define QUEUE_LOOK_MAX 64

#define MS 1000000ull
#define SLICE_NS (3 * MS)
#define QUANTUM_NS (5 * MS) /* of fifo: when another group is looked for */
/* Who comes back from sleep is so much behind at most. */
#define CREDIT_NS (5 * MS)
#define GRANULARITY_NS MS
#define SWEEP_NS (1000 * MS)
#define RESCUE_QUEUE (SLOTS + 1)

/* How long a thread waits before it is given an instant. */
const volatile __u64 rescue_ns = 10000 * MS;
const volatile __u32 cpu_count = 1;
const volatile __u32 holder = 0; /* its process */

struct node {
    __u64 id;    /* of the control group; 0: the slot is free */
    __u64 vtime; /* among its siblings */
    __u64 own;   /* of its own threads among its children; their weight is 100 */
    __u64 clock; /* its children's: of the last that ran */
    __u32 weight, depth;
    __u32 path[LEVELS]; /* slots, from the root's to its own */
    __s64 runnable;     /* threads, with those below */
    __s64 own_runnable;
    /* The queue. */
    __u64 key_clock; /* of the last that ran; normal */
    __u64 last_key;
    __u64 floor; /* the present policy's first key */
    __u64 seen;  /* which change of policies */
    __u32 policy;
    /* cpu.max */
    __u32 idle; /* cpu.idle */
    __u64 quota_ns, period_ns, period_end, used_ns;
};

struct task {
    __u32 slot;
    bool keeps; /* its key, until it sleeps */
    bool idle_found;
    bool instant;
    __u64 key;
    __u64 since; /* it runs, and is accounted so far */
    __u64 waits_since;
};

struct cpu {
    __s32 slot; /* whose thread runs there */
    __u64 key;
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, SLOTS);
    __type(key, __u32);
    __type(value, struct node);
} nodes SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 4 * SLOTS);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, __u64);
    __type(value, __u32);
} slots SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, SCHEDULER_GROUPS_MAX);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, __u64);
    __type(value, __u64);
} vireo_policies SEC(".maps");

/* By the address of the kernel's structure: a thread's id may be another's before the kernel says
 * that this one has gone. Its size is set when it is loaded. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, __u64);
    __type(value, struct task);
} tasks SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct cpu);
} cpus SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096);
} ends SEC(".maps");

__u64 active[WORDS]; /* slots with threads of their own that could run */
__u32 words_used, free_hint;
__u64 limited_at, swept_at; /* when a limit held somebody back */

static __always_inline struct node *node_of(__u32 slot)
{
    return bpf_map_lookup_elem(&nodes, &slot);
}

static __always_inline struct task *task_of(struct task_struct *task)
{
    __u64 key = (__u64)task;

    return bpf_map_lookup_elem(&tasks, &key);
}

static __always_inline struct cpu *cpu_of(__u32 cpu)
{
    return bpf_map_lookup_elem(&cpus, &cpu);
}

static __always_inline bool is_before(__u64 a, __u64 b)
{
    return (__s64)(a - b) < 0;
}

/* Only forward; two at once may lose the smaller step. */
static __always_inline void advance(__u64 *clock, __u64 to)
{
    if (is_before(*clock, to))
        *clock = to;
}

static __always_inline __u32 slot_of(struct cgroup *group)
{
    __u64 id = group->kn->id;
    __u32 *slot = bpf_map_lookup_elem(&slots, &id);

    return slot ? *slot : ROOT;
}
