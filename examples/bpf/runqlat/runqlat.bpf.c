/* How long tasks wait for a processor after they were woken: a histogram by powers of two. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "runqlat.h"

__u64 waits[SLOTS];

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 8192);
    __type(key, __u32);
    __type(value, __u64);
} woken SEC(".maps");

static int note(struct task_struct *task)
{
    __u32 pid = task->pid;
    __u64 now = bpf_ktime_get_ns();

    bpf_map_update_elem(&woken, &pid, &now, BPF_ANY);
    return 0;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(on_wakeup, struct task_struct *task)
{
    return note(task);
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(on_first, struct task_struct *task)
{
    return note(task);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *before, struct task_struct *next)
{
    __u32 pid = next->pid, slot = 0;
    __u64 *since = bpf_map_lookup_elem(&woken, &pid);

    if (!since)
        return 0;
    __u64 us = (bpf_ktime_get_ns() - *since) / 1000;
    bpf_map_delete_elem(&woken, &pid);
    for (int i = 0; i < SLOTS - 1 && us > 0; i++) {
        us >>= 1;
        slot++;
    }
    if (slot < SLOTS)
        __sync_fetch_and_add(&waits[slot], 1);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
