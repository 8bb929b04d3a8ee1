/* A map that is large, a program that names it, and maps that hold the program or the map: what is
 * closed and held by another is there all the same (main.c). */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct large {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1800);
    __type(key, __u32);
    __uint(value_size, 4096);
} big SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 1);
    __type(key, __u32);
    __array(values, struct large);
} outer SEC(".maps") = {.values = {&big}};

int leaf(struct __sk_buff *packet);

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __array(values, int(struct __sk_buff *));
} jumps SEC(".maps") = {.values = {&leaf}};

struct {
    __uint(type, BPF_MAP_TYPE_SOCKHASH);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} sockets SEC(".maps");

SEC("cgroup_skb/egress") int leaf(struct __sk_buff *packet)
{
    __u32 key = packet->len;
    char *value = bpf_map_lookup_elem(&big, &key);

    return value ? *value & 1 : 1;
}

SEC("sk_msg") int passes(struct sk_msg_md *message)
{
    __u32 key = message->size;

    return bpf_map_lookup_elem(&big, &key) ? SK_PASS : SK_DROP;
}

char LICENSE[] SEC("license") = "GPL";
