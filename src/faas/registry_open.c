/*
 * Opens the registry: locks it, makes or checks its schema, prepares every statement. The comment
 * in registry.c says why it is kept like this.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "faas/registry_internal.h"

#define SCHEMA_VERSION 3
#define APPLICATION_ID 0x76697265 /* "vire": tells our file from another program's */
#define BUSY_WAIT_MS 200

#define COLUMNS                                                                                 \
    "id, name, version, library_hash, source_hash, safety, kind, uid, created_at, updated_at, " \
    "manifest, owns_files"

static const char *const statement_sql[STATEMENTS] = {
    [STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
    [STATEMENT_COMMIT] = "COMMIT",
    [STATEMENT_ROLLBACK] = "ROLLBACK",
    [STATEMENT_FIND] = "SELECT id, uid, created_at, owns_files FROM functions WHERE name = ?",
    [STATEMENT_COUNT] = "SELECT count(*) FROM functions",
    [STATEMENT_INSERT] = "INSERT INTO functions (version, library_hash, source_hash, safety, kind, "
                         "updated_at, manifest, name, owns_files, uid, created_at) "
                         "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [STATEMENT_UPDATE] = "UPDATE functions SET version = ?1, library_hash = ?2, source_hash = ?3, "
                         "safety = ?4, kind = ?5, updated_at = ?6, manifest = ?7, owns_files = ?9 "
                         "WHERE name = ?8",
    [STATEMENT_DELETE] = "DELETE FROM functions WHERE name = ?",
    [STATEMENT_GET] = "SELECT " COLUMNS " FROM functions WHERE name = ?",
    [STATEMENT_EACH] = "SELECT " COLUMNS " FROM functions ORDER BY name",
    [STATEMENT_UIDS_TAKEN] = "SELECT uid FROM functions WHERE uid BETWEEN ?1 AND ?2 UNION ALL "
                             "SELECT uid FROM uids_waiting WHERE uid BETWEEN ?1 AND ?2 "
                             "ORDER BY 1",
    [STATEMENT_CURSOR] = "SELECT uid FROM uid_cursor",
    [STATEMENT_CURSOR_SET] = "UPDATE uid_cursor SET uid = ?",
    [STATEMENT_WAIT] =
        "INSERT INTO uids_waiting SELECT uid, owns_files FROM functions WHERE uid = ?",
    [STATEMENT_PURGED] = "DELETE FROM uids_waiting WHERE uid = ?",
    [STATEMENT_WAITING] = "SELECT uid FROM uids_waiting WHERE NOT owns_files ORDER BY uid LIMIT ?",
    [STATEMENT_KEEP] = "INSERT INTO versions (function_id, version, library_hash, source_hash, "
                       "safety, kind, updated_at, manifest) SELECT id, version, library_hash, "
                       "source_hash, safety, kind, updated_at, manifest FROM functions "
                       "WHERE name = ?1 AND (library_hash <> ?2 OR manifest <> ?3)",
    [STATEMENT_TRIM] = "DELETE FROM versions WHERE function_id = ?1 AND seq NOT IN (SELECT seq "
                       "FROM versions WHERE function_id = ?1 ORDER BY seq DESC LIMIT ?2)",
    [STATEMENT_FORGET] = "DELETE FROM versions WHERE function_id = ?",
    [STATEMENT_FORGET_LAST] = "DELETE FROM versions WHERE seq = (SELECT max(seq) FROM versions "
                              "WHERE function_id = ?)",
    [STATEMENT_VERSIONS] =
        "SELECT f.id, f.name, v.version, v.library_hash, v.source_hash, v.safety, v.kind, f.uid, "
        "f.created_at, v.updated_at, v.manifest, f.owns_files FROM versions v JOIN functions f "
        "ON f.id = v.function_id WHERE ?1 IS NULL OR f.name = ?1 ORDER BY v.seq DESC",
};

/* What a function was before its row was written last; seq grows with time. */
#define VERSIONS_TABLE                                                                            \
    "CREATE TABLE versions (seq INTEGER PRIMARY KEY AUTOINCREMENT, function_id INTEGER NOT NULL," \
    " version TEXT NOT NULL, library_hash TEXT NOT NULL, source_hash TEXT NOT NULL,"              \
    " safety TEXT NOT NULL, kind TEXT NOT NULL, updated_at INTEGER NOT NULL,"                     \
    " manifest TEXT NOT NULL) STRICT;"                                                            \
    "CREATE INDEX versions_of ON versions (function_id, seq);"

/* AUTOINCREMENT: an id is never used again, as the header promises. */
static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE functions (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,"
    " version TEXT NOT NULL, library_hash TEXT NOT NULL, source_hash TEXT NOT NULL,"
    " safety TEXT NOT NULL, kind TEXT NOT NULL, uid INTEGER NOT NULL UNIQUE,"
    " created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, manifest TEXT NOT NULL,"
    " owns_files INTEGER NOT NULL DEFAULT 1) STRICT;"
    "CREATE TABLE uids_waiting (uid INTEGER PRIMARY KEY, owns_files INTEGER NOT NULL DEFAULT 1)"
    " STRICT;"
    "CREATE TABLE uid_cursor (uid INTEGER NOT NULL) STRICT;"
    "INSERT INTO uid_cursor VALUES (0);" VERSIONS_TABLE
    "PRAGMA application_id = 1986622053;" /* APPLICATION_ID */
    "PRAGMA user_version = 3;"
    "COMMIT;";
_Static_assert(APPLICATION_ID == 1986622053, "the schema sets it");

/* Version 1 did not say which uids may own files: all may. */
static const char schema_from_1[] =
    "BEGIN IMMEDIATE;"
    "ALTER TABLE functions ADD COLUMN owns_files INTEGER NOT NULL DEFAULT 1;"
    "ALTER TABLE uids_waiting ADD COLUMN owns_files INTEGER NOT NULL DEFAULT 1;" VERSIONS_TABLE
    "PRAGMA user_version = 3;"
    "COMMIT;";

/* Version 2 kept no former versions. */
static const char schema_from_2[] = "BEGIN IMMEDIATE;" VERSIONS_TABLE "PRAGMA user_version = 3;"
                                    "COMMIT;";
_Static_assert(SCHEMA_VERSION == 3, "the schemas set it");

DEFINE_CLEANUP(struct registry, registry_close)

/* ---- errors ---- */

static int code_of(int sqlite_code)
{
    switch (sqlite_code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return -EBADMSG;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return -EROFS;
    case SQLITE_CANTOPEN:
        return -EACCES;
    default:
        return -EIO;
    }
}

int registry_damaged(const struct registry *registry, struct err *err, const char *why)
{
    return err_say(err, -EBADMSG,
                   "cannot use registry '%s': it is damaged: %s (move it away to start anew, or "
                   "restore a copy)",
                   registry->path, why);
}

/* The failure of the last call, as a person should read it. */
int registry_failed(const struct registry *registry, struct err *err, const char *verb)
{
    int code = code_of(sqlite3_extended_errcode(registry->db));

    if (code == -EBADMSG)
        return registry_damaged(registry, err, sqlite3_errmsg(registry->db));
    if (code == -EBUSY)
        return err_say(err, code, "cannot %s registry '%s': another process holds it", verb,
                       registry->path);
    return err_say(err, code, "cannot %s registry '%s': %s", verb, registry->path,
                   sqlite3_errmsg(registry->db));
}

/* ---- opening ---- */

static int pragma_number(struct registry *registry, const char *sql, int64_t *ret_number,
                         struct err *err)
{
    sqlite3_stmt *statement = NULL;

    int r = sqlite3_prepare_v2(registry->db, sql, -1, &statement, NULL);
    if (r == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
        *ret_number = sqlite3_column_int64(statement, 0);
        r = 0;
    } else {
        r = registry_failed(registry, err, "read");
    }
    sqlite3_finalize(statement);
    return r;
}

/* Every page and index is looked at: damage is told at the start, not in the middle of a call. */
static int integrity_check(struct registry *registry, struct err *err)
{
    sqlite3_stmt *statement = NULL;
    int r = 0;

    if (sqlite3_prepare_v2(registry->db, "PRAGMA integrity_check(1)", -1, &statement, NULL) !=
            SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW)
        r = registry_failed(registry, err, "check");
    else if (strcmp((const char *)sqlite3_column_text(statement, 0), "ok") != 0) {
        /* "*** in database main ***" may stand in a line above what is wrong. */
        const char *text = (const char *)sqlite3_column_text(statement, 0);
        const char *line = strrchr(text, '\n');
        r = registry_damaged(registry, err, line ? line + 1 : text);
    }
    sqlite3_finalize(statement);
    return r;
}

/* A new registry beside libraries: there was another one. It is served; nobody shall wonder why. */
static void lost_functions_tell(const struct registry *registry)
{
    char path[sizeof registry->path + 16];
    int length = (int)(strrchr(registry->path, '/') - registry->path);
    const struct dirent *entry;
    bool any = false;

    snprintf(path, sizeof path, "%.*s/store/lib", length, registry->path);
    DIR *directory = opendir(path);
    while (directory && !any && (entry = readdir(directory)))
        any = entry->d_name[0] != '.';
    if (directory)
        closedir(directory);
    if (any)
        log_line(LOG_WARNING,
                 "registry '%s' was missing or empty: it is new, and knows no function of those "
                 "whose libraries are in the store (stop and restore a copy, if there is one)",
                 registry->path);
}

static int schema_open(struct registry *registry, struct err *err)
{
    int64_t application, version, objects;

    int r = pragma_number(registry, "PRAGMA application_id", &application, err);
    if (r == 0)
        r = pragma_number(registry, "PRAGMA user_version", &version, err);
    if (r == 0)
        r = pragma_number(registry, "SELECT count(*) FROM sqlite_schema", &objects, err);
    if (r < 0)
        return r;
    if (application == 0 && version == 0 && objects == 0) {
        if (sqlite3_exec(registry->db, schema, NULL, NULL, NULL) != SQLITE_OK)
            return registry_failed(registry, err, "make");
        lost_functions_tell(registry);
        return 0;
    }
    if (application != APPLICATION_ID)
        return err_say(err, -EBADMSG, "cannot use registry '%s': it belongs to another program",
                       registry->path);
    if ((version == 1 || version == 2) && objects > 0) {
        const char *conversion = version == 1 ? schema_from_1 : schema_from_2;
        r = integrity_check(registry, err);
        if (r == 0 && sqlite3_exec(registry->db, conversion, NULL, NULL, NULL) != SQLITE_OK)
            r = sqlite3_errcode(registry->db) == SQLITE_ERROR
                    ? registry_damaged(registry, err, sqlite3_errmsg(registry->db))
                    : registry_failed(registry, err, "convert");
        return r;
    }
    if (version != SCHEMA_VERSION)
        return err_say(err, -EPROTO,
                       "cannot use registry '%s': its schema is version %lld, this vireo knows "
                       "version %d",
                       registry->path, (long long)version, SCHEMA_VERSION);
    return integrity_check(registry, err);
}

static int statements_prepare(struct registry *registry, struct err *err)
{
    for (int i = 0; i < STATEMENTS; i++)
        if (sqlite3_prepare_v3(registry->db, statement_sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &registry->statement[i], NULL) != SQLITE_OK) {
            if (sqlite3_errcode(registry->db) == SQLITE_ERROR)
                return registry_damaged(registry, err, sqlite3_errmsg(registry->db));
            return registry_failed(registry, err, "read");
        }
    return 0;
}

static int database_open(struct registry *registry, struct err *err)
{
    /* SQLite would make it 0644; what it makes beside it gets the same mode. */
    _cleanup_(closep) int fd =
        open(registry->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_set(err, -errno, "cannot open registry '%s'", registry->path);
    /* Closed before SQLite opens it: closing later would drop its POSIX locks (fcntl(2)). */
    close(steal_fd(&fd));

    if (sqlite3_open_v2(registry->path, &registry->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW,
                        NULL) != SQLITE_OK)
        return registry_failed(registry, err, "open");
    sqlite3_extended_result_codes(registry->db, 1);
    sqlite3_busy_timeout(registry->db, BUSY_WAIT_MS);
    sqlite3_db_config(registry->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(registry->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    /* EXCLUSIVE before WAL: then no shared memory file is needed. The empty transaction takes the
     * lock, which stays until the file is closed. */
    static const char begin[] = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
                                "PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON;"
                                "BEGIN EXCLUSIVE; COMMIT;";
    if (sqlite3_exec(registry->db, begin, NULL, NULL, NULL) != SQLITE_OK)
        return registry_failed(registry, err, "open");
    return 0;
}

int registry_open(const char *state_dir, uid_t uid_first, uint32_t uid_count,
                  struct registry **ret_registry, struct err *err)
{
    uid_t uid_last;

    /* (uid_t)-1 means "no change" to chown and setresuid: never an owner. */
    if (uid_first == 0 || uid_count == 0 ||
        __builtin_add_overflow(uid_first, uid_count - 1, &uid_last) || uid_last == (uid_t)-1)
        return err_say(err, -EINVAL, "cannot give functions %u uids from %u on", uid_count,
                       uid_first);

    _cleanup_(registry_closep) struct registry *registry = calloc(1, sizeof *registry);
    if (!registry)
        return err_set(err, -ENOMEM, "cannot open the registry");
    registry->uid_first = uid_first;
    registry->uid_last = uid_last;
    int n = snprintf(registry->path, sizeof registry->path, "%s/registry.db", state_dir);
    if (n < 0 || (size_t)n >= sizeof registry->path)
        return err_set(err, -ENAMETOOLONG, "cannot open the registry in '%s'", state_dir);

    registry_wal_look(registry);
    int r = database_open(registry, err);
    if (r == 0)
        r = schema_open(registry, err);
    if (r == 0)
        registry_wal_compare(registry);
    if (r == 0)
        r = statements_prepare(registry, err);
    if (r < 0)
        return r;
    *ret_registry = steal_ptr(&registry);
    return 0;
}

void registry_close(struct registry *registry)
{
    if (!registry)
        return;
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(registry->statement[i]);
    sqlite3_close(registry->db);
    free(registry);
}
