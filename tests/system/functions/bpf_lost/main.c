/* Makes more samples than there is room for before it takes them, and says how many it got of how
 * many. */
#include <stdio.h>
#include <time.h>

#include "lost.skel.h"

static char data[8192];

static int on_sample(void *context, void *sample, int bytes)
{
    int *taken = context;

    (void)sample;
    *taken += bytes >= 4084;
    return 0;
}

static void make(int count)
{
    struct timespec moment = {.tv_nsec = 10000};

    while (count-- > 0)
        nanosleep(&moment, NULL);
}

static int poll(struct lost_skel *skeleton, int *taken, int timeout_ms)
{
    return wasm_bpf_buffer_poll(skeleton->object, skeleton->maps.events, on_sample, taken, data,
                                sizeof data, timeout_ms);
}

int main(void)
{
    struct lost_skel skeleton;
    int taken = 0;

    if (lost_load(&skeleton) < 0 || poll(&skeleton, &taken, 0) < 0 || lost_attach(&skeleton) < 0)
        return 1;
    make(300);
    poll(&skeleton, &taken, 0);
    /* With the next that there is room for the kernel says what it has dropped. */
    make(10);
    poll(&skeleton, &taken, 1000);
    printf("taken %d of 310\n", taken);
    return 0;
}
