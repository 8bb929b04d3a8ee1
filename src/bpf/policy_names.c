/* The names by which policies call kinds of programs, types of maps and helper functions. */
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "base/cleanup.h"
#include "bpf/policy.h"

/* Linux 6.4 to 6.7; the headers may be older. */
#define PROGRAM_NETFILTER 32
#define NETFILTER 45
#define TCX_INGRESS 46
#define TCX_EGRESS 47
#define UPROBE_MULTI 48
#define NETKIT_PRIMARY 54
#define NETKIT_PEER 55

/*
 * Sections as libbpf has them; the longest prefix is the kind. Attach types are libbpf's where
 * several sections share a kind. `host` has the reason in docs/bpf.md.
 */
const struct bpf_kind bpf_kinds[] = {
    {"tracepoint", "tracepoint", BPF_PROG_TYPE_TRACEPOINT, 0, false, false, WAY_TRACEPOINT, 0},
    {"tracepoint", "tp", BPF_PROG_TYPE_TRACEPOINT, 0, false, false, WAY_TRACEPOINT, 1},
    {"raw_tp", "raw_tp", BPF_PROG_TYPE_RAW_TRACEPOINT, 0, false, true, WAY_RAW_TRACEPOINT, 0},
    {"raw_tp", "raw_tracepoint", BPF_PROG_TYPE_RAW_TRACEPOINT, 0, false, true, WAY_RAW_TRACEPOINT,
     3},
    {"tp_btf", "tp_btf", BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, false, true, WAY_TRACING, 0},
    {"fentry", "fentry", BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, false, true, WAY_TRACING, 0},
    {"fexit", "fexit", BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, false, true, WAY_TRACING, 0},
    {"lsm", "lsm", BPF_PROG_TYPE_LSM, BPF_LSM_MAC, false, true, WAY_TRACING, 0},
    {"kprobe", "kprobe", BPF_PROG_TYPE_KPROBE, 0, false, true, WAY_KPROBE, 0},
    {"kretprobe", "kretprobe", BPF_PROG_TYPE_KPROBE, 0, false, true, WAY_KPROBE, 0},
    {"perf_event", "perf_event", BPF_PROG_TYPE_PERF_EVENT, 0, false, true, WAY_PERF, 0},
    {"xdp", "xdp", BPF_PROG_TYPE_XDP, BPF_XDP, false, true, WAY_XDP, 0},
    {"tc", "tc", BPF_PROG_TYPE_SCHED_CLS, 0, false, true, WAY_TC, 0},
    {"tc", "classifier", BPF_PROG_TYPE_SCHED_CLS, 0, false, true, WAY_TC, 13},
    {"socket", "socket", BPF_PROG_TYPE_SOCKET_FILTER, 0, false, true, WAY_SOCKET, 0},
    {"cgroup_skb", "cgroup_skb/ingress", BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_INGRESS, false,
     false, WAY_CGROUP, 0},
    {"cgroup_skb", "cgroup_skb/egress", BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS, false,
     false, WAY_CGROUP, 16},
    {"cgroup_sock", "cgroup/sock", BPF_PROG_TYPE_CGROUP_SOCK, 0, true, false, WAY_CGROUP, 0},
    {"cgroup_sock", "cgroup/post_bind4", BPF_PROG_TYPE_CGROUP_SOCK, 0, true, false, WAY_CGROUP, 18},
    {"cgroup_addr", "cgroup/", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, 0, true, false, WAY_CGROUP, 0},
    {"cgroup_dev", "cgroup/dev", BPF_PROG_TYPE_CGROUP_DEVICE, BPF_CGROUP_DEVICE, false, false,
     WAY_CGROUP, 0},
    {"cgroup_sysctl", "cgroup/sysctl", BPF_PROG_TYPE_CGROUP_SYSCTL, BPF_CGROUP_SYSCTL, false, false,
     WAY_CGROUP, 0},
    {"cgroup_sockopt", "cgroup/", BPF_PROG_TYPE_CGROUP_SOCKOPT, 0, true, false, WAY_CGROUP, 0},
    {"sockops", "sockops", BPF_PROG_TYPE_SOCK_OPS, BPF_CGROUP_SOCK_OPS, false, false, WAY_CGROUP,
     0},
    {"uprobe", "uprobe", BPF_PROG_TYPE_KPROBE, UPROBE_MULTI, false, true, WAY_UPROBE, 0},
    {"uretprobe", "uretprobe", BPF_PROG_TYPE_KPROBE, UPROBE_MULTI, false, true, WAY_UPROBE, 0},
    {"iter", "iter", BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, false, true, WAY_ITER, 0},
    {"fmod_ret", "fmod_ret", BPF_PROG_TYPE_TRACING, BPF_MODIFY_RETURN, false, true, WAY_TRACING, 0},
    {"lsm_cgroup", "lsm_cgroup", BPF_PROG_TYPE_LSM, BPF_LSM_CGROUP, false, true, WAY_CGROUP, 0},
    {"struct_ops", "struct_ops", BPF_PROG_TYPE_STRUCT_OPS, 0, true, true, WAY_STRUCT_OPS, 0},
    {"sk_lookup", "sk_lookup", BPF_PROG_TYPE_SK_LOOKUP, BPF_SK_LOOKUP, false, true, WAY_NETWORK, 0},
    {"flow_dissector", "flow_dissector", BPF_PROG_TYPE_FLOW_DISSECTOR, BPF_FLOW_DISSECTOR, false,
     true, WAY_NETWORK, 0},
    /* What passes them are the sockets that the module's own sockops have put into its map. */
    {"sk_msg", "sk_msg", BPF_PROG_TYPE_SK_MSG, BPF_SK_MSG_VERDICT, false, false, WAY_SOCKETS, 0},
    {"sk_skb", "sk_skb/stream_verdict", BPF_PROG_TYPE_SK_SKB, BPF_SK_SKB_STREAM_VERDICT, false,
     false, WAY_SOCKETS, 0},
    {"sk_skb", "sk_skb/stream_parser", BPF_PROG_TYPE_SK_SKB, BPF_SK_SKB_STREAM_PARSER, false, false,
     WAY_SOCKETS, 34},
    {"sk_skb", "sk_skb", BPF_PROG_TYPE_SK_SKB, BPF_SK_SKB_VERDICT, false, false, WAY_SOCKETS, 34},
    {"raw_tp", "raw_tp.w", BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE, 0, false, true,
     WAY_RAW_TRACEPOINT, 3},
    {"raw_tp", "raw_tracepoint.w", BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE, 0, false, true,
     WAY_RAW_TRACEPOINT, 3},
    {"xdp", "xdp.frags", BPF_PROG_TYPE_XDP, BPF_XDP, false, true, WAY_XDP, 12},
    {"tc", "tcx/ingress", BPF_PROG_TYPE_SCHED_CLS, TCX_INGRESS, false, true, WAY_TC, 13},
    {"tc", "tcx/egress", BPF_PROG_TYPE_SCHED_CLS, TCX_EGRESS, false, true, WAY_TC, 13},
    {"tc", "tc/ingress", BPF_PROG_TYPE_SCHED_CLS, TCX_INGRESS, false, true, WAY_TC, 13},
    {"tc", "tc/egress", BPF_PROG_TYPE_SCHED_CLS, TCX_EGRESS, false, true, WAY_TC, 13},
    {"kprobe", "ksyscall", BPF_PROG_TYPE_KPROBE, 0, false, true, WAY_KPROBE, 9},
    {"kretprobe", "kretsyscall", BPF_PROG_TYPE_KPROBE, 0, false, true, WAY_KPROBE, 10},
    {"uprobe", "uprobe.multi", BPF_PROG_TYPE_KPROBE, UPROBE_MULTI, false, true, WAY_UPROBE, 25},
    {"uretprobe", "uretprobe.multi", BPF_PROG_TYPE_KPROBE, UPROBE_MULTI, false, true, WAY_UPROBE,
     26},
    {"usdt", "usdt", BPF_PROG_TYPE_KPROBE, UPROBE_MULTI, false, true, WAY_USDT, 0},
    {"netfilter", "netfilter", PROGRAM_NETFILTER, NETFILTER, false, true, WAY_NETFILTER, 0},
    {"netkit", "netkit/primary", BPF_PROG_TYPE_SCHED_CLS, NETKIT_PRIMARY, false, true, WAY_TC, 0},
    {"cgroup_sock", "cgroup/post_bind6", BPF_PROG_TYPE_CGROUP_SOCK, 0, true, false, WAY_CGROUP, 18},
    {"kprobe", "kprobe.multi", BPF_PROG_TYPE_KPROBE, BPF_TRACE_KPROBE_MULTI, false, true,
     WAY_KPROBES, 9},
    {"kretprobe", "kretprobe.multi", BPF_PROG_TYPE_KPROBE, BPF_TRACE_KPROBE_MULTI, false, true,
     WAY_KPROBES, 10},
    {"netkit", "netkit/peer", BPF_PROG_TYPE_SCHED_CLS, NETKIT_PEER, false, true, WAY_TC, 50},
};
_Static_assert(ARRAY_LEN(bpf_kinds) <= 64, "a bit for each in a policy");
const size_t bpf_kind_count = ARRAY_LEN(bpf_kinds);

int bpf_kind_find(const char *name)
{
    for (size_t i = 0; i < bpf_kind_count; i++)
        if (!bpf_kinds[i].alias_of && strcmp(bpf_kinds[i].name, name) == 0)
            return (int)i;
    return -ENOENT;
}

bool bpf_kind_may_sleep(const struct bpf_kind *kind)
{
    return kind->way == WAY_TRACING || kind->way == WAY_ITER || kind->way == WAY_UPROBE ||
           kind->way == WAY_STRUCT_OPS;
}

/* "tp/x" has the prefix "tp", "tps/x" has not; a prefix that ends in a slash takes what follows,
 * and
 * ".s" may stand behind that of a kind that may sleep. */
static bool has_prefix(const struct bpf_kind *kind, const char *section, const char **ret_rest)
{
    const char *prefix = kind->section;
    size_t length = strlen(prefix);

    if (strncmp(section, prefix, length) != 0)
        return false;
    const char *rest = section + length;
    if (bpf_kind_may_sleep(kind) && rest[0] == '.' && rest[1] == 's' &&
        (!rest[2] || rest[2] == '/'))
        rest += 2;
    if (length > 0 && prefix[length - 1] != '/' && *rest != '\0' && *rest != '/' && *rest != '_')
        return false;
    *ret_rest = *rest == '/' ? rest + 1 : rest;
    return true;
}

int bpf_kind_of(const char *section, uint32_t type, const char **ret_point)
{
    int best = -ENOTSUP;
    size_t best_length = 0;

    if (section[0] == '?')
        section++;
    for (size_t i = 0; i < bpf_kind_count; i++) {
        const char *rest;
        size_t length = strlen(bpf_kinds[i].section);
        if (bpf_kinds[i].type != type || length <= best_length ||
            !has_prefix(&bpf_kinds[i], section, &rest))
            continue;
        best = (int)i;
        best_length = length;
        *ret_point = rest;
    }
    return best;
}

/* Linux 6.2; the headers may be older. */
#define MAP_CGRP_STORAGE 32

bool bpf_kind_has_point(const struct bpf_kind *kind)
{
    return kind->way == WAY_TRACEPOINT || kind->way == WAY_RAW_TRACEPOINT ||
           kind->way == WAY_TRACING || kind->way == WAY_KPROBE || kind->way == WAY_KPROBES ||
           kind->way == WAY_ITER || kind->way == WAY_UPROBE || kind->way == WAY_USDT;
}

static const char *const map_types[] = {
    [BPF_MAP_TYPE_HASH] = "hash",
    [BPF_MAP_TYPE_ARRAY] = "array",
    [BPF_MAP_TYPE_PROG_ARRAY] = "prog_array",
    [BPF_MAP_TYPE_PERF_EVENT_ARRAY] = "perf_event_array",
    [BPF_MAP_TYPE_PERCPU_HASH] = "percpu_hash",
    [BPF_MAP_TYPE_PERCPU_ARRAY] = "percpu_array",
    [BPF_MAP_TYPE_STACK_TRACE] = "stack_trace",
    [BPF_MAP_TYPE_LRU_HASH] = "lru_hash",
    [BPF_MAP_TYPE_LRU_PERCPU_HASH] = "lru_percpu_hash",
    [BPF_MAP_TYPE_LPM_TRIE] = "lpm_trie",
    [BPF_MAP_TYPE_ARRAY_OF_MAPS] = "array_of_maps",
    [BPF_MAP_TYPE_HASH_OF_MAPS] = "hash_of_maps",
    [BPF_MAP_TYPE_QUEUE] = "queue",
    [BPF_MAP_TYPE_STACK] = "stack",
    [BPF_MAP_TYPE_RINGBUF] = "ringbuf",
    [BPF_MAP_TYPE_USER_RINGBUF] = "user_ringbuf",
    [BPF_MAP_TYPE_BLOOM_FILTER] = "bloom_filter",
    [BPF_MAP_TYPE_SOCKMAP] = "sockmap",
    [BPF_MAP_TYPE_SOCKHASH] = "sockhash",
    [BPF_MAP_TYPE_SK_STORAGE] = "sk_storage",
    [BPF_MAP_TYPE_TASK_STORAGE] = "task_storage",
    [BPF_MAP_TYPE_INODE_STORAGE] = "inode_storage",
    [MAP_CGRP_STORAGE] = "cgrp_storage",
    [BPF_MAP_TYPE_CGROUP_STORAGE] = "cgroup_storage",
    [BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE] = "percpu_cgroup_storage",
    [BPF_MAP_TYPE_STRUCT_OPS] = "struct_ops",
    [BPF_MAP_TYPE_CGROUP_ARRAY] = "cgroup_array",
    [BPF_MAP_TYPE_DEVMAP] = "devmap",
    [BPF_MAP_TYPE_DEVMAP_HASH] = "devmap_hash",
    [BPF_MAP_TYPE_CPUMAP] = "cpumap",
};

int bpf_map_type_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(map_types); i++)
        if (map_types[i] && strcmp(map_types[i], name) == 0)
            return (int)i;
    return -ENOENT;
}

const char *bpf_map_type_name(uint32_t type)
{
    return type < ARRAY_LEN(map_types) && map_types[type] ? map_types[type] : "unknown";
}

static const char *const helpers[] = {
#define HELPER(name) [BPF_FUNC_##name] = #name
    __BPF_FUNC_MAPPER(HELPER)
#undef HELPER
};

int bpf_helper_find(const char *name)
{
    for (size_t i = 1; i < ARRAY_LEN(helpers) && i < POLICY_HELPERS; i++)
        if (helpers[i] && strcmp(helpers[i], name) == 0)
            return (int)i;
    return -ENOENT;
}

const char *bpf_helper_name(uint32_t number)
{
    return number < ARRAY_LEN(helpers) && helpers[number] ? helpers[number] : "unknown";
}
