/* Each call goes on where the one before has stopped, of whichever version that was: the first
 * attaches, the others take over. All samples are to be there. */
#include <stdio.h>
#include <stdlib.h>

#include "update.skel.h"

#define VERSION 1
/* A number that says: enough. */
#define STOP 999999999u

enum { NEXT, LOST, TWICE, COUNT };
static uint64_t seen[COUNT];
static int stopped;

static int take(void *context, void *data, int bytes)
{
    uint64_t number = *(const uint64_t *)data;

    (void)context;
    (void)bytes;
    if (number == STOP) {
        stopped = 1;
        return 0;
    }
    if (number < seen[NEXT]) {
        seen[TWICE]++;
        return 0;
    }
    seen[LOST] += number - seen[NEXT];
    seen[NEXT] = number + 1;
    return 0;
}

int main(void)
{
    struct update_skel skel;
    const char *query = getenv("QUERY_STRING"); /* any: until it is told to stop; else five polls */
    uint64_t data;
    int how;

    if (update_load(&skel) < 0)
        return 1;
    for (uint32_t i = 0; i < COUNT; i++)
        wasm_bpf_map_operate(skel.maps.seen, BPF_MAP_LOOKUP, &i, &seen[i], NULL, 0);
    how = vireo_bpf_take_over(skel.object, "on_close", "closes");
    if (how == -2) { /* ENOENT: nobody was before */
        how = update_attach(&skel);
        if (how == 0)
            how = vireo_bpf_keep(skel.object, "on_close", "closes");
    }
    for (int i = 0; query && *query ? !stopped : i < 5; i++)
        wasm_bpf_buffer_poll(skel.object, skel.maps.samples, take, NULL, &data, sizeof data, 100);
    for (uint32_t i = 0; i < COUNT; i++)
        wasm_bpf_map_operate(skel.maps.seen, BPF_MAP_UPDATE, &i, &seen[i], NULL, 0);
    printf("version %d: %d, taken %llu lost %llu\n", VERSION, how, (unsigned long long)seen[NEXT],
           (unsigned long long)seen[LOST]);
    fprintf(stderr, "twice %llu\n", (unsigned long long)seen[TWICE]);
    return 0;
}
