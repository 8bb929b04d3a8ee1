/* For registry.c, registry_open.c and registry_wal.c only. */
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

/* Before the database is opened: what its write-ahead log has. */
void registry_wal_look(struct registry *registry);
/* Afterwards: says in the log how much of that SQLite did not take. */
void registry_wal_compare(const struct registry *registry);
