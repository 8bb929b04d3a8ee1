/*
 * Whether a program gives out addresses of the kernel. A program that traces needs CAP_PERFMON, and
 * with that the verifier lets pointers be stored, compared and reckoned with. So that one of a
 * function without `host` can't, its twin is shown to the verifier first: the same instructions as
 * of a type that needs no such right (BPF_PROG_TYPE_SYSCALL), without it. The twin never runs.
 *
 * What that type can't have is replaced by what is checked as strictly: events of perf by samples
 * of a ring buffer, what fills memory by another that does, maps that it may not use by others of
 * the same shape.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "bpf/broker_internal.h"

#define RING_BYTES 4096u

struct twin {
    struct bpf_insn *code;
    uint32_t count;
    int ring_fd;
    int maps[2 * POLICY_MAPS_MAX]; /* stand-ins, by the map's number; -1: none was needed */
};

/* No pointer may be where a number is: what is not one can't be combined by XOR. */
#define CHECK_NUMBER(reg)                                     \
    {                                                         \
        .code = BPF_ALU64 | BPF_XOR | BPF_K, .dst_reg = (reg) \
    }
#define CALL(helper)                                \
    {                                               \
        .code = BPF_JMP | BPF_CALL, .imm = (helper) \
    }
#define MOVE(to, from)                                                          \
    {                                                                           \
        .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = (to), .src_reg = (from) \
    }
#define EXIT                       \
    {                              \
        .code = BPF_JMP | BPF_EXIT \
    }

/* Behind the program's own: (context, map, number, memory, bytes). */
static const struct bpf_insn output[] = {
    CHECK_NUMBER(3),
    {.code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = 1, .src_reg = BPF_PSEUDO_MAP_FD},
    {0},
    MOVE(2, 4),
    MOVE(3, 5),
    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 4},
    CALL(BPF_FUNC_ringbuf_output),
    EXIT,
};
#define OUTPUT_RING 1
/* (memory, bytes). */
static const struct bpf_insn fill[] = {
    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 3},
    CALL(BPF_FUNC_probe_read),
    EXIT,
};

/* Where they are in the twin; 0: it has none. */
struct own_code {
    uint32_t output, fill;
};

static uint32_t append(struct twin *twin, const struct bpf_insn *code, size_t count)
{
    uint32_t at = twin->count;

    memcpy(twin->code + at, code, count * sizeof *code);
    twin->count += (uint32_t)count;
    return at;
}

static void call_own(struct twin *twin, uint32_t from, uint32_t to)
{
    twin->code[from].src_reg = BPF_PSEUDO_CALL;
    twin->code[from].imm = (int32_t)(to - from - 1);
}

/* A map of the same shape that such a program may use; -EOPNOTSUPP: it needs none. */
static int stand_in(const struct object_map *map)
{
    const struct broker_map *shown = &map->shown;
    LIBBPF_OPTS(bpf_map_create_opts, flags, .map_flags = map->flags & BPF_F_RDONLY_PROG);

    switch (shown->type) {
    case BPF_MAP_TYPE_LPM_TRIE:
        return bpf_map_create(BPF_MAP_TYPE_HASH, "twin", shown->key_bytes, shown->value_bytes, 1,
                              &flags);
    case BPF_MAP_TYPE_BLOOM_FILTER:
        return bpf_map_create(BPF_MAP_TYPE_QUEUE, "twin", 0, shown->value_bytes, 1, &flags);
    default:
        return -EOPNOTSUPP;
    }
}

static int make_ring(struct twin *twin)
{
    if (twin->ring_fd < 0)
        twin->ring_fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "twin", 0, 0, RING_BYTES, NULL);
    return twin->ring_fd < 0 ? -errno : 0;
}

/* The map of an instruction, as it is or replaced. It stays a pointer also where only a call uses
 * it: where a number may be stored, one to the kernel's map may not. */
static int replace_map(struct twin *twin, const struct object *object, struct bpf_insn *insn)
{
    uint32_t number = (uint32_t)insn->imm;
    const struct object_map *map = &object->maps[number];

    if (map->shown.type == BPF_MAP_TYPE_PERF_EVENT_ARRAY) {
        int r = make_ring(twin);
        insn->imm = twin->ring_fd;
        return r;
    }
    if (twin->maps[number] < 0)
        twin->maps[number] = stand_in(map);
    if (twin->maps[number] < 0 && twin->maps[number] != -EOPNOTSUPP)
        return -errno;
    insn->imm = twin->maps[number] < 0 ? map->fd : twin->maps[number];
    return 0;
}

/* A helper's call: what must be exact of its arguments stays so. */
static int replace_call(struct twin *twin, struct own_code *own, uint32_t at)
{
    struct bpf_insn *insn = &twin->code[at];
    int r = 0;

    switch (insn->imm) {
    case BPF_FUNC_perf_event_output:
        r = own->output ? 0 : make_ring(twin);
        if (!own->output) {
            own->output = append(twin, output, ARRAY_LEN(output));
            twin->code[own->output + OUTPUT_RING].imm = twin->ring_fd;
        }
        call_own(twin, at, own->output);
        break;
    case BPF_FUNC_get_current_comm:
        own->fill = own->fill ? own->fill : append(twin, fill, ARRAY_LEN(fill));
        call_own(twin, at, own->fill);
        break;
    case BPF_FUNC_get_attach_cookie:
        insn->imm = BPF_FUNC_get_prandom_u32;
        break;
    case BPF_FUNC_probe_read_user:
        insn->imm = BPF_FUNC_probe_read;
        break;
    case BPF_FUNC_probe_read_user_str:
        insn->imm = BPF_FUNC_probe_read_str;
        break;
    default:
        break;
    }
    return r;
}

static int make_twin(struct twin *twin, const struct object *object)
{
    uint32_t count = twin->count;
    struct own_code own = {0};
    int r = 0;

    for (uint32_t i = 0; i < count && r == 0; i++) {
        struct bpf_insn *insn = &twin->code[i];
        if (insn->code == (BPF_LD | BPF_IMM | BPF_DW)) {
            if (insn->src_reg == BPF_PSEUDO_MAP_FD || insn->src_reg == BPF_PSEUDO_MAP_VALUE)
                r = replace_map(twin, object, insn);
            i++;
        } else if (insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == 0) {
            r = replace_call(twin, &own, i);
        }
    }
    return r;
}

int program_check_pointers(const struct object *object, const struct image *image,
                           const struct image_program *program, struct err *err)
{
    struct twin twin = {.count = program->code_count, .ring_fd = -1};
    LIBBPF_OPTS(bpf_prog_load_opts, options, .prog_flags = BPF_F_SLEEPABLE);

    for (size_t i = 0; i < ARRAY_LEN(twin.maps); i++)
        twin.maps[i] = -1;
    twin.code = calloc(twin.count + ARRAY_LEN(output) + ARRAY_LEN(fill), sizeof *twin.code);
    if (!twin.code)
        return err_set(err, -ENOMEM, "cannot load program '%s'", program->name);
    memcpy(twin.code, image->bytes + program->code_at, twin.count * sizeof *twin.code);
    int r = make_twin(&twin, object);
    if (r < 0)
        err_set(err, r, "cannot load program '%s'", program->name);
    if (r == 0) {
        struct checked checked = {.name = program->name,
                                  .refused = "without host it may give out no address of the "
                                             "kernel",
                                  .type = BPF_PROG_TYPE_SYSCALL,
                                  .license = image->header->license,
                                  .code = twin.code,
                                  .count = twin.count};
        r = program_load_checked(&checked, &options, err);
    }
    if (r >= 0)
        close(r);
    if (twin.ring_fd >= 0)
        close(twin.ring_fd);
    for (size_t i = 0; i < ARRAY_LEN(twin.maps); i++)
        if (twin.maps[i] >= 0)
            close(twin.maps[i]);
    free(twin.code);
    return r < 0 ? r : 0;
}
