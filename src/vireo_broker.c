/* vireo-broker UID: loads functions' eBPF programs, as that user. */
#include <stdlib.h>

#include "bpf/broker.h"

int main(int argc, char **argv)
{
    return argc == 2 ? broker_main((uint32_t)strtoul(argv[1], NULL, 10)) : 1;
}
