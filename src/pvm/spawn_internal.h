/* What the two halves of a start share: spawn.c (the parent) and spawn_child.c (the child). */
#pragma once

#include <stdint.h>
#include <sys/stat.h>

#include "pvm/spawn.h"

/* Most of each that one start may ask for: the child keeps them in fixed arrays. */
#define SPAWN_FDS_MAX 32
#define SPAWN_TASK_FDS_MAX 16
#define SPAWN_MOUNTS_MAX 64

/* Where a child failed. The order is that of the steps; names are in spawn.c. */
enum spawn_step {
    SPAWN_GROUP,
    SPAWN_PARENT,
    SPAWN_IDS,
    SPAWN_ROOT,
    SPAWN_MOUNT, /* `index` says which */
    SPAWN_PIVOT,
    SPAWN_FDS,
    SPAWN_LIMITS,
    SPAWN_CAPABILITIES,
    SPAWN_EXECUTE,
    SPAWN_STEPS,
};

/* What a child that failed writes to its parent, once, in one write. */
struct spawn_failure {
    int32_t step, index, code; /* code: positive errno */
};

/* One mount, as far as the parent can prepare it. */
struct spawn_source {
    bool skip;      /* optional, and not there */
    bool directory; /* the target is a directory, else an empty file */
    int tree_fd;    /* detached copy of the host's tree; -1: the child makes it, or a tmpfs */
    dev_t device;   /* of the source, so that the child can tell that it is still the same */
    ino_t inode;
    char size_text[24], inodes_text[24]; /* options of a tmpfs */
};

/* Everything that the child needs, ready before the clone: it may neither allocate nor format. */
struct spawn_plan {
    const struct spawn_options *options;
    struct spawn_source sources[SPAWN_MOUNTS_MAX];
    int null_fd;   /* /dev/null for fds that are -1 */
    int go_fd;     /* eventfd: the id maps are written; see SPAWN_GO_* */
    int status_fd; /* close-on-exec pipe for a struct spawn_failure */
    int parent_fd; /* pidfd of the parent */
};

/* What the parent says through go_fd. */
#define SPAWN_GO_CLEAR_GROUPS 1 /* supplementary groups can be given up */
#define SPAWN_GO_KEEP_GROUPS 2  /* setgroups(2) is denied in this user namespace */

/* The child, from clone to exec. Never returns. Async-signal-safe. */
_Noreturn void spawn_child(const struct spawn_plan *plan);

/* ---- spawn_root.c; async-signal-safe; 0 or -errno ---- */

/*
 * Copies the tree at `source` into a detached one with the flags of `mount`. The path's last part
 * is not followed, and no part may be a magic link of /proc, or any link (`no_symlinks`): -ELOOP.
 * The caller owns *ret_fd. -EPERM when the caller may not mount in its namespace. *ret_status is
 * set as soon as the source was seen.
 */
int spawn_clone_tree(const struct spawn_mount *mount, struct stat *ret_status, int *ret_fd);

/* Builds the new root and enters it. On failure *ret_failure says where. */
int spawn_enter_root(const struct spawn_plan *plan, struct spawn_failure *ret_failure);
