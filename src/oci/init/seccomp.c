/* The system call filter, compiled by the runtime; and its listener, handed to whoever decides. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "oci/init/init.h"

#define HANDOVER_TRIES 20000 /* of 100 us */

static long install(const struct init_process *process)
{
    const struct sock_fprog program = {
        .len = (unsigned short)process->filter_count,
        .filter = (struct sock_filter *)(uintptr_t)process->filter,
    };

    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, process->filter_flags, &program);
}

static int send_listener(const struct init_process *process, int listener)
{
    return fd_send(process->listener_fd, process->listener_text, strlen(process->listener_text),
                   &listener, 1);
}

/* In a second process with the same descriptors, which the filter does not hold. */
_Noreturn static void hand_over(const struct init_process *process, int expected)
{
    const struct timespec pause = {.tv_nsec = 100000};

    for (int i = 0; i < HANDOVER_TRIES && fcntl(expected, F_GETFD) < 0; i++)
        nanosleep(&pause, NULL);
    _exit(send_listener(process, expected) < 0);
}

/*
 * The filter may stop the very calls that hand its listener over, until somebody listens: so a
 * child that shares our descriptors was made before, and sends the one that is going to appear.
 */
static int install_with_listener(struct init *init)
{
    const struct init_process *process = &init->plan->process;
    int status;

    int expected = dup(process->listener_fd);
    if (expected < 0)
        return err_set(&init->err, -errno, "cannot install seccomp filter");
    close(expected); /* the lowest that is free: what the kernel gives next */
    long pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid < 0)
        return err_set(&init->err, -errno, "cannot install seccomp filter");
    if (pid == 0)
        hand_over(process, expected);
    long fd = install(process);
    if (fd < 0) {
        int r = -errno;
        kill((pid_t)pid, SIGKILL);
        waitpid((pid_t)pid, &status, 0);
        return err_set(&init->err, r, "cannot install seccomp filter with a listener");
    }
    while (waitpid((pid_t)pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (fd != expected || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return err_say(&init->err, -EIO, "cannot hand the seccomp listener over");
    close((int)fd);
    return 0;
}

/* Two processes' wake-ups less. */
static int install_and_send(struct init *init)
{
    const struct init_process *process = &init->plan->process;

    _cleanup_(closep) int listener = (int)install(process);
    if (listener < 0)
        return err_set(&init->err, -errno, "cannot install seccomp filter with a listener");
    int r = send_listener(process, listener);
    return r < 0 ? err_set(&init->err, r, "cannot hand the seccomp listener over") : 0;
}

int init_seccomp(struct init *init)
{
    const struct init_process *process = &init->plan->process;

    if (!process->filter_count)
        return 0;
    if (process->listener_fd >= 0 && process->sends_listener)
        return install_and_send(init);
    if (process->listener_fd >= 0)
        return install_with_listener(init);
    if (install(process) < 0)
        return err_set(&init->err, -errno, "cannot install seccomp filter");
    return 0;
}
