/* Makes the plan of a container's init (oci/init/plan.h) from its configuration. */
#pragma once

#include "oci/init/plan.h"
#include "oci/launch.h"

struct cgroup_place;

#define PLAN_BYTES_MAX (24ul << 20) /* far beyond what a container needs */
/* A descriptor for each mount, for each device, and what else there is. */
#define PLAN_FDS_MAX (2 * MOUNTS_MAX + 200)
#define MOUNTS_MAX 4000

/* The plan under construction: in a memfd, at the address where the init will see it. */
struct plan {
    int memfd;
    struct init_plan *out;
    size_t used;
    int first_fd; /* lowest number for its descriptors */
    int *fds;     /* that go along: owned */
    size_t fd_count;
    /* Binds whose tree must get an idmap of the new user namespace before the init goes on. */
    struct plan_idmap {
        int tree_fd;
        bool recursive;
    } * idmaps;
    size_t idmap_count;
    int broker_fd; /* ours of the socket that brings the listener of emulated calls; -1: none */
};

#define PLAN_EMPTY ((struct plan){.memfd = -1, .broker_fd = -1})

/* Its descriptors will lie above the `kept` ones from 3 on, which are the user's. */
int plan_open(struct plan *plan, unsigned kept, struct err *err);
/* Closes its descriptors and unmaps it. */
void plan_close(struct plan *plan);

/* Zeroed memory inside the plan; never NULL (what config.json can hold has room). */
void *plan_take(struct plan *plan, size_t bytes);
/* -E2BIG, with `part` of config.json named, where the plan is larger than PLAN_BYTES_MAX now. */
int plan_check(const struct plan *plan, const char *part, struct err *err);
const char *plan_text(struct plan *plan, const char *text); /* NULL stays NULL */
char *const *plan_strings(struct plan *plan, const struct oci_strings *strings);
/* Owns `fd` from now and hands it to the init. Returns its number, which may be a new one. */
int plan_fd(struct plan *plan, int fd);

/* For create. `place` (may be NULL) has the container's groups, for mounts of type cgroup. */
int plan_root(struct plan *plan, const struct oci_create *create, struct cgroup_place *place,
              struct err *err);
int plan_mounts(struct plan *plan, const struct oci_create *create, struct cgroup_place *place,
                struct err *err);
int plan_devices(struct plan *plan, const struct oci_create *create, struct err *err);
int plan_process(struct plan *plan, const struct oci_process *process,
                 const struct oci_config *config, const struct oci_launch_options *options,
                 const char *id, struct err *err);
/* Whether setgroups(2) works in our own user namespace (a rootless engine may have lost it). */
bool plan_set_groups(void);
/* The files that the virtual kernel's lists name. `vkernel` may be NULL. */
int plan_files(struct plan *plan, const struct vkernel *vkernel, struct err *err);
/* Compiles linux.seccomp, merged with the virtual kernel's own table where it has one; connects to
 * its listener. Each may be NULL. Of `options`: vkernel and filter. */
int plan_seccomp(struct plan *plan, const struct oci_seccomp *seccomp,
                 const struct oci_launch_options *options, struct err *err);
/* A connected UNIX socket, in the plan's care; -errno. */
int plan_connect(struct plan *plan, const char *path, struct err *err);

/* Whether a namespace given by path is the one that we are in. */
bool namespace_is_own(const struct oci_namespace *namespace);

/* The user namespace that is joined by its path, the plan's; -1: none, or it is ours. */
int plan_joined_users(const struct plan *plan);

/* Whether the container's mounts are its own: else it lives in our mount namespace, by chroot. */
bool plan_own_mounts(const struct oci_config *config);

/* The namespaces of create. *ret_clone_flags is for the first clone. */
int plan_namespaces(struct plan *plan, const struct oci_config *config, uint64_t *ret_clone_flags,
                    struct err *err);
