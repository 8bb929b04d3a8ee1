/* For registry.c and registry_*.c only. */
#pragma once

#include <limits.h>
#include <sqlite3.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "faas/registry.h"

enum statement {
    STATEMENT_BEGIN,
    STATEMENT_COMMIT,
    STATEMENT_ROLLBACK,
    STATEMENT_FIND,
    STATEMENT_COUNT,
    STATEMENT_INSERT,
    STATEMENT_UPDATE,
    STATEMENT_DELETE,
    STATEMENT_GET,
    STATEMENT_EACH,
    STATEMENT_UIDS_TAKEN,
    STATEMENT_CURSOR,
    STATEMENT_CURSOR_SET,
    STATEMENT_WAIT,
    STATEMENT_PURGED,
    STATEMENT_WAITING,
    STATEMENT_KEEP,
    STATEMENT_TRIM,
    STATEMENT_FORGET,
    STATEMENT_FORGET_LAST,
    STATEMENT_VERSIONS,
    STATEMENTS
};

struct registry {
    sqlite3 *db;
    sqlite3_stmt *statement[STATEMENTS];
    uid_t uid_first, uid_last;
    char path[PATH_MAX];
    int64_t wal_frames; /* of the write-ahead log before it was opened; -1: it can't be read */
};

/* "… is damaged: why": -EBADMSG. */
int registry_damaged(const struct registry *registry, struct err *err, const char *why);
/* The failure of SQLite's last call, as a person should read it. */
int registry_failed(const struct registry *registry, struct err *err, const char *verb);

/* Releases what a statement holds, whatever way its user leaves. */
static inline void statement_resetp(sqlite3_stmt **statement)
{
    if (*statement) {
        sqlite3_reset(*statement);
        sqlite3_clear_bindings(*statement);
    }
}

/* ---- registry.c ---- */

/* Runs a statement that gives no rows and has at most one number bound. */
int registry_run(struct registry *registry, enum statement which, const int64_t *number,
                 const char *verb, struct err *err);
/* Ends a transaction: commits if all went well, else takes everything back. */
int registry_finish(struct registry *registry, int result, const char *verb, struct err *err);
/* The row that stands in a statement with the columns of a function. */
int registry_row_read(struct registry *registry, sqlite3_stmt *row,
                      struct registry_function *ret_function, struct err *err);
/* Calls `each` for every row of such a statement, until it answers other than 0: that, or -errno.
 */
int registry_rows_each(struct registry *registry, sqlite3_stmt *statement,
                       int (*each)(const struct registry_function *function, void *user),
                       void *user, struct err *err);
/* Writes `function` over its row, inside a transaction. */
int registry_row_write(struct registry *registry, const struct registry_function *function,
                       struct err *err);

/* ---- registry_versions.c ---- */

/* Inside the transaction that writes `next` over it: keeps the row of that name, if it differs. */
int registry_version_keep(struct registry *registry, const struct registry_function *next,
                          struct err *err);

/* Before the database is opened: what its write-ahead log has. */
void registry_wal_look(struct registry *registry);
/* Afterwards: says in the log how much of that SQLite did not take. */
void registry_wal_compare(const struct registry *registry);
