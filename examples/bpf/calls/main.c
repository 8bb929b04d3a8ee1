/* How often a function of a program is called, and how long that takes (--grant bpf=host):
 *     calls /path/of/program:function[,pid] [SECONDS] */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "calls.skel.h"

int main(int argc, char **argv)
{
    struct timespec time = {.tv_sec = argc > 2 ? atoi(argv[2]) : 5};
    uint64_t calls = 0, nanoseconds = 0;
    struct calls_skel skeleton;

    if (argc < 2) {
        fprintf(stderr, "usage: calls /path:function[,pid] [SECONDS]\n");
        return 2;
    }
    if (calls_load(&skeleton) < 0 ||
        wasm_attach_bpf_program(skeleton.object, "on_call", argv[1]) < 0 ||
        wasm_attach_bpf_program(skeleton.object, "on_return", argv[1]) < 0)
        return 1;
    nanosleep(&time, NULL);
    vireo_bpf_global(skeleton.object, "calls", &calls, sizeof calls, 0);
    vireo_bpf_global(skeleton.object, "nanoseconds", &nanoseconds, sizeof nanoseconds, 0);
    printf("%llu calls, %.1f us each\n", (unsigned long long)calls,
           calls ? (double)nanoseconds / (double)calls / 1000 : 0.0);
    calls_close(&skeleton);
    return 0;
}
