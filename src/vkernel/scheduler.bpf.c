/*
 * A scheduler of groups, for sched_ext in full switch.
 *
 * Between groups it is fair by cpu.weight, level by level of the tree: each group has a virtual
 * time among its siblings, which grows by what it and all below it ran, divided by its weight
 * (start- time fair queueing: Goyal, Vin, Cheng 1996), and a CPU takes the group that is behind at
 * the highest level where two differ. A group of many groups has no more than one of one.
 *
 * Within a group its threads wait in one queue, ordered by a key. Policies differ in what a key is:
 * of normal and batch, the thread's own virtual time; of fifo, a ticket, which a thread keeps until
 * it sleeps or yields. Who is put aside for another group keeps it too, and so goes on first.
 * Another policy begins with keys above all of the former: those that wait under it drain first.
 *
 * Two things the kernel leaves to a scheduler: the limits of cpu.max, and that no thread waits for
 * longer than 30 s, or it takes the scheduler back. Whoever has waited for 10 s, be it for a
 * ticket, for a limit or for a heavy neighbour, is given the CPU for an instant.
 */
#include "vkernel/scheduler_groups.bpf.h"
#include "vkernel/scheduler_turns.bpf.h"

char program_license[] SEC("license") = "Dual MIT/GPL";

/* ---- within a group ---- */

/* A change of policy, of the group or of one above it. */
static __always_inline void look_at_policy(struct node *leaf)
{
    __u64 id = SCHEDULER_CHANGED, policy = SCHEDULER_NORMAL, *found;
    __u64 *changed = bpf_map_lookup_elem(&vireo_policies, &id);

    if (!changed || leaf->seen == *changed)
        return;
    __u64 seen = *changed;
    for (__u32 level = 0; level < LEVELS && level <= leaf->depth; level++) {
        struct node *node = node_of(leaf->path[level]);
        if (!node)
            return;
        id = node->id;
        found = id ? bpf_map_lookup_elem(&vireo_policies, &id) : 0;
        if (found)
            policy = *found;
    }
    if (leaf->policy != policy) {
        leaf->floor = leaf->last_key + 1;
        leaf->policy = (__u32)policy;
    }
    leaf->seen = seen;
}

/* Where the thread stands in its group's queue. */
static __always_inline void give_key(struct task *task, struct node *leaf)
{
    if (leaf->policy == SCHEDULER_FIFO) {
        if (!task->keeps || is_before(task->key, leaf->floor))
            task->key = __sync_fetch_and_add(&leaf->last_key, 1) + 1;
    } else {
        if (is_before(task->key, leaf->key_clock - CREDIT_NS))
            task->key = leaf->key_clock - CREDIT_NS;
        if (is_before(task->key, leaf->floor))
            task->key = leaf->floor;
    }
    task->keeps = true;
    advance(&leaf->last_key, task->key);
}

static __always_inline __u64 slice_of(const struct task_struct *task, const struct node *leaf)
{
    if (leaf->policy == SCHEDULER_FIFO)
        return QUANTUM_NS;
    return task->se.custom_slice && task->se.slice ? task->se.slice : SLICE_NS;
}

/* What the thread has run since the last time. */
static __always_inline void account(struct task_struct *p, struct task *task, struct node *leaf)
{
    __u64 now = bpf_ktime_get_ns(), ns = now - task->since;

    if (!task->since)
        return;
    task->since = now;
    charge(leaf, ns);
    if (leaf->policy != SCHEDULER_FIFO)
        task->key += weighted(ns, p->scx.weight);
}

/* Whether the thread that runs stands before all that wait in its group and may run on this CPU. */
static __always_inline bool stands_first(const struct task *task, __s32 cpu)
{
    struct bpf_iter_scx_dsq queue;
    struct task_struct *waits;
    bool first = true;
    int looked = 0;

    bpf_iter_scx_dsq_new(&queue, task->slot + 1, 0);
    while ((waits = bpf_iter_scx_dsq_next(&queue)) && looked++ < QUEUE_LOOK_MAX) {
        struct task *other = task_of(waits);
        if (other && !is_before(other->key, task->key))
            break;
        if (bpf_cpumask_test_cpu((__u32)cpu, waits->cpus_ptr)) {
            first = false;
            break;
        }
    }
    bpf_iter_scx_dsq_destroy(&queue);
    return first;
}

/* ---- a thread's life ---- */

SEC("scx/select_cpu")
int BPF_PROG(select_cpu, struct task_struct *p, int previous, __u64 flags)
{
    bool idle = false;
    int cpu = scx_bpf_select_cpu_dfl(p, previous, flags, &idle);
    struct task *task = task_of(p);

    if (task)
        task->idle_found = idle;
    return cpu;
}

/* Somebody who waits: an idle CPU comes for him, or one that runs who has had more. */
static __always_inline void call_cpu(struct task_struct *p, struct task *task, struct node *leaf,
                                     __u64 flags)
{
    bool found = (flags & SCX_ENQ_CPU_SELECTED) && task->idle_found;

    task->idle_found = false;
    if (found)
        return;
    int cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);
    if (cpu >= 0) {
        scx_bpf_kick_cpu(cpu, SCX_KICK_IDLE);
        return;
    }
    cpu = scx_bpf_task_cpu(p);
    struct cpu *there = cpu_of((__u32)cpu);
    if (!(flags & SCX_ENQ_WAKEUP) || !there || there->slot == NONE)
        return;
    bool first =
        there->slot == (__s32)task->slot
            ? leaf->policy == SCHEDULER_NORMAL && is_before(task->key + GRANULARITY_NS, there->key)
            : turn_is_before(task->slot, (__u32)there->slot) && !is_held(task->slot);
    if (first)
        scx_bpf_kick_cpu(cpu, SCX_KICK_PREEMPT);
}

SEC("scx/enqueue")
int BPF_PROG(enqueue, struct task_struct *p, __u64 flags)
{
    struct task *task = task_of(p);
    struct node *leaf = task ? node_of(task->slot) : 0;

    if (!leaf) {
        scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, SLICE_NS, flags);
        return 0;
    }
    /* Those of the kernel that are bound to a CPU, and who holds us, do what others wait for. */
    if (((p->flags & PF_KTHREAD) && p->nr_cpus_allowed == 1) || p->tgid == (int)holder) {
        scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, SLICE_NS, flags | SCX_ENQ_PREEMPT);
        return 0;
    }
    look_at_policy(leaf);
    give_key(task, leaf);
    if (!task->waits_since)
        task->waits_since = bpf_ktime_get_ns();
    scx_bpf_dsq_insert_vtime(p, task->slot + 1, slice_of(p, leaf), task->key, flags);
    call_cpu(p, task, leaf, flags);
    return 0;
}

static __always_inline void go_on(struct task_struct *p, const struct node *leaf)
{
    scx_bpf_task_set_slice(p, slice_of(p, leaf));
}

SEC("scx/dispatch")
int BPF_PROG(dispatch, __s32 cpu, struct task_struct *previous)
{
    struct task *task = 0;
    struct node *leaf = 0;
    __s32 running = NONE, after = NONE;

    if (scx_bpf_dsq_nr_queued(RESCUE_QUEUE) > 0 && scx_bpf_dsq_move_to_local(RESCUE_QUEUE))
        return 0;
    if (previous && (previous->scx.flags & SCX_TASK_QUEUED))
        task = task_of(previous);
    if (task)
        leaf = node_of(task->slot);
    if (leaf) {
        account(previous, task, leaf);
        look_at_policy(leaf);
        running = (__s32)task->slot;
    }
    for (int i = 0; i < ATTEMPTS; i++) {
        __s32 slot = choose(after, running);
        if (slot == NONE)
            break;
        if (slot == running && leaf && stands_first(task, cpu)) {
            go_on(previous, leaf);
            return 0;
        }
        if (scx_bpf_dsq_move_to_local((__u64)slot + 1))
            return 0;
        after = slot;
    }
    /* Nobody else who may run here. */
    if (leaf && !is_held((__u32)running))
        go_on(previous, leaf);
    return 0;
}

SEC("scx/running")
int BPF_PROG(running, struct task_struct *p)
{
    struct task *task = task_of(p);
    struct node *leaf = task ? node_of(task->slot) : 0;
    int at = scx_bpf_task_cpu(p);
    struct cpu *cpu = cpu_of((__u32)at);

    if (!leaf || !cpu)
        return 0;
    task->since = bpf_ktime_get_ns();
    task->waits_since = 0;
    advance_clocks(leaf);
    if (leaf->policy != SCHEDULER_FIFO)
        advance(&leaf->key_clock, task->key);
    cpu->key = task->key;
    cpu->slot = (__s32)task->slot;
    if (task->instant) {
        task->instant = false;
        scx_bpf_kick_cpu(at, SCX_KICK_PREEMPT);
    }
    return 0;
}

SEC("scx/stopping")
int BPF_PROG(stopping, struct task_struct *p, bool runnable)
{
    struct task *task = task_of(p);
    struct node *leaf = task ? node_of(task->slot) : 0;
    struct cpu *cpu = cpu_of((__u32)scx_bpf_task_cpu(p));

    if (leaf)
        account(p, task, leaf);
    if (task)
        task->since = 0;
    if (cpu)
        cpu->slot = NONE;
    return 0;
}

/* It accounts, and ends the turn of a group whose limit is reached. */
SEC("scx/tick")
int BPF_PROG(tick, struct task_struct *p)
{
    struct task *task = task_of(p);
    struct node *leaf = task ? node_of(task->slot) : 0;
    struct cpu *cpu = cpu_of((__u32)scx_bpf_task_cpu(p));

    if (!leaf)
        return 0;
    account(p, task, leaf);
    if (cpu)
        cpu->key = task->key;
    if (is_held(task->slot))
        scx_bpf_task_set_slice(p, 0);
    return 0;
}

SEC("scx/runnable")
int BPF_PROG(runnable, struct task_struct *p, __u64 flags)
{
    struct task *task = task_of(p);
    struct node *leaf = task ? node_of(task->slot) : 0;

    if (leaf)
        activate(leaf, task->slot);
    return 0;
}

SEC("scx/quiescent")
int BPF_PROG(quiescent, struct task_struct *p, __u64 flags)
{
    struct task *task = task_of(p);
    struct node *leaf = task ? node_of(task->slot) : 0;

    if (!leaf)
        return 0;
    deactivate(leaf, task->slot);
    if (flags & SCX_DEQ_SLEEP)
        task->keeps = false;
    return 0;
}

/* Behind all that wait. */
SEC("scx/yield")
int BPF_PROG(yield, struct task_struct *p, struct task_struct *to)
{
    struct task *task = task_of(p);
    struct node *leaf = task ? node_of(task->slot) : 0;

    if (to || !leaf)
        return 0;
    account(p, task, leaf);
    task->key = __sync_fetch_and_add(&leaf->last_key, 1) + 1;
    scx_bpf_task_set_slice(p, 0);
    return 0;
}

SEC("scx.s/init_task")
int BPF_PROG(init_task, struct task_struct *p, struct scx_init_task_args *args)
{
    struct task task = {.slot = args->cgroup ? slot_of(args->cgroup) : ROOT};
    __u64 key = (__u64)p;

    return (int)bpf_map_update_elem(&tasks, &key, &task, BPF_ANY);
}

SEC("scx/exit_task")
int BPF_PROG(exit_task, struct task_struct *p)
{
    __u64 key = (__u64)p;

    bpf_map_delete_elem(&tasks, &key);
    return 0;
}

SEC("scx/cgroup_move")
int BPF_PROG(cgroup_move, struct task_struct *p, struct cgroup *from, struct cgroup *to)
{
    struct task *task = task_of(p);

    if (!task)
        return 0;
    task->slot = slot_of(to);
    task->key = 0;
    task->keeps = false;
    return 0;
}

/* ---- the beat ---- */

/* Those of one queue that have waited for too long go to that of the next CPU that can take them,
 * for an instant. */
static __always_inline void sweep(__u32 slot, __u64 now)
{
    struct bpf_iter_scx_dsq queue;
    struct task_struct *waits;

    bpf_rcu_read_lock();
    bpf_iter_scx_dsq_new(&queue, slot + 1, 0);
    while ((waits = bpf_iter_scx_dsq_next(&queue))) {
        struct task *task = task_of(waits);
        if (!task || !task->waits_since || now - task->waits_since < rescue_ns)
            continue;
        int cpu = scx_bpf_task_cpu(waits);
        task->instant = true;
        scx_bpf_dsq_move_set_slice(&queue, 1);
        if (scx_bpf_dsq_move(&queue, waits, RESCUE_QUEUE, 0))
            scx_bpf_kick_cpu(cpu, SCX_KICK_PREEMPT);
        else
            task->instant = false;
    }
    bpf_iter_scx_dsq_destroy(&queue);
    bpf_rcu_read_unlock();
}

static __always_inline void sweep_all(__u64 now)
{
    struct bpf_iter_num each;
    int *slot;

    bpf_iter_num_new(&each, 0, (int)words_used * 64);
    while ((slot = bpf_iter_num_next(&each)))
        if (active[(__u32)*slot / 64 % WORDS] >> (__u32)*slot % 64 & 1)
            sweep((__u32)*slot, now);
    bpf_iter_num_destroy(&each);
}

/* Run by who holds the scheduler, every second, and more often as long as it returns 1: limits are
 * over at the end of a period, and idle CPUs look again. Not a timer of the kernel's, nor
 * its storage of tasks: both need cmpxchg16b, which not every machine's processor has. */
SEC("syscall")
int beat(void *none)
{
    __u64 now = bpf_ktime_get_ns();
    bool limited = now - limited_at < SWEEP_NS;
    struct bpf_iter_num each;
    int *cpu;

    if (limited) {
        bpf_iter_num_new(&each, 0, (int)cpu_count);
        while ((cpu = bpf_iter_num_next(&each)))
            scx_bpf_kick_cpu(*cpu, SCX_KICK_IDLE);
        bpf_iter_num_destroy(&each);
    }
    if (now - swept_at >= SWEEP_NS) {
        swept_at = now;
        sweep_all(now);
    }
    return limited;
}

/* ---- its own life ---- */

SEC("scx.s/init")
int BPF_PROG(init)
{
    return scx_bpf_create_dsq(RESCUE_QUEUE, NONE);
}

/* CPUs come and go: without these the kernel would take the scheduler back. */
SEC("scx/cpu_online")
int BPF_PROG(cpu_online, __s32 cpu)
{
    return 0;
}

SEC("scx/cpu_offline")
int BPF_PROG(cpu_offline, __s32 cpu)
{
    return 0;
}

SEC("scx/exit")
int BPF_PROG(ended, struct scx_exit_info *info)
{
    struct scheduler_end *end = bpf_ringbuf_reserve(&ends, sizeof *end, 0);

    if (!end)
        return 0;
    end->kind = info->kind;
    end->reserved = 0;
    end->reason[0] = end->message[0] = '\0';
    bpf_probe_read_kernel_str(end->reason, sizeof end->reason, info->reason);
    bpf_probe_read_kernel_str(end->message, sizeof end->message, info->msg);
    bpf_ringbuf_submit(end, 0);
    return 0;
}
