/* Counts an interface's packets, and drops those of UDP to one port. */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define TYPE_IPV4 0x0800

const volatile __u32 dropped_port = 0;
__u64 packets, bytes, dropped;

static bool is_dropped(void *data, void *end)
{
    struct ethhdr *frame = data;
    struct iphdr *ip = data + sizeof *frame;
    struct udphdr *udp = data + sizeof *frame + sizeof *ip;

    if ((void *)(udp + 1) > end || frame->h_proto != bpf_htons(TYPE_IPV4) || ip->ihl != 5)
        return false;
    return ip->protocol == IPPROTO_UDP && bpf_ntohs(udp->dest) == dropped_port;
}

SEC("xdp")
int on_packet(struct xdp_md *context)
{
    void *data = (void *)(long)context->data, *end = (void *)(long)context->data_end;

    __sync_fetch_and_add(&packets, 1);
    __sync_fetch_and_add(&bytes, end - data);
    if (!dropped_port || !is_dropped(data, end))
        return XDP_PASS;
    __sync_fetch_and_add(&dropped, 1);
    return XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
