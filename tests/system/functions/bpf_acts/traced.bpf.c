/* Kinds that hang on the kernel's own functions, which not every kernel lets them. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

__u64 ran;

#define COUNTS(section, name)            \
    SEC(section) int name(void *context) \
    {                                    \
        __sync_fetch_and_add(&ran, 1);   \
        return 0;                        \
    }

COUNTS("fentry/__x64_sys_clock_nanosleep", on_fentry)
COUNTS("fexit/__x64_sys_clock_nanosleep", on_fexit)
COUNTS("lsm/file_mprotect", on_lsm_idle)
COUNTS("lsm/bprm_check_security", on_lsm)

char LICENSE[] SEC("license") = "GPL";
