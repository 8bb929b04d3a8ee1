/* What the files of families share: supervisor_kin*.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "faas/kin_rate.h"
#include "faas/supervisor.h"
#include "faas/supervisor_kin.h"
#include "faas/supervisor_kin_keys.h"
#include "guest/kin.h"

#define FORKS_WAITING_MAX 16
/* Members with a group of their own. */
#define GROUPS_MAX 64

/* A member with its own group, as long as it lives. */
struct kin_member {
    struct source source; /* its pidfd */
    struct kin *kin;
    pid_t pid; /* 0: the place is free */
};

/* `vireo fork` of a member. */
struct kin_wish {
    uint64_t token; /* 0: the place is free */
    pid_t pid;
    int64_t until_ns;
};

struct kin {
    struct source source; /* the socket */
    struct source timer;  /* of wishes */
    struct instance *instance;
    struct kin_page *page;
    struct kin_keys keys;
    int ipc; /* its namespace of queues and shared memory, once it makes a key; or -1 */
    struct kin_rate moves, messages;
    bool deaf; /* until the timer */
    struct kin_log {
        int64_t logged_ns;
        uint64_t unlogged;
    } key_log, same_log, fork_log, group_log;
    bool own_groups;
    struct kin_member *members; /* GROUPS_MAX of them, with own_groups */
    struct kin_wish wishes[FORKS_WAITING_MAX];
    struct kin *next_dead;
};

/* Who waits for this ticket goes on, with 0 or an errno. */
void kin_reply(struct kin *kin, uint32_t ticket, int error);

/* ---- supervisor_kin_told.c: what is refused is counted and told ---- */

void kin_key_wanted(struct supervisor *supervisor, struct kin *kin,
                    const struct kin_message *message, pid_t sender);
void kin_key_sought(struct supervisor *supervisor, struct kin *kin,
                    const struct kin_message *message, pid_t sender);
void kin_fork_refused(struct supervisor *supervisor, struct kin *kin,
                      const struct kin_message *message, pid_t sender);
/* A member has got no group of its own. */
void kin_group_refused(struct supervisor *supervisor, struct kin *kin, pid_t pid, const char *why);

/* ---- supervisor_kin_look.c: the kernel's word about keys ---- */

/* Keeps the namespace of the member that says this, if it is one still and there is none yet. */
void kin_namespace_open(struct kin *kin, pid_t member);
/* The table's `look`; the context is the supervisor. */
void kin_look(void *context, uint64_t family, const struct kin_key *const *keys, unsigned count,
              bool *ret_there);

/* ---- supervisor_kin_groups.c: members' own control groups ---- */

/* A descriptor of a member of this instance's family, by its number: it is one still; or -errno. */
int kin_member_pidfd(const struct instance *instance, pid_t pid);
/* Moves the member into a group of its own. 0; -EAGAIN: it stays where it is; or -errno. */
int kin_member_born(struct supervisor *supervisor, struct kin *kin, pid_t pid);
/* At the family's end. True: a group could not be removed. */
bool kin_groups_end(struct supervisor *supervisor, struct kin *kin);
