/* Programs at tracepoints that hardly anybody meets. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define AT(call)                        \
    SEC("tp/syscalls/sys_enter_" #call) \
    int on_##call(void *unused)         \
    {                                   \
        return 0;                       \
    }

AT(acct)
AT(swapon)
AT(swapoff)
AT(sync)
AT(syncfs)
AT(sethostname)
AT(setdomainname)
AT(settimeofday)
AT(adjtimex)
AT(reboot)
AT(quotactl)
AT(pivot_root)
AT(mlockall)
AT(munlockall)
AT(vhangup)
AT(init_module)

char LICENSE[] SEC("license") = "GPL";
