/* Loads the programs of escape.bpf.c that its arguments name, each by itself, and says what came of
 * it; why it was refused is on standard error. */
#include <stdio.h>
#include <string.h>

#include "escape.skel.h"

#define COUNT(list) (sizeof list / sizeof *list)

static const char *const programs[] = {
    "on_good",
    "leak_context",
    "leak_value",
    "leak_stack",
    "leak_sample",
    "leak_event",
    "leak_map",
    "leak_map_sample",
    "leak_map_event",
    "leak_map_flags",
    "leak_flags",
    "leak_tail",
    "leak_compare",
    "leak_shift",
    "leak_packet",
    "leak_socket",
    "read_text",
    "read_kernel",
    "read_any",
    "read_task",
    "signals",
    "writes_user",
    "by_number",
    "loops",
    "each",
    "drains",
    "is_long",
    "kind_raw_tp",
    "kind_tp_btf",
    "kind_fentry",
    "kind_fexit",
    "kind_fmod_ret",
    "kind_kprobe",
    "kind_kretprobe",
    "kind_lsm",
    "kind_iter",
    "kind_perf_event",
    "kind_xdp",
    "kind_tc",
    "kind_socket",
    "kind_sk_lookup",
    "kind_flow_dissector",
    "kind_others_tracepoint",
    "kind_sleeps",
    "kind_system",
};

int main(void)
{
    for (size_t i = 0; i < COUNT(programs); i++) {
        struct escape_skel skel = {0};
        for (size_t j = 0; j < COUNT(programs); j++) {
            uint32_t loaded = i == j;
            if (vireo_bpf_set(VIREO_BPF_SET_PROGRAM, programs[j], &loaded, sizeof loaded) < 0)
                return 1;
        }
        fprintf(stderr, "-- %s\n", programs[i]);
        printf("%s %s\n", programs[i], escape_load(&skel) < 0 ? "refused" : "loaded");
        fflush(stdout);
        if (skel.object)
            wasm_close_bpf_object(skel.object);
    }
    return 0;
}
