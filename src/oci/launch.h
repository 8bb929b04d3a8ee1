/*
 * What a container is in the kernel: made, started, entered, measured, frozen, killed, removed.
 * The verbs (oci/verb_*.c) know configurations and state files; they know of processes, mounts and
 * control groups only what is here.
 *
 * Nothing here prints or exits. One thread.
 */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "oci/config.h"

struct err;

enum oci_cgroup_manager {
    OCI_CGROUP_CGROUPFS,
    OCI_CGROUP_SYSTEMD,
    OCI_CGROUP_DISABLED,
};

#define OCI_CGROUP_PATH_MAX 4096
#define OCI_SCOPE_MAX 256

/*
 * What the later verbs need to find the container again; kept in state.json. Plain data: any
 * process that read it back can call the functions below.
 */
struct oci_place {
    pid_t pid;           /* of the container's process 1 in our pid namespace; 0: none yet */
    uint64_t start_time; /* field 22 of /proc/PID/stat: a pid that was used again is another's */
    enum oci_cgroup_manager manager;
    char cgroup_path[OCI_CGROUP_PATH_MAX]; /* below each tree's root, "/a/b"; "": no groups */
    char scope[OCI_SCOPE_MAX];             /* systemd's unit; "": none */
    uint64_t root_mount; /* of a root in our mount namespace (oci/host_root.h); 0: none */
};

/* Runs the hooks of one kind in the runtime's namespaces, with the container's state on stdin. */
typedef int (*oci_run_hooks)(void *data, enum oci_hook_kind kind, const struct oci_place *place,
                             struct err *err);

/*
 * The state as JSON (malloc'ed, the caller's) for a container with `status` ("creating",
 * "created"…) and `pid`: for hooks that run inside, and the seccomp listener.
 */
typedef char *(*oci_state_text)(void *data, const char *status, pid_t pid);

/* Told what is done, a line each: "debug" each step, "info" what is left to something else. */
typedef void (*oci_note)(void *data, const char *level, const char *text);

/* Wants that are not in config.json. */
struct vkernel;
struct oci_launch_options {
    const struct vkernel *vkernel; /* its virtual kernel; NULL: none */
    int vkernel_fd;                /* and the directory where it is kept */
    /* Its system calls, compiled before by oci_launch_filter(), where the configuration has no
     * seccomp of its own; NULL: they are compiled now. */
    const struct sock_fprog *filter;
    const char *console_socket; /* path of a UNIX socket that gets the terminal; NULL: none */
    unsigned preserve_fds;      /* descriptors 3 to 3+N-1 go to the user's process */
    unsigned listen_fds;        /* of $LISTEN_FDS: kept as well, and the variables set */
    const char *notify_socket;  /* of $NOTIFY_SOCKET; NULL: none */
    bool no_pivot, no_new_keyring;
    int init_program; /* of oci_launch_init_program(); 0: a copy of its own */
    /* A held one gives up its privileges before it waits, so that the start is shorter. For filters
     * that let through what the start takes: recvmsg, sendmsg, brk, mmap, execve. Without effect
     * where hooks or labels come between. */
    bool confined_wait;
    enum oci_cgroup_manager manager;
};

/* The sealed program that becomes a container's process, for who makes many containers of one
 * tenant: they share its memory. *ret_fd is the caller's. */
int oci_launch_init_program(int *ret_fd, struct err *err);

/* The filter of vk_container_table() (vkernel/syscalls.h), which a virtual kernel's system calls
 * only make stricter, for who makes many containers of one: the instructions are malloc'ed, the
 * caller's. */
int oci_launch_filter(const struct vkernel *vkernel, struct sock_fprog *ret_program,
                      struct err *err);

/* The calls that rules of `seccomp` (NULL: none) are stricter with than its default action is, and
 * that libseccomp does not know, so that the default holds: how many, and in `text`, of `size`
 * bytes, where the first is. */
size_t oci_launch_seccomp_unknown(const struct oci_seccomp *seccomp, char *text, size_t size);

struct oci_create {
    const char *id;
    const char *bundle; /* absolute, resolved */
    int bundle_fd;
    /* The container's own directory in the state root, 0700: the place of the start socket or
     * whatever the launch keeps there. Removed as a whole by the verbs. -1: a held container
     * without a virtual kernel, of which nothing is kept. */
    int state_fd;
    const char *state_path; /* of that directory */
    const struct oci_config *config;
    struct oci_launch_options options;
    /* Nobody but the caller starts it, by oci_launch_go(): no socket for others. If the caller ends
     * before that, so does the container's process. */
    bool held;
    /* A held one that is started as soon as it is ready; oci_launch_go() waits for its program. */
    bool at_once;
    /* Called when the process is there and still makes itself ready: for what needs its pid alone
     * and is no loss of time now. May be NULL. */
    int (*cloned)(void *data, const struct oci_place *place, struct err *err);
    /* Called when all is ready, for what must be recorded before it can outlive the caller. May be
     * NULL. */
    int (*ready)(void *data, const struct oci_place *place, struct err *err);
    /* Called before a mount is made in the caller's namespace; place->root_mount is known. */
    int (*mounting)(void *data, const struct oci_place *place, struct err *err);
    oci_run_hooks run_hooks; /* called for PRESTART and CREATE_RUNTIME at their time in create */
    oci_state_text state_text;
    oci_note note; /* may be NULL */
    void *data;    /* of these */
};

/* What is known of a container's place before it is made: it tells who deletes what a crash left
 * of the making. */
int oci_launch_place(const struct oci_config *config, const char *id,
                     enum oci_cgroup_manager manager, struct oci_place *ret_place, struct err *err);

/*
 * Makes the container up to the moment before its process starts: groups, namespaces, mounts,
 * CREATE_CONTAINER hooks (in the container's namespaces, before pivot_root). Then the container's
 * process waits, whether or not its maker lives on, until oci_launch_start(). It is a child of the
 * caller. `place` is filled as soon as there is something to remove (so that the caller may record
 * it in `run_hooks` already). On failure nothing is left: no process, group, mount.
 * *ret_terminal gets the terminal's master when the configuration wants a terminal and there is no
 * console socket, else -1; may be NULL (then a terminal without a console socket is refused).
 * *ret_hold: what a held container is started by (the caller's to close); NULL if it is not held.
 */
int oci_launch_create(const struct oci_create *create, struct oci_place *place, int *ret_terminal,
                      int *ret_hold, struct err *err);

/* oci_launch_start() of a held container, by its maker; `at_once`: as it was created. */
int oci_launch_go(int hold, bool at_once, struct err *err);
/* The same with variables that were not known at the create: "K=V" with NUL each, at most 64 KiB.
 * Those of the configuration go before. */
int oci_launch_go_with(int hold, const char *variables, size_t bytes, struct err *err);

/*
 * Lets the container's process go: START_CONTAINER hooks, then the user's program. Returns when
 * the program was executed, or with the error that kept it from that (a missing program is
 * -ENOENT and names it). `state_fd` is the directory that create had.
 */
int oci_launch_start(const struct oci_place *place, int state_fd, struct err *err);

struct oci_exec {
    const struct oci_place *place;
    const struct oci_config *config;   /* the container's: seccomp, mappings, labels */
    const struct oci_process *process; /* what to run */
    const char *id, *bundle;           /* for the seccomp listener's state */
    const char *rootfs;                /* absolute: entered where no mount namespace has it */
    const char *sub_cgroup;            /* --cgroup PATH, below the container's; NULL: its own */
    struct oci_launch_options options;
    oci_state_text state_text;
    void *data;
};

/*
 * A further process in a running container, in its namespaces and groups. Returns when the program
 * was executed. *ret_pid is a child of the caller: its status is waitpid()'s. *ret_terminal as of
 * oci_launch_create(). -ESRCH: the container does not run.
 */
int oci_launch_exec(const struct oci_exec *exec, pid_t *ret_pid, int *ret_terminal,
                    struct err *err);

/* Sends `signal` to process 1 by a pidfd whose start time is checked; -ESRCH: it is gone. */
int oci_launch_kill(const struct oci_place *place, int signal, struct err *err);
/* To every process of the container's groups. Fine when there is none. */
int oci_launch_kill_all(const struct oci_place *place, int signal, struct err *err);

/*
 * Kills all that is left and removes the container's groups (and its scope). Fine when they are
 * gone. Waits (bounded: seconds) for the kernel to let go.
 */
int oci_launch_remove(const struct oci_place *place, struct err *err);

/* The processes in the container's groups; *ret_pids is malloc'ed. Returns 0 or -errno. */
int oci_launch_pids(const struct oci_place *place, pid_t **ret_pids, size_t *ret_count,
                    struct err *err);

/* pause and resume: returns when the kernel says that it is so. */
int oci_launch_freeze(const struct oci_place *place, bool frozen, struct err *err);
/* 1: frozen; 0: not, or nothing can freeze it here. */
int oci_launch_frozen(const struct oci_place *place);

/* Applies what is set in `resources`; what no tree here can hold is an error that names it. 1: all
 * but the device list, whose filter this user may not load. */
int oci_launch_update(const struct oci_place *place, const struct oci_resources *resources,
                      struct err *err);

/* Figures of `events`: UINT64_MAX is "nothing here counts it". */
struct oci_stats {
    uint64_t cpu_total_ns, cpu_user_ns, cpu_system_ns;
    uint64_t cpu_periods, cpu_throttled_periods, cpu_throttled_ns;
    uint64_t memory_usage, memory_max_usage, memory_failcnt, memory_limit;
    uint64_t memory_swap_usage, memory_swap_limit, memory_kernel_usage;
    uint64_t memory_cache, memory_oom_kills;
    struct oci_pairs_owned {
        struct oci_pair_u64 {
            char name[64];
            uint64_t value;
        } list[128];
        size_t count;
    } memory_raw; /* the lines of memory.stat */
    uint64_t pids_current, pids_limit;
    struct oci_blkio_stat {
        uint32_t major, minor;
        uint64_t read_bytes, write_bytes, read_ios, write_ios;
    } blkio[32];
    size_t blkio_count;
    struct oci_hugetlb_stat {
        char page_size[16];
        uint64_t usage, max_usage, failcnt;
    } hugetlb[8];
    size_t hugetlb_count;
};

int oci_launch_stats(const struct oci_place *place, struct oci_stats *ret_stats, struct err *err);

/* For `features`: names that end with NULL; static. */
const char *const *oci_launch_mount_options(void);
/* NULL-terminated names of libseccomp's this build knows; static. */
const char *const *oci_launch_seccomp_actions(void);
const char *const *oci_launch_seccomp_operators(void);
const char *const *oci_launch_seccomp_architectures(void);
/* Flags that this kernel takes (asked now). */
const char *const *oci_launch_seccomp_flags(void);
