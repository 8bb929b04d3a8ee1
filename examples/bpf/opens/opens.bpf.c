/* Tells of every file that is opened: the kernel's half. Without host only the function's own
 * group. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "opens.h"

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 256 * 1024);
} events SEC(".maps");

/* Says what is in a sample, to skeletons and to `vireo bpf run --events json`. */
const struct event *sample __attribute__((unused));

SEC("tp/syscalls/sys_enter_openat")
int on_open(struct trace_event_raw_sys_enter *context)
{
    struct event *event = bpf_ringbuf_reserve(&events, sizeof *event, 0);

    if (!event)
        return 0;
    event->pid = bpf_get_current_pid_tgid() >> 32;
    bpf_get_current_comm(event->comm, sizeof event->comm);
    bpf_probe_read_user_str(event->path, sizeof event->path, (void *)context->args[1]);
    bpf_ringbuf_submit(event, 0);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
