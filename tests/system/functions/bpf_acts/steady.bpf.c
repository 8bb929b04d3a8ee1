/* A struct_ops: the kernel must be able to call programs as its own functions. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* A way to control TCP's congestion that never lets it grow. */
SEC("struct_ops/on_ssthresh") __u32 BPF_PROG(on_ssthresh, struct sock *sk)
{
    return 7;
}
SEC("struct_ops/on_avoid") void BPF_PROG(on_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
}
SEC("struct_ops/on_undo") __u32 BPF_PROG(on_undo, struct sock *sk)
{
    return 7;
}

SEC(".struct_ops")
struct tcp_congestion_ops steady = {
    .ssthresh = (void *)on_ssthresh,
    .cong_avoid = (void *)on_avoid,
    .undo_cwnd = (void *)on_undo,
    .name = "vireo_steady",
};

char LICENSE[] SEC("license") = "GPL";
