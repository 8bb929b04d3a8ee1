/*
 * A virtual kernel: what one pVM or container has of the kernel for itself. It is an object of
 * plain data, made from texts (a manifest's section `vkernel:`, annotations, `vireo vk set`), and
 * of parts, which are the rows of one table. Zeroed, it is the wall's own behaviour.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct vk_table;

#define VKERNEL_CALLS_BYTES (8u << 10)
#define VKERNEL_KEY_BYTES 96
#define VKERNEL_VALUE_BYTES 1024

enum vkernel_policy {
    VKERNEL_POLICY_DEFAULT, /* the wall's own */
    VKERNEL_POLICY_NORMAL,
    VKERNEL_POLICY_BATCH,
    VKERNEL_POLICY_FIFO,
    VKERNEL_POLICY_ADAPTIVE, /* fifo or normal, by what its group does */
};

/* What a list of paths is for. */
enum vkernel_file_kind {
    VKERNEL_FILE_READ,
    VKERNEL_FILE_WRITE,
    VKERNEL_FILE_EXECUTE,
    VKERNEL_FILE_LIST,
    VKERNEL_FILE_KINDS,
};

enum vkernel_huge_pages {
    VKERNEL_HUGE_PAGES_HOST, /* the host's policy */
    VKERNEL_HUGE_PAGES_NEVER,
    VKERNEL_HUGE_PAGES_MADVISE, /* where a program asks for them */
};

struct vkernel {
    struct {
        char profile[16];   /* "": none */
        char otherwise[32]; /* of calls that nothing names; "": the profile's */
        /* "NAME RULES\n" each, as they were written and checked. */
        char calls[VKERNEL_CALLS_BYTES];
    } syscalls;
    struct {
        uint32_t policy;   /* enum vkernel_policy */
        uint32_t slice_us; /* 0: the policy's */
        uint32_t realtime; /* per cent of each CPU that fifo has as the kernel's; 0: none */
        uint32_t interval_ms;
        uint32_t use_high, use_low;           /* per cent of the CPUs' time */
        uint32_t switches_high, switches_low; /* a second */
    } sched;
    struct {
        uint32_t huge_pages;       /* enum vkernel_huge_pages */
        uint32_t overcommit;       /* vm.overcommit_memory + 1; 0: the host's */
        uint32_t overcommit_ratio; /* per cent + 1; 0: the host's */
    } memory;
    struct {
        /* PATH[:PATH]... as it was checked, "none", or "": everywhere. A path with "-" in front
         * may be missing. */
        char paths[VKERNEL_FILE_KINDS][VKERNEL_VALUE_BYTES];
    } files;
    struct {
        uint64_t said; /* 0: all that it is given otherwise */
        uint64_t keep; /* 1 << CAP_* */
    } caps;
    struct {
        uint32_t kib; /* that it holds; 0: there is none */
    } log;
    struct {
        uint32_t view; /* of listed parameters, its own */
    } params;
};

/* How good the mechanism is that a part takes on this kernel. */
enum vkernel_grade { VKERNEL_BEST, VKERNEL_LESSER, VKERNEL_NONE };

struct vkernel_mechanism {
    enum vkernel_grade grade;
    char name[64];
    char detail[200]; /* why it is not the best one, or what it leaves out */
};

/* A row for each key of a part, said or not: "policy", "batch". */
typedef void (*vkernel_row)(const char *key, const char *value, bool said, void *user);

/* Whose a virtual kernel is. */
enum vkernel_home {
    VKERNEL_OF_PVM,
    VKERNEL_OF_FUNCTION, /* in a container that vireo makes for it, without rights of the host's */
    VKERNEL_OF_CONTAINER,
    VKERNEL_HOMES,
};

struct vkernel_part {
    const char *name; /* what its keys begin with: "sched" */
    const char *summary;
    const char *live;     /* keys that begin so can be changed while it runs; NULL: none can */
    const char *not_live; /* but for this one */
    const char *lacks[VKERNEL_HOMES]; /* why such a one has not got it; NULL: it has */
    const char *lacks_keys; /* the keys that this is said of, by their beginning; NULL: all */
    /* `key` without the part's name. The reason alone; nothing is changed then. */
    int (*set)(struct vkernel *vkernel, const char *key, const char *value, struct err *reason);
    void (*each)(const struct vkernel *vkernel, vkernel_row row, void *user);
    /* Tries it on this kernel. A few system calls. */
    void (*mechanism)(struct vkernel_mechanism *ret_mechanism);
};

/* All parts, ended by NULL. */
extern const struct vkernel_part *const vkernel_parts[];
extern const struct vkernel_part vkernel_syscalls, vkernel_sched, vkernel_memory, vkernel_files,
    vkernel_caps, vkernel_log, vkernel_params, vkernel_futex;

/* The part of "sched.policy", and what follows the dot; -ENOENT with the reason alone. */
int vkernel_part_find(const char *key, const struct vkernel_part **ret_part, const char **ret_rest,
                      struct err *reason);
/* Of a key without the part's name: whether it can be changed while it runs, and why one of this
 * home has not got it (NULL: it has). */
bool vkernel_is_live(const struct vkernel_part *part, const char *key);
const char *vkernel_lacks(const struct vkernel_part *part, const char *key, enum vkernel_home home);
/* Sets one key, "sched.policy", from its text. The reason alone; nothing is changed then. */
int vkernel_set(struct vkernel *vkernel, const char *key, const char *value, struct err *reason);
/* Every key with its value, whole: "sched.policy". */
void vkernel_each(const struct vkernel *vkernel, vkernel_row row, void *user);
/* Whether anything was said. */
bool vkernel_is_set(const struct vkernel *vkernel);

/*
 * The system calls' part as a table: the profile, with the calls that are named in its place. NULL
 * into *ret_table when nothing was said: there is nothing to merge. -ENOMEM.
 */
int vkernel_syscalls_table(const struct vkernel *vkernel, struct vk_table **ret_table,
                           struct err *err);
/* Whether there is one. */
bool vkernel_has_table(const struct vkernel *vkernel);
/* Whether it has files of its own, which a process serves (view.h): containers' alone. */
bool vkernel_has_view(const struct vkernel *vkernel);
/* Whether a mode or ratio of overcommit is its own. */
bool vkernel_has_overcommit(const struct vkernel *vkernel);
/* Whether a call is named by itself (beside the profile). */
bool vkernel_syscalls_names(const struct vkernel *vkernel, const char *name);

/* The capabilities that its processes may have at most: 1 << CAP_*. NULL: all. */
uint64_t vkernel_capabilities(const struct vkernel *vkernel);
/*
 * The second argument of prctl(PR_SET_THP_DISABLE) for its processes into *ret_flags; -1: there is
 * nothing to say. NULL: nothing was said. -ENOTSUP: the kernel has no way to.
 */
int vkernel_huge_pages(const struct vkernel *vkernel, int *ret_flags, struct err *err);
/* What its /sys/kernel/mm/transparent_hugepage/enabled says; static. NULL: nothing was said. */
const char *vkernel_huge_pages_text(const struct vkernel *vkernel);

/* Landlock's rights of every file system call that a kernel of this ABI knows and the lists of
 * `vkernel` are about; 0: there is no list. Rights of one kind are vkernel_files_rights(). */
uint64_t vkernel_files_handled(const struct vkernel *vkernel, int abi);
uint64_t vkernel_files_rights(enum vkernel_file_kind kind, int abi);
/* One path of a list: `at` is where it begins. Returns where the next one does, or NULL. */
const char *vkernel_files_next(const char *at, const char **ret_path, size_t *ret_length,
                               bool *ret_optional);
