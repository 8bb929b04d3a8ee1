/* <sys/stat.h> of wasi-libc, and what of it is not here. */
#ifndef VIREO_POSIX_SYS_STAT_H
#define VIREO_POSIX_SYS_STAT_H

#include_next <sys/stat.h>

#ifndef __cplusplus
int mkfifo(const char *path, mode_t mode)
    __attribute__((unavailable("a pVM's folders have files alone: members of a family talk by "
                               "pipe(), message queues and shared memory")));
int mkfifoat(int fd, const char *path, mode_t mode)
    __attribute__((unavailable("a pVM's folders have files alone: members of a family talk by "
                               "pipe(), message queues and shared memory")));
#endif

#endif
