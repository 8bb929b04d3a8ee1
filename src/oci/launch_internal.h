/* What the files of a launch share. */
#pragma once

#include <stdbool.h>

#include "oci/groups.h"
#include "oci/plan.h"

#define START_SOCKET "start.sock"

/* A start in progress: from the clone to the moment when the init waits or the program runs. */
struct launch {
    struct plan plan;
    struct cgroup_place groups; /* count 0: none */
    bool own_groups;            /* made here: removed on failure */
    bool scoped;                /* they are a scope of systemd's */
    int control;                /* our end of the socket to the init */
    int init_fd;                /* the sealed program */
    const char *directory;      /* where the init begins; the caller's; NULL: where we are */
    pid_t first;                /* of a split start: the process that joins; 0: none any more */
    pid_t holder;               /* sleeps in the scope until the container is there; 0: none */
    pid_t pid;                  /* of the container's process; 0: none yet */
    pid_t broker;               /* before it: process_apart() */
    bool set_groups;
    char *host_root; /* that was mounted for the container; NULL: none */
    int network;     /* where linux.netDevices have moved to; -1: nowhere */
};

void launch_open(struct launch *launch);
/* Frees all; kills and reaps what was started unless `keep`. */
void launch_close(struct launch *launch, bool keep);

/* Clones the init with `flags` into the groups and gets it going, up to its maps. */
int launch_clone(struct launch *launch, const struct oci_config *config, uint64_t flags,
                 struct err *err);
/* Serves the init until it says `until`; INIT_NAMESPACES is answered by `names` (may be NULL). */
int launch_follow(struct launch *launch, const struct oci_config *config, enum init_say until,
                  int (*namespaces)(void *data, struct err *err), void *data, int *ret_terminal,
                  struct err *err);
/* What the init may not do itself: scheduling, out-of-memory score; and limits where `with_limits`,
 * else the plan has them. */
int launch_adjust(pid_t pid, const struct oci_process *process, bool with_limits, struct err *err);
/* What the seccomp agent is told with its descriptor, into the plan. */
int launch_listener_text(struct launch *launch, const struct oci_seccomp *seccomp,
                         oci_state_text state_text, void *data, const char *status,
                         struct err *err);
/* Tells an init to go on; `variables` as of oci_launch_go(), NULL: none. */
int launch_go(int socket, const char *variables, size_t bytes, struct err *err);
/* Reads what it says of the exec: 0, or its failure. */
int launch_await_exec(int socket, struct err *err);
/* The same of one that is started at once: it must have been ready before, too. Nothing but its end
 * wakes us up. */
int launch_await_ready_and_exec(int socket, struct err *err);
/* Both. */
int launch_release(int socket, struct err *err);

/* Field 22 of /proc/PID/stat; 0 or -errno. */
int launch_start_time(pid_t pid, uint64_t *ret_time);
/* A pidfd of the container's process, if it is the same that was started; -ESRCH. */
int launch_pidfd(const struct oci_place *place, struct err *err);
/* The static init, as bytes: init_image.c. */
extern const unsigned char init_image[], init_image_end[];
