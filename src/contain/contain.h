/*
 * The container rung of functions: `vireo-contain`, a template whose instances are containers.
 *
 * To the supervisor it is a template like vireo-guest: the same messages over the same socket
 * (guest/template.h: GUEST_READY, GUEST_FORK, GUEST_KILL, GUEST_ENDED), and each instance serves
 * the same channel to the gateway (guest/channel.h). What differs is the set-up message, which is
 * here.
 *
 * One launcher a function, as root of a user namespace in which only that function's uid is mapped:
 * it has no right on the host. It unpacks the function's image once. For each instance it clones a
 * keeper (keeper.h), process 1 of pid, mount and network namespaces of its own, which makes the
 * container by src/oci up to the moment before the user's program starts, and then waits for the
 * first call: an instance that the gateway asked for ahead (pool: spares) is a warm container. The
 * keeper speaks to the program in one of the ways of talk.h. When the keeper ends, the kernel ends
 * all that is in its namespaces; when the launcher ends, all keepers; when the supervisor ends, the
 * launcher. No mount and no process can be left.
 */
#pragma once

#include <stdint.h>

#include "base/limits.h"
#include "vkernel/vkernel.h"

#define CONTAIN_PROTOCOL 1

/* Where the launcher finds what the supervisor mounts for it. */
#define CONTAIN_IMAGE "/image"     /* its directory for the unpacked image, empty at first */
#define CONTAIN_SCRATCH "/run"     /* a small tmpfs */
#define CONTAIN_RUNTIME "/runtime" /* the program that makes containers, unless we do */

/* How a program is spoken to: manifest_talk, in its order. */
enum contain_talk { CONTAIN_STDIO, CONTAIN_HTTP, CONTAIN_LAMBDA, CONTAIN_TALKS };

/* What makes the containers: us, or another OCI runtime (contain/foreign.h). */
enum contain_runtime { CONTAIN_OWN, CONTAIN_CRUN, CONTAIN_RUNC, CONTAIN_RUNTIMES };

struct contain_mount {
    char path[256];  /* in the container */
    char source[64]; /* in the launcher; "": a private tmpfs of `size_bytes` */
    uint64_t size_bytes;
    uint32_t writable;
    uint32_t reserved;
};

/* The first message; descriptors: the image, a tar that may be compressed. Answered by GUEST_READY.
 */
struct contain_setup {
    uint32_t type; /* GUEST_SETUP */
    uint32_t protocol;
    uint32_t talk;     /* enum contain_talk */
    uint32_t runtime;  /* enum contain_runtime */
    uint32_t http_cgi; /* CONTAIN_STDIO: the output begins with a CGI header block */
    uint32_t started;  /* the program may start before the first call (pool: started) */
    uint32_t timeout_ms;
    uint64_t memory_bytes;
    uint32_t mount_count;
    struct contain_mount mounts[GRANT_FILES_MAX];
    /* `arg_count` then `env_count` NUL-terminated strings ("K=V") in `text`. */
    uint32_t arg_count, env_count, text_bytes;
    char directory[256]; /* the program's; "": "/" */
    char function[NAME_MAX_BYTES + 1], version[VERSION_MAX_BYTES + 1];
    struct vkernel vkernel;
    char text[48 << 10];
};

/* Exit status of a keeper whose program was killed, as by the memory limit: told to the supervisor
 * as SIGKILL, which then looks at the group. */
#define CONTAIN_EXIT_KILLED 224
