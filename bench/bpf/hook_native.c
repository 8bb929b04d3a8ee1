/* The same by libbpf: hook_native COUNT; until it is ended. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "hook.native.h"

int main(int argc, char **argv)
{
    struct hook_bpf *skel = hook_bpf__open();
    struct bpf_program *program;
    int count = argc > 1 ? atoi(argv[1]) : 1;

    if (!skel)
        return 1;
    skel->rodata->group = 1;
    if (hook_bpf__load(skel) < 0)
        return 1;
    bpf_object__for_each_program(program, skel->obj)
    {
        if (count-- > 0 && !bpf_program__attach(program))
            return 1;
    }
    puts("ready");
    fflush(stdout);
    pause();
    return 0;
}
