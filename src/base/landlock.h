/* Landlock: a process without privileges gives up all files but those below some directories. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct landlock_directory {
    int fd;
    int writable;
};

/*
 * For this thread and what it starts, for good: nothing but what is below these directories, none
 * of it executable; without `network` no TCP that is made later; no signals or abstract sockets
 * outside, as far as the kernel can do it. 0 or -errno; 0 as well on a kernel without Landlock
 * (`vireo doctor` says so). The caller has no_new_privs set.
 */
int landlock_files(const struct landlock_directory *directories, size_t count, bool network);
/* The version of its interface that this kernel has, or -errno. For who can't do without. */
int landlock_version(void);
