/* <unistd.h> of wasi-libc, and what it lacks of processes and pipes: see vireo/family.h. */
#ifndef VIREO_POSIX_UNISTD_H
#define VIREO_POSIX_UNISTD_H

/* It has a getpid() that says it is no good, and sleeps by what <time.h> says of it. */
#define getpid vireo_no_getpid
#define sleep vireo_no_sleep
#define usleep vireo_no_usleep
#include_next <unistd.h>
#undef getpid
#undef sleep
#undef usleep

#include <fcntl.h>
#include <time.h>

#include <vireo/family.h>

static inline pid_t fork(void)
{
    return vireo_fork();
}

static inline pid_t getpid(void)
{
    return vireo_getpid();
}

static inline pid_t getppid(void)
{
    return vireo_getppid();
}

static inline int pipe(int fds[2])
{
    return vireo_pipe(fds);
}

static inline unsigned sleep(unsigned seconds) __asm__("vireo_sleep");
static inline int usleep(unsigned microseconds) __asm__("vireo_usleep");

/* The whole seconds that were left when a signal came. */
static inline unsigned sleep(unsigned seconds)
{
    struct timespec time = {seconds, 0};

    return nanosleep(&time, &time) == 0 ? 0 : (unsigned)time.tv_sec;
}

static inline int usleep(unsigned microseconds)
{
    struct timespec time = {microseconds / 1000000, (long)(microseconds % 1000000) * 1000};

    return nanosleep(&time, (void *)0);
}

/* O_NONBLOCK; O_CLOEXEC is without a meaning, since nothing is executed. */
static inline int pipe2(int fds[2], int flags)
{
    if (flags & ~(O_NONBLOCK | O_CLOEXEC)) {
        errno = EINVAL;
        return -1;
    }
    if (vireo_pipe(fds) < 0)
        return -1;
    if (!(flags & O_NONBLOCK))
        return 0;
    return fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0 || fcntl(fds[1], F_SETFL, O_NONBLOCK) < 0 ? -1
                                                                                            : 0;
}

VIREO_IMPORT(dup) int32_t vireo_import_dup(int32_t from, uint32_t to);

/* Of anything but a folder. */
static inline int dup(int fd)
{
    return vireo_errno(vireo_import_dup(fd, UINT32_MAX));
}

static inline int dup2(int fd, int to)
{
    return vireo_errno(vireo_import_dup(fd, to < 0 ? UINT32_MAX - 1 : (uint32_t)to));
}

/* See <signal.h>. */
VIREO_IMPORT(sigmask)
int32_t vireo_import_sigmask(int32_t how, uint64_t set, uint64_t *ret_former);
VIREO_IMPORT(sigsuspend) int32_t vireo_import_sigsuspend(uint64_t blocked);

/* SIGALRM after so many seconds. Without the grant fork there is none. */
static inline unsigned alarm(unsigned seconds)
{
    struct vireo_timer before = {0, 0};

    if (vireo_errno(vireo_import_timer((uint64_t)seconds * 1000000, 0, &before)) < 0)
        return 0;
    /* As Linux rounds what was left; never to none. */
    return before.value == 0 || before.value >= 500000
               ? (unsigned)((before.value + 500000) / 1000000)
               : 1;
}

/* What it may do is what a process of its own may, too. */
static inline pid_t vfork(void)
{
    return vireo_fork();
}

static inline int pause(void)
{
    uint64_t blocked = 0;

    vireo_import_sigmask(3, 0, &blocked);
    return vireo_errno(vireo_import_sigsuspend(blocked));
}

/* A pVM has no programs to execute, and one process group, its family's; what is said here is the
 * compiler's message. */
#define VIREO_NO_PROGRAMS                                                                    \
    __attribute__((unavailable("a pVM has no programs to execute: such a program runs in a " \
                               "container")))
#define VIREO_ONE_GROUP \
    __attribute__((unavailable("a family is one session and one process group: kill(0, ...)")))
int execl(const char *path, const char *argument, ...) VIREO_NO_PROGRAMS;
int execlp(const char *file, const char *argument, ...) VIREO_NO_PROGRAMS;
int execle(const char *path, const char *argument, ...) VIREO_NO_PROGRAMS;
int execv(const char *path, char *const arguments[]) VIREO_NO_PROGRAMS;
int execvp(const char *file, char *const arguments[]) VIREO_NO_PROGRAMS;
int execve(const char *path, char *const arguments[], char *const environment[]) VIREO_NO_PROGRAMS;
pid_t setsid(void) VIREO_ONE_GROUP;
pid_t getsid(pid_t pid) VIREO_ONE_GROUP;
int setpgid(pid_t pid, pid_t group) VIREO_ONE_GROUP;
pid_t getpgid(pid_t pid) VIREO_ONE_GROUP;
pid_t getpgrp(void) VIREO_ONE_GROUP;

#endif
