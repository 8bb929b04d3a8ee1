/*
 * fork, wait, kill, exit, pipe for native code, by their POSIX names: what family_calls.c does for
 * any code, with addresses and errno. Who may is the family's grants' to say, and what else this
 * process could do its wall's: native code is its signer's to answer for.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest/family.h"
#include "guest/native.h"
#include "guest/native_heap.h"
#include "guest/native_posix.h"
#include "guest/native_stdio.h"
#include "guest/template.h"
#include "guest/wasi_internal.h"
#include "guest/wasm_internal.h"

pid_t native_fork(void);
pid_t native_waitpid(pid_t pid, int *status, int options);
pid_t native_wait(int *status);
int native_waitid(idtype_t type, id_t id, siginfo_t *info, int options);
int native_kill(pid_t pid, int signal);
pid_t native_getpid(void);
pid_t native_getppid(void);
int native_pipe2(int fds[2], int flags);
int native_pipe(int fds[2]);
int native_atexit(void (*function)(void));
void native_leave_now(int status) __attribute__((noreturn));

/* System calls: those of family_fork(). */
pid_t native_fork(void)
{
    struct host *host = native_enter();

    return (pid_t)native_leave(host, host ? family_fork(host) : -EPERM);
}

/* System calls: those of family_wait(). */
pid_t native_waitpid(pid_t pid, int *status, int options)
{
    struct host *host = native_enter();
    int ended_with = 0;
    pid_t ended = host ? family_wait(host, pid, &ended_with, options) : -EPERM;

    if (ended > 0 && status)
        *status = ended_with;
    return (pid_t)native_leave(host, ended);
}

pid_t native_wait(int *status)
{
    return native_waitpid(-1, status, 0);
}

static void tell(int status, siginfo_t *info)
{
    info->si_signo = SIGCHLD;
    info->si_code = WIFEXITED(status)      ? CLD_EXITED
                    : WIFCONTINUED(status) ? CLD_CONTINUED
                    : WIFSTOPPED(status)   ? CLD_STOPPED
                                           : CLD_KILLED;
    info->si_status = WIFEXITED(status)      ? WEXITSTATUS(status)
                      : WIFCONTINUED(status) ? SIGCONT
                      : WIFSTOPPED(status)   ? WSTOPSIG(status)
                                             : WTERMSIG(status);
}

/* Who has ended is always told, and taken: there is no WNOWAIT, and no waiting for stops alone. */
int native_waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
    int status = 0;

    if ((type != P_ALL && type != P_PID) || !(options & WEXITED) ||
        (options & ~(WEXITED | WNOHANG | WSTOPPED | WCONTINUED))) {
        errno = EINVAL;
        return -1;
    }
    pid_t pid = native_waitpid(type == P_ALL ? -1 : (pid_t)id, &status, options & ~WEXITED);
    if (pid < 0)
        return -1;
    if (!info)
        return 0;
    memset(info, 0, sizeof *info);
    if (pid > 0)
        tell(status, info);
    info->si_pid = pid;
    return 0;
}

/* System call: kill. */
int native_kill(pid_t pid, int signal)
{
    struct host *host = native_enter();

    return (int)native_leave(host, host ? family_kill(host, pid, signal) : -EPERM);
}

/* System call: getpid. Who has no family is its root. */
pid_t native_getpid(void)
{
    struct host *host = native_enter();

    return (pid_t)native_leave(host,
                               host && family_with(host, GUEST_GRANT_FORK) ? (long)getpid() : 1);
}

/* System call: getppid. The root's parent is of no namespace of its own. */
pid_t native_getppid(void)
{
    struct host *host = native_enter();

    return (pid_t)native_leave(host,
                               host && family_with(host, GUEST_GRANT_FORK) ? (long)getppid() : 0);
}

/* System calls: pipe2, close; fcntl for O_NONBLOCK. */
static int make_pipe(struct host *host, int fds[2], int flags)
{
    uint32_t numbers[2];

    if (flags & ~(O_NONBLOCK | O_CLOEXEC))
        return -EINVAL;
    int r = family_pipe(host, numbers);
    if (r < 0)
        return r;
    for (int i = 0; i < 2; i++) {
        struct wasi_fd *end = wasi_fd_any(host, numbers[i]);
        if ((flags & O_NONBLOCK) && fcntl(end->fd, F_SETFL, O_NONBLOCK) == 0)
            end->flags |= WASI_FDFLAG_NONBLOCK;
        fds[i] = (int)numbers[i];
    }
    return 0;
}

int native_pipe2(int fds[2], int flags)
{
    struct host *host = native_enter();

    return (int)native_leave(host, host ? make_pipe(host, fds, flags) : -EPERM);
}

int native_pipe(int fds[2])
{
    return native_pipe2(fds, 0);
}

/* ---- the end ---- */

/* On the code's heap: a library that is replaced finds the pointers there (linker_replace.c). */
struct at_exit {
    void (*function)(void);
    struct at_exit *next;
};
static struct at_exit *at_exit;

int native_atexit(void (*function)(void))
{
    struct at_exit *one = native_malloc(sizeof *one);

    if (!one)
        return -1;
    *one = (struct at_exit){function, at_exit};
    at_exit = one;
    return 0;
}

/* Of an instance: its call ends as a command's does, and another takes its place. */
void native_leave_now(int status)
{
    struct wasm_frame *frame = wasm_frame_current();

    if (!frame)
        _exit(status);
    frame->host->exit_status = (uint32_t)status;
    host_leave(frame->host, HOST_EXITED);
}

void native_exit(int status)
{
    while (at_exit) {
        void (*function)(void) = at_exit->function;
        struct at_exit *next = at_exit->next;
        native_free(at_exit);
        at_exit = next;
        function();
    }
    native_stdio_end();
    native_leave_now(status);
}

/* Its signal would be the whole pVM's, and process 1 of a family has none by default: a trap. */
void native_abort(void)
{
    if (wasm_frame_current())
        wasm_trap_at("abort() was called", (uintptr_t)__builtin_return_address(0) - 1);
    _exit(134);
}
