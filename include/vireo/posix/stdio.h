/* <stdio.h> of wasi-libc, and what it lacks and is not here. */
#ifndef VIREO_POSIX_STDIO_H
#define VIREO_POSIX_STDIO_H

#include_next <stdio.h>

#ifndef __cplusplus
FILE *popen(const char *command, const char *mode)
    __attribute__((unavailable("a pVM has no shell and no programs to execute: such a program runs "
                               "in a container")));
int pclose(FILE *stream)
    __attribute__((unavailable("a pVM has no shell and no programs to execute: such a program runs "
                               "in a container")));
#endif

#endif
