/*
 * Network namespaces made ahead: to make one takes half a millisecond and a lock that all of the
 * machine's starts share, to enter one takes a microsecond. The launcher makes them while nothing
 * is asked of it, clones each keeper inside one, and is in an empty one of its own in between.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;

#define NETWORKS_AHEAD_MAX 16

struct networks {
    int home; /* the launcher's own, in which nobody else is */
    int fds[NETWORKS_AHEAD_MAX];
    size_t count;
    size_t wanted;    /* are kept ready */
    size_t taken;     /* since `begin_ns` */
    int64_t begin_ns; /* of the second that is counted */
    int64_t last_ns;  /* of the last that was taken */
};

/* Moves the caller into a namespace of its own, with lo alone. CAP_SYS_ADMIN in its user namespace,
 * a procfs at /proc, one thread. */
int networks_open(struct networks *networks, struct err *err);
/* Into one that was made ahead, else a new one; what is cloned now is in it. 0 or -errno. */
int networks_enter(struct networks *networks, int64_t now_ns);
/* Back, from whatever was entered. 0 or -errno. */
int networks_leave(const struct networks *networks);
/* In a keeper, a copy of the launcher: closes all descriptors. */
void networks_forget(struct networks *networks);
/*
 * For poll(2): how long until networks_tend() has something to do, in milliseconds; -1: it has
 * nothing to do.
 */
int networks_due_ms(const struct networks *networks, int64_t now_ns);
/*
 * Makes one of those that are wanted, or lets those go that are too many. Wanted are as many as
 * were taken in the last second in which any was, and one at least: a burst finds what the one
 * before it needed.
 */
void networks_tend(struct networks *networks, int64_t now_ns);
