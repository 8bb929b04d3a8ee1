/* For the audit's own files only. */
#pragma once

#include <sqlite3.h>

#include "allow/audit.h"
#include "base/cleanup.h"
#include "base/err.h"

struct audit {
    sqlite3 *db;
    struct audit_rules rules;
    char path[4096];
    char *said; /* lines for the log, when the transaction that they are about is committed */
    bool whole;
    int64_t data_version; /* of the file, when `whole` was looked at */
};

/* The failure of the last call. */
int audit_failed(struct audit *audit, struct err *err, const char *verb);
/* Ready to be bound; the caller finalizes it: _cleanup_(statement_finalize). */
int audit_prepare(struct audit *audit, const char *sql, sqlite3_stmt **ret_statement,
                  struct err *err);
/* Steps one that has no rows. */
int audit_run(struct audit *audit, sqlite3_stmt *statement, struct err *err);
/* One text of one row, malloc'ed. */
int audit_text(struct audit *audit, sqlite3_stmt *statement, char **ret_text, struct err *err);

static inline void statement_finalize(sqlite3_stmt **statement)
{
    sqlite3_finalize(*statement);
}

/* All or nothing; the transaction that it is in is not nested. */
int audit_begin(struct audit *audit, struct err *err);
int audit_end(struct audit *audit, int result, struct err *err);

#define AUDIT_HASH_BYTES 32 /* SHA-256 */
/* audit_chain.c: of a row that comes after the one with `previous`. */
void audit_row_hash(const uint8_t previous[AUDIT_HASH_BYTES], int64_t number, int64_t time_ms,
                    const char *kind, const char *entry, const char *detail,
                    uint8_t ret_hash[AUDIT_HASH_BYTES]);
/* audit_chain.c: appends a decision, and says its hash in the log when it is committed. */
int audit_decide(struct audit *audit, const char *kind, const char *entry, const char *detail,
                 struct err *err);

/* ---- audit_votes.c ---- */

struct proposal {
    int64_t id, opened_ms, deadline_ms, quorum;
    char entry[64], action[16], reason[AUDIT_REASON_MAX + 1], nonce[33], state[16];
    char hash[AUDIT_HASH_TEXT];
};
int proposal_read(struct audit *audit, int64_t id, struct proposal *ret_proposal, struct err *err);
struct ballot {
    const char *key, *reason, *signature; /* digits, text, digits; "" for what is missing */
    bool yes, is_signed;
};
/* Calls `each` for every vote, until it answers other than 0: that, or -errno. */
int ballots_each(struct audit *audit, const struct proposal *proposal,
                 int (*each)(void *user, const struct ballot *ballot, struct err *err), void *user,
                 struct err *err);
/* Signatures that are good; with `of_now` only those of who is a voter by the configuration. */
int ballots_count(struct audit *audit, const struct proposal *proposal, bool of_now,
                  int64_t *ret_yes, int64_t *ret_no, struct err *err);
/* One number of one row, by one parameter: a text, or where that is NULL a number. */
int audit_number(struct audit *audit, const char *sql, const char *text, int64_t number,
                 int64_t *ret_number, struct err *err);

/* audit_votes.c: demotes it, by which a proposal to remove it has nothing left to take away. In a
 * transaction. */
int audit_demote_now(struct audit *audit, const char *entry, const char *detail, struct err *err);

/* Whether functions may use it, by the last decision about it; "" or why not. */
int audit_state(struct audit *audit, const struct allow_entry *entry, bool *ret_allowed,
                char *ret_reason, size_t size, struct err *err);
