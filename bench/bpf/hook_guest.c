/* Hangs as many programs on every system call as its input says, and stays for SECONDS. */
#include <stdio.h>
#include <time.h>

#include "hook.skel.h"

#ifndef SECONDS
#define SECONDS 8
#endif

int main(void)
{
    struct timespec while_measured = {.tv_sec = SECONDS};
    struct hook_skel skel;
    char name[] = "hook_0";
    int count = 0;

    if (scanf("%d", &count) != 1 || hook_load(&skel) < 0)
        return 1;
    for (int i = 0; i < count && i < 4; i++) {
        name[5] = (char)('0' + i);
        if (wasm_attach_bpf_program(skel.object, name, NULL) < 0)
            return 1;
    }
    nanosleep(&while_measured, NULL);
    printf("%llu\n", (unsigned long long)count);
    return 0;
}
