/*
 * The allow-list's memory: what each function used of it and ran into, which entries are allowed
 * now, proposals and votes, and every decision in a table that only grows, each row hashed with the
 * one before it. SQLite in STATE/audit.db; used from one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allow/allow.h"

struct err;
struct audit;

#define AUDIT_VOTERS_MAX 32
#define AUDIT_HASH_TEXT 65 /* SHA-256 in hex, and NUL */
#define AUDIT_HEAD_TEXT (32 + AUDIT_HASH_TEXT)
/* What stands before a head in the log. */
#define AUDIT_HEAD_SAID "audit head "
#define AUDIT_KEY_BYTES 32
#define AUDIT_SIGNATURE_BYTES 64
#define AUDIT_REASON_MAX 200

/* What the operator configured. */
struct audit_rules {
    struct {
        char name[64];
        uint8_t key[AUDIT_KEY_BYTES]; /* Ed25519 */
    } voters[AUDIT_VOTERS_MAX];
    unsigned voter_count;
    uint32_t quorum;           /* votes for it that decide */
    uint32_t deadline_seconds; /* of a proposal */
    uint32_t demote_events;    /* denied calls, limits met and traps of one entry; 0: never */
    uint32_t
        demote_functions;    /* of so many functions at least: one alone is not the entry's fault */
    uint32_t unused_seconds; /* an entry that a vote allowed and nobody used; 0: never */
};

/* -EBADMSG: its file is damaged. `rules` is copied. */
int audit_open(const char *state_dir, const struct audit_rules *rules, struct audit **ret_audit,
               struct err *err);
void audit_close(struct audit *audit);

/* A bit for each enum allow_served that functions may use now. */
int audit_allowed(struct audit *audit, uint32_t *ret_bits, struct err *err);

struct audit_use {
    uint64_t uses, denied, limited, trapped;
};
/* Adds to what is known of this function and entry; demotes it past the threshold. */
int audit_count(struct audit *audit, const char *function, const char *entry,
                const struct audit_use *use, struct err *err);
/* Proposes the removal of what a vote allowed and nobody has used for long; ends proposals whose
 * deadline has passed. */
int audit_tidy(struct audit *audit, struct err *err);
/* Calls `each` for every function that has used the entry, not only tried to; and why it is not
 * allowed.
 */
int audit_users(struct audit *audit, const char *entry,
                void (*each)(const char *function, void *user), void *user, char *ret_reason,
                size_t size, struct err *err);
/* The function is gone: its counts are, too. */
int audit_forget(struct audit *audit, const char *function, struct err *err);

/* All entries with state and counts, and the proposals that are open: JSON, malloc'ed. */
int audit_list(struct audit *audit, char **ret_json, struct err *err);

/*
 * A proposal to allow a risky entry, or (`remove`) to allow one no more. -ENOENT: no such entry;
 * -EEXIST: it is proposed already, or so it is now; -EINVAL: the reason. *ret_json as above.
 */
int audit_propose(struct audit *audit, const char *entry, bool remove, const char *reason,
                  const char *who, char **ret_json, struct err *err);

/*
 * What a voter signs: the proposal by its hash, which is over all that it says, the vote and the
 * reason. `to` has room for AUDIT_REASON_MAX + 128 bytes. Its length.
 */
size_t audit_vote_text(const char *hash, bool yes, const char *reason, char *to, size_t size);
/* What a proposal says. */
struct audit_proposal {
    const char *entry, *action, *reason, *nonce;
    int64_t opened_ms, deadline_ms, quorum;
};
/* Over all of it: who signs it signs the quorum and the deadline, too. */
void audit_proposal_hash(const struct audit_proposal *proposal, char ret_hash[AUDIT_HASH_TEXT]);
/*
 * One vote. -ENOENT: no such proposal; -EPERM: the key is no voter's, or the signature is not its;
 * -EPERM as well: the proposal is decided, or its deadline has passed; -EEXIST: it has voted.
 */
int audit_vote(struct audit *audit, int64_t proposal, const uint8_t key[AUDIT_KEY_BYTES], bool yes,
               const char *reason, const uint8_t signature[AUDIT_SIGNATURE_BYTES], char **ret_json,
               struct err *err);
/* The operator's own decision, at once: it is only ever tighter. -EEXIST: it is not allowed. */
int audit_demote(struct audit *audit, const char *entry, const char *reason, const char *who,
                 char **ret_json, struct err *err);

/*
 * Goes through all decisions, proposals and votes. -EBADMSG, naming the first that is not what was
 * written, or that the signed votes do not bear out. `head`, which the journal had, may be
 * "NUMBER:HASH" or NULL: that decision must be there, unchanged. The answer:
 * {"decisions": n, "head": "NUMBER:HASH"}, with `heads` also {"heads": ["1:HASH", ...]}.
 */
int audit_check(struct audit *audit, const char *head, bool heads, char **ret_json,
                struct err *err);
/* The last decision, "NUMBER:HASH"; number 0 when there is none. */
int audit_head(struct audit *audit, char ret_head[AUDIT_HEAD_TEXT], struct err *err);
/*
 * Whether it is whole; looked at again when another process has written to it. While it is not, no
 * entry is allowed by a decision: only those that take one away are believed.
 */
bool audit_is_whole(struct audit *audit);
