/*
 * The life of a pVM: a template is started for a function, instances are forked from it, called
 * through their channels and reaped. Nothing above asks which wall is behind it.
 *
 * Not thread-safe: a template and its instances belong to the thread that made them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;
struct cgroup_pool;
struct cgroup;
struct cgroup_limits;
struct manifest;
struct pvm_template;

/*
 * What a group's memory limit has over the function's own: channel (an answer of the largest size
 * lies there and in linear memory), page tables, the guest program's stacks and tables. Linear
 * memory is held to the function's limit by the run time, exactly; the group's limit is the wall
 * behind it.
 */
#define PVM_OVERHEAD_BYTES (UINT64_C(16) << 20)

/* What was proved of a function's code, from its library's note. Its sandbox is made of it, never
 * wider than the manifest. */
struct pvm_bounds {
    uint64_t stack_bytes, static_bytes;
    uint64_t cpu_ms; /* one call takes less processor time than this */
    uint32_t grants; /* pvm_grants_called() */
};

/* The memory that a proved function can need in one instance; its limit is the smaller of this and
 * its manifest's. */
uint64_t pvm_bounds_memory(const struct pvm_bounds *bounds, const struct manifest *manifest);

struct pvm_template_options {
    const struct pvm_bounds *bounds; /* of proved code; else NULL */
    const char *function;            /* name, for messages */
    const struct manifest *manifest;
    /* vireo-guest, or vireo-contain where the manifest has a command; read-only; stays the caller's
     */
    int guest_program_fd;
    int library_fd; /* sealed memfd that was verified, or the image; stays the caller's */
    const char *container_runtime; /* absolute path of the crun or runc that makes containers; NULL:
                                      ours does */
    const char *image_directory;   /* of a container: empty, the uid's; its files are put there */
    uid_t uid;                     /* host uid and gid of the function; rootless: the caller's */
    bool rootless;
    const char *program_dir; /* where an interpreter's driver is; NULL: there is none */
    bool real_stdio;         /* `vireo run` */
    const char *const *args; /* args[0] is the program's name */
    size_t arg_count;
    /* By the index of the manifest's env: what a variable with a file has for its value. NULL when
     * it has none such. The copy that goes to the guest is wiped. */
    const char *const *secrets;
    /* The listening sockets of the manifest's `listen`, non-blocking; they stay the caller's. The
     * function is a server then: its instance is forked with `stdio`. */
    const int *listeners;
    /* Sealed memfds of the manifest's dependencies, in its order; they stay the caller's. */
    const int *dependencies;
    bool learn;           /* every call of an instance waits for a listener: vkernel/learn.h */
    bool live;            /* its instances' library may be replaced while they run */
    bool native;          /* its library is native code */
    bool quick;           /* it is of the first tier, whose frames are larger */
    struct cgroup *group; /* the template's own group, or NULL; stays the caller's */
    bool blank;           /* no library: pvm_template_blank() */
    bool reuse;           /* pvm_template_blank(): instances take the place of ended ones */
    /* pvm_template_blank(): the wall is this function's alone. The blank has its uid, its variables
     * with their secrets, and its listening sockets; nobody keeps a secret for later forks. */
    bool own_wall;
    /* Of a blank, whose group it is: takes it back when the blank has ended. Any thread. */
    void (*group_done)(struct cgroup *group, void *user);
    void *user;
    /* Of a container: called while it unpacks its image; an error ends the start. NULL: nothing. */
    int (*meanwhile)(const struct pvm_template_options *options, void *user, struct err *err);
};

/*
 * Starts a template and waits until it is linked and stopped before its first call. Blocks for a
 * few milliseconds. Privileged: see spawn.h. -ENOEXEC with the linker's reason, -ETIME after 10 s.
 */
int pvm_template_new(const struct pvm_template_options *options, struct pvm_template **ret_template,
                     struct err *err);
/*
 * A container's template that is no function's yet: all of pvm_template_new() that is the same for
 * every function without directories of the host. `options` has the uid, the group, the image's
 * directory and the program; its manifest says that it is a container's. Does not wait.
 */
int pvm_template_spare(const struct pvm_template_options *options,
                       struct pvm_template **ret_template, struct err *err);
/* Makes it the function's of `options`, whose uid, group and directory stay those that it had.
 * After an error it is of no use. */
int pvm_template_become(struct pvm_template *spare, const struct pvm_template_options *options,
                        struct err *err);
/*
 * The same from a blank: a template that has the wall but no library, shared by all functions for
 * which `wall` is the same; one that is older than `age_ns` is not taken. Its forks are linked with
 * the function. Listeners, secrets and folders that can be written are for own_wall alone. The
 * group is given back by group_done(), at once when there was a blank already. Any one thread.
 */
#define PVM_WALL_BYTES 32
int pvm_template_blank(const struct pvm_template_options *options,
                       const uint8_t wall[static PVM_WALL_BYTES], int64_t age_ns,
                       struct pvm_template **ret_template, struct err *err);
/* It is one of those; and of the same blank, where either of the two says what becomes of both. */
bool pvm_template_is_blank(const struct pvm_template *pvm_template);
bool pvm_template_same(const struct pvm_template *one, const struct pvm_template *other);
/* Ends the blank with all that was forked from it, of whatever function. */
void pvm_template_end_blank(struct pvm_template *pvm_template);
/* Ends it and, since it is the init of its pid namespace, all of its instances. NULL is fine. */
void pvm_template_free(struct pvm_template *pvm_template);
/* Readable when pvm_template_read() has something to say; becomes readable at its death too. */
int pvm_template_fd(const struct pvm_template *pvm_template);

/*
 * The limits of a pVM's group, from its manifest. The disk limits are for the device of the first
 * host directory that it is granted, else that of `directory`; -errno when that can't be told.
 */
int pvm_limits(const struct manifest *manifest, const char *directory,
               struct cgroup_limits *ret_limits, struct err *err);

/* A channel: memory and eventfd, shared by one instance and one host process. */
struct pvm_channel {
    int memory_fd; /* CHANNEL_BYTES, sealed against resizing */
    int event_fd;
};
int pvm_channel_new(struct pvm_channel *ret_channel, struct err *err);
void pvm_channel_close(struct pvm_channel *channel);

/* Channels made ahead: making one takes four system calls, 15 to 60 µs of a start. Begins zeroed.
 */
struct pvm_channel_stock {
    struct pvm_channel channels[16];
    unsigned count;
};
/* One that was made ahead, or a new one. */
int pvm_channel_take(struct pvm_channel_stock *stock, struct pvm_channel *ret_channel,
                     struct err *err);
/* Makes up for what was taken; for a moment when no start waits. What can't be made is left. */
void pvm_channel_stock_fill(struct pvm_channel_stock *stock);
void pvm_channel_stock_close(struct pvm_channel_stock *stock);

struct pvm_fork_options {
    uint64_t id;
    bool own_namespaces; /* isolation: request */
    bool one_call;
    struct cgroup *group;              /* NULL: stays in the template's */
    const struct pvm_channel *channel; /* NULL with `stdio` */
    const int *stdio;                  /* 0, 1, 2 for `vireo run` and servers */
    int connector;                     /* its socket to the connector; 0: it has no such grant */
    int platform;                      /* its socket to vireo-platform; 0: likewise */
    int bpf;                           /* its socket to vireo-broker; 0: likewise */
    int control;                       /* its control socket; 0: it has no grant `link` */
    int kin, kin_page;  /* a family's socket to its supervisor, and the answers; 0: none */
    bool *ret_recycled; /* of a blank that is reused: it is an ended one again; may be NULL */
};
/*
 * Asks for an instance; a failed start is said later (PVM_NOT_STARTED). Does not block: -EBUSY when
 * some 280 wait already; the template's descriptor becomes writable when most of them are forked.
 */
int pvm_fork(struct pvm_template *pvm_template, const struct pvm_fork_options *options,
             struct err *err);
/* The pid of its only instance, as we see it. -EAGAIN: there is none yet; -ESRCH. */
int pvm_template_child(const struct pvm_template *pvm_template, pid_t *ret_pid);
/* SIGKILL to one instance; PVM_ENDED follows. */
int pvm_kill(struct pvm_template *pvm_template, uint64_t id);

enum pvm_event_type { PVM_NOT_STARTED = 1, PVM_ENDED, PVM_TEMPLATE_GONE };
struct pvm_event {
    enum pvm_event_type type;
    uint64_t id;
    int error;  /* PVM_NOT_STARTED: -errno */
    int status; /* PVM_ENDED: as from wait(2) */
    uint64_t cpu_us, memory_peak_bytes;
};
/* One event; 1 when there was one, 0 when there is none now, -errno. */
int pvm_template_read(struct pvm_template *pvm_template, struct pvm_event *ret_event);

/* What proved code has instead of the base table. */
#define PVM_SYSCALLS_PROVED (1u << 31)

/*
 * The names of the system calls of the base table (`grant` 0; PVM_SYSCALLS_PROVED), or those that
 * one GUEST_GRANT_* adds to it: at most `max` into `ret_names` (static strings); returns the count.
 */
size_t pvm_syscalls(uint32_t grant, const char **ret_names, size_t max);
/* The table of the process wall under these grants: what is not in it ends the process. -ENOMEM. */
struct vk_table;
struct vkernel;
int pvm_wall_table(uint32_t grants, struct vk_table **ret_table);
/* That of a container, of an image or of an interpreter. */
int pvm_container_table(bool interprets, struct vk_table **ret_table, struct err *err);
/* What a pVM has of it under its virtual kernel, which can only make it stricter. */
int pvm_table(uint32_t grants, const struct vkernel *vkernel, struct vk_table **ret_table,
              struct err *err);
/* The GUEST_GRANT_* that a manifest asks for; of proved code (`bounds`, else NULL) no others than
 * what it calls needs. */
uint32_t pvm_grants(const struct manifest *manifest, const struct pvm_bounds *bounds);
/* Which of them calls (allow_calls_add()) need. */
uint32_t pvm_grants_called(const char *calls);

/* Uids for one-shot sandboxes of this machine (builds, `vireo run`): locked files below /run/vireo.
 */
int pvm_uid_take(uid_t *ret_uid, int *ret_lock_fd, struct err *err);
/* SIGKILL to whatever runs as this uid, for one that was another's before. CAP_SETUID, CAP_SETGID.
 */
int pvm_uid_end(uid_t uid, struct err *err);
/* The range that /etc/subuid reserves for "vireo"; adds one (and says so in *ret_added) when there
 * is none. */
int pvm_uid_range(uid_t *ret_first, uint32_t *ret_count, bool *ret_added, struct err *err);

/* A sixteenth of the range, for one daemon: its gateways and functions. */
struct pvm_uid_block {
    uid_t first;
    uint32_t count;
    int number;
    int lock_fd; /* held as long as the daemon lives */
};
/*
 * The block that the daemon of `state` (its directory, an absolute path) had before (`number`), or
 * with -1 one that no daemon has, rather one that no state directory has that still exists.
 * -EBUSY: another live daemon has it, or there are sixteen. *ret_added as in pvm_uid_range().
 */
int pvm_uid_block_take(const char *state, int number, struct pvm_uid_block *ret_block,
                       bool *ret_added, struct err *err);
