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

int main(void)
{
    static uint64_t each[PROCESSORS_MAX];
    struct syscalls_skel skeleton;
    struct timespec moment = {.tv_nsec = 1000000};
    uint64_t sum = 0, total = 0, sleeps = 0, count;
    uint32_t number, zero = 0;
    int left = 512;

    if (syscalls_load(&skeleton) < 0 || syscalls_attach(&skeleton) < 0)
        return 1;
    for (int i = 0; i < 25; i++)
        nanosleep(&moment, NULL);
    /* Each question to a map is system calls, too: what is read is counted once more. */
    while (left-- > 0 && wasm_bpf_map_operate(skeleton.maps.counts, BPF_MAP_NEXT_KEY, NULL, NULL,
                                              &number, 0) == 0) {
        if (wasm_bpf_map_operate(skeleton.maps.counts, BPF_MAP_LOOKUP, &number, &count, NULL, 0) <
                0 ||
            wasm_bpf_map_operate(skeleton.maps.counts, BPF_MAP_DELETE, &number, NULL, NULL, 0) < 0)
            return 1;
        sum += count;
        if (number == CLOCK_NANOSLEEP)
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
