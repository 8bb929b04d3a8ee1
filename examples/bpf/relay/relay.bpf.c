/*
 * What one end of a local TCP connection writes goes straight to what the other reads, past the
 * stack: sockops put both ends into a map, by their ports, and sk_msg looks up the other one.
 */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct pair {
    __u32 local, remote;
};

struct {
    __uint(type, BPF_MAP_TYPE_SOCKHASH);
    __uint(max_entries, 1024);
    __type(key, struct pair);
    __type(value, __u32);
} ends SEC(".maps");

__u64 connections, messages;

SEC("sockops")
int on_socket(struct bpf_sock_ops *context)
{
    struct pair own = {context->local_port, bpf_ntohl(context->remote_port)};

    if (context->op != BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB &&
        context->op != BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
        return 1;
    if (bpf_sock_hash_update(context, &ends, &own, BPF_NOEXIST) == 0)
        __sync_fetch_and_add(&connections, context->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB);
    return 1;
}

SEC("sk_msg")
int on_message(struct sk_msg_md *context)
{
    struct pair other = {bpf_ntohl(context->remote_port), context->local_port};

    if (bpf_msg_redirect_hash(context, &ends, &other, BPF_F_INGRESS) == SK_PASS)
        __sync_fetch_and_add(&messages, 1);
    return SK_PASS;
}

char LICENSE[] SEC("license") = "GPL";
