/*
 * Counts the system calls that this very function makes, with `--grant bpf` alone: its programs see
 * its own control group and nothing else. Walks the hash, deletes what it has read, and adds up
 * what each processor counted.
 */
#include <stdio.h>
#include <time.h>

#include "syscalls.skel.h"

#define PROCESSORS_MAX 1024
#define CLOCK_NANOSLEEP 230
#define KEYS_MAX 512

int main(void)
{
    static uint64_t each[PROCESSORS_MAX];
    static uint32_t numbers[KEYS_MAX];
    struct syscalls_skel skeleton;
    struct timespec moment = {.tv_nsec = 1000000};
    uint64_t sum = 0, total = 0, sleeps = 0, count;
    uint32_t zero = 0;
    int keys = 0;

    if (syscalls_load(&skeleton) < 0 || syscalls_attach(&skeleton) < 0)
        return 1;
    for (int i = 0; i < 25; i++)
        nanosleep(&moment, NULL);
    /* All keys first: each question to a map is system calls, which are counted anew. */
    while (keys < KEYS_MAX &&
           wasm_bpf_map_operate(skeleton.maps.counts, BPF_MAP_NEXT_KEY,
                                keys ? &numbers[keys - 1] : NULL, NULL, &numbers[keys], 0) == 0)
        keys++;
    for (int i = 0; i < keys; i++) {
        if (wasm_bpf_map_operate(skeleton.maps.counts, BPF_MAP_LOOKUP, &numbers[i], &count, NULL,
                                 0) < 0 ||
            wasm_bpf_map_operate(skeleton.maps.counts, BPF_MAP_DELETE, &numbers[i], NULL, NULL, 0) <
                0)
            return 1;
        sum += count;
        if (numbers[i] == CLOCK_NANOSLEEP)
            sleeps += count;
    }
    if (wasm_bpf_map_operate(skeleton.maps.total, BPF_MAP_LOOKUP, &zero, each, NULL, 0) < 0)
        return 1;
    for (int i = 0; i < PROCESSORS_MAX; i++)
        total += each[i];
    printf("sleeps %llu\n", (unsigned long long)sleeps);
    printf("%s\n", sum > 25 && total > sum / 2 ? "counted" : "not counted");
    syscalls_close(&skeleton);
    return 0;
}
