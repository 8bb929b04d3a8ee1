/* Counts packets of a control group by protocol, in an array. Lets all of them pass. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 256);
    __type(key, __u32);
    __type(value, __u64);
} protocols SEC(".maps");

static void count(struct __sk_buff *packet)
{
    __u8 protocol = 0;
    __u32 key;

    /* Of IPv4: byte 9 of its head. */
    if (bpf_skb_load_bytes(packet, 9, &protocol, 1) < 0)
        return;
    key = protocol;
    __u64 *value = bpf_map_lookup_elem(&protocols, &key);
    if (value)
        __sync_fetch_and_add(value, 1);
}

SEC("cgroup_skb/egress")
int on_egress(struct __sk_buff *packet)
{
    count(packet);
    return 1;
}

SEC("cgroup_skb/ingress")
int on_ingress(struct __sk_buff *packet)
{
    count(packet);
    return 1;
}

char LICENSE[] SEC("license") = "GPL";
