/* Hooks that run in the container's namespaces, with its state on their standard input. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "oci/init/init.h"

#define STATE_PIPE_MAX 65536 /* of a pipe, written before the hook runs: it may never read */

_Noreturn static void become(const struct init_hook *hook, int input)
{
    umask(022);
    if (dup2(input, 0) >= 0)
        execve(hook->path, hook->argv, hook->envp);
    _exit(127);
}

/* A pipe that holds the state already. */
static int state_pipe(const char *state)
{
    int ends[2];
    size_t length = strlen(state);

    if (length > STATE_PIPE_MAX)
        return -E2BIG;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    int r = fd_write_full(ends[1], state, length);
    close(ends[1]);
    if (r < 0) {
        close(ends[0]);
        return r;
    }
    return ends[0];
}

/* Its exit status as waitpid() gives it, or -errno; -ETIMEDOUT when it was killed for its time. */
static int await(pid_t pid, uint32_t timeout_seconds)
{
    bool late = false;
    int status;

    if (timeout_seconds) {
        _cleanup_(closep) int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        struct pollfd end = {.fd = pidfd, .events = POLLIN};
        int limit = timeout_seconds > 86400 ? 86400 * 1000 : (int)timeout_seconds * 1000;
        int n;
        do
            n = poll(&end, 1, limit);
        while (n < 0 && errno == EINTR);
        if (n == 0) {
            late = true;
            kill(pid, SIGKILL);
        }
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return late ? -ETIMEDOUT : status;
}

static int run_one(struct init *init, const struct init_hook *hook, const char *state)
{
    _cleanup_(closep) int input = state_pipe(state);
    if (input < 0)
        return err_set(&init->err, input, "cannot run hook '%s'", hook->path);
    pid_t pid = fork();
    if (pid < 0)
        return err_set(&init->err, -errno, "cannot run hook '%s'", hook->path);
    if (pid == 0)
        become(hook, input);
    int status = await(pid, hook->timeout_seconds);
    if (status < 0)
        return err_set(&init->err, status, "cannot run hook '%s'", hook->path);
    if (WIFSIGNALED(status))
        return err_say(&init->err, -ECANCELED, "cannot run hook '%s': signal %d ended it",
                       hook->path, WTERMSIG(status));
    if (WEXITSTATUS(status) != 0)
        return err_say(&init->err, -ECANCELED, "cannot run hook '%s': exit status %d", hook->path,
                       WEXITSTATUS(status));
    return 0;
}

int init_hooks_run(struct init *init, const struct init_hooks *hooks, const char *kind)
{
    int r = 0;

    for (size_t i = 0; i < hooks->count && r == 0; i++)
        r = err_at(&init->err, run_one(init, &hooks->list[i], hooks->state), "hooks.%s[%zu]", kind,
                   i);
    return r;
}
