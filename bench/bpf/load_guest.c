/* Loads what takes the verifier long, again and again, for SECONDS. */
#include <stdio.h>
#include <time.h>

#include <vireo/bpf.h>

#include "load.h"
#include "hook.skel.h" /* a folder has programs; they are not loaded */

int main(void)
{
    time_t end = time(NULL) + SECONDS;
    int count = 0;

    for (; time(NULL) < end; count++)
        vireo_bpf_load_program("long", "cgroup_skb/egress", "GPL", (const void *)code, LENGTH);
    printf("%d\n", count);
    return 0;
}
