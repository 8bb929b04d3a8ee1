/* guard PATH: nobody on the machine executes PATH while this runs; ends when it was denied once. */
#include <stdio.h>
#include <time.h>

#include "guard.skel.h"

int main(int argc, char **argv)
{
    const struct timespec moment = {.tv_nsec = 50000000};
    struct guard_skel guard;
    uint64_t counts[2] = {0};
    char path[64] = "";

    if (argc != 2 || guard_load(&guard) < 0 || guard_attach(&guard) < 0)
        return 1;
    snprintf(path, sizeof path, "%s", argv[1]);
    if (vireo_bpf_global(guard.object, "forbidden", path, sizeof path, 1) < 0)
        return 2;
    fprintf(stderr, "guards\n");
    for (int i = 0; i < 1200 && !counts[0]; i++) {
        nanosleep(&moment, NULL);
        if (vireo_bpf_global(guard.object, "denied", &counts[0], sizeof counts[0], 0) < 0 ||
            vireo_bpf_global(guard.object, "executions", &counts[1], sizeof counts[1], 0) < 0)
            return 3;
    }
    printf("%s, %s\n", counts[0] ? "denied" : "nobody came", counts[1] ? "seen" : "unseen");
    guard_close(&guard);
    return 0;
}
