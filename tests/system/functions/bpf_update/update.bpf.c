/* A sample for each close(2) of a descriptor that is a number of update's producer. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 8 * 1024 * 1024);
    __uint(pinning, LIBBPF_PIN_BY_NAME);
} samples SEC(".maps");

/* What the guest has seen: the next number, how many were lost, how many came twice. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 3);
    __uint(pinning, LIBBPF_PIN_BY_NAME);
    __type(key, __u32);
    __type(value, __u64);
} seen SEC(".maps");

SEC("tp/syscalls/sys_enter_close")
int on_close(struct trace_event_raw_sys_enter *context)
{
    __u64 number = context->args[0] - 1000000;

    if (number < 1000000000)
        bpf_ringbuf_output(&samples, &number, sizeof number, 0);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
