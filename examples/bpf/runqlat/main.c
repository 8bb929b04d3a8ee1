/* Prints how long tasks waited for a processor: runqlat [SECONDS] (--grant bpf=host). The counts
 * are a global variable of the programs, which the guest reads in their own memory. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "runqlat.h"
#include "runqlat.skel.h"

static void print(const uint64_t *waits)
{
    uint64_t most = 1;

    for (int i = 0; i < SLOTS; i++)
        most = waits[i] > most ? waits[i] : most;
    printf("%10s %10s\n", "us below", "waits");
    for (int i = 0; i < SLOTS; i++) {
        if (!waits[i])
            continue;
        printf("%10lu %10llu ", 1ul << i, (unsigned long long)waits[i]);
        for (uint64_t j = 0; j < waits[i] * 40 / most; j++)
            putchar('*');
        putchar('\n');
    }
}

int main(int argc, char **argv)
{
    struct timespec time = {.tv_sec = argc > 1 ? atoi(argv[1]) : 5};
    struct runqlat_skel skeleton;
    uint64_t waits[SLOTS];

    if (runqlat_load(&skeleton) < 0 || runqlat_attach(&skeleton) < 0)
        return 1;
    nanosleep(&time, NULL);
    if (vireo_bpf_global(skeleton.object, "waits", waits, sizeof waits, 0) < 0)
        return 1;
    print(waits);
    runqlat_close(&skeleton);
    return 0;
}
