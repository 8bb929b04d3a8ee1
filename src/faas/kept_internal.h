/* For kept.c and kept_sql.c only. */
#pragma once

#include <limits.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "faas/kept.h"

enum kept_file { KEPT_TABLES, KEPT_KEYS, KEPT_QUEUE, KEPT_FILES };

enum kept_statement {
    KEPT_GET,
    KEPT_PUT,
    KEPT_DELETE,
    KEPT_WAITING,
    KEPT_PUSH,
    KEPT_NEXT,
    KEPT_SENT,
    KEPT_DONE,
    KEPT_LATER,
    KEPT_STATEMENTS,
};

struct kept {
    char directory[256];
    uint64_t pages; /* of each file, at most */
    uint32_t queue_max;
    bool guarded; /* the limits of the function's own SQL are set */
    sqlite3 *db[KEPT_FILES];
    sqlite3_stmt *statement[KEPT_STATEMENTS];
};

/* Opens it if it is not open. */
int kept_database(struct kept *kept, enum kept_file file, sqlite3 **ret_db);
/* Of the last call. */
int kept_error(sqlite3 *db);
