/*
 * What a module's eBPF programs may be: its manifest's section `bpf`, bounded by the operator's
 * configuration, checked by the broker on the instructions that are loaded. docs/bpf.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

#define POLICY_ATTACH_MAX 16
#define POLICY_PATTERN_MAX 127
#define POLICY_SHARES_MAX 8
#define POLICY_SHARE_NAME_MAX 31
#define POLICY_KFUNCS_MAX 16
#define POLICY_KFUNC_NAME_MAX 63
#define POLICY_HELPERS 256  /* numbers of helper functions that can be named */
#define POLICY_COUNT_MAX 64 /* of maps, and of programs */
#define POLICY_PROGRAMS_MAX POLICY_COUNT_MAX
#define POLICY_MAPS_MAX POLICY_COUNT_MAX
#define POLICY_MAP_BYTES_MAX (UINT64_C(1) << 30)
/* Without `host`: steps of the verifier through a program, bytes of a value that one instruction
 * copies. A processor is held meanwhile. */
#define POLICY_LENGTH_MAX 131072u
#define POLICY_VALUE_MAX (UINT32_C(256) << 10)

/* A plain structure: it goes to the broker in one message. */
struct bpf_policy {
    uint32_t host;  /* 1: programs may see the whole machine */
    uint32_t given; /* the manifest asks for eBPF at all */
    uint64_t kinds; /* POLICY_KIND() of each that is allowed */
    uint64_t maps;  /* a bit for each type of map, by its number */
    uint64_t helpers[POLICY_HELPERS / 64];
    uint64_t map_bytes; /* of all maps together */
    uint32_t map_count, program_count;
    uint32_t attach_count; /* 0: what the kinds allow */
    uint32_t events;       /* samples a second that a map's reader is given; 0: any number */
    uint32_t show_events;  /* the instance is told what is in its samples; no matter of policy */
    uint32_t reserved;
    uint32_t share_count, kfunc_count;
    /* Names of objects that may be shared and joined. */
    char share[POLICY_SHARES_MAX][POLICY_SHARE_NAME_MAX + 1];
    char attach[POLICY_ATTACH_MAX][POLICY_PATTERN_MAX + 1]; /* patterns of fnmatch(3) */
    /* Functions of the kernel that programs may call, with `host`; and their numbers in the
     * kernel's type information, which a session looks up: 0: it has none of that name. */
    char kfuncs[POLICY_KFUNCS_MAX][POLICY_KFUNC_NAME_MAX + 1];
    uint32_t kfunc_ids[POLICY_KFUNCS_MAX];
};

/* How a kind of program is attached: attach.c has a function for each. */
enum bpf_way {
    WAY_NONE,       /* by another program of the module (tail call) */
    WAY_TRACEPOINT, /* "category/name" */
    WAY_RAW_TRACEPOINT,
    WAY_TRACING, /* a function or hook of the kernel, by its type information */
    WAY_KPROBE,
    WAY_KPROBES, /* all functions of a pattern */
    WAY_CGROUP,
    WAY_XDP,
    WAY_TC,
    WAY_SOCKET,
    WAY_PERF,
    WAY_UPROBE,     /* "/path:function", by its place in the file */
    WAY_USDT,       /* "/path:provider:name" */
    WAY_ITER,       /* what vireo_bpf_read() runs */
    WAY_STRUCT_OPS, /* with its map, by that one's name */
    WAY_NETWORK,    /* the machine's network namespace */
    WAY_NETFILTER,  /* "ipv4:input:PRIORITY" of it */
    WAY_SOCKETS,    /* a sockmap or sockhash of the object, by its name */
};

/* A kind of program: what a manifest calls it, and the sections that make it. */
struct bpf_kind {
    const char *name;
    const char *section; /* prefix up to the attach point; "tp/" is tried beside "tracepoint/" */
    uint32_t type;       /* BPF_PROG_TYPE_* */
    uint32_t attach_type;
    bool any_attach_type; /* what libbpf found is used (cgroup/...) */
    bool host;            /* its context holds what is not the function's own: never without host */
    enum bpf_way way;
    uint32_t alias_of; /* 1 + the index of the kind that it is another section of; 0: itself */
};

extern const struct bpf_kind bpf_kinds[];
extern const size_t bpf_kind_count;

/* The index of a kind by its name, or -ENOENT. */
int bpf_kind_find(const char *name);
/*
 * The kind of a program by its section: its index in bpf_kinds, or -ENOTSUP. *ret_point is what
 * stands behind the prefix, "" for none; it points into `section`.
 */
int bpf_kind_of(const char *section, uint32_t type, const char **ret_point);
/* What stands behind the section's prefix is where it is attached, and nowhere else. */
bool bpf_kind_has_point(const struct bpf_kind *kind);
/* Its sections may have ".s" behind the prefix: programs that wait for memory. */
bool bpf_kind_may_sleep(const struct bpf_kind *kind);
/* "ringbuf" and its number; -ENOENT. */
int bpf_map_type_find(const char *name);
const char *bpf_map_type_name(uint32_t type);
/* "map_lookup_elem" and its number; -ENOENT. */
int bpf_helper_find(const char *name);
const char *bpf_helper_name(uint32_t number);

/* All that can be had without seeing more than the function itself; with `host` what the machine's
 * administrator has. Nothing that changes what other programs do is ever in it. */
void policy_default(struct bpf_policy *policy, bool host);

/* What a manifest says, with what it does not say: the default. */
void policy_settle(const struct bpf_policy *said, struct bpf_policy *ret_policy);

/*
 * Whether `policy` stays within `most`: -EPERM with the first thing that does not, as in
 * "the kind 'kprobe'".
 */
int policy_within(const struct bpf_policy *policy, const struct bpf_policy *most,
                  struct err *reason);

static inline bool policy_has_helper(const struct bpf_policy *policy, uint32_t number)
{
    return number < POLICY_HELPERS && (policy->helpers[number / 64] >> (number % 64) & 1);
}

bool policy_has_share(const struct bpf_policy *policy, const char *name);

struct image;
/*
 * The whole check of an image before any of it reaches the kernel: counts, sizes, types, attach
 * points, every call of every instruction. -EPERM for what the policy refuses, -EBADMSG or -EINVAL
 * for what is no image at all; the message names it.
 */
int policy_check_image(const struct bpf_policy *policy, const struct image *image, struct err *err);
/* What its maps take at most, of policy.map_bytes. */
uint64_t policy_map_bytes(const struct image *image);
struct image_map;
uint64_t policy_one_map_bytes(const struct image_map *map);
/* Pages of each processor's buffer of a perf event array: a power of two. */
uint32_t policy_event_pages(void);
/* An attach point, as it is asked for: by section or by target. -EPERM. */
int policy_check_point(const struct bpf_policy *policy, uint32_t kind, const char *point,
                       struct err *err);
/* Where something of that kind is attached, the kind with it; "" is its own group, or what there is
 * one of. -EPERM. */
int policy_check_place(const struct bpf_policy *policy, uint32_t kind, const char *place,
                       struct err *err);
