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
#include <sys/types.h>

#include "guest/kin.h"

struct channel;
struct family_shared;
struct guest_call;
struct host;

/* Shared memory that one member has attached at once. */
#define FAMILY_PLACES_MAX 64

/* Pages of the linear memory in which a segment lies, or may lie again. */
struct family_place {
    uint32_t first, pages; /* of WebAssembly; no pages: not a place yet */
    bool used;
};

struct family {
    uint32_t grants; /* GUEST_GRANT_FORK, GUEST_GRANT_IPC */
    bool child;      /* this process was forked by the function's code */
    bool by_channel; /* the root answers on a channel; else the family has real streams */
    int log[2];      /* `by_channel`: a pipe, non-blocking */
    struct family_shared *shared;
    int kin; /* the socket to the supervisor, non-blocking; -1: there is none (`vireo run`) */
    struct kin_page *page; /* its answers; NULL with it */
    uint32_t generation;   /* 0: the root */
    uint32_t depth_max;
    bool own_groups;         /* members ask for a control group of their own */
    struct channel *channel; /* the root's, where it is mapped; NULL */
    struct family_place places[FAMILY_PLACES_MAX];
};

/* What a family is made with. */
struct family_options {
    uint32_t grants;
    uint32_t pids_max, depth_max; /* members, generations */
    bool own_groups;
    struct channel *channel; /* NULL: it has real streams */
    int kin;                 /* -1: none */
    struct kin_page *page;
};

struct guest_setup;
/* What the template was told of it; no channel and no socket yet. */
struct family_options family_options_of(const struct guest_setup *setup);

/*
 * In an instance, before its filter and after its descriptors are in their places: makes it the
 * root of a family. 0 or -errno.
 */
int family_open(struct family *family, const struct family_options *options);
/* In a process that was forked just now: what is the parent's alone goes. Async-signal-safe. */
void family_become_child(struct host *host);
/* family_outside.c: from now `vireo fork` works, if it may fork. Before its filter. 0 or -errno. */
int family_outside_open(struct host *host);
/* Root: the linear memory has gone, and what was attached in it. */
void family_forget_places(struct family *family);

/* ---- family_calls.c: what its code asks for, translated or native ---- */

/* The family, if it has that grant; else NULL. */
struct family *family_with(const struct host *host, uint32_t grant);
/* As fork(2), waitpid(2), kill(2), with -errno: EPERM without the grant, EAGAIN at a limit, which
 * is told, counted and logged. A wait sets *ret_status if one ended. */
pid_t family_fork(struct host *host);
pid_t family_wait(struct host *host, pid_t pid, int *ret_status, int options);
int family_kill(struct host *host, pid_t pid, int signal);
/* As pipe(2): the ends are numbers of WASI's table. */
int family_pipe(struct host *host, uint32_t ret_numbers[static 2]);
/*
 * As msgget(2) or, with bytes, shmget(2): the id, or -errno. EPERM when the key is another
 * family's, which the supervisor knows and notes; and is told of keys that are made here and that
 * go, of which a family has KIN_KEYS_MAX at once: ENOSPC beyond; EAGAIN where it does not answer.
 * System calls: msgget or shmget, twice where one is made; then, and where none is there, write and
 * futex.
 */
int family_key_get(struct family *family, enum kin_key_kind kind, int key, size_t bytes, int flags);
/* IPC_RMID. 0 or -errno. System calls: msgctl or shmctl, twice; write. */
int family_key_remove(struct family *family, enum kin_key_kind kind, int id);

/* Who a queue or a segment belongs to, as include/vireo/posix/sys/ipc.h has it. */
struct guest_ipc {
    int32_t key;
    uint32_t user, group, made_by_user, made_by_group, mode;
};
struct ipc_perm;
struct guest_ipc family_ipc(const struct ipc_perm *known);
/* msgctl and shmctl: IPC_STAT with all that is known. What IPC_SET would change has no meaning in a
 * family of one user, and more room than the kernel's own is nobody's to ask for: EPERM. */
#define FAMILY_STAT 18u

/* ---- kin.c: a family's words to its supervisor. Nothing where there is none ---- */
/* Puts the socket at its place and maps the page (a memfd). 0 or -errno. */
int kin_take(int socket, int page_fd, int place, struct family_options *ret_family);
/* At once, or not at all: a flooded socket. */
void kin_say(const struct family *family, const struct kin_message *message);
/* Waits for room for a second: what must not be lost. */
void kin_tell(const struct family *family, const struct kin_message *message);
/* Its answer: 0 or an errno; -ETIME: none came. */
int kin_ask(const struct family *family, struct kin_message *message);

/*
 * Root: puts what children wrote into the call's log, at most as much as that log holds. Between
 * calls it stays in the pipe, and is dropped and counted when that is full.
 */
void family_drain(struct family *family, struct guest_call *call);
/* A fork was refused by the limit of members. */
void family_note_refused(struct family *family);
/* Root: true when a fork of any member was refused by the limit since the last time. */
bool family_was_refused(struct family *family);
/* Root: takes the exit statuses that nobody will ask for any more. */
void family_reap(const struct family *family);

/* A child's log: what does not fit the pipe is counted as dropped. */
void family_log(const struct family *family, const void *data, uint64_t bytes);

/* A child has left the guest's code: ends it with the status that its parent is to see. */
void family_child_ended(struct host *host) __attribute__((noreturn));
