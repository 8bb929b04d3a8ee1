/* What modules that were written for wasm-bpf's own runtimes ask for. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct {
    __uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} groups SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 1 << 16);
} calls SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} probed SEC(".maps");

const volatile __u32 wanted = 0;

/* A call that the callback makes is a sample, too. */
SEC("tracepoint/syscalls/sys_enter_clock_nanosleep")
int on_sleep(void *context)
{
    __u32 number = 1;

    if (bpf_get_current_pid_tgid() >> 32 == wanted || bpf_current_task_under_cgroup(&groups, 0) > 0)
        return 0;
    bpf_ringbuf_output(&calls, &number, sizeof number, 0);
    return 0;
}

SEC("sockops")
int on_socket(struct bpf_sock_ops *context)
{
    return 1;
}

SEC("uprobe/./victim:probed_here")
int on_victim(struct pt_regs *context)
{
    __u32 first = 0, *count = bpf_map_lookup_elem(&probed, &first);

    bpf_printk("probed");
    if (count)
        __sync_fetch_and_add(count, 1);
    return 0;
}

SEC("uretprobe/libc.so.6:getpid")
int on_library(struct pt_regs *context)
{
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
