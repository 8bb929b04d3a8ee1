/* Rules of linux.seccomp that no filter can hold: libseccomp does not know their calls. */
#include <seccomp.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "oci/launch.h"

/* As the kernel ranks them (seccomp(2)): the first is the strictest. */
static int leniency(const char *action)
{
    static const char *const ranks[] = {
        "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_KILL",
        "SCMP_ACT_TRAP",         "SCMP_ACT_ERRNO",       "SCMP_ACT_NOTIFY",
        "SCMP_ACT_TRACE",        "SCMP_ACT_LOG",         "SCMP_ACT_ALLOW",
    };
    size_t i = 0;

    while (i < ARRAY_LEN(ranks) - 1 && strcmp(ranks[i], action) != 0)
        i++;
    return (int)i;
}

size_t oci_launch_seccomp_unknown(const struct oci_seccomp *seccomp, char *text, size_t size)
{
    size_t count = 0, rule = 0, name = 0;

    for (size_t i = 0; seccomp && i < seccomp->rule_count; i++) {
        const struct oci_seccomp_rule *r = &seccomp->rules[i];
        /* Who allows calls by a list names those of other kernels too: they stay forbidden. */
        if (leniency(r->action) >= leniency(seccomp->default_action))
            continue;
        for (size_t j = 0; j < r->names.count; j++)
            if (seccomp_syscall_resolve_name(r->names.list[j]) == __NR_SCMP_ERROR && count++ == 0) {
                rule = i;
                name = j;
            }
    }
    if (count > 0)
        snprintf(text, size,
                 "linux.seccomp.syscalls[%zu].names[%zu]: this call is not known here; it has "
                 "defaultAction (%s), and so have %zu more",
                 rule, name, seccomp->default_action, count - 1);
    return count;
}
