/* Loading the filter of an instance. */
#include <errno.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guest/seccomp.h"

int seccomp_load_program(const struct sock_filter *program, uint32_t count, bool listener)
{
    struct sock_fprog filter = {
        .len = (unsigned short)count,
        .filter = (struct sock_filter *)(uintptr_t)program,
    };

    /* SPEC_ALLOW: the speculation controls are set by prctl in the template, once; without the flag
     * old kernels set them again for each filter. */
    unsigned long flags =
        SECCOMP_FILTER_FLAG_SPEC_ALLOW | (listener ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0);
    if (syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter) < 0)
        return -errno;
    return 0;
}
