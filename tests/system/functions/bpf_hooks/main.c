/* How many programs a function may have at a tracepoint, and that each sees all of its own. */
#include <stdio.h>
#include <time.h>

#include "hooks.skel.h"

static struct hooks_skel skel;
static int failures;

static void is(const char *what, long long got, long long wanted)
{
    if (got == wanted)
        return;
    printf("%s is %lld, not %lld\n", what, got, wanted);
    failures++;
}

static int attach(const char *program)
{
    return wasm_attach_bpf_program(skel.object, program, NULL);
}

static void sleep_times(int times)
{
    struct timespec moment = {.tv_nsec = 200000};

    for (int i = 0; i < times; i++)
        nanosleep(&moment, NULL);
}

int main(void)
{
    uint64_t counts[5];

    if (hooks_load(&skel) < 0)
        return 1;
    is("on_0", attach("on_0"), 0);
    is("on_1", attach("on_1"), 0);
    is("on_2", attach("on_2"), 0);
    is("on_3", attach("on_3"), 0);
    is("a fifth", attach("on_4"), -7);
    sleep_times(20);
    is("detach", vireo_bpf_detach(skel.object, "on_1"), 0);
    /* The place is free as soon as the broker has heard of it. */
    for (int i = 0; i < 100 && attach("on_4") == -7; i++)
        sleep_times(1);
    is("global", vireo_bpf_global(skel.object, "counts", counts, sizeof counts, 0), 0);
    is("the first", counts[0] >= 20 && counts[0] < 120, 1);
    is("the second", counts[1] >= 20 && counts[1] <= counts[0], 1);
    is("the third", counts[2], (long long)counts[0]);
    is("the fourth", counts[3], (long long)counts[0]);
    uint64_t before = counts[0];
    sleep_times(5);
    is("global", vireo_bpf_global(skel.object, "counts", counts, sizeof counts, 0), 0);
    is("the first, then", counts[0], (long long)before + 5);
    is("the fifth", counts[4], 5);
    is("detach", vireo_bpf_detach(skel.object, "on_0"), 0);
    sleep_times(5);
    /* EACCES: it is the kernel that says so. */
    is("behind the record", attach("on_behind"), -13);
    printf("%s\n", failures ? "failed" : "as it should be");
    return failures != 0;
}
