/* Four programs on every system call of the machine, of one control group's alone. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

/* What libbpf's users filter by themselves; a function is held to its own group. */
const volatile __u64 group = 0;
__u64 counts[4];

#define HOOK(number)                                        \
    SEC("tp/raw_syscalls/sys_enter")                        \
    int hook_##number(void *unused)                         \
    {                                                       \
        if (!group || bpf_get_current_cgroup_id() == group) \
            __sync_fetch_and_add(&counts[number], 1);       \
        return 0;                                           \
    }

HOOK(0)
HOOK(1)
HOOK(2)
HOOK(3)

char LICENSE[] SEC("license") = "GPL";
