/*
 * <signal.h> of wasi-libc, and kill(): see vireo/family.h. Handlers set by signal() are run by
 * raise() only; what another process sends has its default effect.
 */
#ifndef VIREO_POSIX_SIGNAL_H
#define VIREO_POSIX_SIGNAL_H

#ifndef _WASI_EMULATED_SIGNAL
#define _WASI_EMULATED_SIGNAL
#endif
#include_next <signal.h>

#include <vireo/family.h>

static inline int kill(pid_t pid, int signal)
{
    return vireo_kill(pid, signal);
}

#endif
