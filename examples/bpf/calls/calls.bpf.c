/* Calls of one function of a program, and how long they took. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

__u64 calls, nanoseconds;

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 8192);
    __type(key, __u64);
    __type(value, __u64);
} begun SEC(".maps");

SEC("uprobe")
int on_call(void *context)
{
    __u64 who = bpf_get_current_pid_tgid(), now = bpf_ktime_get_ns();

    bpf_map_update_elem(&begun, &who, &now, BPF_ANY);
    return 0;
}

SEC("uretprobe")
int on_return(void *context)
{
    __u64 who = bpf_get_current_pid_tgid();
    __u64 *since = bpf_map_lookup_elem(&begun, &who);

    if (!since)
        return 0;
    __sync_fetch_and_add(&nanoseconds, bpf_ktime_get_ns() - *since);
    __sync_fetch_and_add(&calls, 1);
    bpf_map_delete_elem(&begun, &who);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
