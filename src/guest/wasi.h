/*
 * WASI preview 1 for one instance: arguments, environment, descriptors. Files are reached only
 * below granted directories; a path can't leave its directory by "..", a symlink, an absolute
 * target or a magic link.
 *
 * Which system calls it makes after start, for the instance's table (syscalls.h). Nothing else:
 *   always       clock_gettime (mostly vDSO), clock_getres, clock_nanosleep (TIMER_ABSTIME),
 *                getrandom, sched_yield
 *   real_stdio   readv, writev, preadv, pwritev, lseek, fstat, ppoll, fsync, fdatasync, fadvise64
 *                (a redirected stream is a file); never fcntl: the status flags of standard input
 *                are shared with whoever started us
 *   directories  those, and openat2, close, getdents64, newfstatat, fcntl (F_SETFL), ftruncate,
 *                fallocate, utimensat, mkdirat, unlinkat, renameat2, linkat, symlinkat, readlinkat
 *   listeners    accept4, recvfrom, readv, writev, shutdown, ppoll, fstat, fcntl (F_SETFL), close
 *   connections  those but accept4, and recvmsg
 * Standard input and output over a channel make none. SIGPIPE and SIGXFSZ must be ignored by the
 * program, so that EPIPE and EFBIG reach the guest.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

struct err;
struct host;
struct wasi;

struct wasi_directory {
    int fd;           /* a directory, O_PATH or O_RDONLY; stays the caller's, never closed here */
    const char *path; /* the name that the guest sees, absolute */
    bool writable;
};

struct wasi_options {
    /* Each borrowed for the life of the wasi. args[0] is the program's name. */
    const char *const *args;
    size_t arg_count;
    const char *const *env; /* "NAME=value" */
    size_t env_count;
    const struct wasi_directory *directories; /* copied; the paths are borrowed */
    size_t directory_count;
    /* Listening sockets, non-blocking; behind the directories in the guest's table. Copied. */
    const int *listeners;
    size_t listener_count;
    /* Where it may connect to, and the socket that is asked for connections (template.h). Borrowed.
     */
    int connector;
    const char (*connects)[ENDPOINT_MAX_BYTES + 1];
    size_t connect_count;
    int platform; /* the socket to vireo-platform (platform.h), or -1 */
    /*
     * true: descriptors 0, 1 and 2 are the process's own (`vireo run`). false: they are the call's
     * body, answer and log (host->call), without a system call. Where a call has no buffer for an
     * answer (a handler's is in its own memory), standard output is the log too.
     */
    bool real_stdio;
};

/*
 * Makes system calls only later, when the guest does: it may be called in the template.
 * -EINVAL: too many directories.
 */
int wasi_new(const struct wasi_options *options, struct wasi **ret_wasi, struct err *err);
/*
 * Makes it as new again between two runs of a command: closes what the guest opened, opens again
 * what it closed, gives rights back. Allocates nothing.
 */
void wasi_reset(struct wasi *wasi);
/*
 * In a process that was forked without the guest's doing: its connections are the parent's. Each is
 * at its end here: it is ready, and reading it gives nothing. Async-signal-safe. System calls:
 * pipe2, close.
 */
void wasi_drop_connections(struct wasi *wasi);
/* Closes every file that the guest left open. NULL is fine. */
void wasi_free(struct wasi *wasi);

/*
 * From now on a wait of the guest (poll_oneoff, sock_accept) ends with EINTR when `fd` is readable,
 * once until wasi_wake_may() was asked. -1: none does.
 */
void wasi_wake_by(struct wasi *wasi, int fd);
/* Whether it may be readable: false when a wait has looked since the last time, and it was not. */
bool wasi_wake_may(struct wasi *wasi);

/* Replaces the environment for the next call (CGI variables); borrowed as above. */
void wasi_set_env(struct wasi *wasi, const char *const *env, size_t env_count);
