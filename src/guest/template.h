/*
 * What the host (pvm/) and a template (guest/template.c) say to each other, over a SOCK_SEQPACKET
 * socket that is descriptor GUEST_CONTROL_FD of the template. One message is one of these
 * structures; descriptors ride along. The template is trusted until it forks, its instances never
 * hold this socket.
 */
#pragma once

#include <linux/filter.h>
#include <stdint.h>

#include "base/limits.h"

#define GUEST_CONTROL_FD 3
/* The eventfd by which an instance says that it has answered; its only descriptor but grants. */
#define GUEST_EVENT_FD 3
#define GUEST_PROTOCOL 1

/* Where the host mounts the directory that a function sees as "/": over the root itself there could
 * be no other mount, and to WASI the "/" is only a name. */
#define GUEST_ROOT_MOUNT "/.granted-root"

enum guest_message_type {
    GUEST_SETUP = 1,   /* host: first message; descriptors: the sealed library, listening sockets,
                          sealed libraries that it is linked with */
    GUEST_READY,       /* template: set up and linked, or why not */
    GUEST_FORK,        /* host: make an instance */
    GUEST_NOT_STARTED, /* template: the fork failed */
    GUEST_ENDED,       /* template: it was reaped */
    GUEST_KILL,        /* host: SIGKILL one instance */
    GUEST_KEEP,        /* host: make a keeper; descriptor: its socket */
    GUEST_RUNTIME,     /* host: right behind GUEST_SETUP, where an interpreter is the template */
};

/* What a manifest's grants add to the base system-call table: docs/syscalls.md. */
#define GUEST_GRANT_STDIO 1u /* `vireo run`: descriptors 0, 1, 2 are real */
#define GUEST_GRANT_FILES 2u
#define GUEST_GRANT_LISTEN 4u
#define GUEST_GRANT_CONNECT 8u
#define GUEST_GRANT_FORK 16u
#define GUEST_GRANT_IPC 32u
#define GUEST_GRANT_PLATFORM 64u
#define GUEST_GRANT_LINK 128u   /* libraries may be linked while it runs */
#define GUEST_GRANT_UPDATE 256u /* its own library may be replaced while it runs */
/* Either has a control socket. */
#define GUEST_GRANT_CONTROL (GUEST_GRANT_LINK | GUEST_GRANT_UPDATE)
/* What all but proved code has: linear memory that grows, the C library's memory, clocks. */
#define GUEST_GRANT_CODE 512u
#define GUEST_GRANT_BPF 1024u /* eBPF programs, by vireo-broker: bpf.h */
/* Proved code's own, which make fewer calls. */
#define GUEST_GRANT_PROVED_FILES 2048u
#define GUEST_GRANT_PROVED_CONNECT 4096u
/* Either has connections. */
#define GUEST_GRANT_SOCKETS (GUEST_GRANT_LISTEN | GUEST_GRANT_CONNECT)

/* Bits of guest_fork.flags. */
#define GUEST_FORK_NAMESPACES 1u /* own pid, mount, ipc, uts and user namespaces */
#define GUEST_FORK_ONE_CALL 2u   /* ends after one call */
#define GUEST_FORK_INTO_GROUP \
    4u                    /* the first group descriptor is a v2 directory: CLONE_INTO_CGROUP */
#define GUEST_FORK_RUN 8u /* no channel: run the command on stdio (`vireo run`) */
#define GUEST_FORK_CONNECTOR 16u /* the socket to the connector is there */
#define GUEST_FORK_PLATFORM 32u  /* the socket to vireo-platform is there (guest/platform.h) */
#define GUEST_FORK_CONTROL 64u   /* and the supervisor's socket: control.h */
#define GUEST_FORK_KIN 128u      /* the socket and the page of a family are there: kin.h */
#define GUEST_FORK_BPF 1024u     /* the socket to vireo-broker is there: bpf.h */
#define GUEST_FORK_BLANK 256u    /* and a socket in which the fork finds its GUEST_SETUP */
#define GUEST_FORK_NEAR 512u     /* the template is on one processor; the instance has all again */
#define GUEST_FORK_TMP 2048u     /* of an interpreter's template: its private folders are there */

/* Instructions of an instance's filter, at most. */
#define GUEST_FILTER_MAX 512

/* Variables: a manifest's, and those that say where the listening sockets are. */
#define GUEST_ENV_MAX (GRANT_ENV_MAX + 2)

struct guest_grant_file {
    char path[256]; /* as the function sees it, absolute; mounted there by the host, "/" at
                       GUEST_ROOT_MOUNT */
    uint32_t writable;
    uint32_t reserved;
    /* Not 0: not mounted by the host; each instance gets an empty tmpfs of its own of this size. */
    uint64_t tmpfs_bytes;
};

struct guest_setup {
    uint32_t type; /* GUEST_SETUP */
    uint32_t protocol;
    uint32_t grants;           /* GUEST_GRANT_* */
    uint32_t memory_pages_max; /* of WebAssembly linear memory, 64 KiB each; <= 65535 */
    uint64_t stack_bytes;      /* of one call, plus a guard page */
    /* Of proved code: how much of it is put in place before the first call; and the processor time
     * after which a call is ended, 0: none. */
    uint64_t touch_stack_bytes;
    uint32_t cpu_ms;
    uint32_t native;   /* 1: its library is native code */
    uint32_t http_cgi; /* a command's answer begins with a CGI header block */
    uint32_t file_count;
    struct guest_grant_file files[GRANT_FILES_MAX];
    uint32_t listen_count; /* of the listening sockets */
    uint32_t connect_count;
    uint32_t pids_max;         /* members of a family */
    uint32_t dependency_count; /* libraries that it is linked with; they come behind the sockets */
    uint32_t depth_max;        /* its generations below the root */
    uint32_t own_groups;       /* members ask for control groups of their own: kin.h */
    /* 1: no library yet, no descriptors: each fork is sent a set-up of its own (GUEST_FORK_BLANK),
     * by which it becomes a function's instance. */
    uint32_t blank;
    /* 1: the blank is one function's, and has the variables and the listening sockets that the
     * set-ups of its forks leave out. */
    uint32_t own_wall;
    /* Where it may connect to, as the function says it; the connector knows the same list. */
    char connects[GRANT_CONNECT_MAX][ENDPOINT_MAX_BYTES + 1];
    char dependencies[DEPENDENCIES_MAX][NAME_MAX_BYTES + 1];
    /* `arg_count` then `env_count` NUL-terminated strings ("K=V") in `text`. */
    uint32_t arg_count;
    uint32_t env_count;
    uint32_t text_bytes;
    /* What an instance's threads are for the scheduler: SCHED_*, and nanoseconds or 0. */
    uint32_t sched_said; /* 0: the wall's own */
    uint32_t sched_policy;
    uint64_t slice_ns;
    uint32_t learn;      /* its filter has a listener, without which no call goes on */
    uint32_t huge_pages; /* 0: as the host has them; else 1 + flags of PR_SET_THP_DISABLE */
    uint32_t filter_count;
    struct sock_filter filter[GUEST_FILTER_MAX]; /* its system calls */
    char function[NAME_MAX_BYTES + 1];
    char text[32 << 10];
};

/*
 * Of a function that an interpreter runs, a second message right behind GUEST_SETUP: what is
 * imported before any fork, and the filter of the template, which runs tenant code then. The
 * set-up's own filter is laid over it in each instance.
 */
#define GUEST_RUNTIME_FILTER_MAX 1024
struct guest_runtime {
    uint32_t type; /* GUEST_RUNTIME */
    uint32_t filter_count;
    uint32_t import_count;
    uint32_t reserved;
    char entry[ENTRY_MAX_BYTES + 1]; /* "module:function" */
    char imports[IMPORTS_MAX][IMPORT_MAX_BYTES + 1];
    struct sock_filter filter[GUEST_RUNTIME_FILTER_MAX];
};

struct guest_ready {
    uint32_t type; /* GUEST_READY */
    int32_t error; /* 0, or -errno */
    char message[256];
};

/*
 * Descriptors, in this order: channel memfd and eventfd (or stdin, stdout, stderr for
 * GUEST_FORK_RUN), a detached mount for each file with tmpfs_bytes if GUEST_FORK_TMP, the socket to
 * the connector if GUEST_FORK_CONNECTOR, that to vireo-platform if GUEST_FORK_PLATFORM, that to
 * vireo-broker if GUEST_FORK_BPF, the control socket if GUEST_FORK_CONTROL, socket and page (a
 * memfd) of the family if GUEST_FORK_KIN, the set-up's socket if GUEST_FORK_BLANK, then
 * `group_count` of control groups: a v2 directory first if GUEST_FORK_INTO_GROUP, then v1 `tasks`
 * files. Group descriptors are gone before the first tenant instruction.
 */
struct guest_fork {
    uint32_t type; /* GUEST_FORK */
    uint32_t flags;
    uint64_t id; /* the host's name for the instance; comes back in the answers */
    uint32_t group_count;
    uint32_t reserved;
};

/* That it was started is not said: the host would be woken once more. */
struct guest_not_started {
    uint32_t type; /* GUEST_NOT_STARTED */
    int32_t error; /* -errno; there is no instance, and no GUEST_ENDED follows */
    uint64_t id;
};

struct guest_ended {
    uint32_t type;  /* GUEST_ENDED */
    int32_t status; /* as from wait4(2) */
    uint64_t id;
    uint64_t cpu_us;
    uint64_t memory_peak_bytes;
};

/*
 * To a blank alone. A keeper is a fork of it that stays: it has the namespaces of `isolation:
 * request` and runs no tenant code. Over its own socket it takes GUEST_FORK and GUEST_KILL as the
 * blank does; its forks are in its namespaces, one after another. What it says, it says over the
 * blank's socket. It ends when its socket does.
 */
struct guest_keep {
    uint32_t type; /* GUEST_KEEP */
    uint32_t reserved;
    uint64_t id; /* of the first instance there: told as not started when there will be no keeper */
};

struct guest_kill {
    uint32_t type; /* GUEST_KILL */
    uint32_t reserved;
    uint64_t id;
};

/* Exit statuses of an instance that ends by itself, chosen away from programs' own. */
#define GUEST_EXIT_TRAPPED 221 /* its code trapped; the answer says how */
#define GUEST_EXIT_SETUP 222   /* it could not drop its rights: it never ran tenant code */
#define GUEST_EXIT_BLANK 223   /* a blank could not be linked with its function: likewise */

/*
 * An instance with a grant to connect and the connector (faas/connector.h), over a SEQPACKET socket
 * of their own: one request, then one answer.
 */
struct guest_connect {
    uint32_t index; /* of guest_setup.connects */
};

struct guest_connected {
    int32_t error; /* 0: the connected socket comes with it; else -errno */
};
