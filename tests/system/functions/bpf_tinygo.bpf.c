/* A sample for each sleep of the function's own. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 65536);
} events SEC(".maps");

SEC("tp/syscalls/sys_enter_clock_nanosleep")
int on_sleep(void *context)
{
    __u64 number = 0x1122334455667788;

    bpf_ringbuf_output(&events, &number, sizeof number, 0);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
