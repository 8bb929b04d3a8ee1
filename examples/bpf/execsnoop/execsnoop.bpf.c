/* Tells of every program that is executed, and of its end: the kernel's half. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "execsnoop.h"

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 256 * 1024);
} events SEC(".maps");

/* When each process executed its program. One that is not found any more has no time said. */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 8192);
    __type(key, int);
    __type(value, __u64);
} begun SEC(".maps");

const volatile int ignored_pid = 0;

/* Says what is in a sample, to skeletons and to `vireo bpf run --events json`. */
const struct event *sample __attribute__((unused));

SEC("tp/sched/sched_process_exec")
int on_exec(struct trace_event_raw_sched_process_exec *context)
{
    struct task_struct *task = (struct task_struct *)bpf_get_current_task();
    unsigned offset = context->__data_loc_filename & 0xffff;
    int pid = bpf_get_current_pid_tgid() >> 32;
    __u64 now = bpf_ktime_get_ns();

    if (ignored_pid && pid == ignored_pid)
        return 0;
    bpf_map_update_elem(&begun, &pid, &now, BPF_ANY);
    struct event *event = bpf_ringbuf_reserve(&events, sizeof *event, 0);
    if (!event)
        return 0;
    event->kind = EVENT_EXEC;
    event->pid = pid;
    event->ppid = BPF_CORE_READ(task, real_parent, tgid);
    event->status = 0;
    event->ran_ns = 0;
    bpf_get_current_comm(event->comm, sizeof event->comm);
    bpf_probe_read_str(event->filename, sizeof event->filename, (void *)context + offset);
    bpf_ringbuf_submit(event, 0);
    return 0;
}

/* Of a process's last thread: a thread that ends is no process's end. */
SEC("tp/sched/sched_process_exit")
int on_exit(void *context)
{
    struct task_struct *task = (struct task_struct *)bpf_get_current_task();
    int pid = bpf_get_current_pid_tgid() >> 32;
    __u64 *since = bpf_map_lookup_elem(&begun, &pid);

    if ((ignored_pid && pid == ignored_pid) || BPF_CORE_READ(task, signal, live.counter) > 0)
        return 0;
    struct event *event = bpf_ringbuf_reserve(&events, sizeof *event, 0);
    if (!event)
        return 0;
    event->kind = EVENT_EXIT;
    event->pid = pid;
    event->ppid = BPF_CORE_READ(task, real_parent, tgid);
    event->status = BPF_CORE_READ(task, exit_code);
    event->ran_ns = since ? bpf_ktime_get_ns() - *since : 0;
    bpf_get_current_comm(event->comm, sizeof event->comm);
    event->filename[0] = '\0';
    bpf_ringbuf_submit(event, 0);
    bpf_map_delete_elem(&begun, &pid);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
