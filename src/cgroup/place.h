/*
 * A group at a path that somebody else chose (an engine's linux.cgroupsPath), in every tree of this
 * machine: pure v2, pure v1 and hybrid. Unlike the groups of cgroup.h it is not ours to reuse: it
 * is made, entered, limited, counted, frozen and removed by processes that know the path alone.
 *
 * Who writes limits asks for the tree of a controller and writes that tree's own files.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

#define CGROUP_PLACE_TREES 20
#define CGROUP_PLACE_PATH_MAX 4096

struct cgroup_place_tree {
    bool unified;
    char point[256];       /* where the tree is mounted */
    char controllers[256]; /* of a v1 tree: its mount's options; of v2: cgroup.controllers */
    int fd;                /* the group's directory; -1: not there */
    bool made;             /* by cgroup_place_make() */
};

struct cgroup_place {
    struct cgroup_place_tree trees[CGROUP_PLACE_TREES];
    size_t count;
    char path[CGROUP_PLACE_PATH_MAX]; /* from each tree's mount point: "/a/b" */
};

/* Finds the mounted trees, once in a process. Of one thread. Keeps nothing open. `path` begins with
 * "/"; ".." is refused. */
int cgroup_place_find(const char *path, struct cgroup_place *ret_place, struct err *err);

/*
 * Makes the group, with its parents, in the trees whose controllers `only` names (NULL: in all of
 * them), and opens it; v2's parents pass on all controllers that they have. Groups that exist are
 * used as they are. On failure what was made is removed.
 */
int cgroup_place_make(struct cgroup_place *place, const char *only, struct err *err);

/* Opens the group where it exists; -ENOENT when it exists nowhere. */
int cgroup_place_open(struct cgroup_place *place, struct err *err);

/* Closes its descriptors. */
void cgroup_place_close(struct cgroup_place *place);

/* The tree that serves a controller ("memory", "io", "pids"; "" is v2 itself), or NULL. */
struct cgroup_place_tree *cgroup_place_tree(struct cgroup_place *place, const char *controller,
                                            bool unified);

/*
 * What a child needs to enter: *ret_clone_fd is v2's directory for CLONE_INTO_CGROUP or -1,
 * `ret_tasks` get descriptors of v1's `tasks`, the caller's to close; returns how many or -errno.
 */
int cgroup_place_entry(struct cgroup_place *place, int *ret_clone_fd,
                       int ret_tasks[CGROUP_PLACE_TREES], struct err *err);

/* Moves a process that exists into the group of one tree. May wait 10 ms. */
int cgroup_place_move(const struct cgroup_place_tree *tree, pid_t pid);

/* All processes in the group and below it, each once. *ret_pids is malloc'ed. */
int cgroup_place_pids(struct cgroup_place *place, pid_t **ret_pids, size_t *ret_count,
                      struct err *err);

/* Whether somebody lives in one of its groups, or below, that cgroup_place_make() found there. */
bool cgroup_place_has_others(const struct cgroup_place *place);

/* Removes the groups that cgroup_place_make() made, and closes all. */
void cgroup_place_unmake(struct cgroup_place *place);

/* Kills all that is in it and below it: until nobody is left, or -EBUSY after some seconds. */
int cgroup_place_kill(struct cgroup_place *place, struct err *err);

/* Removes the group of a place that was only found, where nobody lives in it and nothing is below:
 * one call a tree. True when it is gone everywhere. */
bool cgroup_place_remove_empty(const struct cgroup_place *place);

/* Removes the group and what is below it in each tree; parents that are empty stay. */
int cgroup_place_remove(struct cgroup_place *place, struct err *err);

/* Freezes or thaws; returns when the kernel says that it is so (at most some seconds, -ETIMEDOUT).
 * -ENOTSUP: nothing here can. */
int cgroup_place_freeze(struct cgroup_place *place, bool frozen, struct err *err);
/* 1: frozen; 0: not. */
int cgroup_place_frozen(struct cgroup_place *place);

/* ---- device_filter.c: what v2 has instead of devices.allow ---- */

struct cgroup_device_rule {
    bool allow;
    char type;            /* 'a', 'b', 'c' */
    int64_t major, minor; /* < 0: any */
    bool read, write, mknod;
};

/*
 * Attaches a program that decides by the last rule that matches, and denies what none does, to the
 * v2 group `fd`; the program of an earlier call is replaced. Needs CAP_BPF and CAP_NET_ADMIN.
 */
int cgroup_device_filter(int fd, const struct cgroup_device_rule *rules, size_t count,
                         struct err *err);
