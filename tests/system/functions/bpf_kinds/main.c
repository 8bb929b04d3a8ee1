/* Attaches each and says how it went. */
#include <stdio.h>

#include "kinds.skel.h"

int main(void)
{
    static const char *const programs[][2] = {
        {"on_raw_tp", NULL},    {"on_tp_btf", NULL}, {"on_perf", "99"},    {"on_xdp", "lo"},
        {"on_tc", "lo:egress"}, {"on_socket", "lo"}, {"on_sockops", NULL}, {"on_kprobe", NULL},
        {"on_kretprobe", NULL}, {"on_xdp", "lo"},    {"on_nothing", NULL},
    };
    struct kinds_skel skel;

    if (kinds_load(&skel) < 0)
        return 1;
    for (unsigned i = 0; i < sizeof programs / sizeof *programs; i++)
        printf("%s %d\n", programs[i][0],
               wasm_attach_bpf_program(skel.object, programs[i][0], programs[i][1]));
    kinds_close(&skel);
    return 0;
}
