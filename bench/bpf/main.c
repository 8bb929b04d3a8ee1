/* rate SECONDS, or /function/rate?SECONDS: takes samples for so long, 0: one. The guest; native.c
 * is the same with libbpf. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "rate.h"
#include "rate.skel.h"

static unsigned long long taken, out_of_order, next;

static int on_sample(void *context, void *data, int bytes)
{
    const struct numbered_sample *sample = data;

    (void)context;
    if (bytes != (int)sizeof *sample || (taken && sample->number != next) ||
        sample->rest[6] != sample->number)
        out_of_order++;
    next = sample->number + 1;
    taken++;
    return 0;
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    static struct numbered_sample sample;
    struct rate_skel skeleton;
    const char *query = getenv("QUERY_STRING");
    double seconds = argc > 1 ? atof(argv[1]) : query ? atof(query) : 0, begin;
    uint64_t lost = 0;
    uint32_t key = 1;

    if (rate_load(&skeleton) < 0 || rate_attach(&skeleton) < 0)
        return 1;
    begin = now();
    do {
        if (wasm_bpf_buffer_poll(skeleton.object, skeleton.maps.events, on_sample, NULL, &sample,
                                 sizeof sample, 100) < 0)
            return 1;
    } while (seconds > 0 ? now() - begin < seconds : taken == 0);
    wasm_bpf_map_operate(skeleton.maps.counts, BPF_MAP_LOOKUP, &key, &lost, NULL, 0);
    printf("%.0f %llu %llu %llu\n", (double)taken / (now() - begin), taken,
           (unsigned long long)lost, out_of_order);
    fflush(stdout);
    return 0;
}
