/* What an image may be: the checks of its maps, programs and instructions against a policy. */
#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "bpf/calls.h"
#include "bpf/image.h"
#include "bpf/policy_internal.h"

#define BTF_BYTES_MAX (4u << 20)
#define CALLS_MAX 1000000u /* as many instructions as the verifier looks at */

/* They tell of whoever runs at the moment: of packets and sockets that is anybody. */
static const uint32_t of_caller[] = {
    BPF_FUNC_get_current_pid_tgid, BPF_FUNC_get_current_uid_gid, BPF_FUNC_get_current_comm,
    BPF_FUNC_probe_read_user,      BPF_FUNC_probe_read_user_str, BPF_FUNC_get_current_cgroup_id,
};

/* Hooks that are met in the context of whom they tell of, without a pointer of the kernel's. */
static const char *const own_points[] = {
    "syscalls/sys_enter_*",  "syscalls/sys_exit_*",      "raw_syscalls/sys_enter",
    "raw_syscalls/sys_exit", "sched/sched_process_exec", "sched/sched_process_exit",
};

static uint64_t round_up(uint64_t number, uint64_t to)
{
    return (number + to - 1) / to * to;
}

/* A value for each socket, task or file that the programs meet: how many the policy reckons with.
 */
#define STORAGE_ENTRIES 1024u

static bool is_storage(uint32_t type)
{
    return type == BPF_MAP_TYPE_SK_STORAGE || type == BPF_MAP_TYPE_TASK_STORAGE ||
           type == BPF_MAP_TYPE_INODE_STORAGE || type == MAP_CGRP_STORAGE ||
           type == BPF_MAP_TYPE_CGROUP_STORAGE || type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
}

/* Of all processors together not far beyond 4 MiB, and of each 32 KiB at least. */
#define EVENT_PAGES_MAX 64u
#define EVENT_PAGES_MIN 8u
#define EVENT_PAGES_OF_ALL 1024u

uint32_t policy_event_pages(void)
{
    uint64_t processors = (uint64_t)sysconf(_SC_NPROCESSORS_CONF);
    uint32_t pages = EVENT_PAGES_MAX;

    while (pages > EVENT_PAGES_MIN && pages * processors > EVENT_PAGES_OF_ALL)
        pages /= 2;
    return pages;
}

/* The buffers behind a perf event array, each with a page of its head: the kernel charges them to
 * no control group. */
static uint64_t event_bytes(const struct image_map *map, uint64_t processors)
{
    uint64_t parts = map->entries && map->entries < processors ? map->entries : processors;

    return map->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY
               ? parts * (policy_event_pages() + 1) * (uint64_t)sysconf(_SC_PAGESIZE)
               : 0;
}

/* What a map takes at most, its entries all there. */
uint64_t policy_one_map_bytes(const struct image_map *map)
{
    uint64_t processors = (uint64_t)sysconf(_SC_NPROCESSORS_CONF);
    uint64_t element = round_up(map->key_bytes, 8) + round_up(map->value_bytes, 8);
    bool each = map->type == BPF_MAP_TYPE_PERCPU_ARRAY || map->type == BPF_MAP_TYPE_PERCPU_HASH ||
                map->type == BPF_MAP_TYPE_LRU_PERCPU_HASH ||
                map->type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
    uint64_t bytes;

    if (map->type == BPF_MAP_TYPE_RINGBUF || map->type == BPF_MAP_TYPE_USER_RINGBUF)
        return map->entries;
    /* Storage grows with the objects that it hangs on: the kernel wants 0 entries. */
    if (is_storage(map->type))
        return element * STORAGE_ENTRIES;
    if (each)
        element = round_up(map->key_bytes, 8) + round_up(map->value_bytes, 8) * processors;
    /* A bucket and a link for each. */
    if (__builtin_mul_overflow(element + 48, (uint64_t)map->entries, &bytes))
        return UINT64_MAX;
    return bytes + event_bytes(map, processors);
}

uint64_t policy_map_bytes(const struct image *image)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < image->header->map_count; i++)
        bytes += policy_one_map_bytes(&image->maps[i]); /* checked: they are within the policy */
    return bytes;
}

#define MAP_FLAGS                                                                \
    (BPF_F_NO_PREALLOC | BPF_F_CLONE | BPF_F_NO_COMMON_LRU | BPF_F_RDONLY_PROG | \
     BPF_F_WRONLY_PROG | BPF_F_MMAPABLE | BPF_F_ZERO_SEED | BPF_F_PRESERVE_ELEMS)

/* The virtual kernel's own objects are shared by their maps' names (vkernel/shared_object.c): what
 * a function makes has none that could be taken for one. */
#define OWN_NAMES "vireo_"

static int check_name(const char *kernel_name, struct err *err)
{
    if (strncmp(kernel_name, OWN_NAMES, strlen(OWN_NAMES)) != 0)
        return 0;
    return err_say(err, -EPERM,
                   "cannot load object: '%s' begins with '" OWN_NAMES
                   "', as what belongs to the machine does",
                   kernel_name);
}

static int check_map(const struct bpf_policy *policy, const struct image_map *map, uint64_t *bytes,
                     struct err *err)
{
    int r = check_name(map->kernel_name, err);
    if (r < 0)
        return r;
    if (map->type >= 64 || !(policy->maps >> map->type & 1))
        return err_say(err, -EPERM,
                       "cannot load object: map '%s' is of type %s (%u), which the policy does not "
                       "allow",
                       map->name, bpf_map_type_name(map->type), map->type);
    if (map->flags & ~(uint32_t)MAP_FLAGS)
        return err_say(err, -EPERM, "cannot load object: map '%s' has flags 0x%x", map->name,
                       map->flags & ~(uint32_t)MAP_FLAGS);
    uint32_t value_most = policy->host ? UINT32_C(1) << 24 : POLICY_VALUE_MAX;
    if (map->value_bytes > value_most || map->key_bytes > 512)
        return err_say(err, -E2BIG,
                       "cannot load object: map '%s' has keys of %u and values of %u "
                       "bytes",
                       map->name, map->key_bytes, map->value_bytes);
    /* A value of eight has a program's descriptor in it. */
    if ((map->type == BPF_MAP_TYPE_DEVMAP || map->type == BPF_MAP_TYPE_DEVMAP_HASH ||
         map->type == BPF_MAP_TYPE_CPUMAP) &&
        map->value_bytes != 4)
        return err_say(err, -EPERM,
                       "cannot load object: map '%s' has values of %u bytes, which name programs",
                       map->name, map->value_bytes);
    /* The kernel reads as much as the map's kind wants: of an array that is the value. */
    if (map->initial_bytes &&
        ((map->type != BPF_MAP_TYPE_ARRAY && map->type != BPF_MAP_TYPE_STRUCT_OPS) ||
         map->key_bytes != 4))
        return err_say(err, -EBADMSG, "cannot load object: map '%s' has no first value", map->name);
    if (__builtin_add_overflow(*bytes, policy_one_map_bytes(map), bytes))
        *bytes = UINT64_MAX;
    if (*bytes > policy->map_bytes)
        return err_say(err, -EPERM,
                       "cannot load object: with map '%s' its maps are larger than %" PRIu64
                       " bytes, which the policy allows",
                       map->name, policy->map_bytes);
    return 0;
}

static int refuse_code(const struct image_program *program, uint32_t at, const char *why,
                       struct err *err)
{
    return err_say(err, -EPERM, "cannot load object: program '%s', instruction %u: %s",
                   program->name, at, why);
}

/* Without `host` only a program that is held to its own group (load.c) has a caller of its own. */
static bool tells_of_others(const struct bpf_policy *policy, const struct image_program *program,
                            int32_t helper)
{
    bool found = false;

    for (size_t i = 0; i < ARRAY_LEN(of_caller); i++)
        found |= (int32_t)of_caller[i] == helper;
    return found && !policy->host && program->type != BPF_PROG_TYPE_TRACEPOINT;
}

/* How far a tracepoint's program reads is held against the tracepoint's record when it is attached:
 * one that is tail-called would read what lies behind it, on the kernel's stack. */
static bool reads_too_far(const struct bpf_policy *policy, const struct image_program *program,
                          int32_t helper)
{
    return helper == BPF_FUNC_tail_call && !policy->host &&
           program->type == BPF_PROG_TYPE_TRACEPOINT;
}

/* By its number in the kernel's own type information; those of its modules are nobody's. */
static bool calls_kfunc(const struct bpf_policy *policy, const struct bpf_insn *insn)
{
    if (!policy->host || insn->src_reg != BPF_PSEUDO_KFUNC_CALL || insn->off != 0 || insn->imm <= 0)
        return false;
    for (uint32_t i = 0; i < policy->kfunc_count; i++)
        if (policy->kfunc_ids[i] == (uint32_t)insn->imm)
            return true;
    return false;
}

static int check_call(const struct bpf_policy *policy, const struct image_program *program,
                      uint32_t at, const struct bpf_insn *insn, struct err *err)
{
    char why[128];

    if (insn->src_reg == BPF_PSEUDO_CALL)
        return 0;
    if (insn->src_reg != 0 && calls_kfunc(policy, insn))
        return 0;
    if (insn->src_reg != 0)
        return refuse_code(program, at,
                           "it calls a function of the kernel (kfunc) that the policy does not "
                           "allow",
                           err);
    if (insn->imm >= 0 && policy_has_helper(policy, (uint32_t)insn->imm) &&
        !tells_of_others(policy, program, insn->imm) && !reads_too_far(policy, program, insn->imm))
        return 0;
    snprintf(why, sizeof why, "it calls the helper %s (%d), which the policy does not allow",
             bpf_helper_name((uint32_t)insn->imm), insn->imm);
    return refuse_code(program, at, why, err);
}

/* may_goto (Linux 6.9): millions of rounds. The headers may be older. */
#define JUMP_COUNTED 0xe0

static int check_code(const struct bpf_policy *policy, const struct image *image,
                      const struct image_program *program, struct err *err)
{
    const struct bpf_insn *code = (const void *)(image->bytes + program->code_at);
    int r = 0;

    for (uint32_t i = 0; i < program->code_count && r == 0; i++) {
        const struct bpf_insn *insn = &code[i];
        /* Both forms: by number, and through a register, which is none that is loaded today. */
        if (insn->code == (BPF_JMP | BPF_CALL))
            r = check_call(policy, program, i, insn, err);
        else if ((insn->code & 0xf0) == BPF_CALL && (insn->code & 7) == BPF_JMP)
            r = refuse_code(program, i, "an unknown call", err);
        else if (insn->code == (BPF_JMP | JUMP_COUNTED) && !policy->host)
            r = refuse_code(program, i, "a loop that the kernel counts", err);
        if (insn->code != (BPF_LD | BPF_IMM | BPF_DW) || r < 0)
            continue;
        bool map = insn->src_reg == BPF_PSEUDO_MAP_FD || insn->src_reg == BPF_PSEUDO_MAP_VALUE;
        if (map && (insn->imm < 0 || (uint32_t)insn->imm >= image->header->map_count))
            r = refuse_code(program, i, "it names a map that is not the object's", err);
        else if (!map && insn->src_reg != 0 && insn->src_reg != BPF_PSEUDO_FUNC)
            r = refuse_code(program, i, "it takes an address of the kernel", err);
        i++;
        if (i == program->code_count)
            r = refuse_code(program, i - 1, "it ends in the middle of an instruction", err);
    }
    return r;
}

static int check_length(const struct image *image, const struct image_program *program,
                        struct err *err)
{
    const void *code = image->bytes + program->code_at;

    if (calls_length(code, program->code_count) <= CALLS_MAX)
        return 0;
    return err_say(
        err, -E2BIG,
        "cannot load object: program '%s' calls its functions, and these theirs, over more "
        "than %u instructions",
        program->name, CALLS_MAX);
}

/* Of the operator's and author's patterns the whole of "kind/point" or the point alone. */
static bool matches(const struct bpf_policy *policy, const char *name, const char *point)
{
    char whole[512];

    snprintf(whole, sizeof whole, point[0] ? "%s/%s" : "%s", name, point);
    for (uint32_t i = 0; i < policy->attach_count; i++)
        if (policy_allows_point(policy->attach[i], point) ||
            policy_allows_point(policy->attach[i], whole))
            return true;
    return policy->attach_count == 0;
}

int policy_check_point(const struct bpf_policy *policy, uint32_t kind, const char *point,
                       struct err *err)
{
    const struct bpf_kind *known = &bpf_kinds[kind];
    bool own_point = known->way != WAY_TRACEPOINT || policy->host;

    for (size_t i = 0; i < ARRAY_LEN(own_points) && !own_point; i++)
        own_point = fnmatch(own_points[i], point, FNM_PATHNAME) == 0;
    if (!own_point)
        return err_say(err, -EPERM,
                       "cannot attach to '%s': it tells of others than the function (that needs "
                       "bpf: host)",
                       point);
    /* A system call's name is that of another function than the one that is meant. */
    const char *name = strstr(known->section, "syscall") ? known->section : known->name;
    if (!matches(policy, name, point))
        return err_say(err, -EPERM,
                       "cannot attach to '%s': the policy's attach points do not "
                       "have it",
                       point[0] ? point : known->name);
    return 0;
}

static uint32_t family_of(uint32_t kind)
{
    return bpf_kinds[kind].alias_of ? bpf_kinds[kind].alias_of - 1 : kind;
}

int policy_check_place(const struct bpf_policy *policy, uint32_t kind, const char *place,
                       struct err *err)
{
    const struct bpf_kind *known = &bpf_kinds[kind];

    if ((known->host && !policy->host) || !(policy->kinds >> family_of(kind) & 1))
        return err_say(err, -EPERM, "cannot attach: the policy does not allow the kind %s",
                       known->name);
    /* Of its own group or map there is nothing to match. */
    if (known->way == WAY_SOCKETS || (known->way == WAY_CGROUP && !place[0]))
        return 0;
    return policy_check_point(policy, kind, place, err);
}

static int check_program(const struct bpf_policy *policy, const struct image *image,
                         const struct image_program *program, struct err *err)
{
    const char *point = "";
    int kind = bpf_kind_of(program->section, program->type, &point);
    int r = check_name(program->kernel_name, err);

    if (r < 0)
        return r;
    if (program->type == BPF_PROG_TYPE_EXT)
        return err_say(
            err, -EPERM,
            "cannot load object: program '%s' is a freplace, which changes another program: "
            "nobody is given that",
            program->name);
    if (kind < 0)
        return err_say(err, -ENOTSUP,
                       "cannot load object: program '%s' is of section '%s' (type %u), which is "
                       "not supported",
                       program->name, program->section, program->type);
    const struct bpf_kind *known = &bpf_kinds[kind];
    if (known->host && !policy->host)
        return err_say(err, -EPERM,
                       "cannot load object: program '%s' is of kind %s, which sees more than the "
                       "function (that needs bpf: host)",
                       program->name, known->name);
    if (!(policy->kinds >> family_of((uint32_t)kind) & 1))
        return err_say(err, -EPERM,
                       "cannot load object: program '%s' is of kind %s, which the policy does not "
                       "allow",
                       program->name, known->name);
    /* Sleepable programs wait for memory of whom they meet: nobody's own has them, for every kind
     * that can is the machine's. */
    uint32_t flags = BPF_F_STRICT_ALIGNMENT | BPF_F_ANY_ALIGNMENT;
    if (bpf_kind_may_sleep(known) && policy->host)
        flags |= BPF_F_SLEEPABLE;
    if (known->way == WAY_XDP)
        flags |= BPF_F_XDP_HAS_FRAGS;
    if (program->flags & ~flags)
        return err_say(err, -EPERM, "cannot load object: program '%s' has flags 0x%x",
                       program->name, program->flags);
    if (!known->any_attach_type && known->attach_type != program->attach_type &&
        program->attach_type != 0)
        return err_say(err, -EPERM, "cannot load object: program '%s' has attach type %u",
                       program->name, program->attach_type);
    if (point[0] && (bpf_kind_has_point(known) || program->type == BPF_PROG_TYPE_LSM)) {
        r = policy_check_point(policy, (uint32_t)kind, point, err);
        if (r < 0)
            return r;
    }
    r = check_length(image, program, err);
    return r < 0 ? r : check_code(policy, image, program, err);
}

/* Key and value of a slot are numbers of four bytes, whatever the map is. */
static int check_slot(const struct image *image, const struct image_slot *slot, struct err *err)
{
    const struct image_map *map = &image->maps[slot->map];
    bool of_maps =
        map->type == BPF_MAP_TYPE_ARRAY_OF_MAPS || map->type == BPF_MAP_TYPE_HASH_OF_MAPS;
    bool of_programs = map->type == BPF_MAP_TYPE_PROG_ARRAY;

    if (slot->kind == IMAGE_SLOT_MEMBER && map->type == BPF_MAP_TYPE_STRUCT_OPS &&
        map->initial_bytes >= sizeof(uint64_t) && slot->key % sizeof(uint64_t) == 0 &&
        slot->key <= map->initial_bytes - sizeof(uint64_t))
        return 0;
    if (slot->kind != IMAGE_SLOT_MEMBER && (slot->kind == IMAGE_SLOT_MAP ? of_maps : of_programs) &&
        map->key_bytes == 4 && map->value_bytes == 4)
        return 0;
    return err_say(err, -EBADMSG, "cannot load object: map '%s' can't hold that", map->name);
}

int policy_check_image(const struct bpf_policy *policy, const struct image *image, struct err *err)
{
    const struct image_header *header = image->header;
    uint64_t instructions = 0, bytes = 0;
    int r = 0;

    if (!policy->given)
        return err_say(err, -EPERM, "cannot load object: the function has no grant bpf");
    if (header->map_count > policy->map_count || header->program_count > policy->program_count)
        return err_say(err, -EPERM,
                       "cannot load object: it has %u maps and %u programs, the policy allows %u "
                       "and %u",
                       header->map_count, header->program_count, policy->map_count,
                       policy->program_count);
    if (header->btf_bytes > BTF_BYTES_MAX)
        return err_say(err, -E2BIG, "cannot load object: its type information has %u bytes",
                       header->btf_bytes);
    for (uint32_t i = 0; i < header->map_count && r == 0; i++)
        r = check_map(policy, &image->maps[i], &bytes, err);
    for (uint32_t i = 0; i < header->slot_count && r == 0; i++)
        r = check_slot(image, &image->slots[i], err);
    for (uint32_t i = 0; i < header->program_count && r == 0; i++) {
        instructions += image->programs[i].code_count;
        if (instructions > IMAGE_INSTRUCTIONS_MAX)
            return err_say(err, -E2BIG, "cannot load object: more than %u instructions",
                           IMAGE_INSTRUCTIONS_MAX);
        r = check_program(policy, image, &image->programs[i], err);
    }
    return r;
}
