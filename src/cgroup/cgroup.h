/*
 * Control groups for sandboxes, on pure v2, pure v1 and hybrid machines behind one interface,
 * chosen at run time; and a pool of prepared ones, because mkdir and rmdir cost more than a start.
 *
 * Every group is one directory per tree in use. A child enters without the 10 ms wait of
 * cgroup.procs: on v2 by clone3(CLONE_INTO_CGROUP), on v1 by writing "0" to `tasks` of each tree
 * while it has one thread. Descriptors of groups let their holder move processes: they are
 * O_CLOEXEC and must never reach tenant code.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;
struct cgroup_root; /* where our groups live in each tree, and which backend serves what */
struct cgroup_pool;
struct cgroup;

/* 0 is: no limit. */
struct cgroup_limits {
    uint64_t memory_bytes;
    uint32_t cpu_millis; /* thousandths of a CPU */
    uint32_t pids;
    uint64_t io_bytes_per_second;
    uint32_t io_operations_per_second;
    uint64_t io_device; /* st_dev of the file system that the io limits are for */
};

/* Since cgroup_pool_take(). */
struct cgroup_events {
    uint64_t oom_kills;
    uint64_t pids_denied; /* forks refused by the pids limit */
};

struct cgroup_usage {
    uint64_t memory_bytes, memory_peak_bytes, cpu_us;
    uint32_t pids;
};

/* Trees that a group may have: v2 plus the v1 controllers that we use. */
#define CGROUP_TREES_MAX 8

/*
 * Finds the mounted trees (from /proc/self/mountinfo, never assuming a path), makes `name` (and its
 * parents: "vireo/x") below our own group in each and turns on the controllers that can be had.
 * Left-overs of an earlier process of that name are killed and removed, and so are those beside it
 * ("vireo/y") whose process was killed. -EBUSY after a second: a live one has the name. Rootless:
 * works in whatever is delegated to this user; what is not is missing from cgroup_root_has().
 * -ENOTSUP when no tree can be used at all.
 */
int cgroup_root_open(const char *name, struct cgroup_root **ret_root, struct err *err);
/* Kills what is inside, removes every group. NULL is fine. */
void cgroup_root_close(struct cgroup_root *root);

/* Which mechanism serves "memory", "cpu", "pids", "io", "kill", "freeze", "background" or "attach":
 * a line for doctor, such as "v1 /sys/fs/cgroup/memory"; NULL: none. Owned by the root. */
const char *cgroup_root_has(const struct cgroup_root *root, const char *what);

/*
 * Whether this process may take a cgroup namespace of its own now (unshare, CLONE_NEWCGROUP) and
 * still put processes into our groups. The namespace's root is the group that the process is in; a
 * v2 tree mounted with nsdelegate (as systemd does) answers ENOENT to whoever clones into a group
 * that is not below that root: such as ours, when this process sits in a leaf or a login session.
 */
bool cgroup_root_in_namespace(const struct cgroup_root *root);

/*
 * Sets those limits to "none" that no tree here can hold (rootless without delegation, a controller
 * that is not mounted) and names them ("memory", "cpu", "pids", "io"); returns how many. Without
 * it cgroup_pool_take() refuses such limits with -ENOTSUP: a limit is never silently ignored.
 */
unsigned cgroup_limits_clip(const struct cgroup_root *root, struct cgroup_limits *limits,
                            const char *ret_missing[4]);

/*
 * A pool of groups below `root`. A background thread keeps `spares` ready, cleans and refills; no
 * lock is held across a system call. take/put may be called by any thread.
 */
int cgroup_pool_new(struct cgroup_root *root, unsigned spares, struct cgroup_pool **ret_pool,
                    struct err *err);
/* Groups still out must have been put. Joins the thread, removes the groups. */
void cgroup_pool_free(struct cgroup_pool *pool);

/*
 * Takes a group with these limits set (only those that differ from what it last had are written).
 * When the pool is empty one is made on the spot. Fails with -EMFILE, -ENOSPC, -EINVAL (a limit
 * that the kernel refuses, named), -ENOTSUP (nothing here can hold it), -ENODEV (io_device is no
 * disk).
 */
int cgroup_pool_take(struct cgroup_pool *pool, const struct cgroup_limits *limits,
                     struct cgroup **ret_group, struct err *err);

/*
 * Gives a group back. It is reused once the kernel says it is empty and its counters were reset;
 * with `burnt` (something was killed in it by cgroup_kill(), or it held more than its one process)
 * it is killed and removed instead: a v2 group that was killed gives birth to dead children.
 */
void cgroup_pool_put(struct cgroup_pool *pool, struct cgroup *group, bool burnt);

/* For tests and metrics: spares ready, groups out, groups ever made. */
void cgroup_pool_counts(struct cgroup_pool *pool, unsigned *ret_ready, unsigned *ret_out,
                        unsigned *ret_made);

/*
 * Descriptors by which a child enters `group`: *ret_clone_fd is the v2 directory for
 * CLONE_INTO_CGROUP or -1; `ret_tasks` gets a write descriptor of `tasks` for each v1 tree;
 * returns how many. They belong to the group and stay open while it is in the pool.
 * On v2 our root directory is mode 0700 and cgroup.procs in it and below is 0666: holding the
 * descriptor is the permission, so that a template in a user namespace can clone into the group.
 */
int cgroup_entry_fds(const struct cgroup *group, int *ret_clone_fd,
                     int ret_tasks[CGROUP_TREES_MAX]);

#define CGROUP_CHARGE_MAX 2
/*
 * Descriptors for a process that works for the group and must not be taken for one of it: by "0" to
 * each it is charged here for memory and processor time. Of v1's trees `tasks`; of v2's tree
 * `cgroup.procs` of a group below, which has no limits of its own and another id, and in which it
 * counts among the group's processes, too. They are the caller's; how many, or -errno.
 */
int cgroup_charge_fds(const struct cgroup *group, int ret_fds[CGROUP_CHARGE_MAX]);

/*
 * The file by which the kernel counts the group's processor time: v2's cpu.stat ("usage_usec N"
 * first) or v1's cpuacct.usage (nanoseconds), read-only; it belongs to the group and stays open
 * while that is in the pool. *ret_base_us is what it said when the group was taken. -1: nothing
 * counts it here, or descriptors are scarce.
 */
int cgroup_cpu_fd(struct cgroup *group, uint64_t *ret_base_us);

/* The processes inside, at most `max` of them: how many, or -errno. One may have ended since. */
int cgroup_read_pids(const struct cgroup *group, pid_t *ret_pids, size_t max);

/*
 * A group of its own below `group` for one process, which is moved there; may wait 10 ms. It is
 * named by the number of that process, and what that forks is born in it. Whoever makes one removes
 * it (-EBUSY while somebody lives in it) before `group` is put.
 */
int cgroup_member_make(struct cgroup *group, int pid, struct err *err);
int cgroup_member_remove(struct cgroup *group, int pid);
/* As cgroup_read_pids(), of such a group. */
int cgroup_member_read(const struct cgroup *group, int pid, pid_t *ret_pids, size_t max);

int cgroup_read_events(struct cgroup *group, struct cgroup_events *ret_events);
int cgroup_read_usage(struct cgroup *group, struct cgroup_usage *ret_usage);
/* What it holds now, alone. -ENOENT: nothing counts it. */
int cgroup_read_memory(struct cgroup *group, uint64_t *ret_bytes);

/*
 * In the background a group runs when no other of ours wants the CPU: whoever of them wakes takes
 * it from this one at once, and it has a 340th of what is contended (cpu.idle, Linux 5.15). To the
 * machine's other processes it weighs as before. The pool gives groups out in the foreground.
 * -ENOTSUP: no tree here can do it.
 */
int cgroup_set_background(struct cgroup *group, bool background);

/* Kills every process inside: cgroup.kill, or v1's freezer and SIGKILL to each. */
int cgroup_kill(struct cgroup *group);
/* Path of the group in the tree that serves `what`, or NULL; owned by the group. */
const char *cgroup_path(const struct cgroup *group, const char *what);
