/* Maps that are the function's, whichever version of it runs. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __uint(pinning, LIBBPF_PIN_BY_NAME);
    __type(key, __u32);
    __type(value, __u64);
} kept SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 65536);
    __uint(pinning, LIBBPF_PIN_BY_NAME);
} samples SEC(".maps");

__u32 wanted;

SEC("tp/raw_syscalls/sys_enter")
int on_call(struct trace_event_raw_sys_enter *context)
{
    __u32 zero = 0;
    __u64 *count = bpf_map_lookup_elem(&kept, &zero);

    if (!wanted || !count)
        return 0;
    wanted--;
    __sync_fetch_and_add(count, 1);
    bpf_ringbuf_output(&samples, count, sizeof *count, 0);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
