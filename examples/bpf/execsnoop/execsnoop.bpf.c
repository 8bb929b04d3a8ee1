/* Tells of every program that is executed: the kernel's half. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "execsnoop.h"

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 256 * 1024);
} events SEC(".maps");

const volatile int ignored_pid = 0;

/* Says what is in a sample, to skeletons and to `vireo bpf run --events json`. */
const struct event *sample __attribute__((unused));

SEC("tp/sched/sched_process_exec")
int on_exec(struct trace_event_raw_sched_process_exec *context)
{
    struct task_struct *task = (struct task_struct *)bpf_get_current_task();
    unsigned offset = context->__data_loc_filename & 0xffff;
    int pid = bpf_get_current_pid_tgid() >> 32;

    if (ignored_pid && pid == ignored_pid)
        return 0;
    struct event *event = bpf_ringbuf_reserve(&events, sizeof *event, 0);
    if (!event)
        return 0;
    event->pid = pid;
    event->ppid = BPF_CORE_READ(task, real_parent, tgid);
    bpf_get_current_comm(event->comm, sizeof event->comm);
    bpf_probe_read_str(event->filename, sizeof event->filename, (void *)context + offset);
    bpf_ringbuf_submit(event, 0);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
