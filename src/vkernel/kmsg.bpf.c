/*
 * Whose message is it? printk:console fires where the kernel stores a message, in the context of
 * the task that caused it: the task's v2 group (or one above it) says whose. Texts are carried,
 * never looked at. In an interrupt the task is a bystander: such a message is the host's.
 *
 * Two things the kernel does not print there are told from the signal: deaths by a filter (audit's
 * thread prints them) and faults beyond printk's rate limit, which all containers share.
 */
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

#include "vkernel/group_levels.h"
#include "vkernel/kmsg_record.h"

char program_license[] SEC("license") = "Dual MIT/GPL";

/* How long after a thread's message its death needs no other: with a slow console, or few CPUs for
 * many, the two are far apart. */
#define PRINTED_NS 1000000000

#define SIGILL 4
#define SIGTRAP 5
#define SIGBUS 7
#define SIGFPE 8
#define SIGSEGV 11
#define SIGSYS 31
#define SYS_SECCOMP 1

/* Filled in before it is loaded, and known to the verifier then. */
const volatile struct kmsg_offsets offsets;

/* include/uapi/asm-generic/siginfo.h, the beginning of it: part of the ABI. */
struct siginfo_head {
    int signo, error, code, pad;
    unsigned long long address;
    int call;
    unsigned arch;
};

struct ring {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, KMSG_RING_BYTES);
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
    __uint(max_entries, KMSG_GROUPS_MAX);
    __type(key, __u64);
    __array(values, struct ring);
} vireo_rings SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 1024);
    __type(key, __u32);
    __type(value, __u64);
} vireo_printed SEC(".maps");

static __always_inline __u64 read_word(__u64 from)
{
    __u64 word = 0;

    bpf_probe_read_kernel(&word, sizeof word, (void *)from);
    return word;
}

/* THREAD_SIZE of x86-64. */
#define STACK_BYTES (16 << 10)

/*
 * Whether the task itself is at work, not an interrupt above it: the tracepoint's arguments lie on
 * the stack that is in use, and interrupts (hard, soft, NMI) have stacks of their own. Only the
 * difference of two pointers is a number to the verifier, so one that is known both ways helps.
 */
static __always_inline int in_task(const void *context)
{
    __u64 task = bpf_get_current_task(), at;
    void *known = bpf_get_current_task_btf();

    __asm__ volatile("%0 = %1\n"
                     "%0 -= %2\n"
                     : "=&r"(at)
                     : "r"(context), "r"(known));
    at += task;
    __u64 stack = read_word(task + offsets.task_stack);
    return stack && at - stack < STACK_BYTES;
}

/* The lowest group that has a ring; 0, which is no group: the host. */
static __always_inline __u64 group_of_task(void)
{
#pragma unroll
    for (int level = GROUP_LEVELS_MAX; level > 0; level--) {
        __u64 id = bpf_get_current_ancestor_cgroup_id(level);
        if (id && bpf_map_lookup_elem(&vireo_rings, &id))
            return id;
    }
    return 0;
}

static __always_inline struct kmsg_record *begin(const void *context, enum kmsg_kind kind)
{
    __u64 group = in_task(context) ? group_of_task() : 0;
    void *ring = group ? bpf_map_lookup_elem(&vireo_rings, &group) : 0;
    struct kmsg_record *record = ring ? bpf_ringbuf_reserve(ring, sizeof *record, 0) : 0;

    if (!record)
        return 0;
    __u64 ids = bpf_get_current_pid_tgid();
    record->time_ns = bpf_ktime_get_ns();
    record->tid = (__u32)ids;
    record->pid = ids >> 32;
    record->kind = kind;
    record->length = 0;
    record->address = 0;
    record->signal = record->code = 0;
    bpf_get_current_comm(record->comm, sizeof record->comm);
    return record;
}

SEC("raw_tp/console")
int vireo_kmsg(struct bpf_raw_tracepoint_args *context)
{
    __u64 length = context->args[1];
    __u32 tid = (__u32)bpf_get_current_pid_tgid();
    struct kmsg_record *record = begin(context, KMSG_PRINTK);

    if (!record)
        return 0;
    if (length > KMSG_TEXT_BYTES)
        length = KMSG_TEXT_BYTES;
    if (bpf_probe_read_kernel(record->text, length, (void *)context->args[0]) < 0)
        length = 0;
    record->length = length;
    /* Before Linux 6.2 a value comes from the stack or another map. */
    __u64 now = record->time_ns;
    bpf_map_update_elem(&vireo_printed, &tid, &now, BPF_ANY);
    bpf_ringbuf_submit(record, 0);
    return 0;
}

static __always_inline int is_fault(int signal)
{
    return signal == SIGSEGV || signal == SIGBUS || signal == SIGILL || signal == SIGFPE ||
           signal == SIGTRAP;
}

/* Nobody in the task takes the signal: SIG_DFL and SIG_IGN. */
static __always_inline int is_fatal(int signal)
{
    __u64 hand = read_word(bpf_get_current_task() + offsets.task_sighand);
    __u64 handler = -1;

    if (hand)
        handler = read_word(hand + offsets.sighand_action +
                            (__u64)((signal - 1) & 63) * offsets.action_bytes);
    return handler <= 1;
}

/* The kernel's own message of this death came just before. */
static __always_inline int was_printed(void)
{
    __u32 tid = (__u32)bpf_get_current_pid_tgid();
    __u64 *at = bpf_map_lookup_elem(&vireo_printed, &tid);

    return at && bpf_ktime_get_ns() - *at < PRINTED_NS;
}

SEC("raw_tp/signal_generate")
int vireo_death(struct bpf_raw_tracepoint_args *context)
{
    int signal = (int)context->args[0];
    struct siginfo_head info = {0};

    /* 0 and 1 stand for signals that say nothing. */
    if ((signal != SIGSYS && !is_fault(signal)) || context->args[1] <= 1 ||
        context->args[2] != bpf_get_current_task() ||
        bpf_probe_read_kernel(&info, sizeof info, (void *)context->args[1]) < 0)
        return 0;
    if (info.code <= 0 || (signal == SIGSYS && info.code != SYS_SECCOMP) || !is_fatal(signal) ||
        (signal != SIGSYS && was_printed()))
        return 0;
    struct kmsg_record *record = begin(context, signal == SIGSYS ? KMSG_SECCOMP : KMSG_FAULT);
    if (!record)
        return 0;
    record->signal = signal;
    record->code = signal == SIGSYS ? info.call : info.code;
    record->address = info.address;
    bpf_ringbuf_submit(record, 0);
    return 0;
}
