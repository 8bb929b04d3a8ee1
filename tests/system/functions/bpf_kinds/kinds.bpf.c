/* A program of each kind that only `host` allows, and one that is everybody's. None does anything.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define PROGRAM(section, name, type, answer) \
    SEC(section) int name(type *context)     \
    {                                        \
        return answer;                       \
    }

PROGRAM("raw_tp/sched_switch", on_raw_tp, void, 0)
PROGRAM("tp_btf/sched_switch", on_tp_btf, void, 0)
PROGRAM("perf_event", on_perf, void, 0)
PROGRAM("xdp", on_xdp, struct xdp_md, XDP_PASS)
PROGRAM("tc", on_tc, struct __sk_buff, -1)
PROGRAM("socket", on_socket, struct __sk_buff, 0)
PROGRAM("sockops", on_sockops, struct bpf_sock_ops, 1)
PROGRAM("kprobe/do_exit", on_kprobe, void, 0)
PROGRAM("kretprobe/do_exit", on_kretprobe, void, 0)

char LICENSE[] SEC("license") = "GPL";
