/* Calls two functions of the kernel's. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

extern struct task_struct *bpf_task_acquire(struct task_struct *task) __ksym;
extern void bpf_task_release(struct task_struct *task) __ksym;

__u64 acquired;

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
    struct task_struct *task = bpf_task_acquire(child);

    if (task) {
        __sync_fetch_and_add(&acquired, 1);
        bpf_task_release(task);
    }
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
