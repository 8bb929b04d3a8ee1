/* Attaches a program of each kind, waits until each has run, and then tries what goes beyond
 * wasm-bpf. Its word is the path and function of a program that the test runs. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "acts.skel.h"
#include "kinds.h"
#include "steady.skel.h"
#include "traced.skel.h"

#define MMAPABLE 1024
#define ARRAY 2

static struct acts_skel skel;
static int failures;

#define IS(call, wanted)                                                              \
    do {                                                                              \
        long long is_ = (long long)(call), wanted_ = (wanted);                        \
        if (is_ != wanted_) {                                                         \
            printf("line %d: %s is %lld, not %lld\n", __LINE__, #call, is_, wanted_); \
            failures++;                                                               \
        }                                                                             \
    } while (0)

static void rest(void)
{
    struct timespec moment = {.tv_nsec = 20000000};

    nanosleep(&moment, NULL);
}

/* ---- each kind ---- */

static void attach_all(const char *function)
{
    static char several[256], probe[256];
    int path = (int)(strrchr(function, ':') - function);

    snprintf(several, sizeof several, "%.*s:probed_*", path, function);
    snprintf(probe, sizeof probe, "%.*s:victim:turn", path, function);
    const char *const targets[][2] = {
        {"on_raw_tp", NULL},     {"on_tp_btf", NULL},
        {"on_perf", "1:0:200"},  {"on_xdp", "lo"},
        {"on_tc", "lo:egress"},  {"on_socket", "lo"},
        {"on_uprobe", function}, {"on_uretprobe", function},
        {"on_connect", "/"},     {"on_create", "/"},
        {"on_egress", "/"},      {"on_sockops", "/"},
        {"on_msg", "sockets"},   {"on_lookup", NULL},
        {"on_iter", NULL},       {"on_sleep", NULL},
        {"on_multi", several},   {"on_usdt", probe},
        {"on_tcx", "lo"},        {"on_netfilter", "ipv4:output:5"},
    };
    const char *const wrong[][2] = {
        {"on_usdt", "/bin/true:victim:turn"}, {"on_usdt", "/bin:victim:turn"},
        {"on_usdt", "victim:turn"},           {"on_multi", "/bin/../bin/true:main"},
        {"on_multi", "/bin/true:no_such_*"},  {"on_netfilter", "ipv4:nowhere:1"},
        {"on_netfilter", "ipv4:output"},
    };

    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++)
        IS(wasm_attach_bpf_program(skel.object, wrong[i][0], wrong[i][1]) < 0, 1);

    for (unsigned i = 0; i < sizeof targets / sizeof *targets; i++) {
        int r = wasm_attach_bpf_program(skel.object, targets[i][0], targets[i][1]);
        if (r < 0) {
            printf("%s: %d\n", targets[i][0], r);
            failures++;
        }
    }
}

static void read_probe(void)
{
    int64_t turn[4];

    IS(vireo_bpf_global(skel.object, "turn", turn, sizeof turn, 0), 0);
    IS(turn[0], 1);
    IS(turn[1], -7);
    IS(turn[2], 4242);
    IS(turn[3], 3);
}

static void read_iterator(void)
{
    static char text[65536];
    int bytes, lines = 0;

    for (int anew = 1;
         (bytes = vireo_bpf_iterate(skel.object, "on_iter", text, sizeof text, anew)) > 0; anew = 0)
        for (int i = 0; i < bytes; i++)
            lines += text[i] == '\n';
    IS(bytes, 0);
    IS(lines > 2, 1);
    IS(vireo_bpf_iterate(skel.object, "on_iter", text, 10, 1), -22);
    IS(vireo_bpf_iterate(skel.object, "on_xdp", text, sizeof text, 1), -22);
}

/* Waits until all that was attached has run, half a minute at most. */
static void wait_for_all(void)
{
    static const char *const names[] = {
#define X(name) #name,
        KINDS(X)
#undef X
    };
    uint64_t hits[KIND_COUNT];

    for (int i = 0, idle = 1; i < 1500 && idle; i++) {
        uint64_t number = 3;
        vireo_bpf_send(skel.maps.commands, &number, sizeof number);
        rest();
        read_iterator();
        IS(vireo_bpf_global(skel.object, "hits", hits, sizeof hits, 0), 0);
        idle = 0;
        for (int kind = 0; kind < KIND_COUNT; kind++)
            idle |= hits[kind] == 0;
    }
    for (int kind = 0; kind < KIND_COUNT; kind++) {
        printf("%s %s\n", names[kind], hits[kind] ? "acts" : "idle");
        failures += !hits[kind];
        IS(hits[kind] % 3, 0); /* each counts by what was set before the load */
    }
}

/* ---- kinds that not every kernel has ---- */

static void traced(const char *only)
{
    static const char *const names[] = {"on_fentry", "on_fexit", "on_lsm", "on_lsm_idle"};
    struct traced_skel made;
    uint64_t ran = 0;

    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        uint32_t loads = strcmp(names[i], only) == 0;
        IS(vireo_bpf_set(VIREO_BPF_SET_PROGRAM, names[i], &loads, 4), 0);
    }
    if (traced_load(&made) < 0) {
        printf("%s refused\n", only);
        return;
    }
    IS(wasm_attach_bpf_program(made.object, only, NULL), 0);
    for (int i = 0; i < 500 && !ran; i++) {
        rest();
        IS(vireo_bpf_global(made.object, "ran", &ran, 8, 0), 0);
    }
    printf("%s %s\n", only, ran ? "acts" : "idle");
    traced_close(&made);
}

static void steady(void)
{
    struct steady_skel made;

    if (steady_load(&made) < 0) {
        printf("struct_ops refused\n");
        return;
    }
    IS(wasm_attach_bpf_program(made.object, "steady", NULL), 0);
    IS(wasm_attach_bpf_program(made.object, "steady", NULL), -16);
    IS(vireo_bpf_detach(made.object, "steady"), 0);
    IS(wasm_attach_bpf_program(made.object, "steady", NULL), 0);
    printf("struct_ops acts\n");
    fflush(stdout);
    for (int i = 0; i < 50; i++)
        rest();
    steady_close(&made);
}

/* ---- beyond ---- */

static void globals(void)
{
    uint32_t value = 11;

    IS(vireo_bpf_global(skel.object, "limit", &value, 4, 1), 0);
    value = 0;
    IS(vireo_bpf_global(skel.object, "limit", &value, 4, 0), 0);
    IS(value, 11);
    IS(vireo_bpf_global(skel.object, "step", &value, 4, 0), 0);
    IS(value, 3);
    IS(vireo_bpf_global(skel.object, "step", &value, 4, 1), -1);
    IS(vireo_bpf_global(skel.object, "limit", &value, 8, 0), -22);
    IS(vireo_bpf_global(skel.object, "no_such", &value, 4, 0), -2);
}

static void batches(void)
{
    struct vireo_bpf_batch batch = {.count = 40};
    uint32_t keys[40];
    uint64_t values[40], sum = 0;
    int found = 0;

    for (uint32_t i = 0; i < 40; i++) {
        keys[i] = i;
        values[i] = 100 + i;
    }
    IS(vireo_bpf_batch(skel.maps.table, VIREO_BPF_BATCH_UPDATE, &batch, keys, values), 0);
    IS(batch.count, 40);
    batch = (struct vireo_bpf_batch){0};
    do {
        batch.count = 40;
        IS(vireo_bpf_batch(skel.maps.table, VIREO_BPF_BATCH_LOOKUP, &batch, keys, values), 0);
        for (uint32_t i = 0; i < batch.count; i++)
            sum += values[i] - keys[i];
        found += (int)batch.count;
    } while (batch.begun && found < 80);
    IS(found, 40);
    IS(sum, 4000);
    batch = (struct vireo_bpf_batch){.count = 10};
    for (uint32_t i = 0; i < 10; i++)
        keys[i] = i;
    IS(vireo_bpf_batch(skel.maps.table, VIREO_BPF_BATCH_DELETE, &batch, keys, NULL), 0);
    batch = (struct vireo_bpf_batch){.count = 60000};
    IS(vireo_bpf_batch(skel.maps.table, VIREO_BPF_BATCH_LOOKUP, &batch, keys, values), -7);
    batch = (struct vireo_bpf_batch){.count = 1};
    IS(vireo_bpf_batch(skel.maps.sockets, VIREO_BPF_BATCH_LOOKUP, &batch, keys, values), -95);
    IS(vireo_bpf_batch(skel.maps.table, 77, &batch, keys, values), -22);
    IS(vireo_bpf_batch(4, VIREO_BPF_BATCH_LOOKUP, &batch, keys, values), -9);
}

static void made_maps(void)
{
    const struct vireo_bpf_map shape = {ARRAY, 4, 8, 16, MMAPABLE};
    const struct vireo_bpf_map huge = {ARRAY, 4, 1 << 20, 1 << 20, 0};
    bpf_object_handle object = vireo_bpf_create_map("own", &shape);
    int map = wasm_bpf_map_fd_by_name(object, "own");
    uint64_t value = 42;
    uint32_t key = 3;

    IS(object != 0, 1);
    IS(wasm_bpf_map_operate(map, BPF_MAP_UPDATE, &key, &value, NULL, 0), 0);
    value = 0;
    IS(vireo_bpf_copy(map, 24, &value, 8, 0), 0);
    IS(value, 42);
    value = 43;
    IS(vireo_bpf_copy(map, 24, &value, 8, 1), 0);
    IS(wasm_bpf_map_operate(map, BPF_MAP_LOOKUP, &key, &value, NULL, 0), 0);
    IS(value, 43);
    IS(vireo_bpf_copy(map, 4096, &value, 8, 0), -22);
    IS(vireo_bpf_copy(map, ~0ull, &value, 8, 0), -22);
    IS(vireo_bpf_pin(map, "mine"), 0);
    IS(vireo_bpf_pin(map, "mine"), -17);
    IS(wasm_close_bpf_object(object), 0);
    object = vireo_bpf_open("mine");
    map = wasm_bpf_map_fd_by_name(object, "mine");
    IS(wasm_bpf_map_operate(map, BPF_MAP_LOOKUP, &key, &value, NULL, 0), 0);
    IS(value, 43);
    IS(vireo_bpf_unpin("mine"), 0);
    IS(vireo_bpf_open("mine"), 0);
    IS(vireo_bpf_unpin("../../mine"), -2);
    IS(vireo_bpf_create_map("huge", &huge), 0);
    IS(wasm_close_bpf_object(object), 0);
}

/* r0 = 0; exit: as a socket filter, and with a call that nobody is given. */
static void made_programs(void)
{
    static const uint64_t code[] = {0x00000000000000b7, 0x0000000000000095};
    static const uint64_t calls[] = {0x0000006d00000085, 0x0000000000000095}; /* send_signal */
    bpf_object_handle object = vireo_bpf_load_program("made", "socket", "GPL", code, 2);
    struct vireo_bpf_statistics statistics = {0};

    IS(object != 0, 1);
    IS(wasm_attach_bpf_program(object, "made", "lo"), 0);
    IS(vireo_bpf_statistics(object, "made", &statistics), 0);
    IS(statistics.instructions > 0 && statistics.id > 0, 1);
    IS(vireo_bpf_detach(object, "made"), 0);
    IS(vireo_bpf_detach(object, "made"), -22);
    IS(wasm_attach_bpf_program(object, "made", "lo"), 0);
    IS(wasm_close_bpf_object(object), 0);
    IS(vireo_bpf_load_program("made", "socket", "GPL", calls, 2), 0);
    IS(vireo_bpf_load_program("made", "freplace/x", "GPL", code, 2), 0);
    IS(vireo_bpf_load_program("made", "nonsense", "GPL", code, 2), 0);
}

/* XDP's link goes on with another program; one that is attached can't take its place. */
static void replaced(void)
{
    static const uint64_t code[] = {0x00000002000000b7, 0x0000000000000095}; /* XDP_PASS */
    bpf_object_handle object = vireo_bpf_load_program("next", "xdp", "GPL", code, 2);

    IS(object != 0, 1);
    IS(vireo_bpf_replace(skel.object, "on_xdp", object, "next"), 0);
    IS(vireo_bpf_replace(skel.object, "on_xdp", object, "next"), -22);
    IS(vireo_bpf_detach(object, "next"), 0);
    IS(vireo_bpf_replace(skel.object, "on_tc", object, "next"), -22);
    IS(wasm_close_bpf_object(object), 0);
}

static void attacks(void)
{
    char *end = (char *)(__builtin_wasm_memory_size(0) * 65536ul);
    uint32_t value = 0;

    IS(vireo_bpf_set(9, "x", &value, 4), -22);
    IS(vireo_bpf_set(VIREO_BPF_SET_GLOBAL, "x", end - 2, 4), -14);
    IS(vireo_bpf_global(skel.object, "limit", end - 2, 4, 0), -14);
    IS(vireo_bpf_copy(skel.maps.table, 0, &value, 4, 0), -22);
    IS(vireo_bpf_send(skel.maps.table, &value, 4), -22);
    IS(vireo_bpf_send(skel.maps.commands, end - 2, 4), -14);
    IS(vireo_bpf_send(skel.maps.commands, (char *)0 + 64, 8192), -7);
    IS(vireo_bpf_detach(7, "on_tc"), -22);
    IS(vireo_bpf_statistics(skel.object, "on_tc", (void *)(end - 8)), -14);
    IS(vireo_bpf_load_program("x", "xdp", "GPL", end - 8, 2), 0);
    IS(vireo_bpf_create_map("x", (const void *)(end - 8)), 0);
    /* What the object does not have is refused when it is loaded, and is forgotten then. */
    IS(vireo_bpf_set(VIREO_BPF_SET_PROGRAM, "no_such", &value, 4), 0);
    IS(wasm_load_bpf_object(acts_object, sizeof acts_object), 0);
}

int main(int argc, char **argv)
{
    uint32_t none = 0, three = 3, key = 0;
    uint64_t kept = 0;

    IS(vireo_bpf_set(VIREO_BPF_SET_PROGRAM, "left_out", &none, 4), 0);
    IS(vireo_bpf_set(VIREO_BPF_SET_GLOBAL, "step", &three, 4), 0);
    if (acts_load(&skel) < 0)
        return 1;
    IS(wasm_attach_bpf_program(skel.object, "left_out", NULL), -2);
    attach_all(argc > 1 ? argv[1] : "/bin/true:main");
    fprintf(stderr, "ready\n");
    wait_for_all();
    read_probe();
    traced("on_fentry");
    traced("on_fexit");
    traced("on_lsm");
    steady();
    globals();
    batches();
    made_maps();
    made_programs();
    replaced();
    attacks();
    /* A map that is pinned by its name is the same when the object is loaded again. */
    kept = 5;
    IS(wasm_bpf_map_operate(skel.maps.kept, BPF_MAP_UPDATE, &key, &kept, NULL, 0), 0);
    acts_close(&skel);
    IS(acts_load(&skel), 0);
    IS(wasm_bpf_map_operate(skel.maps.kept, BPF_MAP_LOOKUP, &key, &kept, NULL, 0), 0);
    IS(kept, 5);
    acts_close(&skel);
    printf("%s\n", failures ? "failed" : "all as it should be");
    return failures != 0;
}
