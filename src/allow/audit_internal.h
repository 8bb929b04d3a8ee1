/* For audit.c, audit_votes.c and audit_chain.c only. */
#pragma once

#include <sqlite3.h>

#include "allow/audit.h"
#include "base/cleanup.h"
#include "base/err.h"

struct audit {
    sqlite3 *db;
    struct audit_rules rules;
    char path[4096];
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

/* audit_chain.c: appends a decision, and says its hash in the log when it is committed. */
int audit_decide(struct audit *audit, const char *kind, const char *entry, const char *detail,
                 struct err *err);

/* audit_votes.c: demotes it, by which a proposal to remove it has nothing left to take away. In a
 * transaction. */
int audit_demote_now(struct audit *audit, const char *entry, const char *detail, struct err *err);

/* Whether functions may use it, by the last decision about it; "" or why not. */
int audit_state(struct audit *audit, const struct allow_entry *entry, bool *ret_allowed,
                char *ret_reason, size_t size, struct err *err);
