/* vireo-bpf: reads functions' eBPF objects, in a sandbox: vireo-broker's peer. `vireo-bpf skel
 * NAME` writes an object's skeleton. */
#include <string.h>

#include "bpf/reader.h"
#include "bpf/skeleton.h"

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "skel") == 0)
        return skeleton_main(argv[2]);
    return reader_main();
}
