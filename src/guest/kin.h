/*
 * A family and its supervisor. Members share one SEQPACKET socket, on which they say things, and
 * one page, in which they are answered; both are made for each instance that may fork or has IPC.
 * Nothing that members say to each other passes here.
 *
 * Neither side trusts the other. The supervisor checks each message's size and knows the sender
 * from the socket and the kernel's credentials; it writes the page and never reads it. A member
 * that waits for an answer waits for a bounded time. A ticket is a number of the page's own
 * counter: a member that dies while it waits leaves nothing behind.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#define KIN_PAGE_BYTES 4096u
#define KIN_ANSWERS 128u
/* Keys of one family's queues and segments at once: one more is ENOSPC, as at the kernel's limits.
 */
#define KIN_KEYS_MAX 256u

enum kin_type {
    KIN_KEY_WANTED = 1, /* it is made next; answer: 0, or ENOSPC: it must not be */
    KIN_KEY_MADE,       /* `value`, an id of `kind`, has `key`; -1: it was not made; no answer */
    KIN_KEY_SOUGHT,     /* it is not; answer: 0 nobody's, EPERM another family's */
    KIN_KEY_REMOVED,    /* `value`, an id of `kind` that had `key`, has gone; no answer */
    KIN_FORK_REFUSED,   /* `value` members or generations were the limit; no answer */
    KIN_FORKED,         /* on the supervisor's wish: `value` is the child's number, or -errno */
    KIN_BORN,           /* the sender was forked and wants its own control group; answered */
};

enum kin_key_kind { KIN_QUEUE = 1, KIN_MEMORY };

struct kin_message {
    uint32_t type;   /* enum kin_type */
    uint32_t ticket; /* where an answer goes; never 0 then */
    uint32_t kind;   /* enum kin_key_kind; KIN_FORK_REFUSED: 1 when it was the depth */
    int32_t key;
    int32_t value;
};

struct kin_answer {
    _Atomic uint32_t ticket; /* futex: written last */
    _Atomic int32_t error;   /* 0 or an errno */
};

struct kin_page {
    _Atomic uint32_t last_ticket; /* the members' */
    uint32_t reserved[15];
    struct kin_answer answers[KIN_ANSWERS]; /* [ticket % KIN_ANSWERS] */
};
_Static_assert(sizeof(struct kin_page) <= KIN_PAGE_BYTES, "one page");

/* The supervisor's wish that a member forks: a signal from outside of its namespace. */
#define KIN_FORK_SIGNAL 64
