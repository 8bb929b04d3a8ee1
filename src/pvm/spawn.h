/*
 * Starts a process in namespaces of its own: the one place that clones, maps ids and builds an
 * empty root file system. Used for templates (wall_process.c) and for the build's sandboxes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

/* One mount below the new root. */
struct spawn_mount {
    const char *source;     /* host path, or NULL for a private tmpfs of `tmpfs_bytes` */
    const char *filesystem; /* a new mount of this one in the place of a source: "tracefs" */
    const char *target;     /* absolute, as seen inside; directories are made */
    uint64_t tmpfs_bytes;
    bool writable;
    bool exec;     /* else mounted noexec */
    bool optional; /* a source that is not there is skipped */
    /* Files of host id 0 are seen as root's inside, and files made inside belong to host id 0: an
     * idmapped mount by the new user namespace. For root's own directories, given by root. A file
     * system that can't do it is mounted as it is. */
    bool root_owned;
    bool device; /* a device node (/dev/null, ...): bound as a file, usable */
    /* No part of the source's path may be a symbolic link: for paths that were allowed by their
     * text, which a link would make another directory's. */
    bool no_symlinks;
};

struct spawn_options {
    const char *what;    /* for messages: "template of 'hello'" */
    uint64_t namespaces; /* CLONE_NEW* for clone3 */
    /* Host ids that root inside the user namespace maps to. Rootless: the caller's own. */
    uid_t uid;
    gid_t gid;
    const struct spawn_mount *mounts; /* an empty read-only root plus these; needs CLONE_NEWNS */
    size_t mount_count;
    int clone_group_fd;  /* v2 directory for CLONE_INTO_CGROUP, or -1 */
    const int *task_fds; /* v1 `tasks` descriptors that the child writes "0" to */
    size_t task_fd_count;
    /* Descriptors given to the program as 0..fd_count-1 (-1: /dev/null opened from the host). All
     * others are closed. */
    const int *fds;
    size_t fd_count;
    int program_fd; /* executed with fexecve; a static program, or one whose root has its libraries
                     */
    char *const *argv;
    char *const *envp;
    bool
        keep_capabilities; /* else the program starts without any, even in its own user namespace */
    bool new_privileges_ok; /* else PR_SET_NO_NEW_PRIVS */
    /* 0: leave. */
    uint64_t rlimit_file_bytes, rlimit_cpu_seconds, rlimit_descriptors, rlimit_processes;
};

struct spawned {
    pid_t pid;
    int pidfd; /* the caller's */
};

/* A detached tmpfs, owned by the caller's ids: fsmount(2). CAP_SYS_ADMIN. */
int spawn_make_tmpfs(const char *size, const char *inodes, const char *mode, uint64_t flags,
                     int *ret_fd);
/* Its options: at most `bytes`, and no more files than pages, since an empty file costs memory too.
 */
void spawn_tmpfs_text(uint64_t bytes, char *size, size_t size_bytes, char *inodes,
                      size_t inodes_bytes);

/*
 * Starts it. Blocks until the program was executed or failed to be (a few milliseconds); the cause
 * of a failure inside the child comes back in `err`. The child dies with the calling thread's
 * process (PR_SET_PDEATHSIG). As root needs CAP_SYS_ADMIN (namespaces, mounts), CAP_SETUID and
 * CAP_SETGID (maps). Any thread.
 */
int spawn_process(const struct spawn_options *options, struct spawned *ret_spawned,
                  struct err *err);
