/*
 * vireo-bpf: reads functions' eBPF objects, in a sandbox: vireo-broker's peer. With the word
 * `prepare` it parses the kernel's type information at once. `vireo-bpf skel NAME` writes the
 * skeleton of an object.
 */
#include <string.h>

#include "bpf/reader.h"
#include "bpf/skeleton.h"

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "skel") == 0)
        return skeleton_main(argv[2]);
    return reader_main(argc == 2 && strcmp(argv[1], "prepare") == 0);
}
