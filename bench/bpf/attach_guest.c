/* Attaches and detaches at sixteen tracepoints, again and again, for SECONDS. */
#include <stdio.h>
#include <time.h>

#include <vireo/bpf.h>

#include "attach.skel.h"
#include "load.h"

static const char *const programs[] = {
    "on_acct",     "on_swapon",      "on_swapoff",       "on_sync",
    "on_syncfs",   "on_sethostname", "on_setdomainname", "on_settimeofday",
    "on_adjtimex", "on_reboot",      "on_quotactl",      "on_pivot_root",
    "on_mlockall", "on_munlockall",  "on_vhangup",       "on_init_module"};
#define PROGRAMS (sizeof programs / sizeof *programs)

int main(void)
{
    time_t end = time(NULL) + SECONDS;
    struct attach_skel skel;
    int count = 0;

    if (attach_load(&skel) < 0)
        return 1;
    while (time(NULL) < end) {
        for (size_t i = 0; i < PROGRAMS; i++)
            count += wasm_attach_bpf_program(skel.object, programs[i], NULL) == 0;
        for (size_t i = 0; i < PROGRAMS; i++)
            vireo_bpf_detach(skel.object, programs[i]);
    }
    printf("%d\n", count);
    return 0;
}
