/* <unistd.h> of wasi-libc, and what it lacks of processes and pipes: see vireo/family.h. */
#ifndef VIREO_POSIX_UNISTD_H
#define VIREO_POSIX_UNISTD_H

/* It has a getpid() that says it is no good. */
#define getpid vireo_no_getpid
#include_next <unistd.h>
#undef getpid

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

#endif
