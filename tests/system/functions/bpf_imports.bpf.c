/* A sample for each sleep of the function's own, and a map of its. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 65536);
} events SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 2);
    __type(key, __u32);
    __type(value, __u64);
} numbers SEC(".maps");

const volatile __u64 number = 0x1122334455667788;

SEC("tp/syscalls/sys_enter_clock_nanosleep")
int on_sleep(void *context)
{
    __u64 sample = number;

    bpf_ringbuf_output(&events, &sample, sizeof sample, 0);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
