/* A numbered sample for each sleep of the function's own. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

__u64 next;

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 65536);
} events SEC(".maps");

SEC("tp/syscalls/sys_enter_clock_nanosleep")
int on_call(void *context)
{
    __u64 number = __sync_fetch_and_add(&next, 1);

    bpf_ringbuf_output(&events, &number, sizeof number, 0);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
