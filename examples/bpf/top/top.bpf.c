/* Processor time of each process, by its name, as it leaves a processor. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "top.h"

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u64);
} begun SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, TASKS);
    __type(key, __u32);
    __type(value, struct task);
} tasks SEC(".maps");

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *before, struct task_struct *next)
{
    __u32 zero = 0, pid = before->tgid;
    __u64 now = bpf_ktime_get_ns(), *since = bpf_map_lookup_elem(&begun, &zero);

    if (!since)
        return 0;
    __u64 ran = *since ? now - *since : 0;
    *since = now;
    if (!pid || !ran)
        return 0;
    struct task *task = bpf_map_lookup_elem(&tasks, &pid);
    if (task) {
        __sync_fetch_and_add(&task->ran_ns, ran);
        return 0;
    }
    struct task first = {.ran_ns = ran};
    __builtin_memcpy(first.name, before->comm, sizeof first.name);
    bpf_map_update_elem(&tasks, &pid, &first, BPF_NOEXIST);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
