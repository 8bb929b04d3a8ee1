/*
 * A family: a pVM that its function's code forked, and what was forked from that. The member that
 * the template made is its root: process 1 of a pid namespace of the family's own, so that signals
 * reach no other family and no member outlives the root. The root alone has the channel, which the
 * kernel does not give to forks (MADV_DONTFORK); what children write goes to the root by a pipe,
 * and it puts that into the function's log.
 *
 * System calls of a root and its children: clone with the one flag word SIGCHLD, wait4, kill,
 * getpid, getppid, read, write, ppoll, close; of pipes: pipe2 and what descriptors have.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct channel;
struct family_shared;
struct guest_call;
struct host;

struct family {
    uint32_t grants; /* GUEST_GRANT_FORK, GUEST_GRANT_IPC */
    bool child;      /* this process was forked by the function's code */
    bool by_channel; /* the root answers on a channel; else the family has real streams */
    int log[2];      /* `by_channel`: a pipe, non-blocking */
    struct family_shared *shared;
};

/*
 * In an instance, before its filter and after its descriptors are in their places: makes it the
 * root of a family of at most `pids_max` members. `channel` NULL: it has real streams. 0 or -errno.
 */
int family_open(struct family *family, uint32_t grants, uint32_t pids_max, struct channel *channel);

/*
 * Root: puts what children wrote into the call's log, at most as much as that log holds. Between
 * calls it stays in the pipe, and is dropped and counted when that is full.
 */
void family_drain(struct family *family, struct guest_call *call);
/* Root: true when a fork of any member was refused by the limit since the last time. */
bool family_was_refused(struct family *family);
/* Root: takes the exit statuses that nobody will ask for any more. */
void family_reap(const struct family *family);

/* A child's log: what does not fit the pipe is counted as dropped. */
void family_log(const struct family *family, const void *data, uint64_t bytes);

/* A child has left the guest's code: ends it with the status that its parent is to see. */
void family_child_ended(struct host *host) __attribute__((noreturn));
