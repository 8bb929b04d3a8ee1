/* Makes 25 samples at once, and says how many seconds it took to be given them. */
#include <stdio.h>
#include <time.h>

#include "pace.skel.h"

static uint64_t taken;
static int wrong;

static int on_event(void *context, void *data, int bytes)
{
    (void)context;
    wrong |= bytes != 8 || *(uint64_t *)data != taken;
    taken++;
    return 0;
}

int main(void)
{
    struct timespec moment = {.tv_nsec = 1000}, begin, end;
    struct pace_skel skeleton;
    uint64_t data;

    if (pace_load(&skeleton) < 0 || pace_attach(&skeleton) < 0)
        return 1;
    for (int i = 0; i < 25; i++)
        nanosleep(&moment, NULL);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    while (taken < 25)
        if (wasm_bpf_buffer_poll(skeleton.object, skeleton.maps.events, on_event, NULL, &data,
                                 sizeof data, 10000) < 0)
            return 1;
    clock_gettime(CLOCK_MONOTONIC, &end);
    /* Ten in each second: the third one has begun. */
    printf("%d samples %s, %d\n", (int)taken, wrong ? "in disorder" : "in order",
           (int)(end.tv_sec - begin.tv_sec) + 1);
    pace_close(&skeleton);
    return 0;
}
