/* Ways around the policy's numbers: what is closed but held by another, what runs for ever, more
 * programs than may be, helpers by their numbers. Says what was let. */
#include <stdio.h>
#include <string.h>

#include "deep.skel.h"
#include "hold.skel.h"

struct instruction {
    uint8_t code, registers;
    int16_t offset;
    int32_t number;
};

/* A program that only names a map, and returns 1. */
static bpf_object_handle name_map(int map)
{
    const struct instruction code[] = {
        {0x18, 0x11, 0, map}, {0, 0, 0, 0}, {0xb7, 0, 0, 1}, {0x95, 0, 0, 0}};

    return vireo_bpf_load_program("namer", "cgroup_skb/egress", "GPL", (const void *)code, 4);
}

/* The large map, and the one that those in `outer` are like, are 15 MiB of the 16 that there may
 * be. How often was it had, as long as what holds it stays? */
static void held(const char *what, int (*hold)(const struct hold_skel *skel))
{
    int count = 0;

    while (count < 4) {
        struct hold_skel skel = {0};
        if (hold_load(&skel) < 0)
            break;
        count++;
        int let = hold(&skel);
        hold_close(&skel);
        if (!let) {
            printf("%s: can't be held\n", what);
            return;
        }
    }
    printf("%s: %d\n", what, count);
}

static bpf_object_handle namers[16];
static int namer_count;

static int by_program(const struct hold_skel *skel, int map)
{
    (void)skel;
    return (namers[namer_count++] = name_map(map)) != 0;
}

static int by_jumps(const struct hold_skel *skel)
{
    return by_program(skel, skel->maps.jumps);
}

static int by_outer(const struct hold_skel *skel)
{
    return by_program(skel, skel->maps.outer);
}

static int by_sockets(const struct hold_skel *skel)
{
    return wasm_attach_bpf_program(skel->object, "passes", "sockets") == 0 &&
           by_program(skel, skel->maps.sockets);
}

static int pinned(int map)
{
    static int number;
    char name[16];

    snprintf(name, sizeof name, "pin%d", number++);
    return vireo_bpf_pin(map, name) == 0;
}

static int by_pin_of_jumps(const struct hold_skel *skel)
{
    return pinned(skel->maps.jumps);
}

static int by_pin_of_outer(const struct hold_skel *skel)
{
    return pinned(skel->maps.outer);
}

static int by_pin_of_sockets(const struct hold_skel *skel)
{
    return pinned(skel->maps.sockets);
}

static void let_go(void)
{
    while (namer_count > 0)
        if (namers[--namer_count])
            wasm_close_bpf_object(namers[namer_count]);
}

/* As many as there may be; those that were closed make room. */
static void programs(void)
{
    const struct instruction code[] = {{0xb7, 0, 0, 1}, {0x95, 0, 0, 0}};

    for (int round = 0; round < 2; round++) {
        while (namer_count < 16 && (namers[namer_count] = vireo_bpf_load_program(
                                        "p", "cgroup_skb/egress", "GPL", (const void *)code, 2)))
            namer_count++;
        printf("programs: %d\n", namer_count);
        let_go();
    }
}

static void deep(void)
{
    static const char *const names[] = {"on_deep", "on_flat", "on_static"};

    for (uint32_t i = 0; i < 3; i++) {
        struct deep_skel skel = {0};
        for (uint32_t j = 0; j < 3; j++) {
            const uint32_t loaded = i == j;
            vireo_bpf_set(VIREO_BPF_SET_PROGRAM, names[j], &loaded, sizeof loaded);
        }
        int r = deep_load(&skel);
        printf("%s %s\n", names[i], r < 0 ? "refused" : "loaded");
        if (r >= 0)
            deep_close(&skel);
    }
}

/* Each number, and some that are none: which get past the policy is seen on standard error. */
static void helpers(void)
{
    static const char *const sections[] = {"tp/raw_syscalls/sys_enter", "cgroup_skb/egress"};

    for (int kind = 0; kind < 2; kind++)
        for (int number = 0; number < 300; number++) {
            const struct instruction code[] = {
                {0x85, 0, 0, number}, {0xb7, 0, 0, 0}, {0x95, 0, 0, 0}};
            fprintf(stderr, "-- %s %d\n", kind ? "packet" : "tracepoint", number);
            bpf_object_handle made =
                vireo_bpf_load_program("p", sections[kind], "GPL", (const void *)code, 3);
            if (made) {
                fprintf(stderr, "loaded\n");
                wasm_close_bpf_object(made);
            }
        }
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 1 && strcmp(argv[1], "helpers") == 0) {
        helpers();
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "deep") == 0) {
        deep();
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "programs") == 0) {
        programs();
        return 0;
    }
    held("a program's jumps", by_jumps);
    let_go();
    held("a program's map of maps", by_outer);
    let_go();
    held("a program's sockets", by_sockets);
    let_go();
    held("pinned jumps", by_pin_of_jumps);
    held("a pinned map of maps", by_pin_of_outer);
    held("pinned sockets", by_pin_of_sockets);
    return 0;
}
