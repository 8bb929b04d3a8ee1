/* Short cuts for TCP connections within a control group: relay [SECONDS [GROUP]]. Of its own group
 * with --grant bpf; of GROUP ("/" is all) with --grant bpf=host. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "relay.skel.h"

int main(int argc, char **argv)
{
    struct timespec time = {.tv_sec = argc > 1 ? atoi(argv[1]) : 5};
    uint64_t connections = 0, messages = 0;
    struct relay_skel skeleton;

    if (relay_load(&skeleton) < 0 ||
        wasm_attach_bpf_program(skeleton.object, "on_message", "ends") < 0 ||
        wasm_attach_bpf_program(skeleton.object, "on_socket", argc > 2 ? argv[2] : NULL) < 0)
        return 1;
    fprintf(stderr, "ready\n");
    nanosleep(&time, NULL);
    vireo_bpf_global(skeleton.object, "connections", &connections, sizeof connections, 0);
    vireo_bpf_global(skeleton.object, "messages", &messages, sizeof messages, 0);
    printf("connections %llu messages %llu\n", (unsigned long long)connections,
           (unsigned long long)messages);
    relay_close(&skeleton);
    return 0;
}
