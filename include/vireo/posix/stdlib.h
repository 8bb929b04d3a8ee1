/* <stdlib.h> of wasi-libc, and what of it is not here. */
#ifndef VIREO_POSIX_STDLIB_H
#define VIREO_POSIX_STDLIB_H

#include_next <stdlib.h>

#ifndef __cplusplus
int system(const char *command)
    __attribute__((unavailable("a pVM has no shell and no programs to execute: such a program runs "
                               "in a container")));
#endif

#endif
