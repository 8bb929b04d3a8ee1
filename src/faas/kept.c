/* Keys and messages of one function, and how its files are opened. */
#include "faas/kept.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "faas/kept_internal.h"

#define PAGE_BYTES 4096
/* Of each file's cache and of all that SQLite allocates in a worker. */
#define CACHE_KIB "1024"
#define HEAP_BYTES (48ll << 20)

static const char *const files[KEPT_FILES] = {
    [KEPT_TABLES] = "tables.db",
    [KEPT_KEYS] = "keys.db",
    [KEPT_QUEUE] = "queue.db",
};

static const char *const schemas[KEPT_FILES] = {
    [KEPT_TABLES] = "",
    [KEPT_KEYS] = "CREATE TABLE IF NOT EXISTS keys (key BLOB PRIMARY KEY, value BLOB NOT NULL)"
                  " STRICT;",
    /* due_ms: by the machine's clock, for it is kept over starts. */
    [KEPT_QUEUE] = "CREATE TABLE IF NOT EXISTS queue (id INTEGER PRIMARY KEY AUTOINCREMENT,"
                   " function TEXT NOT NULL, body BLOB NOT NULL, tries INTEGER NOT NULL DEFAULT 0,"
                   " due_ms INTEGER NOT NULL DEFAULT 0, sent INTEGER NOT NULL DEFAULT 0) STRICT;"
                   "UPDATE queue SET sent = 0;",
};

static const struct {
    enum kept_file file;
    const char *sql;
} statements[KEPT_STATEMENTS] = {
    [KEPT_GET] = {KEPT_KEYS, "SELECT value FROM keys WHERE key = ?"},
    [KEPT_PUT] = {KEPT_KEYS, "INSERT INTO keys (key, value) VALUES (?1, ?2)"
                             " ON CONFLICT (key) DO UPDATE SET value = ?2"},
    [KEPT_DELETE] = {KEPT_KEYS, "DELETE FROM keys WHERE key = ?"},
    [KEPT_WAITING] = {KEPT_QUEUE, "SELECT count(*) FROM queue"},
    [KEPT_PUSH] = {KEPT_QUEUE, "INSERT INTO queue (function, body) VALUES (?, ?)"},
    [KEPT_NEXT] = {KEPT_QUEUE, "SELECT id, function, body, tries, due_ms FROM queue"
                               " WHERE NOT sent ORDER BY due_ms, id LIMIT 1"},
    [KEPT_SENT] = {KEPT_QUEUE, "UPDATE queue SET sent = 1 WHERE id = ?"},
    [KEPT_DONE] = {KEPT_QUEUE, "DELETE FROM queue WHERE id = ?"},
    [KEPT_LATER] = {KEPT_QUEUE,
                    "UPDATE queue SET sent = 0, tries = tries + 1, due_ms = ?2 WHERE id = ?1"},
};

int kept_error(sqlite3 *db)
{
    switch (sqlite3_errcode(db) & 0xff) {
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_INTERRUPT:
        return -ETIMEDOUT;
    case SQLITE_AUTH:
        return -EACCES;
    case SQLITE_CONSTRAINT:
        return -EPERM;
    case SQLITE_TOOBIG:
        return -EMSGSIZE;
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE:
        return -EINVAL;
    default:
        return -EIO;
    }
}

int kept_new(const char *directory, uint64_t bytes, uint32_t queue_max, struct kept **ret_kept)
{
    struct kept *kept = calloc(1, sizeof *kept);

    if (!kept)
        return -ENOMEM;
    snprintf(kept->directory, sizeof kept->directory, "%s", directory);
    kept->pages = bytes / PAGE_BYTES;
    kept->queue_max = queue_max;
    sqlite3_hard_heap_limit64(HEAP_BYTES);
    *ret_kept = kept;
    return 0;
}

int kept_database(struct kept *kept, enum kept_file file, sqlite3 **ret_db)
{
    char path[sizeof kept->directory + 32], pragma[1024];
    sqlite3 *db = NULL;

    if (kept->db[file]) {
        *ret_db = kept->db[file];
        return 0;
    }
    snprintf(path, sizeof path, "%s/%s", kept->directory, files[file]);
    /* One process has it, this one: no shared memory file is needed (EXCLUSIVE before WAL). What
     * was acknowledged survives the end of every process here, and of the machine up to the last
     * seconds. */
    snprintf(
        pragma, sizeof pragma,
        "PRAGMA page_size = %d; PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
        "PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -" CACHE_KIB
        "; PRAGMA journal_size_limit = 1048576; PRAGMA cell_size_check = ON;"
        "PRAGMA max_page_count = %llu; BEGIN EXCLUSIVE; COMMIT; %s",
        PAGE_BYTES, (unsigned long long)kept->pages, schemas[file]);
    int r = sqlite3_open_v2(path, &db,
                            SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                                SQLITE_OPEN_NOFOLLOW,
                            NULL);
    if (r == SQLITE_OK) {
        sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        r = sqlite3_exec(db, pragma, NULL, NULL, NULL);
    }
    if (r != SQLITE_OK) {
        int error = db ? kept_error(db) : -ENOMEM;
        sqlite3_close(db);
        return error;
    }
    kept->db[file] = *ret_db = db;
    return 0;
}

/* Ready to be bound. */
static int prepared(struct kept *kept, enum kept_statement which, sqlite3_stmt **ret_statement)
{
    sqlite3 *db;
    int r = kept_database(kept, statements[which].file, &db);

    if (r < 0)
        return r;
    if (!kept->statement[which] &&
        sqlite3_prepare_v3(db, statements[which].sql, -1, SQLITE_PREPARE_PERSISTENT,
                           &kept->statement[which], NULL) != SQLITE_OK)
        return kept_error(db);
    sqlite3_reset(kept->statement[which]);
    *ret_statement = kept->statement[which];
    return 0;
}

/* Runs one that has no rows; how many it changed. */
static int run(struct kept *kept, enum kept_statement which, sqlite3_stmt *statement)
{
    sqlite3 *db = kept->db[statements[which].file];
    int r = sqlite3_step(statement) == SQLITE_DONE ? sqlite3_changes(db) : kept_error(db);

    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return r;
}

/* An empty blob, not NULL. */
static void bind_bytes(sqlite3_stmt *statement, int at, const void *data, size_t bytes)
{
    sqlite3_bind_blob(statement, at, bytes ? data : "", (int)bytes, SQLITE_STATIC);
}

/* ---- keys ---- */

int kept_key_get(struct kept *kept, const void *key, size_t key_bytes, void *to, size_t room)
{
    sqlite3_stmt *statement;
    int r = prepared(kept, KEPT_GET, &statement);

    if (r < 0)
        return r;
    bind_bytes(statement, 1, key, key_bytes);
    int step = sqlite3_step(statement);
    if (step == SQLITE_ROW) {
        int bytes = sqlite3_column_bytes(statement, 0);
        r = (size_t)bytes > room ? -EMSGSIZE : bytes;
        if (r > 0)
            memcpy(to, sqlite3_column_blob(statement, 0), (size_t)bytes);
    } else {
        r = step == SQLITE_DONE ? -ENOENT : kept_error(kept->db[KEPT_KEYS]);
    }
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return r;
}

int kept_key_put(struct kept *kept, const void *key, size_t key_bytes, const void *value,
                 size_t bytes)
{
    sqlite3_stmt *statement;
    int r = prepared(kept, KEPT_PUT, &statement);

    if (r < 0)
        return r;
    bind_bytes(statement, 1, key, key_bytes);
    bind_bytes(statement, 2, value, bytes);
    r = run(kept, KEPT_PUT, statement);
    return r < 0 ? r : 0;
}

int kept_key_delete(struct kept *kept, const void *key, size_t key_bytes)
{
    sqlite3_stmt *statement;
    int r = prepared(kept, KEPT_DELETE, &statement);

    if (r < 0)
        return r;
    bind_bytes(statement, 1, key, key_bytes);
    r = run(kept, KEPT_DELETE, statement);
    return r < 0 ? r : r == 0 ? -ENOENT : 0;
}

/* ---- messages ---- */

int kept_queue_push(struct kept *kept, const char *function, const void *body, size_t bytes)
{
    sqlite3_stmt *statement;
    int r = prepared(kept, KEPT_WAITING, &statement);

    if (r < 0)
        return r;
    bool full = sqlite3_step(statement) != SQLITE_ROW ||
                sqlite3_column_int64(statement, 0) >= (sqlite3_int64)kept->queue_max;
    sqlite3_reset(statement);
    if (full)
        return -EAGAIN;
    r = prepared(kept, KEPT_PUSH, &statement);
    if (r < 0)
        return r;
    sqlite3_bind_text(statement, 1, function, -1, SQLITE_STATIC);
    bind_bytes(statement, 2, body, bytes);
    r = run(kept, KEPT_PUSH, statement);
    return r < 0 ? r : 0;
}

static int message_take(struct kept *kept, sqlite3_stmt *statement, struct kept_message *message)
{
    const char *function = (const char *)sqlite3_column_text(statement, 1);
    int bytes = sqlite3_column_bytes(statement, 2);

    if (!function || strlen(function) >= sizeof message->function || bytes < 0 ||
        (size_t)bytes > sizeof message->body)
        return -EIO;
    message->id = sqlite3_column_int64(statement, 0);
    strcpy(message->function, function);
    message->bytes = (size_t)bytes;
    if (bytes > 0)
        memcpy(message->body, sqlite3_column_blob(statement, 2), (size_t)bytes);
    message->tries = (unsigned)sqlite3_column_int(statement, 3);
    sqlite3_reset(statement);
    int r = prepared(kept, KEPT_SENT, &statement);
    if (r < 0)
        return r;
    sqlite3_bind_int64(statement, 1, message->id);
    r = run(kept, KEPT_SENT, statement);
    return r < 0 ? r : 1;
}

static bool file_exists(const struct kept *kept, enum kept_file file)
{
    char path[sizeof kept->directory + 32];

    snprintf(path, sizeof path, "%s/%s", kept->directory, files[file]);
    return access(path, F_OK) == 0;
}

int kept_queue_next(struct kept *kept, struct kept_message *message, int64_t *ret_wait_ms)
{
    sqlite3_stmt *statement;

    *ret_wait_ms = -1;
    /* Most functions never send one: no file is made to find that out. */
    if (!kept->db[KEPT_QUEUE] && !file_exists(kept, KEPT_QUEUE))
        return 0;
    int r = prepared(kept, KEPT_NEXT, &statement);
    if (r < 0)
        return r;
    int step = sqlite3_step(statement);
    if (step == SQLITE_ROW) {
        int64_t wait_ms = sqlite3_column_int64(statement, 4) - clock_wall_ms();
        if (wait_ms <= 0) {
            r = message_take(kept, statement, message);
            sqlite3_reset(statement);
            return r;
        }
        *ret_wait_ms = wait_ms;
    } else if (step != SQLITE_DONE) {
        r = kept_error(kept->db[KEPT_QUEUE]);
    }
    sqlite3_reset(statement);
    return r;
}

int kept_queue_done(struct kept *kept, int64_t id)
{
    sqlite3_stmt *statement;
    int r = prepared(kept, KEPT_DONE, &statement);

    if (r < 0)
        return r;
    sqlite3_bind_int64(statement, 1, id);
    return run(kept, KEPT_DONE, statement);
}

int kept_queue_later(struct kept *kept, int64_t id, int64_t wait_ms)
{
    sqlite3_stmt *statement;
    int r = prepared(kept, KEPT_LATER, &statement);

    if (r < 0)
        return r;
    sqlite3_bind_int64(statement, 1, id);
    sqlite3_bind_int64(statement, 2, clock_wall_ms() + wait_ms);
    return run(kept, KEPT_LATER, statement);
}
