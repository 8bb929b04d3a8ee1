/* <sys/wait.h>, which wasi-libc does not have: see vireo/family.h. */
#ifndef VIREO_POSIX_SYS_WAIT_H
#define VIREO_POSIX_SYS_WAIT_H

#include <signal.h>

#include <vireo/family.h>

#define WNOHANG 1
#define WUNTRACED 2
#define WSTOPPED WUNTRACED
#define WEXITED 4
#define WCONTINUED 8

typedef enum { P_ALL, P_PID } idtype_t;

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

/* Who has ended is always told, and taken: there is no WNOWAIT, and no waiting for stops alone. */
static inline int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
    int status = 0;

    if ((type != P_ALL && type != P_PID) || !(options & WEXITED) ||
        (options & ~(WEXITED | WNOHANG | WSTOPPED | WCONTINUED))) {
        errno = EINVAL;
        return -1;
    }
    pid_t pid = vireo_waitpid(type == P_ALL ? -1 : (pid_t)id, &status, options & ~WEXITED);
    if (pid < 0)
        return -1;
    if (!info)
        return 0;
    *info = (siginfo_t){.si_signo = pid ? SIGCHLD : 0, .si_pid = pid};
    if (pid == 0)
        return 0;
    info->si_code = WIFEXITED(status)      ? CLD_EXITED
                    : WIFCONTINUED(status) ? CLD_CONTINUED
                    : WIFSTOPPED(status)   ? CLD_STOPPED
                                           : CLD_KILLED;
    info->si_status = info->si_code == CLD_EXITED      ? WEXITSTATUS(status)
                      : info->si_code == CLD_CONTINUED ? SIGCONT
                      : info->si_code == CLD_STOPPED   ? WSTOPSIG(status)
                                                       : WTERMSIG(status);
    return 0;
}

#endif
