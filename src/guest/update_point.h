/*
 * Updates of a program that never returns, at points of its own: vireo_update_point() of
 * include/vireo/update.h. When another version of its library has come, the call does not return:
 * what is on the stack goes, the new library takes the memory over (update.h), and its main()
 * begins.
 *
 * Until that comes to an update point in its turn it is on trial: the library before stays mapped,
 * and if the new one ends or traps the memory goes back to it and its main() begins, as if it had
 * been updated again. The supervisor hears how it went only then.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "guest/control.h"

struct host;
struct library;
struct link_tree;

struct update_point {
    int control;            /* the socket to the supervisor */
    struct link_tree *tree; /* of native code that may be updated, else NULL */
    const char *function;   /* what its library is called there */
    bool reached;
    uint32_t count;                /* versions that were put in place in this pVM */
    const struct library *before;  /* while the new one is on trial */
    uint64_t blocked;              /* the signals that were, then */
    struct control_updated answer; /* for then */
};

/* In an instance that runs a program, which may be updated over this socket. `tree` and `function`
 * are lent. One a process. */
void update_point_open(struct host *host, int control, struct link_tree *tree,
                       const char *function);
/* In a member that was forked: the parent alone is updated. Async-signal-safe. */
void update_point_leave(struct host *host);
/* The program has left its code, not at an update point. True: it was on trial, the library before
 * is in place again and is to be started. */
bool update_point_back(struct host *host);

/* Module "vireo": update_point and updates, and native code's. The first one does not return when
 * another version is in place. */
uint32_t Z_vireoZ_update_point(struct host *host);
uint32_t Z_vireoZ_updates(struct host *host);
