/* Forbids a program by its path, and counts its attempts where the kernel begins to execute. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define EPERM 1

char forbidden[64];
__u64 denied, executions;

SEC("lsm/bprm_check_security")
int on_execute(__u64 *arguments)
{
    struct linux_binprm *program = (void *)arguments[0];
    int verdict = (int)arguments[1];
    char path[sizeof forbidden] = "";

    if (verdict)
        return verdict;
    bpf_probe_read_kernel_str(path, sizeof path, BPF_CORE_READ(program, filename));
    for (unsigned i = 0; i < sizeof path; i++) {
        if (path[i] != forbidden[i])
            return 0;
        if (!path[i])
            break;
    }
    __sync_fetch_and_add(&denied, 1);
    return -EPERM;
}

SEC("fentry/security_bprm_check")
int on_check(void *context)
{
    __sync_fetch_and_add(&executions, 1);
    return 0;
}

char LICENSE[] SEC("license") = "GPL";
