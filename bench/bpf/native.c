/* What main.c does, by libbpf itself. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "rate.h"
#include "rate.native.h"

static unsigned long long taken, out_of_order, next;

static int on_sample(void *context, void *data, size_t bytes)
{
    const struct numbered_sample *sample = data;

    (void)context;
    if (bytes != sizeof *sample || (taken && sample->number != next) ||
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
    double seconds = argc > 1 ? atof(argv[1]) : 0, begin;
    struct rate_bpf *skeleton = rate_bpf__open_and_load();
    unsigned long long lost = 0;
    unsigned key = 1;

    if (!skeleton || rate_bpf__attach(skeleton) < 0)
        return 1;
    struct ring_buffer *ring =
        ring_buffer__new(bpf_map__fd(skeleton->maps.events), on_sample, NULL, NULL);
    if (!ring)
        return 1;
    begin = now();
    do {
        if (ring_buffer__poll(ring, 100) < 0)
            return 1;
    } while (seconds > 0 ? now() - begin < seconds : taken == 0);
    bpf_map_lookup_elem(bpf_map__fd(skeleton->maps.counts), &key, &lost);
    printf("%.0f %llu %llu %llu\n", (double)taken / (now() - begin), taken, lost, out_of_order);
    fflush(stdout);
    return 0;
}
