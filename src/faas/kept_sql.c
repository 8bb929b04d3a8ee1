/*
 * A function's own SQL. What it can do is bounded before it runs: the authorizer refuses what
 * reaches beyond its tables, limits bound the size of everything, the progress handler ends a
 * statement that computes for too long. Parameters are bound, never pasted: a value is no SQL.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "faas/kept_internal.h"
#include "guest/platform.h"

/* Some tenths of a second of SQLite's virtual machine. */
#define STEPS_MAX 20000000
#define STEPS_EACH 100000
#define PARAMS_MAX 256
#define COLUMNS_MAX 256

static const struct {
    int limit, most;
} limits[] = {
    {SQLITE_LIMIT_LENGTH, 1 << 20},          {SQLITE_LIMIT_SQL_LENGTH, PLATFORM_TEXT_MAX},
    {SQLITE_LIMIT_COLUMN, COLUMNS_MAX},      {SQLITE_LIMIT_EXPR_DEPTH, 100},
    {SQLITE_LIMIT_COMPOUND_SELECT, 20},      {SQLITE_LIMIT_VDBE_OP, 25000},
    {SQLITE_LIMIT_FUNCTION_ARG, 32},         {SQLITE_LIMIT_ATTACHED, 0},
    {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 256}, {SQLITE_LIMIT_VARIABLE_NUMBER, PARAMS_MAX},
    {SQLITE_LIMIT_TRIGGER_DEPTH, 8},         {SQLITE_LIMIT_WORKER_THREADS, 0},
};

/* Actions of which a function's statement may consist. All others, of later versions too, are
 * refused. */
static int authorize(void *user, int action, const char *first, const char *second,
                     const char *database, const char *trigger)
{
    (void)user;
    (void)first;
    (void)database;
    (void)trigger;
    switch (action) {
    case SQLITE_CREATE_INDEX:
    case SQLITE_CREATE_TABLE:
    case SQLITE_CREATE_TRIGGER:
    case SQLITE_CREATE_VIEW:
    case SQLITE_DELETE:
    case SQLITE_DROP_INDEX:
    case SQLITE_DROP_TABLE:
    case SQLITE_DROP_TRIGGER:
    case SQLITE_DROP_VIEW:
    case SQLITE_INSERT:
    case SQLITE_READ:
    case SQLITE_SELECT:
    case SQLITE_UPDATE:
    case SQLITE_ALTER_TABLE:
    case SQLITE_REINDEX:
    case SQLITE_RECURSIVE:
        return SQLITE_OK;
    case SQLITE_FUNCTION:
        return second && (strcmp(second, "load_extension") == 0 ||
                          strcmp(second, "fts3_tokenizer") == 0)
                   ? SQLITE_DENY
                   : SQLITE_OK;
    default: /* ATTACH, DETACH, PRAGMA, TRANSACTION, SAVEPOINT, *_VTABLE, *_TEMP_*, ANALYZE */
        return SQLITE_DENY;
    }
}

static int count_steps(void *user)
{
    unsigned *rounds = user;

    return ++*rounds > STEPS_MAX / STEPS_EACH;
}

static int tables(struct kept *kept, sqlite3 **ret_db)
{
    int r = kept_database(kept, KEPT_TABLES, ret_db);

    if (r < 0 || kept->guarded)
        return r;
    for (size_t i = 0; i < ARRAY_LEN(limits); i++)
        sqlite3_limit(*ret_db, limits[i].limit, limits[i].most);
    sqlite3_db_config(*ret_db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
    sqlite3_db_config(*ret_db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(*ret_db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    sqlite3_set_authorizer(*ret_db, authorize, NULL);
    kept->guarded = true;
    return 0;
}

/* ---- parameters ---- */

struct reader {
    const uint8_t *at, *end;
};

static bool take(struct reader *reader, void *to, size_t bytes)
{
    if ((size_t)(reader->end - reader->at) < bytes)
        return false;
    memcpy(to, reader->at, bytes);
    reader->at += bytes;
    return true;
}

/* Binds the next one: SQLITE_OK, or -EINVAL. */
static int bind_one(sqlite3_stmt *statement, int at, struct reader *reader)
{
    uint32_t bytes;
    int64_t integer;
    double real;
    char tag;

    if (!take(reader, &tag, 1))
        return -EINVAL;
    switch (tag) {
    case 'n':
        return sqlite3_bind_null(statement, at);
    case 'i':
        if (!take(reader, &integer, sizeof integer))
            return -EINVAL;
        return sqlite3_bind_int64(statement, at, integer);
    case 'd':
        if (!take(reader, &real, sizeof real))
            return -EINVAL;
        return sqlite3_bind_double(statement, at, real);
    case 't':
    case 'b':
        if (!take(reader, &bytes, sizeof bytes) || (size_t)(reader->end - reader->at) < bytes)
            return -EINVAL;
        reader->at += bytes;
        if (tag == 't')
            return sqlite3_bind_text(statement, at, (const char *)reader->at - bytes, (int)bytes,
                                     SQLITE_STATIC);
        return sqlite3_bind_blob(statement, at, bytes ? (const char *)reader->at - bytes : "",
                                 (int)bytes, SQLITE_STATIC);
    default:
        return -EINVAL;
    }
}

static int bind_all(sqlite3_stmt *statement, const uint8_t *params, size_t bytes)
{
    struct reader reader = {params, params + bytes};
    int count = sqlite3_bind_parameter_count(statement);

    for (int i = 1; i <= count; i++) {
        int r = bind_one(statement, i, &reader);
        if (r != SQLITE_OK)
            return r < 0 ? r : -EINVAL;
    }
    return reader.at == reader.end ? 0 : -EINVAL;
}

/* ---- rows ---- */

struct writer {
    uint8_t *at, *end;
};

static bool put(struct writer *writer, const void *data, size_t bytes)
{
    if ((size_t)(writer->end - writer->at) < bytes)
        return false;
    if (bytes > 0)
        memcpy(writer->at, data, bytes);
    writer->at += bytes;
    return true;
}

static bool put_cell(struct writer *writer, sqlite3_stmt *statement, int column)
{
    int64_t integer;
    double real;
    uint32_t bytes;

    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
        integer = sqlite3_column_int64(statement, column);
        return put(writer, "i", 1) && put(writer, &integer, sizeof integer);
    case SQLITE_FLOAT:
        real = sqlite3_column_double(statement, column);
        return put(writer, "d", 1) && put(writer, &real, sizeof real);
    case SQLITE_TEXT:
    case SQLITE_BLOB:
        bytes = (uint32_t)sqlite3_column_bytes(statement, column);
        return put(writer, sqlite3_column_type(statement, column) == SQLITE_TEXT ? "t" : "b", 1) &&
               put(writer, &bytes, sizeof bytes) &&
               put(writer, sqlite3_column_blob(statement, column), bytes);
    default:
        return put(writer, "n", 1);
    }
}

static int rows(sqlite3 *db, sqlite3_stmt *statement, uint8_t *to, size_t room)
{
    uint32_t head[3] = {(uint32_t)sqlite3_column_count(statement), 0, 0};
    struct writer writer = {to, to + room};
    int before = sqlite3_total_changes(db), step;

    if (!put(&writer, head, sizeof head))
        return -EMSGSIZE;
    while ((step = sqlite3_step(statement)) == SQLITE_ROW) {
        for (uint32_t i = 0; i < head[0]; i++)
            if (!put_cell(&writer, statement, (int)i))
                return -EMSGSIZE;
        head[1]++;
    }
    if (step != SQLITE_DONE)
        return kept_error(db);
    head[2] = (uint32_t)(sqlite3_total_changes(db) - before);
    memcpy(to, head, sizeof head);
    return (int)(writer.at - to);
}

static bool is_blank(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n' || *at == ';'))
        at++;
    return at == end;
}

int kept_sql(struct kept *kept, const char *text, size_t text_bytes, const uint8_t *params,
             size_t params_bytes, uint8_t *to, size_t room)
{
    sqlite3_stmt *statement = NULL;
    unsigned rounds = 0;
    const char *tail;
    sqlite3 *db;

    int r = tables(kept, &db);
    if (r < 0)
        return r;
    sqlite3_progress_handler(db, STEPS_EACH, count_steps, &rounds);
    if (sqlite3_prepare_v2(db, text, (int)text_bytes, &statement, &tail) != SQLITE_OK)
        r = kept_error(db);
    /* One statement: what stands behind it is another, or nonsense. */
    else if (!statement || !is_blank(tail, text + text_bytes))
        r = -EINVAL;
    else
        r = bind_all(statement, params, params_bytes);
    if (r == 0)
        r = rows(db, statement, to, room);
    sqlite3_finalize(statement);
    sqlite3_progress_handler(db, 0, NULL, NULL);
    return r;
}
