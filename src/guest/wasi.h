/*
 * WASI preview 1 for one instance: arguments, environment, descriptors. Files are reached only
 * below granted directories; a path can't leave its directory by "..", a symlink, an absolute
 * target or a magic link.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
    const struct wasi_directory *directories;
    size_t directory_count;
    /*
     * true: descriptors 0, 1 and 2 are the process's own (`vireo run`). false: they are the call's
     * body, answer and log (host->call), without a system call.
     */
    bool real_stdio;
};

int wasi_new(const struct wasi_options *options, struct wasi **ret_wasi, struct err *err);
/* Closes every file that the guest left open. NULL is fine. */
void wasi_free(struct wasi *wasi);

/* Replaces the environment for the next call (CGI variables); borrowed as above. */
void wasi_set_env(struct wasi *wasi, const char *const *env, size_t env_count);
