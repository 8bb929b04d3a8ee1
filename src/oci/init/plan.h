/*
 * What the runtime tells a container's init, and what the two say to each other.
 *
 * The plan lies in a memfd that both map at the same address: its pointers hold on both sides, and
 * nothing is serialised, parsed or copied. The init maps it read-only. It names nothing that the
 * runtime has not checked; texts end with NUL.
 *
 * System calls from clone to the user's program, for the usual container (new namespaces, groups of
 * v1, no terminal): their part of the budget (oci/budget.h).
 *   enter    one write for each v1 tree, 1 fcntl a descriptor, execve
 *   begin    close_range, prctl, mmap; 1 setns a joined namespace, 1 unshare
 *   root     7 for the root; a file system 2 (5 + options where it is read-only or is filled), a
 * bind 4, its target 3 or 4, where it is beside the last one devices  1 each (chown where it has an
 * owner), links 1 masks    a file or directory 6, a read-only path 6, one that is not there 1 pivot
 * 5; sysctl 3 each; names 1 each; a new network 3 process  5 + those that config.json asks for; the
 * set of capabilities 1 for each one dropped
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define INIT_PLAN_ADDRESS 0x200000000000ul
/* Sparse. Room for all that 4 MiB of config.json can become (a list of "" grows eightfold), with a
 * path of the longest for each mount, so that the runtime may look at the sum after each part. */
#define INIT_PLAN_BYTES (128ul << 20)
#define INIT_TEXT_MAX 512 /* of a struct err */

/* A mounted namespace to join. */
struct init_join {
    int fd;
    int flag;      /* CLONE_NEW* */
    size_t number; /* in linux.namespaces, from 0 */
};

struct init_option {
    const char *key, *value; /* value NULL: a flag */
};

struct init_link {
    const char *target, *path;
};

enum init_mount_kind {
    INIT_MOUNT_BIND,
    INIT_MOUNT_FILESYSTEM,
    INIT_MOUNT_LINK,    /* a symbolic link to `source` instead */
    INIT_MOUNT_REMOUNT, /* changes what is mounted there */
};

struct init_mount {
    enum init_mount_kind kind;
    const char *target; /* in the container's root */
    const char *type, *source;
    int tree_fd;    /* of a bind: detached copy that the runtime made; -1: the init makes it */
    bool directory; /* of a bind whose tree_fd is given: what it is */
    bool recursive; /* rbind */
    bool copy_up;   /* tmpcopyup */
    bool source_nofollow;
    bool target_nofollow; /* what is there is covered, even a symbolic link */
    bool plain_target;    /* no symbolic link on the way: proc and sysfs */
    bool or_bind;         /* a sysfs that this user namespace may not have: the host's, read-only */
    bool optional;
    const struct init_option *options;
    size_t option_count;
    uint64_t set, clear;                         /* MOUNT_ATTR_* of this mount */
    uint64_t recursive_set, recursive_clear;     /* of it and of all below: rro… */
    uint64_t propagation, recursive_propagation; /* MS_SHARED…; 0: none */
    const struct init_link *links;               /* made in it */
    size_t link_count;
    const char *label; /* SELinux context of its root, as an attribute; NULL: the policy's */
    size_t number;     /* which of config.json's, from 1; 0: none of these */
};

struct init_device {
    const char *path;
    uint32_t mode; /* S_IFCHR… and permissions */
    uint32_t uid, gid;
    uint32_t major, minor;
    int tree_fd;   /* a node that the runtime made, to be mounted; -1: none */
    bool bind;     /* mount the host's node: a user namespace may not make one */
    size_t number; /* which of config.json's, from 1; 0: one of those that all containers have */
    bool has_mode, has_uid, has_gid; /* config.json says so */
};

struct init_hook {
    const char *path;
    char *const *argv, *const *envp;
    uint32_t timeout_seconds; /* 0: none */
};

struct init_hooks {
    const struct init_hook *list;
    size_t count;
    const char *state; /* filled before INIT_GO */
};

struct init_sysctl {
    const char *path; /* "net/ipv4/ip_forward" */
    const char *value;
};

struct init_rlimit {
    int resource;
    uint64_t soft, hard;
    const char *name;
};

/* What may be done with files below a path: rights of Landlock. */
struct init_path {
    const char *path;
    uint64_t rights;
    bool optional; /* it may be missing */
};

struct init_process {
    char *const *argv, *const *envp;
    const char *cwd;
    uint32_t uid, gid;
    int64_t umask; /* -1: 022 */
    const uint32_t *groups;
    size_t group_count;
    bool set_groups; /* false where setgroups(2) is denied */
    bool set_capabilities;
    uint64_t bounding, effective, inheritable, permitted, ambient;
    const struct init_rlimit *rlimits; /* where the runtime does not set them */
    size_t rlimit_count;
    bool no_new_privileges;
    bool confined_wait; /* it waits for the start as confined as its program will be */
    const char *apparmor, *selinux;
    int64_t personality; /* -1: as it is */
    int memory_policy;   /* of set_mempolicy(2); -1: as it is */
    const unsigned long *memory_nodes;
    size_t memory_node_count;
    int32_t huge_pages;   /* flags of PR_SET_THP_DISABLE; -1: as it is */
    uint64_t path_rights; /* that only `paths` have; 0: files are not limited */
    const struct init_path *paths;
    size_t path_count;
    bool terminal;
    uint16_t rows, columns;
    int console_fd; /* connected socket for the terminal; -1: it goes to the runtime */
    unsigned kept_fds;
    bool new_keyring;
    const char *keyring_name;
    const void *filter; /* struct sock_filter[] */
    size_t filter_count;
    uint64_t filter_flags;     /* SECCOMP_FILTER_FLAG_* */
    int listener_fd;           /* connected socket for the notify descriptor; -1: none */
    const char *listener_text; /* filled before INIT_GO */
    bool sends_listener;       /* the filter lets sendmsg(2) pass, whatever its arguments are */
};

/* The files of its virtual kernel: oci/init/view.c. */
struct init_view {
    int mount_fd; /* their file system, nowhere mounted yet; -1: there are none */
    bool log, params;
    /* Of the parameters: those that it has, and whether pid_max is its pid namespace's own. */
    bool granularity, swappiness, overcommit, pid_max;
};

struct init_plan {
    int control_fd;
    int start_fd; /* listening socket; -1: INIT_GO on the control socket starts the process */
    bool sync;    /* the runtime has something to do once the namespaces are there */
    /* Started as soon as it is ready: INIT_READY says that INIT_GO has come. `unattended`: nobody
     * waits for an INIT_READY before that. */
    bool at_once, unattended;
    bool user_namespace; /* a new one: its maps are written at the sync */

    /* Namespaces. `split`: this process joins and then clones the container's first one. */
    bool split;
    int target_fd;         /* pidfd of a running container; -1: none */
    uint64_t target_flags; /* which of its namespaces */
    struct init_join joins[8];
    size_t join_count;
    uint64_t clone_flags;     /* of the second clone */
    uint64_t unshare_flags;   /* after the groups are joined */
    const char *time_offsets; /* text for /proc/self/timens_offsets, or NULL */
    bool become_first;        /* take these ids in the user namespace joined or made */
    uint32_t first_uid, first_gid;

    /* The root file system; root NULL: that of the mount namespace (exec). */
    const char *root;
    bool own_mounts;      /* there is a mount namespace that is not the runtime's */
    bool host_root;       /* there is none, and the root is a mount in the runtime's */
    uint64_t propagation; /* rootfsPropagation with MS_REC; 0: not given */
    bool no_pivot, root_readonly;
    const struct init_mount *mounts;
    size_t mount_count;
    bool set_up_dev; /* /dev is ours to fill */
    const struct init_device *devices;
    size_t device_count;
    const struct init_link *links;
    size_t link_count;
    const char *const *masked, *const *readonly;
    size_t masked_count, readonly_count;
    const char *hostname, *domainname;
    const struct init_sysctl *sysctls;
    size_t sysctl_count;
    bool new_network; /* whose loopback is to be up */

    struct init_hooks create_container, start_container;
    struct init_view view;
    const char *huge_pages; /* what sysfs says of its policy; NULL: what the host's says */
    struct init_process process;
};

enum init_say {
    INIT_FAILED = 1, /* code, text */
    INIT_CHILD,      /* value: pid of the second clone */
    INIT_NAMESPACES, /* waits for INIT_GO */
    INIT_TERMINAL,   /* carries the master */
    INIT_READY,      /* all is set up; waits for the start */
    INIT_GO,         /* the runtime's */
};

struct init_message {
    int32_t say, code;
    int64_t value;
    char text[INIT_TEXT_MAX];
};

#define INIT_MESSAGE_HEAD offsetof(struct init_message, text)

/* INIT_GO of a held container: variables that were not known before, "K=V" and NUL each. */
#define INIT_GO_TEXT_MAX (64 << 10)

struct init_go {
    int32_t say, code;
    int64_t value;
    char text[INIT_GO_TEXT_MAX];
};

#define INIT_GO_HEAD offsetof(struct init_go, text)
_Static_assert(INIT_GO_HEAD == INIT_MESSAGE_HEAD, "one head");
