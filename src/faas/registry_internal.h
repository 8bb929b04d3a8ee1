/* For registry.c and registry_open.c only. */
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
};

/* "… is damaged: why": -EBADMSG. */
int registry_damaged(const struct registry *registry, struct err *err, const char *why);
/* The failure of SQLite's last call, as a person should read it. */
int registry_failed(const struct registry *registry, struct err *err, const char *verb);
