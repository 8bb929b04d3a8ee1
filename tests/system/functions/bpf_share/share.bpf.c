/* What several functions have together: a number, and samples of the sleeps of whoever loaded it.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u64);
} number SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096);
} samples SEC(".maps");

SEC("tp/raw_syscalls/sys_enter")
int on_share(struct trace_event_raw_sys_enter *context)
{
    __u64 id = context->id;

    if (id == 230) /* clock_nanosleep */
        bpf_ringbuf_output(&samples, &id, sizeof id, 0);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
