/* Waits until the program has met a new process, ten seconds at most. */
#include <stdio.h>
#include <time.h>

#include "kfunc.skel.h"

int main(void)
{
    const struct timespec moment = {.tv_nsec = 50000000};
    struct kfunc_skel skel = {0};
    uint64_t acquired = 0;

    if (kfunc_load(&skel) < 0 || kfunc_attach(&skel) < 0)
        return 1;
    for (int i = 0; i < 200 && acquired == 0; i++) {
        nanosleep(&moment, NULL);
        if (vireo_bpf_global(skel.object, "acquired", &acquired, sizeof acquired, 0) < 0)
            return 2;
    }
    puts(acquired ? "acquired" : "nothing");
    return 0;
}
