/* An object with a bit of everything that its reader meets, for main.c to break. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 2);
    __type(key, __u32);
    __type(value, __u32);
} jumps SEC(".maps");

struct inner {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u64);
} first SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
    __uint(max_entries, 4);
    __type(key, __u32);
    __array(values, struct inner);
} outer SEC(".maps");

const volatile __u32 limit = 3;
__u64 counted;

SEC("tp/raw_syscalls/sys_enter")
int on_made(struct trace_event_raw_sys_enter *context)
{
    __u32 key = 0;
    __u64 *value = bpf_map_lookup_elem(&first, &key);

    if (value && bpf_core_field_exists(context->id) && counted < limit)
        __sync_fetch_and_add(&counted, *value + 1);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
