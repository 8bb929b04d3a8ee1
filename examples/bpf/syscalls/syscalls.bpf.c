/* Counts system calls by number, of the function itself: a hash that the guest reads and clears. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 512);
    __type(key, __u32);
    __type(value, __u64);
} counts SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u64);
} total SEC(".maps");

SEC("tp/raw_syscalls/sys_enter")
int on_call(struct trace_event_raw_sys_enter *context)
{
    __u32 number = (__u32)context->id, zero = 0;
    __u64 one = 1;
    __u64 *count = bpf_map_lookup_elem(&counts, &number);

    if (count)
        __sync_fetch_and_add(count, 1);
    else
        bpf_map_update_elem(&counts, &number, &one, BPF_ANY);
    count = bpf_map_lookup_elem(&total, &zero);
    if (count)
        (*count)++;
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
