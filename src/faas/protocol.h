/*
 * What the supervisor and its two gateways say to each other: SOCK_SEQPACKET, one structure a
 * message, descriptors riding along; every message is checked for its exact size by its receiver.
 *
 * Two processes of the same program, each with its own socket and uid, so that whoever subverts
 * the one that faces the network can't administer:
 *   vireo-gateway calls   public port; may send GATEWAY_START, GATEWAY_STOP, GATEWAY_GROUND and
 *                         nothing else
 *   vireo-gateway admin   the admin socket; may send ADMIN_* and nothing else
 * Identity comes from the socket. Descriptors at start, in both:
 *   3  socket to the supervisor (SEQPACKET)
 *   4  SEQPACKET socket between the two gateways (logs and counters; telemetry.h)
 *   5  the listening socket (calls: TCP; admin: UNIX)
 *   8  with --log journal: a socket to journald
 *   6  admin only: second listening TCP socket for --admin-listen, if argv says --admin-tcp
 */
#pragma once

#include <stdint.h>

#include "base/limits.h"

#define GATEWAY_PROTOCOL 1
#define GATEWAY_SUPERVISOR_FD 3
#define GATEWAY_TELEMETRY_FD 4
#define GATEWAY_LISTEN_FD 5
#define GATEWAY_ADMIN_TCP_FD 6
#define GATEWAY_JOURNAL_FD 8

enum gateway_message_type {
    /* supervisor to calls gateway */
    GATEWAY_FUNCTION = 1, /* a function is new or changed */
    GATEWAY_FUNCTION_GONE,
    GATEWAY_READY,   /* all functions told: /readyz is 200 from now */
    GATEWAY_STARTED, /* an instance; descriptors: channel memfd, eventfd, and, where there is
                        one, the file of the kernel's count of its processor time (read-only) */
    GATEWAY_ENDED,   /* an instance, or a start that failed */
    GATEWAY_DRAIN,   /* stop accepting, finish what runs, exit 0 */
    GATEWAY_UPDATED, /* an instance has the library of a newer generation */
    /* calls gateway to supervisor */
    GATEWAY_START,  /* an instance is wanted */
    GATEWAY_STOP,   /* an instance is to be ended */
    GATEWAY_GROUND, /* an instance is to run in the background, or no longer */

    /* admin gateway to supervisor */
    ADMIN_DEPLOY =
        64, /* descriptor: memfd with the packed source (tar) or bytes of a .wasm in it */
    ADMIN_REMOVE,
    ADMIN_LIST,
    ADMIN_DESCRIBE,
    ADMIN_STATUS,   /* pool and instance counters for /metrics */
    ADMIN_PVMS,     /* the list; these three, with a pVM's name */
    ADMIN_PVM_KILL, /* with a signal */
    ADMIN_PVM_WAIT, /* answered when it has ended */
    ADMIN_PVM_LINK, /* with a library's name in `params`, and perhaps that of one it replaces */
    ADMIN_UPDATE,   /* as ADMIN_DEPLOY, of a function that there is; its pVMs get the new library */
    ADMIN_ROLLBACK, /* to the former version that was current last */
    ADMIN_PVM_FORK, /* answered when it has forked */
    ADMIN_PVM_VK,   /* its virtual kernel, or with no name all of them; with "key=..." and
                       "value=..." among the params a change, with "explain=..." a question */
    ADMIN_ALLOW, /* the allow-list; with "action=..." and the rest among the params: a decision */
    ADMIN_AUDIT, /* goes through its decisions */
    ADMIN_REQUESTS_END,
    /* supervisor to admin gateway */
    ADMIN_PROGRESS, /* of a deploy */
    ADMIN_REPLY,    /* descriptor: sealed memfd with the JSON, when body_bytes > 0 */
};

/* What becomes of a call. */
enum gateway_calls {
    GATEWAY_TAKES_CALLS,
    GATEWAY_SERVER,      /* it listens itself */
    GATEWAY_NOT_ALLOWED, /* it asks for more than the operator allows */
};

struct gateway_function {
    uint32_t type; /* GATEWAY_FUNCTION */
    uint32_t function_id;
    char name[NAME_MAX_BYTES + 1];
    char version[VERSION_MAX_BYTES + 1];
    uint32_t
        generation; /* raised by each deploy: instances of older ones are to be stopped when idle */
    uint32_t per_request; /* isolation: request */
    uint32_t timeout_ms;
    uint32_t request_bytes; /* limits of bodies */
    uint32_t answer_bytes;
    uint32_t instances_max;
    uint32_t spares;
    uint32_t spares_by_rate; /* as many as calls come in a second, at most `spares` */
    uint32_t queue_max;
    uint32_t idle_ms;
    uint64_t memory_bytes; /* for the message "memory limit 64 MiB reached" */
    uint32_t pids;         /* likewise */
    uint32_t calls;        /* enum gateway_calls */
    char refusal[160];     /* why it takes none, for callers */
};

struct gateway_function_gone {
    uint32_t type; /* GATEWAY_FUNCTION_GONE */
    uint32_t function_id;
};

struct gateway_simple {
    uint32_t type; /* GATEWAY_READY, GATEWAY_DRAIN */
    uint32_t reserved;
};

/*
 * Wanted: one more instance. `token` is the gateway's own name for this wish, unique while it
 * lives; it names the instance in both directions until GATEWAY_ENDED. The request may be written
 * to the channel only after GATEWAY_STARTED brought it; the instance may be waiting already.
 */
struct gateway_start {
    uint32_t type; /* GATEWAY_START */
    uint32_t function_id;
    uint64_t token;
};

enum gateway_start_kind { GATEWAY_COLD_TEMPLATE = 1, GATEWAY_FORK, GATEWAY_CONTAINER };

struct gateway_started {
    uint32_t type; /* GATEWAY_STARTED */
    uint32_t function_id;
    uint64_t token;
    uint64_t pvm_id;
    uint32_t start_kind; /* enum gateway_start_kind */
    uint32_t start_us;   /* supervisor's decision to the message */
    uint32_t generation;
    uint32_t reserved;
    uint64_t cpu_base_us; /* what that file said when the instance's group was taken */
};

/* Before the GATEWAY_FUNCTION of that generation: such an instance stays when the others leave. */
struct gateway_updated {
    uint32_t type; /* GATEWAY_UPDATED */
    uint32_t generation;
    uint64_t token;
};

enum gateway_stop_reason {
    GATEWAY_STOP_IDLE = 1,
    GATEWAY_STOP_TIMEOUT,
    GATEWAY_STOP_DONE,
    GATEWAY_STOP_MISBEHAVED,
    GATEWAY_STOP_OLD
};

struct gateway_stop {
    uint32_t type; /* GATEWAY_STOP */
    uint32_t reason;
    uint64_t token;
};

/*
 * Its call runs for long: in the background it leaves the CPU to others that wake. It is in the
 * foreground when it starts.
 */
struct gateway_ground {
    uint32_t type;       /* GATEWAY_GROUND */
    uint32_t background; /* 0 or 1 */
    uint64_t token;
};

/* Why an instance is no more. */
enum gateway_end {
    GATEWAY_END_EXIT = 1,    /* ended by itself or on our wish; nothing wrong */
    GATEWAY_END_KILLED,      /* by GATEWAY_STOP */
    GATEWAY_END_MEMORY,      /* the group's memory limit */
    GATEWAY_END_PIDS,        /* the group's pids limit */
    GATEWAY_END_SYSCALL,     /* a system call that its table does not have */
    GATEWAY_END_CRASH,       /* another signal: `status` */
    GATEWAY_END_NOT_STARTED, /* the start failed: `message` */
};

struct gateway_ended {
    uint32_t type; /* GATEWAY_ENDED */
    uint32_t end;  /* enum gateway_end */
    uint64_t token;
    int32_t status; /* as from wait(2); GATEWAY_END_NOT_STARTED: -errno */
    uint32_t reserved;
    uint64_t cpu_us; /* of the group, else of the process */
    uint64_t memory_peak_bytes;
    char message[256];
};

/* Every ADMIN_ request: answered by exactly one ADMIN_REPLY with the same token, in any order. */
struct admin_request {
    uint32_t type;
    uint32_t signal; /* PVM_KILL */
    uint64_t token;
    char name[NAME_MAX_BYTES + 1]; /* PVM_*: as in `vireo ps`; REMOVE, DESCRIBE, UPDATE, ROLLBACK;
                                      DEPLOY: "" when vireo.yaml names it */
    /* DEPLOY: what the command line sets over vireo.yaml; "" is: not set. Checked by the
     * supervisor. */
    char isolation[16], memory[16], cpus[16], timeout[16], require[16];
    char slack[16];      /* vireo.yaml, update: slack: */
    char talk[16];       /* of a container: vireo.yaml, talk: */
    char directory[256]; /* its program's */
    uint32_t word_bytes; /* its command: NUL-terminated words in `words` */
    char words[4 << 10];
    char canary[16];      /* UPDATE: so many pVMs get the new version first; "": all at once */
    uint32_t param_bytes; /* NUL-terminated "k=v" strings in `params` */
    uint32_t caller_uid;  /* for the audit line */
    char params[8 << 10];
};

struct admin_progress {
    uint32_t type; /* ADMIN_PROGRESS */
    uint32_t reserved;
    uint64_t token;
    char stage[32];
};

/* A problem's kind: HTTP status and exit code follow from it (problem.h of the gateway). */
struct admin_reply {
    uint32_t type; /* ADMIN_REPLY */
    int32_t error; /* 0, or -errno: ENOENT 404, EINVAL 400, EPERM 403, EEXIST/EBUSY 409,
                      ENOSPC/E2BIG/EFBIG 507/413, else 500 */
    uint64_t token;
    uint32_t body_bytes;
    uint32_t reserved;
    char message[512]; /* when error: one line */
};
