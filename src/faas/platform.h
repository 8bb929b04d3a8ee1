/*
 * vireo-platform: keys, SQL, queues and HTTP for functions with the layer platform. A process
 * without any privilege, under its own uid and filter; for each function that has instances a
 * worker, its child, which Landlock and a filter of its own confine to that function's directory,
 * and which alone looks at what the function's code sends.
 *
 *   supervisor to platform   PLATFORM_SUPERVISOR_FD: struct platform_instance with one descriptor,
 *                            the platform's end of a SEQPACKET pair whose other end the instance
 *                            has; or none, when messages of the function may still wait
 *   platform to supervisor   struct platform_report
 *   instance to platform     guest/platform.h, over that pair
 *
 * Who asks is known by the pair, what may be asked for by what the supervisor said of it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allow/allow.h"
#include "base/endpoint.h"
#include "base/limits.h"
#include "guest/platform.h"

#define PLATFORM_SUPERVISOR_FD 3
#define PLATFORM_PASSWORD_FD 4 /* of Redis; a sealed memfd, empty without one */
#define PLATFORM_DATA "/data"  /* a directory for each function, by its id */
#define PLATFORM_RULES_MAX 64

enum platform_message_type { PLATFORM_INSTANCE = 1, PLATFORM_FORGET, PLATFORM_REPORT };

struct platform_instance {
    uint32_t type; /* PLATFORM_INSTANCE, PLATFORM_FORGET */
    uint32_t function_id;
    uint64_t id; /* of the pVM, for the log */
    char function[NAME_MAX_BYTES + 1];
    uint32_t generation; /* what is said of the function changes with it */
    uint32_t timeout_ms;
    uint32_t allowed; /* a bit for each enum allow_served */
    uint32_t reserved;
    uint32_t connect_count, queue_count, exec_count;
    char connects[GRANT_CONNECT_MAX][ENDPOINT_MAX_BYTES + 1]; /* where HTTP may go */
    char queue[GRANT_QUEUE_MAX][NAME_MAX_BYTES + 1];          /* whom it may send messages to */
    char exec[GRANT_EXEC_MAX][NAME_MAX_BYTES + 1];            /* programs that it may run */
};

/* What one entry of the allow-list was used for since the last report. */
struct platform_use {
    uint32_t uses, denied, limited;
};

struct platform_report {
    uint32_t type; /* PLATFORM_REPORT */
    uint32_t function_id;
    uint32_t ended;     /* its worker is no more: its instances' sockets are dead */
    uint32_t forgotten; /* the answer to PLATFORM_FORGET: nothing of it runs here */
    struct platform_use use[ALLOW_SERVED];
};

/* What the operator configured: the program's arguments. */
struct platform_options {
    uint64_t bytes;     /* of each function's keys, and of its tables, and of its queue */
    uint32_t queue_max; /* messages of a function that wait */
    const char *calls;  /* "ADDR:PORT" of the public port, for messages */
    const char *redis;  /* "HOST:PORT"; "": keys are in SQLite */
    struct endpoint_rule rules[PLATFORM_RULES_MAX];
    size_t rule_count;
};

/* Serves until the supervisor is gone. Returns the program's exit status. */
int platform_main(int argc, char **argv);

struct err;
/* The filter of the whole program, and the narrower one that a worker lays over it. */
int platform_seccomp_install(bool worker, struct err *err);

/* ---- platform_worker.c ---- */
#define WORKER_CONTROL_FD 3
#define WORKER_COURIER_FD 4
#define WORKER_REDIS_FD 5

/* The front to a worker: struct platform_instance and the instance's socket. A worker to the front:
 * struct platform_report, and this. */
struct worker_idle {
    uint32_t type; /* PLATFORM_IDLE */
    uint32_t seen; /* instances that it was ever told of: fewer than were sent: it goes on */
};
#define PLATFORM_IDLE 100

/* In the child: never returns. */
_Noreturn void platform_worker(const struct platform_options *options,
                               const struct platform_instance *function);
