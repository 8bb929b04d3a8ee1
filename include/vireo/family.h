/*
 * vireo/family.h: processes and pipes of a function with the grants fork and ipc. Sources written
 * for UNIX need not include it: <unistd.h>, <sys/wait.h> and <signal.h> are in the way of a build
 * and declare these by their usual names. Any other language imports them from module "vireo".
 *
 *     grants:
 *       fork: true
 *       ipc: true
 *
 * Each sets errno and returns -1 when it is refused: EPERM without the grant, EAGAIN when the
 * family has as many members as its limit of processes.
 */
#ifndef VIREO_FAMILY_H
#define VIREO_FAMILY_H

#include <errno.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VIREO_IMPORT(name) __attribute__((import_module("vireo"), import_name(#name)))

/* A number, or an errno as a negative one. */
VIREO_IMPORT(fork) int32_t vireo_import_fork(void);
VIREO_IMPORT(waitpid) int32_t vireo_import_waitpid(int32_t pid, int *status, int32_t options);
VIREO_IMPORT(kill) int32_t vireo_import_kill(int32_t pid, int32_t signal);
VIREO_IMPORT(getpid) int32_t vireo_import_getpid(void);
VIREO_IMPORT(getppid) int32_t vireo_import_getppid(void);
VIREO_IMPORT(pipe) int32_t vireo_import_pipe(int fds[2]);

/* Microseconds until SIGALRM, 0: none; and between those that follow. */
struct vireo_timer {
    uint64_t value, interval;
};
VIREO_IMPORT(timer)
int32_t vireo_import_timer(uint64_t value, uint64_t interval, struct vireo_timer *ret_former);

static inline int vireo_errno(int32_t result)
{
    if (result >= 0)
        return result;
    errno = -result;
    return -1;
}

/*
 * As fork(2): the child goes on from here with memory of its own. Its standard output and error
 * are the function's log. It ends by exit(), by returning from main() or from the handler, by a
 * trap (status 134), or with the instance that it belongs to.
 */
static inline pid_t vireo_fork(void)
{
    return vireo_errno(vireo_import_fork());
}

/* As waitpid(2); the macros for its status are in <sys/wait.h>. */
static inline pid_t vireo_waitpid(pid_t pid, int *status, int options)
{
    return vireo_errno(vireo_import_waitpid(pid, status, options));
}

/* As kill(2). It reaches members of the family only; the root, process 1, ignores what it has no
 * handler for. */
static inline int vireo_kill(pid_t pid, int signal)
{
    return vireo_errno(vireo_import_kill(pid, signal));
}

static inline pid_t vireo_getpid(void)
{
    return vireo_import_getpid();
}

static inline pid_t vireo_getppid(void)
{
    return vireo_import_getppid();
}

/* As pipe(2): fds[0] is read, fds[1] written. */
static inline int vireo_pipe(int fds[2])
{
    return vireo_errno(vireo_import_pipe(fds));
}

#ifdef __cplusplus
}
#endif

#endif
