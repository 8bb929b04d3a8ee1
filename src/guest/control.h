/*
 * What the supervisor says to one instance while it runs: over a SOCK_SEQPACKET socket of the two,
 * which instances with the grant `link` have, and those that can be updated. The instance looks
 * there between two calls, when channel.control_sequence was raised; a program at its update
 * points. It maps what comes with a message and asks nothing about it: only the supervisor has the
 * other end, and it sends what it has sealed and checked.
 */
#pragma once

#include <stdint.h>

#include "base/limits.h"

/* Of one message: it carries their descriptors. */
#define CONTROL_LIBRARIES_MAX 8

enum control_message_type {
    CONTROL_LINK = 1, /* supervisor: descriptors are the libraries, in their order */
    CONTROL_LINKED,   /* instance: how it went */
    CONTROL_UPDATE,   /* supervisor: the descriptor is another version of the function's library */
    CONTROL_UPDATED,  /* instance: how it went */
};

struct control_library {
    char name[NAME_MAX_BYTES + 1];
    uint64_t bytes; /* of the memfd */
};

struct control_link {
    uint32_t type; /* CONTROL_LINK */
    uint32_t count;
    uint64_t token; /* comes back in the answer */
    /* CLOCK_MONOTONIC: not to be done after it, for nobody waits for the answer any more. */
    uint64_t deadline_ns;
    struct control_library libraries[CONTROL_LIBRARIES_MAX];
    /* The library that the first one replaces; "": none. */
    char replaces[NAME_MAX_BYTES + 1];
};

struct control_linked {
    uint32_t type; /* CONTROL_LINKED */
    int32_t error; /* 0, or -errno: nothing was linked */
    uint64_t token;
    uint64_t link_ns; /* that it took here, mapping to the last relocation */
    char message[256];
};

/* Bits of control_update.flags. */
#define CONTROL_UPDATE_BACK 1u   /* the library that it had before: the update is taken back */
#define CONTROL_UPDATE_FORMER 2u /* a former version, by a rollback */

struct control_update {
    uint32_t type; /* CONTROL_UPDATE */
    uint32_t flags;
    uint64_t token;
    uint64_t deadline_ns; /* as of control_link */
    uint64_t bytes;       /* of the memfd */
};

/* Load and share, tables, functions, variables. */
#define CONTROL_UPDATE_PHASES 4

struct control_updated {
    uint32_t type; /* CONTROL_UPDATED */
    /* 0, or -errno: nothing was changed; -EINPROGRESS: a program's new version is on trial
     * (update_point.h), another answer follows. */
    int32_t error;
    uint64_t token;
    uint64_t phase_ns[CONTROL_UPDATE_PHASES]; /* while it stood still */
    char message[256];
};
