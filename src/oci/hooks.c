/* Hooks that run where the runtime runs. */
#include "oci/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"

static _Noreturn void become_hook(const struct oci_hook *hook, int input, const char *cwd)
{
    char *path_alone[] = {(char *)hook->path, NULL};
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0);
    if (dup2(input, STDIN_FILENO) < 0 || (cwd && chdir(cwd) < 0))
        _exit(126);
    /* What the runtime holds is not the hook's. */
    syscall(SYS_close_range, 3u, ~0u, 0u);
    execve(hook->path, hook->args.count > 0 ? (char **)hook->args.list : path_alone,
           hook->env.list ? (char **)hook->env.list : environ);
    _exit(errno == ENOENT ? 127 : 126);
}

/* 1 when it ended, 0 when its time was over. */
static int wait_for_end(pid_t pid, int64_t deadline_ns)
{
    _cleanup_(closep) int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

    if (pidfd < 0)
        return -errno;
    for (;;) {
        struct pollfd ended = {.fd = pidfd, .events = POLLIN};
        int64_t left_ms = deadline_ns == 0 ? -1 : (deadline_ns - clock_now_ns()) / 1000000 + 1;
        if (deadline_ns != 0 && left_ms <= 0)
            return 0;
        if (left_ms > INT32_MAX)
            left_ms = INT32_MAX;
        int r = poll(&ended, 1, (int)left_ms);
        if (r < 0 && errno != EINTR)
            return -errno;
        if (r > 0)
            return 1;
    }
}

static int run_hook(const struct oci_hook *hook, enum oci_hook_kind kind, const char *state_json,
                    const char *cwd, struct err *err)
{
    _cleanup_(closep) int input = -1;
    int status;
    int r = fd_sealed_copy("state", state_json, strlen(state_json), &input, err);

    if (r < 0)
        return r;
    lseek(input, 0, SEEK_SET);
    int64_t deadline =
        hook->timeout.set ? clock_now_ns() + (int64_t)hook->timeout.value * 1000000000 : 0;
    pid_t pid = fork();
    if (pid < 0)
        return err_set(err, -errno, "cannot run the hook '%s'", hook->path);
    if (pid == 0)
        become_hook(hook, input, cwd);
    setpgid(pid, pid);
    r = wait_for_end(pid, deadline);
    if (r <= 0) {
        kill(-pid, SIGKILL);
        kill(pid, SIGKILL);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (r == 0)
        return err_say(err, -ETIMEDOUT, "cannot run the hook '%s': it took longer than %llu s",
                       hook->path, (unsigned long long)hook->timeout.value);
    if (r < 0)
        return err_set(err, r, "cannot wait for the hook '%s'", hook->path);
    if (WIFSIGNALED(status))
        return err_say(err, -EIO, "cannot run the hook '%s': signal %d ended it", hook->path,
                       WTERMSIG(status));
    if (WEXITSTATUS(status) == 127)
        return err_set(err, -ENOENT, "cannot run the hook '%s'", hook->path);
    if (WEXITSTATUS(status) != 0)
        return err_say(err, -EIO, "cannot run the hook '%s': %s hook failed with exit code %d",
                       hook->path, oci_hook_names[kind], WEXITSTATUS(status));
    return 0;
}

int oci_hooks_run(const struct oci_config *config, enum oci_hook_kind kind, const char *state_json,
                  const char *cwd, struct err *err)
{
    const struct oci_hooks *hooks = &config->hooks[kind];
    int r = 0;

    for (size_t i = 0; i < hooks->count && r == 0; i++)
        r = err_at(err, run_hook(&hooks->list[i], kind, state_json, cwd, err), "hooks.%s[%zu]",
                   oci_hook_names[kind], i);
    return r;
}

void oci_hooks_run_all(const struct oci_config *config, enum oci_hook_kind kind,
                       const char *state_json, const char *cwd,
                       void (*warn)(void *data, const char *message), void *data)
{
    const struct oci_hooks *hooks = &config->hooks[kind];

    for (size_t i = 0; i < hooks->count; i++) {
        struct err err = {0};
        int r = run_hook(&hooks->list[i], kind, state_json, cwd, &err);
        if (err_at(&err, r, "hooks.%s[%zu]", oci_hook_names[kind], i) < 0)
            warn(data, err.message);
    }
}
