/*
 * packets [GROUP [SECONDS]]: counts the packets of a control group (its own without a name: another
 * one needs bpf=host), and prints how many of ICMP, TCP and UDP there were.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "packets.skel.h"

static unsigned long long of(const struct packets_skel *skeleton, uint32_t protocol)
{
    uint64_t count = 0;

    wasm_bpf_map_operate(skeleton->maps.protocols, BPF_MAP_LOOKUP, &protocol, &count, NULL, 0);
    return count;
}

int main(int argc, char **argv)
{
    const char *group = argc > 1 && argv[1][0] ? argv[1] : NULL;
    struct packets_skel skeleton;

    if (packets_load(&skeleton) < 0)
        return 1;
    if (wasm_attach_bpf_program(skeleton.object, "on_egress", group) < 0 ||
        wasm_attach_bpf_program(skeleton.object, "on_ingress", group) < 0)
        return 1;
    fprintf(stderr, "ready\n");
    sleep(argc > 2 ? (unsigned)atoi(argv[2]) : 1);
    printf("icmp %llu tcp %llu udp %llu\n", of(&skeleton, 1), of(&skeleton, 6), of(&skeleton, 17));
    packets_close(&skeleton);
    return 0;
}
