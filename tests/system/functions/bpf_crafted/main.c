/* What no compiler makes: objects whose parts lie about each other, instructions made by hand, and
 * handles that have been closed. Each answer must be the error, in time, and the next proper object
 * load as ever. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crafted.skel.h"

#define EBADF_ (-9)
#define EFAULT_ (-14)
#define EINVAL_ (-22)
#define EOPNOTSUPP_ (-95)

static int failures;

#define IS(call, wanted)                                                              \
    do {                                                                              \
        long long is_ = (long long)(call), wanted_ = (wanted);                        \
        if (is_ != wanted_) {                                                         \
            printf("line %d: %s is %lld, not %lld\n", __LINE__, #call, is_, wanted_); \
            failures++;                                                               \
        }                                                                             \
    } while (0)

/* ---- instructions ---- */

struct instruction {
    uint8_t code, registers; /* destination below, source above */
    int16_t offset;
    int32_t value;
};
#define ZERO          \
    {                 \
        0xb7, 0, 0, 0 \
    }
#define END           \
    {                 \
        0x95, 0, 0, 0 \
    }

static void instructions(void)
{
    static const struct {
        const char *what;
        struct instruction code[4];
        int count;
    } refused[] = {
        {"a kfunc", {ZERO, {0x85, 0x20, 0, 1}, END}, 3},
        {"a kfunc of a module", {ZERO, {0x85, 0x20, 1, 1}, END}, 3},
        {"an unknown kind of call", {ZERO, {0x85, 0x30, 0, 1}, END}, 3},
        {"a helper below zero", {ZERO, {0x85, 0, 0, -1}, END}, 3},
        {"a helper that there is not", {ZERO, {0x85, 0, 0, 0x7fffffff}, END}, 3},
        {"a call through a register", {ZERO, {0x8d, 0, 0, 0}, END}, 3},
        {"a call of 32 bits", {ZERO, {0x86, 0, 0, 1}, END}, 3},
        {"a map by a descriptor of the host's", {{0x18, 0x10, 0, 3}, {0}, ZERO, END}, 4},
        {"a map of nobody's", {{0x18, 0x10, 0, -1}, {0}, ZERO, END}, 4},
        {"a variable of the kernel", {{0x18, 0x30, 0, 1}, {0}, ZERO, END}, 4},
        {"a map by its index", {{0x18, 0x50, 0, 0}, {0}, ZERO, END}, 4},
        {"a map's value by its index", {{0x18, 0x60, 0, 0}, {0}, ZERO, END}, 4},
        {"an unknown constant", {{0x18, 0x90, 0, 0}, {0}, ZERO, END}, 4},
        {"half an instruction", {ZERO, {0x18, 0, 0, 0}}, 2},
        {"the kernel's own load", {{0x79 | 0x20, 0x10, 0, 0}, ZERO, END}, 3},
        {"a jump out of it", {{0x05, 0, 100, 0}, ZERO, END}, 3},
        {"a jump in front of it", {{0x05, 0, -2, 0}, ZERO, END}, 3},
        {"a loop without end", {{0x05, 0, -1, 0}, ZERO, END}, 3},
        {"a loop that the kernel counts", {{0xe5, 0, 1, 0}, {0x05, 0, -2, 0}, ZERO, END}, 4},
        {"no end", {ZERO}, 1},
        {"an unknown instruction", {{0xff, 0xff, -1, -1}, END}, 2},
    };
    static const char *const sections[] = {
        "freplace/main",
        "syscall",
        "fentry.s/vfs_read",
        "lsm.s/file_open",
        "struct_ops/init",
        "sk_reuseport",
        "lwt_in",
        "iter.s/task",
        "uprobe.s//x:y",
        "",
        "/",
        "tp/../../etc",
        "no_such_section",
        "kprobe.multi/*",
        "raw_tp/sched_switch",
    };
    const struct instruction good[] = {ZERO, END};

    for (unsigned i = 0; i < sizeof refused / sizeof *refused; i++) {
        bpf_object_handle made = vireo_bpf_load_program(
            "made", "cgroup_skb/egress", "GPL", (const void *)refused[i].code, refused[i].count);
        if (made) {
            printf("%s is loaded\n", refused[i].what);
            failures++;
        }
    }
    for (unsigned i = 0; i < sizeof sections / sizeof *sections; i++) {
        bpf_object_handle made =
            vireo_bpf_load_program("made", sections[i], "GPL", (const void *)good, 2);
        /* A tracepoint's own name is looked at when it is attached. */
        if (made && wasm_attach_bpf_program(made, "made", NULL) == 0) {
            printf("section '%s' is attached\n", sections[i]);
            failures++;
        }
        if (made)
            IS(wasm_close_bpf_object(made), 0);
    }
    IS(vireo_bpf_load_program("made", "cgroup_skb/egress", "GPL", (const void *)good, 0), 0);
    IS(vireo_bpf_load_program("made", "cgroup_skb/egress", "GPL", (const void *)good, 0x20000000),
       0);
    bpf_object_handle fine =
        vireo_bpf_load_program("made", "cgroup_skb/egress", "GPL", (const void *)good, 2);
    IS(fine != 0, 1);
    IS(wasm_close_bpf_object(fine), 0);
}

/* ---- handles that were closed ---- */

static void after_close(void)
{
    uint32_t key = 0, number;
    uint64_t value[64];
    struct crafted_skel one, other;

    IS(crafted_load(&one), 0);
    IS(crafted_load(&other), 0);
    /* Maps of an object go into its own maps of maps: of another, or of a closed one, they are
     * none. */
    number = (uint32_t)other.maps.first;
    IS(wasm_bpf_map_operate(one.maps.outer, BPF_MAP_UPDATE, &key, &number, NULL, 0), EBADF_);
    IS(wasm_bpf_map_operate(other.maps.outer, BPF_MAP_UPDATE, &key, &number, NULL, 0), 0);
    int first = one.maps.first, jumps = one.maps.jumps;
    bpf_object_handle object = one.object;
    number = (uint32_t)first;
    IS(wasm_bpf_map_operate(other.maps.jumps, BPF_MAP_UPDATE, &key, &number, NULL, 0), EOPNOTSUPP_);
    IS(wasm_bpf_map_operate(other.maps.jumps, BPF_MAP_LOOKUP, &key, value, NULL, 0), EOPNOTSUPP_);
    IS(wasm_bpf_map_operate(other.maps.jumps, BPF_MAP_DELETE, &key, NULL, NULL, 0), EOPNOTSUPP_);
    crafted_close(&one);
    /* Nothing that comes later is met under the old numbers. */
    for (int i = 0; i < 20; i++) {
        struct crafted_skel next;
        IS(crafted_load(&next), 0);
        IS(next.object == object || next.maps.first == first || next.maps.jumps == jumps, 0);
        IS(wasm_bpf_map_operate(first, BPF_MAP_LOOKUP, &key, value, NULL, 0), EBADF_);
        IS(wasm_bpf_map_operate(other.maps.outer, BPF_MAP_UPDATE, &key, &number, NULL, 0), EBADF_);
        IS(wasm_attach_bpf_program(object, "on_made", NULL), EINVAL_);
        IS(vireo_bpf_detach(object, "on_made"), EINVAL_);
        IS(wasm_close_bpf_object(object), EINVAL_);
        crafted_close(&next);
    }
    crafted_close(&other);
}

/* Ten thousand maps, one after the other; at once as many as the policy says. */
static void many_maps(void)
{
    static const struct vireo_bpf_map shape = {2, 4, 8, 1, 0};
    bpf_object_handle held[64];
    int count = 0;

    for (int i = 0; i < 10000; i++) {
        bpf_object_handle made = vireo_bpf_create_map("made", &shape);
        if (!made || wasm_close_bpf_object(made) != 0) {
            printf("map %d: %llu\n", i, (unsigned long long)made);
            failures++;
            return;
        }
    }
    while (count < 64 && (held[count] = vireo_bpf_create_map("made", &shape)))
        count++;
    IS(count <= 32 && count >= 8, 1);
    while (count > 0)
        IS(wasm_close_bpf_object(held[--count]), 0);
}

/* ---- pointers that wrap ---- */

static void wrapping(void)
{
    static const uint32_t starts[] = {0xffffffff, 0xfffffff8, 0xffff0000, 0x80000000};
    struct crafted_skel skel;
    uint32_t key = 0;
    uint64_t value[64];

    IS(crafted_load(&skel), 0);
    for (unsigned i = 0; i < sizeof starts / sizeof *starts; i++) {
        void *at = (void *)(uintptr_t)starts[i];
        IS(wasm_load_bpf_object(at, 64), 0);
        IS(wasm_load_bpf_object(at, 0x7fffffff), 0);
        IS(wasm_attach_bpf_program(skel.object, at, NULL), EFAULT_);
        IS(wasm_attach_bpf_program(skel.object, "on_made", at), EFAULT_);
        IS(wasm_bpf_map_fd_by_name(skel.object, at), EFAULT_);
        IS(wasm_bpf_map_operate(skel.maps.first, BPF_MAP_LOOKUP, at, value, NULL, 0), EFAULT_);
        IS(wasm_bpf_map_operate(skel.maps.first, BPF_MAP_LOOKUP, &key, at, NULL, 0), EFAULT_);
        IS(wasm_bpf_map_operate(skel.maps.first, BPF_MAP_UPDATE, at, value, NULL, 0), EFAULT_);
        IS(wasm_bpf_map_operate(skel.maps.first, BPF_MAP_DELETE, at, NULL, NULL, 0), EFAULT_);
        IS(wasm_bpf_map_operate(skel.maps.first, BPF_MAP_NEXT_KEY, NULL, NULL, at, 0), EFAULT_);
        IS(vireo_bpf_global(skel.object, "counted", at, 8, 0), EFAULT_);
        IS(vireo_bpf_global(skel.object, at, value, 8, 0), EFAULT_);
        IS(vireo_bpf_copy(skel.maps.first, 0, at, 8, 0), EFAULT_);
        IS(vireo_bpf_copy(skel.maps.first, ~0ull, value, 8, 0), EINVAL_);
        IS(vireo_bpf_create_map(at, at), 0);
        IS(vireo_bpf_load_program("made", "socket", "GPL", at, 0x20000000), 0);
        IS(vireo_bpf_pin(skel.maps.first, at), EFAULT_);
    }
    crafted_close(&skel);
}

/* ---- objects whose parts lie ---- */

static void put(uint8_t *at, uint64_t value, unsigned bytes)
{
    memcpy(at, &value, bytes);
}

static uint64_t get(const uint8_t *at, unsigned bytes)
{
    uint64_t value = 0;

    memcpy(&value, at, bytes);
    return value;
}

static uint8_t copy[sizeof crafted_object];
static unsigned tried, taken;

static void try_it(void)
{
    bpf_object_handle object = wasm_load_bpf_object(copy, sizeof copy);

    tried++;
    if (!object)
        return;
    taken++;
    IS(wasm_close_bpf_object(object), 0);
}

/* Each section's place, size and ties, so that sections overlap, end outside, are of another kind
 * or their own relocations. */
static void sections(void)
{
    static const struct {
        unsigned at, bytes;
    } fields[] = {{0, 4}, {4, 4}, {8, 8}, {24, 8}, {32, 8}, {40, 4}, {44, 4}, {56, 8}};
    const uint64_t table = get(crafted_object + 40, 8), count = get(crafted_object + 60, 2);

    for (uint64_t i = 1; i < count; i++)
        for (unsigned k = 0; k < sizeof fields / sizeof *fields; k++) {
            const uint64_t head = table + i * 64, next = table + (i % (count - 1) + 1) * 64;
            const uint64_t values[] = {get(crafted_object + next + fields[k].at, fields[k].bytes),
                                       i, ~0ull};
            const unsigned which = (unsigned)(i + k) % 3;
            memcpy(copy, crafted_object, sizeof copy);
            put(copy + head + fields[k].at, values[which], fields[k].bytes);
            try_it();
        }
}

/* The type information: its header, types of themselves, counts without end. */
static void types(void)
{
    const uint8_t *at = NULL;

    for (size_t i = 64; i + 24 < sizeof crafted_object && !at; i++)
        if (get(crafted_object + i, 4) == 0x0001eb9f && get(crafted_object + i + 4, 4) == 24)
            at = crafted_object + i;
    if (!at) {
        puts("it has no type information");
        failures++;
        return;
    }
    const size_t head = (size_t)(at - crafted_object);
    static const uint64_t values[] = {0, 3, 0x7fffffff, 0xfffffff0};
    for (unsigned field = 1; field < 6; field++)
        for (unsigned k = 0; k < 4; k++) {
            memcpy(copy, crafted_object, sizeof copy);
            put(copy + head + field * 4, values[k], 4);
            try_it();
        }
    /* Of each of the first types the number of members, and what it is of: itself. */
    for (unsigned i = 0; i < 24; i++) {
        memcpy(copy, crafted_object, sizeof copy);
        uint8_t *word = copy + head + 24 + i * 4;
        put(word, i % 3 == 0 ? 0xffff | get(word, 4) : i % 3 == 1 ? i / 3 + 1 : 0x0400ffff, 4);
        try_it();
    }
    /* CO-RE and line records: places far behind the code. */
    for (size_t i = head + 24; i + 24 < sizeof crafted_object; i++) {
        if (get(crafted_object + i, 4) != 0x0001eb9f)
            continue;
        for (unsigned word = 1; word < 40; word++) {
            memcpy(copy, crafted_object, sizeof copy);
            put(copy + i + word * 4, word % 2 ? 0x7ffffff8 : 0xffffffff, 4);
            try_it();
        }
        return;
    }
}

int main(int argc, char **argv)
{
    struct crafted_skel skel;

    if (argc > 1 && strcmp(argv[1], "loads") == 0) {
        for (;;) {
            if (crafted_load(&skel) < 0)
                return 3;
            crafted_attach(&skel);
            crafted_close(&skel);
        }
    }
    instructions();
    after_close();
    many_maps();
    wrapping();
    sections();
    types();
    IS(crafted_load(&skel), 0);
    IS(crafted_attach(&skel), 0);
    crafted_close(&skel);
    printf("%u objects, %u of them taken\n%s\n", tried, taken, failures ? "failed" : "all refused");
    return failures != 0;
}
