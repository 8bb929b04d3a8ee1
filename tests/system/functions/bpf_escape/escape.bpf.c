/* Programs that a function without `host` must not have, each in its own way: main.c loads them one
 * at a time. `on_good` is what may be. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u64);
} numbers SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096);
} ring SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
    __type(key, __u32);
    __type(value, __u32);
} events SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 4);
    __type(key, __u32);
    __type(value, __u32);
} others SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(max_entries, 4);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, __u64);
    __type(value, __u64);
} prefixes SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_USER_RINGBUF);
    __uint(max_entries, 4096);
} commands SEC(".maps");

char text[64];
const volatile __u32 rounds = 0;

static __u64 *slot(void)
{
    __u32 key = 0;

    return bpf_map_lookup_elem(&numbers, &key);
}

#define HOOK SEC("tp/raw_syscalls/sys_enter")
#define CALL struct trace_event_raw_sys_enter *context

/* ---- what may be: events, longest prefixes, memory of the caller's ---- */

HOOK int on_good(CALL)
{
    __u64 data[2] = {context->id, bpf_get_current_pid_tgid()}, *found;
    char name[16], path[16];

    bpf_get_current_comm(name, sizeof name);
    bpf_probe_read_user_str(path, sizeof path, (void *)context->args[0]);
    bpf_perf_event_output(context, &events, BPF_F_CURRENT_CPU, data, sizeof data);
    bpf_ringbuf_output(&ring, name, sizeof name, 0);
    found = bpf_map_lookup_elem(&prefixes, data);
    if (found)
        *found += bpf_get_attach_cookie(context) + bpf_ktime_get_ns() + path[0];
    return 0;
}

/* ---- addresses of the kernel ---- */

HOOK int leak_context(CALL)
{
    __u64 *value = slot();

    if (value)
        *value = (__u64)context;
    return 0;
}

HOOK int leak_value(CALL)
{
    __u64 *value = slot();

    if (value)
        *value = (__u64)value;
    return 0;
}

HOOK int leak_stack(CALL)
{
    __u64 number = context->id, *value = slot();

    if (value)
        *value = (__u64)&number;
    bpf_ringbuf_output(&ring, &number, sizeof number, 0);
    return 0;
}

HOOK int leak_sample(CALL)
{
    __u64 data = (__u64)context;

    bpf_ringbuf_output(&ring, &data, sizeof data, 0);
    return 0;
}

HOOK int leak_event(CALL)
{
    __u64 data = (__u64)context;

    bpf_perf_event_output(context, &events, BPF_F_CURRENT_CPU, &data, sizeof data);
    return 0;
}

/* The address of the kernel's struct of a map. */
HOOK int leak_map(CALL)
{
    __u64 *value = slot();

    if (value)
        *value = (__u64)&events;
    return 0;
}

HOOK int leak_map_sample(CALL)
{
    __u64 data = (__u64)&events;

    bpf_ringbuf_output(&ring, &data, sizeof data, 0);
    return 0;
}

HOOK int leak_map_event(CALL)
{
    __u64 data = (__u64)&events;

    bpf_perf_event_output(context, &events, BPF_F_CURRENT_CPU, &data, sizeof data);
    return 0;
}

HOOK int leak_map_flags(CALL)
{
    __u64 data = 0;

    bpf_perf_event_output(context, &events, (__u64)&events, &data, sizeof data);
    return 0;
}

HOOK int leak_flags(CALL)
{
    __u64 data = 0;

    bpf_perf_event_output(context, &events, (__u64)context, &data, sizeof data);
    return 0;
}

/* Another's program would read past this one's record. */
HOOK int leak_tail(CALL)
{
    bpf_tail_call(context, &others, 0);
    return 0;
}

HOOK int leak_compare(CALL)
{
    __u64 *value = slot();

    if (value && (__u64)context > 0xffff888000000000)
        *value = 1;
    return 0;
}

HOOK int leak_shift(CALL)
{
    __u64 *value = slot();

    if (value)
        *value = (__u64)context >> 12;
    return 0;
}

SEC("cgroup_skb/egress") int leak_packet(struct __sk_buff *packet)
{
    __u64 *value = slot();

    if (value)
        *value = (__u64)packet;
    return 1;
}

SEC("sockops") int leak_socket(struct bpf_sock_ops *context)
{
    __u64 *value = slot();

    if (value)
        *value = (__u64)context->sk;
    return 1;
}

/* ---- the kernel's memory, and what changes others ---- */

HOOK int read_text(CALL)
{
    static const char format[] = "%s";
    __u64 where = 0xffffffff81000000;

    bpf_snprintf(text, sizeof text, format, &where, sizeof where);
    return 0;
}

HOOK int read_kernel(CALL)
{
    bpf_probe_read_kernel(text, 8, (void *)0xffffffff81000000);
    return 0;
}

HOOK int read_any(CALL)
{
    bpf_probe_read(text, 8, (void *)0xffffffff81000000);
    return 0;
}

HOOK int read_task(CALL)
{
    return bpf_get_current_task() != 0;
}

HOOK int signals(CALL)
{
    return (int)bpf_send_signal(9);
}

HOOK int writes_user(CALL)
{
    return (int)bpf_probe_write_user((void *)context->args[0], text, 8);
}

HOOK int by_number(CALL)
{
    return (int)((long (*)(void *))4000)(context);
}

/* ---- a processor that is held ---- */

static int turn(__u32 index, void *data)
{
    return index == 99 || !data;
}

HOOK int loops(CALL)
{
    return (int)bpf_loop(8 << 20, turn, NULL, 0);
}

static long element(void *map, __u32 *key, __u64 *value, void *data)
{
    return *key == 99 || !map || !value || !data;
}

HOOK int each(CALL)
{
    return (int)bpf_for_each_map_elem(&numbers, element, text, 0);
}

static long command(struct bpf_dynptr *dynptr, void *data)
{
    return !dynptr || !data;
}

HOOK int drains(CALL)
{
    return (int)bpf_user_ringbuf_drain(&commands, command, text, 0);
}

HOOK int is_long(CALL)
{
    __u64 sum = context->id;

    for (int i = 0; i < 20; i++)
        asm volatile(".rept 8000\n %0 *= 3\n .endr" : "+r"(sum));
    return (int)sum;
}

/* ---- kinds ---- */

#define KIND(section, name)            \
    SEC(section) int kind_##name(void) \
    {                                  \
        return 0;                      \
    }

KIND("raw_tp/sched_switch", raw_tp)
KIND("tp_btf/sched_switch", tp_btf)
KIND("fentry/vfs_read", fentry)
KIND("fexit/vfs_read", fexit)
KIND("fmod_ret/security_file_open", fmod_ret)
KIND("kprobe/vfs_read", kprobe)
KIND("kretprobe/vfs_read", kretprobe)
KIND("lsm/file_open", lsm)
KIND("iter/task", iter)
KIND("perf_event", perf_event)
KIND("xdp", xdp)
KIND("tc", tc)
KIND("socket", socket)
KIND("sk_lookup", sk_lookup)
KIND("flow_dissector", flow_dissector)
KIND("tp/sched/sched_switch", others_tracepoint)
KIND("uprobe.s//bin/true:main", sleeps)
KIND("syscall", system)

char LICENSE[] SEC("license") = "GPL";
