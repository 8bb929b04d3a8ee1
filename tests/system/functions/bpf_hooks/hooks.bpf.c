/* Five programs at one tracepoint, which count the sleeps of their own group, and one that reads
 * behind the tracepoint's record. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

__u64 counts[5];

#define COUNTS(number)                                      \
    SEC("tp/raw_syscalls/sys_enter")                        \
    int on_##number(struct trace_event_raw_sys_enter *call) \
    {                                                       \
        if (call->id == 230) /* clock_nanosleep */          \
            __sync_fetch_and_add(&counts[number], 1);       \
        return 0;                                           \
    }

COUNTS(0)
COUNTS(1)
COUNTS(2)
COUNTS(3)
COUNTS(4)

SEC("tp/raw_syscalls/sys_enter")
int on_behind(void *call)
{
    return *(int *)(call + 4096) == 99;
}

char LICENSE[] SEC("license") = "GPL";
