/* What a kept attachment's maps count, and where it is, when another program takes it over. Of 8
 * MiB there is room for one large map. A line for each step, with what came of it. */
#include <stdio.h>
#include <stdlib.h>

#include "take.skel.h"

#define SMALL 1u
#define LARGE 5000u

static struct take_skel load(uint32_t entries)
{
    struct take_skel skel;

    if (vireo_bpf_set(VIREO_BPF_SET_ENTRIES, "room", &entries, sizeof entries) < 0 ||
        take_load(&skel) < 0) {
        printf("cannot load\n");
        exit(1);
    }
    return skel;
}

static void say(const char *step, int result)
{
    printf("%s: %d\n", step, result);
}

static struct take_skel keep(void)
{
    struct take_skel skel = load(SMALL);
    int r = wasm_attach_bpf_program(skel.object, "on_packet", "");

    say("keep", r == 0 ? vireo_bpf_keep(skel.object, "on_packet", "link") : r);
    return skel;
}

/* Whether there is room for one more large map among the pins. */
static void pin(const char *step)
{
    struct take_skel skel = load(LARGE);

    say(step, vireo_bpf_pin(skel.maps.room, "more"));
    wasm_close_bpf_object(skel.object);
}

static void count(void)
{
    struct take_skel before = keep();
    struct take_skel after = load(LARGE);

    say("take over", vireo_bpf_take_over(after.object, "on_packet", "link"));
    wasm_close_bpf_object(after.object);
    wasm_close_bpf_object(before.object);
    pin("pin beside it");
    vireo_bpf_unpin("link");
    pin("pin");
    before = keep();
    after = load(LARGE);
    say("take over beside it", vireo_bpf_take_over(after.object, "on_packet", "link"));
    say("replace beside it",
        vireo_bpf_replace(before.object, "on_packet", after.object, "on_packet"));
    vireo_bpf_unpin("more");
    say("replace", vireo_bpf_replace(before.object, "on_packet", after.object, "on_packet"));
    wasm_close_bpf_object(after.object);
    wasm_close_bpf_object(before.object);
    pin("pin beside what replaced");
    vireo_bpf_unpin("link");
}

static void place(void)
{
    struct take_skel before = load(SMALL), after = load(SMALL);
    int r = wasm_attach_bpf_program(before.object, "on_any", "syscalls/sys_enter_close");

    say("keep at a place", r == 0 ? vireo_bpf_keep(before.object, "on_any", "place") : r);
    say("take over elsewhere", vireo_bpf_take_over(after.object, "on_openat", "place"));
    say("take over where it is", vireo_bpf_take_over(after.object, "on_any", "place"));
}

int main(void)
{
    count();
    place();
    return 0;
}
