/* Programs that are kept and taken over, with a map that is as large as main.c says. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct element {
    char bytes[1024];
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct element);
} room SEC(".maps");

SEC("cgroup_skb/egress")
int on_packet(struct __sk_buff *packet)
{
    __u32 key = packet->len;

    bpf_map_lookup_elem(&room, &key);
    return 1;
}

SEC("tp")
int on_any(void *context)
{
    return 0;
}

SEC("tp/syscalls/sys_enter_openat")
int on_openat(void *context)
{
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
