/* Waiting for a process in the foreground: signals to it, a terminal's bytes both ways. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "oci/runtime.h"

struct foreground {
    pid_t pid;
    int terminal;
    bool ended, input_ended;
    int status;
    bool raw;
    struct termios before;
};

static void copy_size(const struct foreground *foreground)
{
    struct winsize size;

    if (foreground->terminal >= 0 && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
        ioctl(foreground->terminal, TIOCSWINSZ, &size);
}

static void take_signal(struct foreground *foreground, int signals)
{
    struct signalfd_siginfo info;

    while (read(signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD) {
            if (waitpid(foreground->pid, &foreground->status, WNOHANG) == foreground->pid)
                foreground->ended = true;
        } else if (info.ssi_signo == SIGWINCH && foreground->terminal >= 0) {
            copy_size(foreground);
        } else if (!foreground->ended) {
            /* Not reaped: the number is still its own. */
            kill(foreground->pid, (int)info.ssi_signo);
        }
    }
}

/* false: this direction has ended. */
static bool carry(int from, int to)
{
    char bytes[8192];
    ssize_t count = read(from, bytes, sizeof bytes);

    if (count < 0)
        return errno == EINTR || errno == EAGAIN;
    return count > 0 && fd_write_full(to, bytes, (size_t)count) == 0;
}

static void enter_raw(struct foreground *foreground)
{
    struct termios raw;

    if (foreground->terminal < 0 || tcgetattr(STDIN_FILENO, &foreground->before) < 0)
        return;
    raw = foreground->before;
    cfmakeraw(&raw);
    foreground->raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
    copy_size(foreground);
}

static void loop(struct foreground *foreground, int signals)
{
    while (!foreground->ended) {
        struct pollfd fds[] = {
            {.fd = signals, .events = POLLIN},
            {.fd = foreground->terminal, .events = POLLIN},
            {.fd = foreground->terminal < 0 || foreground->input_ended ? -1 : STDIN_FILENO,
             .events = POLLIN},
        };
        if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR)
            return;
        if (fds[1].revents && !carry(foreground->terminal, STDOUT_FILENO)) {
            close(foreground->terminal);
            foreground->terminal = -1;
        }
        if (fds[2].revents && foreground->terminal >= 0)
            foreground->input_ended = !carry(STDIN_FILENO, foreground->terminal);
        if (fds[0].revents)
            take_signal(foreground, signals);
    }
    /* What it wrote before it ended. */
    while (foreground->terminal >= 0) {
        struct pollfd rest = {.fd = foreground->terminal, .events = POLLIN};
        if (poll(&rest, 1, 0) <= 0 || !carry(foreground->terminal, STDOUT_FILENO))
            break;
    }
}

int runtime_foreground(pid_t pid, int terminal, struct err *err)
{
    struct foreground foreground = {.pid = pid, .terminal = terminal};
    sigset_t all, before;

    sigfillset(&all);
    sigdelset(&all, SIGTTOU); /* tcsetattr from the background must fail, not wait */
    sigprocmask(SIG_BLOCK, &all, &before);
    _cleanup_(closep) int signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0)
        return err_set(err, -errno, "cannot wait for the container's process");
    /* It may have ended before the signals were blocked. */
    if (waitpid(pid, &foreground.status, WNOHANG) == pid)
        foreground.ended = true;
    enter_raw(&foreground);
    loop(&foreground, signals);
    if (foreground.raw)
        tcsetattr(STDIN_FILENO, TCSANOW, &foreground.before);
    if (foreground.terminal >= 0)
        close(foreground.terminal);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return WIFSIGNALED(foreground.status) ? 128 + WTERMSIG(foreground.status)
                                          : WEXITSTATUS(foreground.status);
}
