/* How calls end that the profile of containers has not: "perf_event_open EPERM ...". */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void)
{
    static const struct {
        const char *name;
        long number;
    } calls[] = {{"perf_event_open", SYS_perf_event_open},
                 {"userfaultfd", SYS_userfaultfd},
                 {"io_uring_setup", SYS_io_uring_setup},
                 {"bpf", SYS_bpf},
                 {"add_key", SYS_add_key},
                 {"keyctl", SYS_keyctl}};

    for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
        /* What gets as far as the kernel has another fault to find. */
        syscall(calls[i].number, -1, 0, 0, 0, 0);
        printf("%s %s ", calls[i].name, strerrorname_np(errno));
    }
    return 0;
}
