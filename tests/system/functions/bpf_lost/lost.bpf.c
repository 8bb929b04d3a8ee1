/* A sample of 4 KiB for each sleep of the function's own, into a buffer of 256 KiB a processor. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct one {
    __u32 number;
    char rest[4080];
};
struct other {
    char rest[4080];
    __u32 number;
};
/* Two of one size: a sample could be either. */
const struct one *first __attribute__((unused));
const struct other *second __attribute__((unused));

struct {
    __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
    __type(key, __u32);
    __type(value, __u32);
} events SEC(".maps");

__u64 made;
char data[4084];

SEC("tp/syscalls/sys_enter_clock_nanosleep")
int on_sleep(void *context)
{
    made++;
    bpf_perf_event_output(context, &events, BPF_F_CURRENT_CPU, data, sizeof data);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
