/* <limits.h> of wasi-libc, and what it lacks of pipes and semaphores. */
#ifndef VIREO_POSIX_LIMITS_H
#define VIREO_POSIX_LIMITS_H

#include_next <limits.h>

#ifndef PIPE_BUF
#define PIPE_BUF 4096
#endif
#ifndef SEM_VALUE_MAX
#define SEM_VALUE_MAX 0x7fffffff
#endif

#endif
