/* Something of everything, for main.c to attack. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 64 * 1024);
} events SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
    __type(key, __u32);
    __type(value, __u32);
} samples SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 4);
    __type(key, __u32);
    __type(value, __u64);
} each SEC(".maps");

struct inner {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u64);
} first SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 2);
    __type(key, __u32);
    __array(values, struct inner);
} outer SEC(".maps") = {.values = {&first}};

__u64 sequence = 0;

SEC("tp/raw_syscalls/sys_enter")
int on_try(struct trace_event_raw_sys_enter *context)
{
    __u64 numbers[2];

    if (context->id != 230) /* clock_nanosleep */
        return 0;
    numbers[0] = __sync_fetch_and_add(&sequence, 1);
    numbers[1] = ~numbers[0];
    bpf_ringbuf_output(&events, numbers, sizeof numbers, 0);
    bpf_perf_event_output(context, &samples, BPF_F_CURRENT_CPU, numbers, sizeof numbers);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
