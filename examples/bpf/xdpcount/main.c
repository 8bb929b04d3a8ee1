/* Counts the packets that an interface receives (--grant bpf=host):
 *     xdpcount INTERFACE [SECONDS [UDP-PORT-TO-DROP]] */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "xdpcount.skel.h"

int main(int argc, char **argv)
{
    struct timespec time = {.tv_sec = argc > 2 ? atoi(argv[2]) : 5};
    uint32_t port = argc > 3 ? (uint32_t)atoi(argv[3]) : 0;
    static const char *const names[] = {"packets", "bytes", "dropped"};
    struct xdpcount_skel skeleton;

    if (argc < 2) {
        fprintf(stderr, "usage: xdpcount INTERFACE [SECONDS [UDP-PORT-TO-DROP]]\n");
        return 2;
    }
    /* A constant of the programs: it is set before the verifier sees them. */
    vireo_bpf_set(VIREO_BPF_SET_GLOBAL, "dropped_port", &port, sizeof port);
    if (xdpcount_load(&skeleton) < 0 ||
        wasm_attach_bpf_program(skeleton.object, "on_packet", argv[1]) < 0)
        return 1;
    fprintf(stderr, "ready\n");
    nanosleep(&time, NULL);
    for (int i = 0; i < 3; i++) {
        uint64_t count = 0;
        vireo_bpf_global(skeleton.object, names[i], &count, sizeof count, 0);
        printf("%s %llu\n", names[i], (unsigned long long)count);
    }
    xdpcount_close(&skeleton);
    return 0;
}
