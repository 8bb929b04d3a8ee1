#include "cli/run_optimise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "cli/cli.h"
#include "cli/options.h"

#define OPTIMISE_NICE 10
/* From here on it is told why the command has not ended. */
#define PATIENCE_MS 1000
/* And here it ends: a large module takes minutes. */
#define WAIT_MS 8000
#define LOCK_NAME "optimise.lock"
/* Where its process has the lock, which is free when that ends. */
#define LOCK_FD 3
#define WORDS_MAX (CLI_LIST_MAX + 8)

extern char **environ;

void run_optimise_want(struct run_optimise *optimise, const char *state_dir)
{
    _cleanup_(closep) int folder = open(state_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

    optimise->lock_fd =
        folder < 0 ? -1
                   : openat(folder, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (optimise->lock_fd >= 0 && flock(optimise->lock_fd, LOCK_EX | LOCK_NB) < 0) {
        close(optimise->lock_fd);
        optimise->lock_fd = -1;
    }
}

/* A session of its own, without this one's streams, with no signal blocked. */
static int spawn(char *const *words, int lock_fd, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    for (int fd = 0; fd < 3; fd++)
        posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
    posix_spawn_file_actions_adddup2(&actions, lock_fd, LOCK_FD);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    int r = -posix_spawn(ret_pid, "/proc/self/exe", &actions, &attributes, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return r;
}

void run_optimise_start(struct run_optimise *optimise, const struct cli_list *words)
{
    char *argv[WORDS_MAX] = {
        (char[]){"vireo"}, (char[]){"--state"}, (char *)(uintptr_t)cli.state_dir,
        (char[]){"-q"},    (char[]){"run"},     (char[]){"--prepare"}};
    size_t count = 6;
    pid_t pid;

    if (optimise->lock_fd < 0)
        return;
    for (size_t i = 0; i < words->count && count < WORDS_MAX - 1; i++)
        argv[count++] = (char *)(uintptr_t)words->items[i];
    if (spawn(argv, optimise->lock_fd, &pid) == 0) {
        setpriority(PRIO_PROCESS, (id_t)pid, OPTIMISE_NICE); /* its children have it of it */
        optimise->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    }
    close(optimise->lock_fd);
    optimise->lock_fd = -1;
}

void run_optimise_wait(struct run_optimise *optimise, int signal_fd)
{
    struct pollfd polls[] = {{.fd = optimise->pidfd, .events = POLLIN},
                             {.fd = signal_fd, .events = POLLIN}};

    if (optimise->pidfd < 0)
        return;
    int n = poll(polls, ARRAY_LEN(polls), 0);
    if (n == 0) {
        _cleanup_(closep) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null >= 0) {
            dup2(null, STDIN_FILENO);
            dup2(null, STDOUT_FILENO);
        }
        n = poll(polls, ARRAY_LEN(polls), PATIENCE_MS);
    }
    if (n == 0 && !cli.quiet && isatty(STDERR_FILENO))
        fputs("vireo: optimising it for the next runs (Ctrl-C: without that)\n", stderr);
    if (n == 0)
        n = poll(polls, ARRAY_LEN(polls), WAIT_MS);
    if (n != 0)
        return; /* it has ended, or is to be ended */
    close(optimise->pidfd);
    optimise->pidfd = -1;
}

void run_optimise_end(struct run_optimise *optimise)
{
    siginfo_t info;

    if (optimise->lock_fd >= 0)
        close(optimise->lock_fd);
    if (optimise->pidfd >= 0) {
        /* It stops its compilers and takes their groups away. */
        syscall(SYS_pidfd_send_signal, optimise->pidfd, SIGTERM, NULL, 0);
        while (waitid(P_PIDFD, (id_t)optimise->pidfd, &info, WEXITED) < 0 && errno == EINTR)
            ;
        close(optimise->pidfd);
    }
    *optimise = (struct run_optimise)RUN_OPTIMISE_NONE;
}
