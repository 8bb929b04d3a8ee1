/*
 * For the files of cgroup/ only. Everything that differs between v1 and v2 is a row of a table in
 * backends.c or a member of a tree's backend; no other file asks which version it is looking at.
 */
#pragma once

#include <linux/bpf.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/fd.h"
#include "cgroup/cgroup.h"

struct cgroup_tree;

/* What can be limited. */
enum cgroup_part { CGROUP_MEMORY, CGROUP_CPU, CGROUP_PIDS, CGROUP_IO, CGROUP_PARTS };

/* What can be counted. */
enum cgroup_counter {
    COUNT_PIDS,
    COUNT_MEMORY,
    COUNT_OOM,
    COUNT_DENIED,
    COUNT_CPU,
    COUNT_MEMORY_PEAK,
    CGROUP_COUNTERS
};

#define CGROUP_NAME_MAX 128 /* of cgroup_root_open() */
#define CGROUP_MOUNTS_MAX 64

/* ---- discovery (discover.c): parsers of two files of /proc ---- */

struct cgroup_mount {
    bool unified;          /* cgroup2 */
    char root[512];        /* of the mount inside its hierarchy */
    char point[512];       /* where it is mounted, unescaped */
    char controllers[256]; /* super block options: "rw,cpu,cpuacct" */
};

/*
 * The control group mounts in the text of /proc/self/mountinfo. Lines that are malformed or too
 * long are skipped: a mount that can't be read can't be used. Returns the count, at most `max`.
 */
size_t cgroup_parse_mounts(const char *text, struct cgroup_mount *mounts, size_t max);

/* Whether `word` is one of the comma- or space-separated words of `list`. */
bool cgroup_list_has(const char *list, const char *word);

/*
 * This process's group in the hierarchy that `controller` is in ("" for v2), from the text of
 * /proc/self/cgroup. 0, -ENOENT (no such hierarchy), -ENAMETOOLONG.
 */
int cgroup_parse_self(const char *text, const char *controller, char *ret_path, size_t size);

/*
 * The directory, below the mount point, that is `own` of that hierarchy. A group that lies outside
 * of what is mounted (another cgroup namespace's view) gives the mount point itself.
 */
int cgroup_own_directory(const struct cgroup_mount *mount, const char *own, char *ret_path,
                         size_t size);

/* ---- tables (backends.c) ---- */

/* How one sort of tree is handled. */
struct cgroup_backend {
    const char *name; /* "v2" */
    bool unified;
    /* Makes `name` below `base`, with all that can be had; sets path, fd and lock of the tree. */
    int (*open)(struct cgroup_tree *tree, const char *base, const char *mount_point,
                const char *name, struct err *err);
    /* Undoes what open() did outside of our own directory. */
    void (*close)(struct cgroup_tree *tree);
    /* The descriptors by which a child enters the fresh directory `dir` of our tree. */
    int (*entry)(const struct cgroup_tree *tree, const char *dir, int *ret_clone_fd,
                 int *ret_tasks_fd);
    /* SIGKILL to all in the directory. */
    int (*kill)(int dir_fd);
    /* Asks the kernel to give back memory that is still charged to an empty group. */
    void (*reclaim)(const struct cgroup_tree *tree, const char *dir, uint64_t bytes);
};
extern const struct cgroup_backend cgroup_backend_v1;
extern const struct cgroup_backend cgroup_backend_v2;
extern const struct cgroup_backend *const cgroup_backends[2]; /* in order of preference */

/* Who serves a part: the first row whose tree is there and whose probe file exists wins. */
struct cgroup_controller {
    enum cgroup_part part;
    const struct cgroup_backend *backend;
    const char *kernel_name; /* in cgroup.controllers, or among a v1 mount's options */
    const char *probe;
    bool on_demand; /* a tree for it alone is entered only by groups that need it */
    /* Sets what differs between `was` and `want` in directory `dir` of our tree. */
    int (*limit)(const struct cgroup_tree *tree, const char *dir, const struct cgroup_limits *was,
                 const struct cgroup_limits *want, struct err *err);
};
extern const struct cgroup_controller cgroup_controllers[];
extern const size_t cgroup_controller_count;

/* Where a number is read: the first row whose file exists wins. */
struct cgroup_source {
    enum cgroup_counter counter;
    const struct cgroup_backend *backend;
    const char *kernel_name; /* tree that it is in; NULL: v2's own */
    const char *file;
    const char *key; /* the line that begins so; NULL: the file is the number */
    uint32_t divide; /* to get our unit */
    bool resets;     /* writing to it sets it back */
    bool keep_open;  /* what was written holds for this descriptor only */
};
extern const struct cgroup_source cgroup_sources[];
extern const size_t cgroup_source_count;

/* What else cgroup_root_has() tells. */
struct cgroup_feature {
    const char *what;
    const struct cgroup_backend *backend;
    const char *probe;
};
#define CGROUP_BACKGROUND "background" /* by the file "cpu.idle" of every backend */
extern const struct cgroup_feature cgroup_features[];
extern const size_t cgroup_feature_count;

/* ---- root (root.c) ---- */

struct cgroup_tree {
    const struct cgroup_backend *backend;
    char controllers[256]; /* as in cgroup_mount; for v2 what our directory has */
    char mount_point[512];
    char base[512]; /* the group that `name` was made in */
    char path[768]; /* our directory */
    int fd;         /* of it; locked (flock), so that two daemons can't share a name */
    bool on_demand;
    bool moved_self; /* this process was moved to the leaf "supervisor" of `base` */
};

struct cgroup_root {
    char name[CGROUP_NAME_MAX];
    struct cgroup_tree trees[CGROUP_TREES_MAX]; /* v2, if there is one, is the first */
    size_t tree_count;
    const struct cgroup_controller *controller[CGROUP_PARTS]; /* NULL: not to be had */
    const struct cgroup_tree *part_tree[CGROUP_PARTS];
    const struct cgroup_source *source[CGROUP_COUNTERS];
    const struct cgroup_tree *source_tree[CGROUP_COUNTERS];
    const struct cgroup_tree *kill_tree;
    const struct cgroup_tree *background_tree; /* NULL: none can */
    char *has[16];                             /* texts, one for each part and then each feature */
    uint64_t memory_residue;      /* bytes that an empty group may still be charged with */
    _Atomic uint64_t next_number; /* of the next group's directory */
    _Atomic uint32_t open_fds;    /* counters kept open, of at most... */
    uint32_t open_fds_max;
};

/* The tree that has this feature, or NULL. */
const struct cgroup_tree *cgroup_feature_tree(const struct cgroup_root *root,
                                              const struct cgroup_feature *feature);

/* ---- directories (directory.c): on any tree ---- */

/*
 * Makes `name` ("a/b") below `base`; the last one is 0700, opened and locked. *ret_path and *ret_fd
 * are set. -EBUSY: a live process holds it. `made` (may be NULL) is called for each directory that
 * is to hold others, before the next is made.
 */
int cgroup_directory_make(const char *base, const char *name, int (*made)(int dir_fd, void *user),
                          void *user, char *ret_path, size_t size, int *ret_fd, struct err *err);
/* Kills and removes all that is below `fd`, except what another live process has locked. */
int cgroup_directory_sweep(const struct cgroup_backend *backend, int fd);
/*
 * Kills and removes what stands beside `path` and was a root of this user's whose process is gone,
 * killed before it could clean up: nobody holds its lock. Bounded; what is left is for the next.
 * A process that is just making its root waits for us if we take it for dead, and makes it again.
 */
void cgroup_directory_sweep_dead(const struct cgroup_backend *backend, const char *path);
/* Removes path and those of its parents that `name` stands for, as far as they are empty. */
void cgroup_directory_remove(const char *base, const char *name);
/* SIGKILL to every process listed in cgroup.procs; returns how many there were, or -errno. */
int cgroup_kill_listed(int dir_fd);
/* The pids in its cgroup.procs, at most `max` and CGROUP_PIDS_READ; how many, or -errno. What is
 * beyond is met by the next try of who kills. */
#define CGROUP_PIDS_READ 1024
int cgroup_listed_read(int dir_fd, pid_t *pids, size_t max);
bool cgroup_file_exists(int dir_fd, const char *file);

/* ---- one group (group.c) ---- */

struct cgroup {
    struct cgroup_root *root;
    struct cgroup_pool *pool;
    char dir[24]; /* the directory's name in each tree: "g17" */
    bool made[CGROUP_TREES_MAX];
    int clone_fd;
    int tasks_fd[CGROUP_TREES_MAX];
    int counter_fd[CGROUP_COUNTERS]; /* -1: opened when it is read */
    uint64_t baseline[CGROUP_COUNTERS];
    struct cgroup_limits limits; /* as last written */
    bool background;
    char *path[CGROUP_TREES_MAX];
    unsigned tries;            /* of cleaning or removing it */
    uint64_t retry_at_ns;      /* not cleaned before */
    TAILQ_ENTRY(cgroup) queue; /* ready by age, or waiting for the thread: the pool's mutex */
    TAILQ_ENTRY(cgroup) same;  /* ready with limits of the same hash */
};
TAILQ_HEAD(cgroup_list, cgroup);

int cgroup_group_new(struct cgroup_root *root, struct cgroup **ret_group, struct err *err);
/* Removes its directories; -EBUSY when something still lives there. Then only free() is left. */
int cgroup_group_remove(struct cgroup *group);
void cgroup_group_free(struct cgroup *group);
/* Closes its descriptors: nobody enters it any more. */
void cgroup_group_shut(struct cgroup *group);
/* Makes its directory in one tree. */
int cgroup_group_enter_tree(struct cgroup *group, size_t tree, struct err *err);

/* ---- limits (limits.c, device.c) ---- */

extern const char *const cgroup_part_names[CGROUP_PARTS];
bool cgroup_limits_equal(const struct cgroup_limits *a, const struct cgroup_limits *b);
/* Writes what differs; on failure the group must not be used. */
int cgroup_limits_apply(struct cgroup *group, const struct cgroup_limits *limits, struct err *err);
/* fd_write_string() to `dir`/`file` of the tree, with a message that names the file and value. */
int cgroup_limit_write(const struct cgroup_tree *tree, const char *dir, const char *file,
                       const char *value, struct err *err);
/* Quota and period in microseconds that give `cpu_millis` thousandths of a CPU. */
void cgroup_cpu_quota(uint32_t cpu_millis, uint64_t *ret_quota_us, uint64_t *ret_period_us);
/*
 * The whole disk that holds st_dev `device`: io limits exist for those only. `sys` is
 * /sys/dev/block, `mounts` the text of /proc/self/mountinfo (for btrfs, whose devices are
 * anonymous). -ENODEV with the reason.
 */
int cgroup_device_disk(const char *sys, const char *mounts, uint64_t device, unsigned *ret_major,
                       unsigned *ret_minor, struct err *err);
/* The same for this machine, as the kernel's files want it: "254:0". */
int cgroup_disk_text(uint64_t device, char *ret_text, size_t size, struct err *err);

/* ---- counters (events.c) ---- */

/* The number itself, not the difference. -ENOENT when nothing counts it. */
int cgroup_counter_read(struct cgroup *group, enum cgroup_counter counter, uint64_t *ret_value);
/*
 * Makes an empty group ready for its next tenant. 0; -EBUSY: something lives in it; -EAGAIN: more
 * memory is charged than an empty group has, ask reclaim() or wait.
 */
int cgroup_group_clean(struct cgroup *group);
void cgroup_group_reclaim(struct cgroup *group);

/* ---- BPF programs of groups (program.c) ---- */

/* Its descriptor, or -errno. A signal that comes while the kernel checks it changes nothing. */
int cgroup_program_load(enum bpf_prog_type type, enum bpf_attach_type attach, const char *name,
                        const struct bpf_insn *program, size_t count);
