/* <sys/wait.h>, which wasi-libc does not have: see vireo/family.h. */
#ifndef VIREO_POSIX_SYS_WAIT_H
#define VIREO_POSIX_SYS_WAIT_H

#include <vireo/family.h>

#define WNOHANG 1
#define WUNTRACED 2
#define WCONTINUED 8

#define WEXITSTATUS(status) (((status)&0xff00) >> 8)
#define WTERMSIG(status) ((status)&0x7f)
#define WSTOPSIG(status) WEXITSTATUS(status)
#define WIFEXITED(status) (!WTERMSIG(status))
#define WIFSIGNALED(status) (((status)&0xffff) - 1u < 0xffu)
#define WIFSTOPPED(status) (((status)&0xff) == 0x7f)
#define WIFCONTINUED(status) ((status) == 0xffff)

static inline pid_t waitpid(pid_t pid, int *status, int options)
{
    return vireo_waitpid(pid, status, options);
}

/* What a child has used is not known. */
struct rusage;
static inline pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
    if (usage) {
        errno = EINVAL;
        return -1;
    }
    return vireo_waitpid(pid, status, options);
}

static inline pid_t wait3(int *status, int options, struct rusage *usage)
{
    return wait4(-1, status, options, usage);
}

static inline pid_t wait(int *status)
{
    return vireo_waitpid(-1, status, 0);
}

#endif
