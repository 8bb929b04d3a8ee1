/* An HTTP function that answers with live data of the kernel: which processes used the processors
 * in the last 300 milliseconds. One batch reads the whole map. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "top.h"
#include "top.skel.h"

#define SHOWN 20
#define SPAN_MS 300

static uint32_t pids[TASKS];
static struct task tasks[TASKS];
static int order[TASKS];

static int by_time(const void *a, const void *b)
{
    unsigned long long left = tasks[*(const int *)a].ran_ns, right = tasks[*(const int *)b].ran_ns;

    return left < right ? 1 : left > right ? -1 : 0;
}

int main(void)
{
    struct timespec span = {.tv_nsec = SPAN_MS * 1000000L};
    struct vireo_bpf_batch batch = {.count = TASKS};
    struct top_skel skeleton;

    if (top_load(&skeleton) < 0 || top_attach(&skeleton) < 0)
        return 1;
    nanosleep(&span, NULL);
    if (vireo_bpf_batch(skeleton.maps.tasks, VIREO_BPF_BATCH_LOOKUP, &batch, pids, tasks) < 0)
        return 1;
    for (uint32_t i = 0; i < batch.count; i++)
        order[i] = (int)i;
    qsort(order, batch.count, sizeof order[0], by_time);
    printf("%8s %6s %s\n", "PID", "CPU%", "NAME");
    for (uint32_t i = 0; i < batch.count && i < SHOWN; i++)
        printf("%8u %6.1f %.16s\n", (unsigned)pids[order[i]],
               (double)tasks[order[i]].ran_ns / (SPAN_MS * 1e6) * 100, tasks[order[i]].name);
    top_close(&skeleton);
    return 0;
}
