/*
 * The program that becomes a container's process: what its files share. Static, of musl, one
 * thread; it runs from a sealed memfd, is not dumpable, and ends by executing the user's program.
 */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "oci/init/plan.h"

/* The directory of the last path stays open for the next one in it. */
struct beneath_cache {
    int fd;         /* -1: none */
    char path[256]; /* up to and with the last slash */
    bool made_last; /* the entry before was not there */
};

struct init {
    const struct init_plan *plan;
    struct err err;
    int root_fd;                 /* of the container's root, until it is entered */
    struct beneath_cache parent; /* of the last mount's target */
    int ruleset_fd;              /* of Landlock; -1: files are not limited */
    int label_fd;        /* attr/exec of procfs, opened before the root is left; -1: no label */
    const char *program; /* found by init_program_find() */
    char *const *envp;   /* of the user's program */
    bool no_groups;      /* setgroups(2) is denied in the user namespace that was joined */
    bool late_cwd;       /* only the user may enter it */
};

/* Each returns 0 or -errno with the message in init->err. */

/* Joins, makes and waits for the namespaces; in a split start only the second process returns. */
int init_namespaces(struct init *init);
/* Opens where a label is written, while procfs is still the host's. */
int init_process_open_label(struct init *init);
/* Host and domain name, sysctl. */
int init_names(struct init *init);
/* Adds to an error (`r`, returned) which place of config.json asked; not in an exec, whose process
 * has a file of its own, or none. */
int init_asked(struct init *init, int r, const char *path);

/* The root file system, up to and including pivot_root. */
int init_root(struct init *init);
/* The files of its virtual kernel. */
int init_view(struct init *init);
int init_terminal(struct init *init);
/* What can be done to the process before it is started: session, keyring, directory, program. */
int init_process_prepare(struct init *init);
/* Privileges, files and system calls: what the program is held to. */
int init_process_confine(struct init *init);
/* The rest, and the user's program. Returns only on failure. */
int init_process_execute(struct init *init);

int init_mount(struct init *init, const struct init_mount *mount);
int init_devices(struct init *init);
int init_links(struct init *init, const struct init_link *links, size_t count);
int init_masks(struct init *init);
int init_hooks_run(struct init *init, const struct init_hooks *hooks, const char *kind);
int init_capabilities(struct init *init);
int init_seccomp(struct init *init);
/* Opens the listed paths, then (by itself, as late as can be) gives up the others. */
int init_files_open(struct init *init);
int init_files_limit(struct init *init);

/* Tells the runtime; `fd` goes along unless it is -1. */
int init_tell(struct init *init, enum init_say say, int64_t value, int fd);
/* Waits for INIT_GO. -EPIPE: the runtime is gone. *ret_text (may be NULL): the variables that it
 * brought, `ret_bytes` of them, until the next call. */
int init_await_go(int control_fd, const char **ret_text, size_t *ret_bytes);
/* Adds variables, strings with NUL each, to those of the plan, which go before. The text stays. */
int init_process_add_variables(struct init *init, const char *text, size_t bytes);

/*
 * Opens `path` below /proc ("self/attr/exec"). -EXDEV: /proc is no procfs, or something is mounted
 * on the way. What a joined mount namespace has as /proc is that of whoever made it.
 */
int proc_open(const char *path, uint64_t flags);

/* ---- old_root.c: what is mounted below a root that was moved over the host's ---- */

/* Opens the list of mounts, before the move: the descriptor, which is the caller's. */
int old_root_open(struct init *init);
/* After the move, before the new root is entered: detaches all mounts of the old one; a procfs or
 * sysfs that can't be detached (in a user namespace, or the host's peer) is covered. */
int old_root_clear(struct init *init, int mountinfo);

/* ---- beneath.c: paths of the container, never followed out of its root ---- */

/*
 * Opens `path` with the container's root as "/": symbolic links are followed inside, magic links
 * of procfs never. `resolve` adds RESOLVE_* flags. The descriptor or -errno.
 */
int beneath_open(int root, const char *path, uint64_t flags, uint64_t resolve);
/* The same with O_PATH; what is missing is made: directories, and the last part as a file. */
int beneath_make(int root, const char *path, bool directory);
/* The entry itself with O_PATH, whatever it is, also a link; made as above if there is none. */
int beneath_entry(int root, const char *path, bool directory);
/* Opens the directory that `path` lies in (made if it is missing); *ret_name is its last part. */
int beneath_parent(int root, const char *path, char ret_name[256]);
/* As beneath_parent(); the descriptor is the cache's. */
int beneath_parent_cached(int root, const char *path, struct beneath_cache *cache,
                          char ret_name[256]);
/*
 * beneath_make() of a directory, by the cache. -ENOENT where that alone can tell: a link on the
 * way, more than the last part missing. *ret_made: it was not there. What is mounted on the result
 * changes nothing of its parent, so the cache serves what is mounted beside it.
 */
int beneath_make_cached(int root, const char *path, struct beneath_cache *cache, bool *ret_made);
void beneath_cache_drop(struct beneath_cache *cache);

/* copy_up.c: copies what is in directory `from` to `to`. */
int copy_up(int from, int to, int depth);
