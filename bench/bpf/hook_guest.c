/* Hangs as many programs on every system call as its input says, and stays for as many seconds as
 * it says then: eight, if it does not. */
#include <stdio.h>
#include <time.h>

#include "hook.skel.h"

int main(void)
{
    struct timespec while_measured = {0};
    struct hook_skel skel;
    char name[] = "hook_0";
    int count = 0, seconds = 8;

    if (scanf("%d %d", &count, &seconds) < 1 || hook_load(&skel) < 0)
        return 1;
    for (int i = 0; i < count && i < 4; i++) {
        name[5] = (char)('0' + i);
        if (wasm_attach_bpf_program(skel.object, name, NULL) < 0)
            return 1;
    }
    while_measured.tv_sec = seconds;
    nanosleep(&while_measured, NULL);
    printf("%llu\n", (unsigned long long)count);
    return 0;
}
