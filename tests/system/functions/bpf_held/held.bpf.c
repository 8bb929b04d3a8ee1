/* Only so that there is an object: what counts is made by the guest (main.c). */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

SEC("tp/raw_syscalls/sys_enter")
int on_enter_held(void *context)
{
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
