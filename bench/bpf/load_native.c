/* The same by libbpf; until it is ended. */
#include <unistd.h>

#include <bpf/bpf.h>

#include "load.h"

int main(void)
{
    for (;;) {
        int fd = bpf_prog_load(BPF_PROG_TYPE_CGROUP_SKB, "long", "GPL", (const void *)code, LENGTH,
                               NULL);
        if (fd >= 0)
            close(fd);
    }
}
