/* A program of each kind, which counts that it ran: for a connection on the loopback to PORT, a
 * function of a program, or whatever the kernel does anyway. */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>

#include "kinds.h"

__u64 hits[KIND_COUNT];
__u32 limit = 7;
const volatile __u32 step = 1;
const volatile __u32 never = 0;
/* Of the probe: its arguments, and how many there are. */
__s64 turn[4];
/* What the kernel was built with. */
extern int CONFIG_HZ __kconfig;

struct {
    __uint(type, BPF_MAP_TYPE_SOCKHASH);
    __uint(max_entries, 16);
    __type(key, __u64);
    __type(value, __u32);
} sockets SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, __u64);
} of_tasks SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_USER_RINGBUF);
    __uint(max_entries, 4096);
} commands SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 64);
    __type(key, __u32);
    __type(value, __u64);
} table SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __uint(pinning, LIBBPF_PIN_BY_NAME);
    __type(key, __u32);
    __type(value, __u64);
} kept SEC(".maps");

#define HIT(name) __sync_fetch_and_add(&hits[KIND_##name], step)
#define COUNTS(section, name, type, answer)   \
    SEC(section) int on_##name(type *context) \
    {                                         \
        HIT(name);                            \
        return answer;                        \
    }

COUNTS("raw_tp/sched_switch", raw_tp, void, 0)
COUNTS("perf_event", perf, void, 0)
COUNTS("xdp", xdp, struct xdp_md, XDP_PASS)
COUNTS("tc", tc, struct __sk_buff, -1)
COUNTS("socket", socket, struct __sk_buff, 0)
COUNTS("uprobe", uprobe, void, 0)
COUNTS("uretprobe", uretprobe, void, 0)
COUNTS("uprobe.multi", multi, void, 0)
COUNTS("tcx/ingress", tcx, struct __sk_buff, -1)
COUNTS("netfilter", netfilter, void, 1)
COUNTS("cgroup/connect4", connect, struct bpf_sock_addr, 1)
COUNTS("cgroup/sock_create", create, struct bpf_sock, 1)
COUNTS("cgroup_skb/egress", egress, struct __sk_buff, 1)
COUNTS("sk_msg", msg, struct sk_msg_md, SK_PASS)
COUNTS("sk_lookup", lookup, struct bpf_sk_lookup, SK_PASS)

SEC("tp_btf/sched_switch")
int BPF_PROG(on_tp_btf, bool preempt, struct task_struct *before, struct task_struct *next)
{
    __u64 *mine = bpf_task_storage_get(&of_tasks, next, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);

    HIT(tp_btf);
    if (mine && ++*mine > 1)
        HIT(storage);
    return 0;
}

SEC("usdt")
int BPF_USDT(on_usdt, int number, int constant, long in_memory)
{
    HIT(usdt);
    turn[0] = CONFIG_HZ >= 100 && number > 0;
    turn[1] = constant;
    turn[2] = in_memory;
    turn[3] = bpf_usdt_arg_cnt(ctx);
    return 0;
}

SEC("sockops")
int on_sockops(struct bpf_sock_ops *context)
{
    __u64 key = context->local_port;

    if (context->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB &&
        bpf_ntohl(context->remote_port) == PORT) {
        HIT(sockops);
        bpf_sock_hash_update(context, &sockets, &key, BPF_ANY);
    }
    return 1;
}

SEC("iter/task")
int on_iter(struct bpf_iter__task *context)
{
    static const char format[] = "%d %s\n";
    struct task_struct *task = context->task;

    if (!task)
        return 0;
    __u64 values[] = {task->tgid, (__u64)task->comm};
    HIT(iter);
    bpf_seq_printf(context->meta->seq, format, sizeof format, values, sizeof values);
    return 0;
}

static long take(struct bpf_dynptr *data, void *context)
{
    __u64 number = 0;

    bpf_dynptr_read(&number, sizeof number, data, 0, 0);
    __sync_fetch_and_add(&hits[KIND_user_ring], number);
    return 0;
}

SEC("tp/syscalls/sys_enter_clock_nanosleep")
int on_sleep(void *context)
{
    bpf_user_ringbuf_drain(&commands, take, NULL, 0);
    return 0;
}

SEC("tp/syscalls/sys_enter_clock_nanosleep")
int left_out(void *context)
{
    return bpf_get_prandom_u32() + never;
}

char LICENSE[] SEC("license") = "GPL";
