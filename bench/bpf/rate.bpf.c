/* A sample for each getppid() on the machine, numbered; those that found no room are counted. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "rate.h"

#define GETPPID 110

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 1024 * 1024);
} events SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 2);
    __type(key, __u32);
    __type(value, __u64);
} counts SEC(".maps");

SEC("tp/raw_syscalls/sys_enter")
int on_enter(struct trace_event_raw_sys_enter *context)
{
    __u32 made = 0, lost = 1;

    if (context->id != GETPPID)
        return 0;
    __u64 *next = bpf_map_lookup_elem(&counts, &made);
    if (!next)
        return 0;
    struct numbered_sample *sample = bpf_ringbuf_reserve(&events, sizeof *sample, 0);
    if (!sample) {
        __u64 *missed = bpf_map_lookup_elem(&counts, &lost);
        if (missed)
            __sync_fetch_and_add(missed, 1);
        return 0;
    }
    sample->number = __sync_fetch_and_add(next, 1);
    for (int i = 0; i < 7; i++)
        sample->rest[i] = sample->number;
    bpf_ringbuf_submit(sample, 0);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
