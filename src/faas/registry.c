/*
 * What is deployed, in SQLite. One process at a time (locking_mode EXCLUSIVE): two supervisors on
 * one state directory would give one uid to two functions.
 *
 * WAL with synchronous=FULL: a transaction is on disk when COMMIT returns, and a crash at any
 * moment leaves the last committed state (sqlite.org/wal.html).
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "faas/registry_internal.h"

void registry_function_clear(struct registry_function *function)
{
    if (!function)
        return;
    free(function->manifest);
    memset(function, 0, sizeof *function);
}

/* ---- statements ---- */

int registry_run(struct registry *registry, enum statement which, const int64_t *number,
                 const char *verb, struct err *err)
{
    _cleanup_(statement_resetp) sqlite3_stmt *statement = registry->statement[which];

    if (number && sqlite3_bind_int64(statement, 1, *number) != SQLITE_OK)
        return registry_failed(registry, err, verb);
    if (sqlite3_step(statement) != SQLITE_DONE)
        return registry_failed(registry, err, verb);
    return 0;
}

int registry_finish(struct registry *registry, int result, const char *verb, struct err *err)
{
    if (result >= 0) {
        int r = registry_run(registry, STATEMENT_COMMIT, NULL, verb, err);
        if (r == 0)
            return result;
        result = r;
    }
    if (!sqlite3_get_autocommit(registry->db))
        registry_run(registry, STATEMENT_ROLLBACK, NULL, verb, NULL);
    return result;
}

/* ---- uids ---- */

/* The first uid in [from, to] that nobody has, or 0. */
static int uid_search(struct registry *registry, uid_t from, uid_t to, uid_t *ret_uid,
                      struct err *err)
{
    _cleanup_(statement_resetp) sqlite3_stmt *statement = registry->statement[STATEMENT_UIDS_TAKEN];
    uint64_t candidate = from;
    int r;

    sqlite3_bind_int64(statement, 1, from);
    sqlite3_bind_int64(statement, 2, to);
    while ((r = sqlite3_step(statement)) == SQLITE_ROW) {
        if ((uint64_t)sqlite3_column_int64(statement, 0) != candidate)
            break;
        candidate++;
    }
    if (r != SQLITE_ROW && r != SQLITE_DONE)
        return registry_failed(registry, err, "read");
    *ret_uid = candidate <= to ? (uid_t)candidate : 0;
    return 0;
}

/*
 * The next free uid after the one given last, round the range: a uid rests as long as it can, and
 * the search looks at few rows.
 */
static int uid_allocate(struct registry *registry, uid_t *ret_uid, struct err *err)
{
    uid_t cursor = registry->uid_first, uid = 0;

    {
        _cleanup_(statement_resetp) sqlite3_stmt *statement = registry->statement[STATEMENT_CURSOR];
        if (sqlite3_step(statement) != SQLITE_ROW)
            return registry_failed(registry, err, "read");
        int64_t stored = sqlite3_column_int64(statement, 0);
        if (stored >= registry->uid_first && stored <= registry->uid_last)
            cursor = (uid_t)stored;
    }
    int r = uid_search(registry, cursor, registry->uid_last, &uid, err);
    if (r == 0 && uid == 0 && cursor > registry->uid_first)
        r = uid_search(registry, registry->uid_first, cursor - 1, &uid, err);
    if (r < 0)
        return r;
    if (uid == 0)
        return err_say(err, -ENOSPC,
                       "cannot give the function a uid: all %u are in use or wait for their purge",
                       registry->uid_last - registry->uid_first + 1);
    r = registry_run(registry, STATEMENT_CURSOR_SET, &(int64_t){(int64_t)uid + 1}, "write", err);
    if (r == 0)
        *ret_uid = uid;
    return r;
}

int registry_uid_purged(struct registry *registry, uid_t uid, struct err *err)
{
    int r = registry_run(registry, STATEMENT_PURGED, &(int64_t){uid}, "write", err);

    if (r == 0 && sqlite3_changes(registry->db) == 0)
        return err_say(err, -ENOENT, "cannot free uid %u: it does not wait for its purge", uid);
    return r;
}

int registry_uids_waiting(struct registry *registry, uid_t *ret_uids, size_t max, struct err *err)
{
    _cleanup_(statement_resetp) sqlite3_stmt *statement = registry->statement[STATEMENT_WAITING];
    size_t count = 0;
    int r;

    if (max > INT_MAX)
        max = INT_MAX;
    sqlite3_bind_int64(statement, 1, (int64_t)max);
    while ((r = sqlite3_step(statement)) == SQLITE_ROW && count < max)
        ret_uids[count++] = (uid_t)sqlite3_column_int64(statement, 0);
    if (r != SQLITE_DONE && r != SQLITE_ROW)
        return registry_failed(registry, err, "read");
    return (int)count;
}

/* ---- functions ---- */

static bool name_is_valid(const char *name)
{
    size_t length = strnlen(name, NAME_MAX_BYTES + 1);

    if (length == 0 || length > NAME_MAX_BYTES || name[0] == '-')
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

static int function_check(const struct registry_function *function, struct err *err)
{
    if (!name_is_valid(function->name))
        return err_say(err, -EINVAL, "cannot register a function: its name is not valid");
    if (!function->manifest ||
        strnlen(function->manifest, MANIFEST_MAX_BYTES + 1) > MANIFEST_MAX_BYTES)
        return err_say(err, -EINVAL, "cannot register '%s': its manifest is missing or too long",
                       function->name);
    return 0;
}

/* What a function of that name has and keeps. -ENOENT, without a message: it is new. */
static int kept_read(struct registry *registry, const char *name,
                     struct registry_function *function, struct err *err)
{
    _cleanup_(statement_resetp) sqlite3_stmt *statement = registry->statement[STATEMENT_FIND];

    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    int r = sqlite3_step(statement);
    if (r == SQLITE_DONE)
        return -ENOENT;
    if (r != SQLITE_ROW)
        return registry_failed(registry, err, "read");
    function->id = (uint32_t)sqlite3_column_int64(statement, 0);
    function->uid = (uid_t)sqlite3_column_int64(statement, 1);
    function->created_at = sqlite3_column_int64(statement, 2);
    function->may_own_files |= sqlite3_column_int(statement, 3) != 0;
    return 0;
}

/* Both statements begin with the same parameters; UPDATE has no more. */
static int function_write(struct registry *registry, enum statement which,
                          const struct registry_function *function, struct err *err)
{
    _cleanup_(statement_resetp) sqlite3_stmt *statement = registry->statement[which];
    const char *const texts[] = {function->version, function->library_hash, function->source_hash,
                                 function->safety, function->kind};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        sqlite3_bind_text(statement, (int)i + 1, texts[i], -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 6, function->updated_at);
    sqlite3_bind_text(statement, 7, function->manifest, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 8, function->name, -1, SQLITE_STATIC);
    sqlite3_bind_int(statement, 9, function->may_own_files);
    if (which == STATEMENT_INSERT) {
        sqlite3_bind_int64(statement, 10, function->uid);
        sqlite3_bind_int64(statement, 11, function->created_at);
    }
    return sqlite3_step(statement) == SQLITE_DONE ? 0 : registry_failed(registry, err, "write");
}

int registry_row_write(struct registry *registry, const struct registry_function *function,
                       struct err *err)
{
    return function_write(registry, STATEMENT_UPDATE, function, err);
}

/* Inside a transaction: a function that is not there yet. */
static int function_add(struct registry *registry, struct registry_function *function,
                        struct err *err)
{
    {
        _cleanup_(statement_resetp) sqlite3_stmt *statement = registry->statement[STATEMENT_COUNT];
        if (sqlite3_step(statement) != SQLITE_ROW)
            return registry_failed(registry, err, "read");
        if (sqlite3_column_int64(statement, 0) >= FUNCTIONS_MAX)
            return err_say(err, -E2BIG, "cannot register '%s': there are %d functions already",
                           function->name, FUNCTIONS_MAX);
    }
    int r = uid_allocate(registry, &function->uid, err);
    if (r == 0)
        r = function_write(registry, STATEMENT_INSERT, function, err);
    if (r < 0)
        return r;
    int64_t id = sqlite3_last_insert_rowid(registry->db);
    if (id <= 0 || id > UINT32_MAX)
        return err_say(err, -E2BIG, "cannot register '%s': no id is left", function->name);
    function->id = (uint32_t)id;
    return 0;
}

int registry_put(struct registry *registry, struct registry_function *function, struct err *err)
{
    struct registry_function next = *function;

    int r = function_check(function, err);
    if (r == 0)
        r = registry_run(registry, STATEMENT_BEGIN, NULL, "write", err);
    if (r < 0)
        return r;
    next.updated_at = time(NULL);
    next.created_at = next.updated_at;
    r = kept_read(registry, next.name, &next, err);
    if (r == 0) {
        r = registry_version_keep(registry, &next, err);
        if (r == 0)
            r = function_write(registry, STATEMENT_UPDATE, &next, err);
    } else if (r == -ENOENT) {
        r = function_add(registry, &next, err);
    }
    r = registry_finish(registry, r, "write", err);
    if (r == 0)
        *function = next;
    return r;
}

int registry_remove(struct registry *registry, const char *name, uint32_t *ret_id, uid_t *ret_uid,
                    struct err *err)
{
    struct registry_function kept = {0};

    int r = registry_run(registry, STATEMENT_BEGIN, NULL, "write", err);
    if (r < 0)
        return r;
    r = kept_read(registry, name, &kept, err);
    if (r == -ENOENT)
        err_say(err, r, "cannot remove '%.63s': no such function", name);
    if (r == 0)
        r = registry_run(registry, STATEMENT_WAIT, &(int64_t){kept.uid}, "write", err);
    if (r == 0)
        r = registry_run(registry, STATEMENT_FORGET, &(int64_t){kept.id}, "write", err);
    if (r == 0) {
        _cleanup_(statement_resetp) sqlite3_stmt *statement = registry->statement[STATEMENT_DELETE];
        sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
        r = sqlite3_step(statement) == SQLITE_DONE ? 0 : registry_failed(registry, err, "write");
    }
    r = registry_finish(registry, r, "write", err);
    if (r < 0)
        return r;
    *ret_id = kept.id;
    *ret_uid = kept.uid;
    return 0;
}

/* Copies a text of a row; false: it is longer than what we ever write. */
static bool text_copy(sqlite3_stmt *row, int column, char *to, size_t size)
{
    const char *text = (const char *)sqlite3_column_text(row, column);
    size_t length = (size_t)sqlite3_column_bytes(row, column);

    if (!text || length >= size || strlen(text) != length)
        return false;
    memcpy(to, text, length + 1);
    return true;
}

int registry_row_read(struct registry *registry, sqlite3_stmt *row,
                      struct registry_function *ret_function, struct err *err)
{
    struct registry_function f = {0};
    int64_t id = sqlite3_column_int64(row, 0);
    int64_t uid = sqlite3_column_int64(row, 7);
    const char *manifest = (const char *)sqlite3_column_text(row, 10);

    /* A file that is whole for SQLite may still hold what we never wrote. */
    if (!text_copy(row, 1, f.name, sizeof f.name) || !name_is_valid(f.name) ||
        !text_copy(row, 2, f.version, sizeof f.version) ||
        !text_copy(row, 3, f.library_hash, sizeof f.library_hash) ||
        !text_copy(row, 4, f.source_hash, sizeof f.source_hash) ||
        !text_copy(row, 5, f.safety, sizeof f.safety) ||
        !text_copy(row, 6, f.kind, sizeof f.kind) || !manifest ||
        sqlite3_column_bytes(row, 10) > MANIFEST_MAX_BYTES || id <= 0 || id > UINT32_MAX ||
        uid <= 0 || uid >= UINT32_MAX)
        return registry_damaged(registry, err, "a function's row is not one of ours");
    f.id = (uint32_t)id;
    f.uid = (uid_t)uid;
    f.created_at = sqlite3_column_int64(row, 8);
    f.updated_at = sqlite3_column_int64(row, 9);
    f.may_own_files = sqlite3_column_int(row, 11) != 0;
    f.manifest = strdup(manifest);
    if (!f.manifest)
        return err_set(err, -ENOMEM, "cannot read registry '%s'", registry->path);
    *ret_function = f;
    return 0;
}

int registry_get(struct registry *registry, const char *name,
                 struct registry_function *ret_function, struct err *err)
{
    _cleanup_(statement_resetp) sqlite3_stmt *statement = registry->statement[STATEMENT_GET];

    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    int r = sqlite3_step(statement);
    if (r == SQLITE_DONE)
        return err_say(err, -ENOENT, "cannot find function '%.63s'", name);
    if (r != SQLITE_ROW)
        return registry_failed(registry, err, "read");
    return registry_row_read(registry, statement, ret_function, err);
}

int registry_rows_each(struct registry *registry, sqlite3_stmt *statement,
                       int (*each)(const struct registry_function *function, void *user),
                       void *user, struct err *err)
{
    int step;

    while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
        _cleanup_(registry_function_clear) struct registry_function function = {0};
        int r = registry_row_read(registry, statement, &function, err);
        if (r == 0)
            r = each(&function, user);
        if (r != 0)
            return r;
    }
    return step == SQLITE_DONE ? 0 : registry_failed(registry, err, "read");
}

int registry_each(struct registry *registry,
                  int (*each)(const struct registry_function *function, void *user), void *user,
                  struct err *err)
{
    _cleanup_(statement_resetp) sqlite3_stmt *statement = registry->statement[STATEMENT_EACH];

    return registry_rows_each(registry, statement, each, user, err);
}
