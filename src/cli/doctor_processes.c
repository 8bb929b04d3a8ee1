/* Probes: what processes and files are handled by. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/doctor.h"
#include "pvm/members.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

/* A child is signalled and reaped through its descriptor. */
static int try_pidfd(const void *argument)
{
    siginfo_t info = {0};

    (void)argument;
    pid_t child = fork();
    if (child < 0)
        return -errno;
    if (child == 0) {
        pause();
        _exit(0);
    }
    int fd = (int)syscall(SYS_pidfd_open, child, 0);
    int r = fd < 0 ? -errno : 0;
    if (r == 0 && syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) < 0)
        r = -errno;
    if (r < 0)
        kill(child, SIGKILL);
    if (r == 0 && waitid((idtype_t)P_PIDFD, (id_t)fd, &info, WEXITED) < 0)
        r = -errno;
    if (r < 0)
        waitpid(child, NULL, 0);
    return r;
}

/* How a child ended is known by its descriptor after it was reaped. */
static int try_exit_record(const void *argument)
{
    int status = 0;

    (void)argument;
    pid_t child = fork();
    if (child < 0)
        return -errno;
    if (child == 0)
        _exit(7);
    _cleanup_(closep) int fd = (int)syscall(SYS_pidfd_open, child, 0);
    waitpid(child, NULL, 0);
    if (fd < 0 || pvm_status_recorded(fd, &status) < 0)
        return -ENODATA;
    return WIFEXITED(status) && WEXITSTATUS(status) == 7 ? 0 : -EPROTO;
}

/* A path that leaves its directory is refused. */
static int try_openat2(const void *argument)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_BENEATH};

    (void)argument;
    int directory = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0 || syscall(SYS_openat2, directory, "self/status", &how, sizeof how) < 0)
        return -errno;
    if (syscall(SYS_openat2, directory, "../etc", &how, sizeof how) >= 0)
        return -EPROTO;
    return errno == EXDEV ? 0 : -errno;
}

static int try_mount_api(const void *argument)
{
    (void)argument;
    /* Cloning a mount needs rights that an ordinary user lacks: EPERM shows the call is there. */
    if (syscall(SYS_open_tree, AT_FDCWD, "/", 1u /* OPEN_TREE_CLONE */) < 0 && errno != EPERM)
        return -errno;
    return 0;
}

void doctor_processes(struct doctor *doctor)
{
    int r = doctor_try(try_pidfd, NULL);
    doctor_line(doctor, r == 0 ? DOCTOR_OK : DOCTOR_REQUIRED, "processes",
                r == 0 ? "pidfd" : "none", "%s",
                r == 0 ? "a signal never reaches a reused pid" : strerror(-r));

    r = doctor_try(try_exit_record, NULL);
    doctor_line(doctor, r == 0 ? DOCTOR_OK : DOCTOR_FALLBACK, "exit status",
                r == 0 ? "PIDFD_GET_INFO" : "/proc, until it is reaped", "%s",
                r == 0 ? "vireo wait knows it of every member of a family"
                       : "vireo wait may not know that of a member whose parent waits for it");

    r = doctor_try(try_openat2, NULL);
    doctor_line(doctor, r == 0 ? DOCTOR_OK : DOCTOR_REQUIRED, "granted paths",
                r == 0 ? "openat2, RESOLVE_BENEATH" : "none", "%s",
                r == 0 ? "no way out by .., symlinks or magic links" : strerror(-r));

    r = doctor_try(try_mount_api, NULL);
    doctor_line(doctor, r == 0 ? DOCTOR_OK : DOCTOR_FALLBACK, "mounts",
                r == 0 ? "open_tree, mount_setattr" : "mount(2)", "%s",
                r == 0 ? "read-only bind mounts in one step" : strerror(-r));
}
