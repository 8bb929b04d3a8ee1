/* The audit's file, the counts in it, and which entries are allowed. */
#include "allow/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allow/audit_internal.h"
#include "base/clock.h"
#include "base/log.h"

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS counts (function TEXT NOT NULL, entry TEXT NOT NULL,"
    " uses INTEGER NOT NULL, denied INTEGER NOT NULL, limited INTEGER NOT NULL,"
    " trapped INTEGER NOT NULL, used_ms INTEGER NOT NULL, since INTEGER NOT NULL,"
    " PRIMARY KEY (function, entry)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS decisions (number INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL,"
    " kind TEXT NOT NULL, entry TEXT NOT NULL, detail TEXT NOT NULL, hash BLOB NOT NULL) STRICT;"
    "CREATE INDEX IF NOT EXISTS decisions_entry ON decisions (entry, number);"
    "CREATE TRIGGER IF NOT EXISTS decisions_stay BEFORE DELETE ON decisions"
    " BEGIN SELECT RAISE(ABORT, 'decisions are only added'); END;"
    "CREATE TRIGGER IF NOT EXISTS decisions_are BEFORE UPDATE ON decisions"
    " BEGIN SELECT RAISE(ABORT, 'decisions are only added'); END;"
    "CREATE TABLE IF NOT EXISTS proposals (id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " entry TEXT NOT NULL, action TEXT NOT NULL, reason TEXT NOT NULL, nonce TEXT NOT NULL,"
    " opened_ms INTEGER NOT NULL, deadline_ms INTEGER NOT NULL, quorum INTEGER NOT NULL,"
    " state TEXT NOT NULL) STRICT;"
    /* One a key, whatever the configuration calls who has it. */
    "CREATE TABLE IF NOT EXISTS ballots (proposal INTEGER NOT NULL, key TEXT NOT NULL,"
    " voter TEXT NOT NULL, yes INTEGER NOT NULL, reason TEXT NOT NULL, signature TEXT NOT NULL,"
    " PRIMARY KEY (proposal, key)) STRICT, WITHOUT ROWID;";

/* ---- SQLite ---- */

int audit_failed(struct audit *audit, struct err *err, const char *verb)
{
    int code = sqlite3_errcode(audit->db) & 0xff;

    return err_say(err,
                   code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? -EBADMSG
                   : code == SQLITE_FULL                           ? -ENOSPC
                   : code == SQLITE_BUSY                           ? -EBUSY
                                                                   : -EIO,
                   "cannot %s the audit '%s': %s", verb, audit->path, sqlite3_errmsg(audit->db));
}

int audit_prepare(struct audit *audit, const char *sql, sqlite3_stmt **ret_statement,
                  struct err *err)
{
    if (sqlite3_prepare_v2(audit->db, sql, -1, ret_statement, NULL) != SQLITE_OK)
        return audit_failed(audit, err, "read");
    return 0;
}

int audit_run(struct audit *audit, sqlite3_stmt *statement, struct err *err)
{
    return sqlite3_step(statement) == SQLITE_DONE ? 0 : audit_failed(audit, err, "write");
}

int audit_text(struct audit *audit, sqlite3_stmt *statement, char **ret_text, struct err *err)
{
    if (sqlite3_step(statement) != SQLITE_ROW)
        return audit_failed(audit, err, "read");
    const char *text = (const char *)sqlite3_column_text(statement, 0);
    *ret_text = strdup(text ? text : "");
    return *ret_text ? 0 : err_set(err, -ENOMEM, "cannot read the audit");
}

int audit_begin(struct audit *audit, struct err *err)
{
    if (sqlite3_exec(audit->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
        return audit_failed(audit, err, "write");
    return 0;
}

int audit_end(struct audit *audit, int result, struct err *err)
{
    if (result >= 0 && sqlite3_exec(audit->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
        result = audit_failed(audit, err, "write");
    if (result < 0)
        sqlite3_exec(audit->db, "ROLLBACK", NULL, NULL, NULL);
    /* What did not come into the record is no head that the journal may have. */
    for (char *line = result < 0 ? NULL : audit->said, *end; line && *line; line = end + 1) {
        end = strchr(line, '\n');
        log_line(LOG_NOTICE, "%.*s", (int)(end - line), line);
    }
    free(audit->said);
    audit->said = NULL;
    return result;
}

DEFINE_CLEANUP(struct audit, audit_close)

int audit_open(const char *state_dir, const struct audit_rules *rules, struct audit **ret_audit,
               struct err *err)
{
    _cleanup_(audit_closep) struct audit *audit = calloc(1, sizeof *audit);

    if (!audit)
        return err_set(err, -ENOMEM, "cannot open the audit");
    audit->rules = *rules;
    snprintf(audit->path, sizeof audit->path, "%s/audit.db", state_dir);
    /* SQLite would make it 0644. Closed before SQLite opens it: fcntl(2) locks. */
    int fd = open(audit->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_set(err, -errno, "cannot open '%s'", audit->path);
    close(fd);
    if (sqlite3_open_v2(audit->path, &audit->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW,
                        NULL) != SQLITE_OK)
        return audit_failed(audit, err, "open");
    sqlite3_db_config(audit->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(audit->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_busy_timeout(audit->db, 200);
    if (sqlite3_exec(audit->db,
                     "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                     "PRAGMA cell_size_check = ON",
                     NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(audit->db, schema, NULL, NULL, NULL) != SQLITE_OK)
        return audit_failed(audit, err, "open");
    audit->data_version = -1;
    *ret_audit = steal_ptr(&audit);
    return 0;
}

void audit_close(struct audit *audit)
{
    if (!audit)
        return;
    sqlite3_close(audit->db);
    free(audit->said);
    free(audit);
}

/* ---- what is allowed ---- */

int audit_state(struct audit *audit, const struct allow_entry *entry, bool *ret_allowed,
                char *ret_reason, size_t size, struct err *err)
{
    _cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
    bool whole = audit_is_whole(audit);

    /* Of a record that was altered only what takes away is believed. */
    int r = audit_prepare(audit,
                          "SELECT kind, detail FROM decisions WHERE entry = ?1 AND kind IN"
                          " ('demoted', 'removed', iif(?2, 'allowed', 'demoted'))"
                          " ORDER BY number DESC LIMIT 1",
                          &statement, err);
    if (r < 0)
        return r;
    *ret_allowed = entry->layer != ALLOW_RISKY;
    snprintf(ret_reason, size, "%s",
             *ret_allowed ? ""
             : whole      ? "no vote has allowed it"
                          : "the record of decisions was altered (vireo audit --check)");
    sqlite3_bind_text(statement, 1, entry->name, -1, SQLITE_STATIC);
    sqlite3_bind_int(statement, 2, whole);
    int step = sqlite3_step(statement);
    if (step == SQLITE_DONE)
        return 0;
    if (step != SQLITE_ROW)
        return audit_failed(audit, err, "read");
    const char *kind = (const char *)sqlite3_column_text(statement, 0);
    *ret_allowed = strcmp(kind, "allowed") == 0;
    snprintf(ret_reason, size, "%s: %s", kind, (const char *)sqlite3_column_text(statement, 1));
    return 0;
}

int audit_allowed(struct audit *audit, uint32_t *ret_bits, struct err *err)
{
    char reason[512];
    uint32_t bits = 0;

    for (enum allow_served served = 0; served < ALLOW_SERVED; served++) {
        bool allowed;
        int r = audit_state(audit, allow_find(allow_served_name(served)), &allowed, reason,
                            sizeof reason, err);
        if (r < 0)
            return r;
        bits |= (uint32_t)allowed << served;
    }
    *ret_bits = bits;
    return 0;
}

/* ---- counts ---- */

/* Events of an entry since it was last allowed, of each function at most `most`, and of how many
 * functions. */
static int events(struct audit *audit, const char *entry, int64_t most, int64_t *ret_events,
                  int64_t *ret_functions, struct err *err)
{
    _cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
    int r = audit_prepare(audit,
                          "SELECT total(min(denied + limited + trapped, ?2)), count(*) FROM counts"
                          " WHERE entry = ?1 AND denied + limited + trapped > 0 AND since = "
                          "(SELECT coalesce(max(number), 0) FROM decisions WHERE entry = ?1"
                          " AND kind = 'allowed')",
                          &statement, err);

    if (r < 0)
        return r;
    sqlite3_bind_text(statement, 1, entry, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, most);
    if (sqlite3_step(statement) != SQLITE_ROW)
        return audit_failed(audit, err, "read");
    *ret_events = sqlite3_column_int64(statement, 0);
    *ret_functions = sqlite3_column_int64(statement, 1);
    return 0;
}

static int demote_past_threshold(struct audit *audit, const struct allow_entry *entry,
                                 struct err *err)
{
    char reason[512], detail[160];
    int64_t sum = 0, functions = 0;
    bool allowed;

    if (audit->rules.demote_events == 0)
        return 0;
    /* Its share of the threshold is all that counts of one function: who makes events on purpose
     * must not take an entry from others, with a few of whom it went wrong once. */
    const int64_t least = audit->rules.demote_functions ? audit->rules.demote_functions : 1;
    const int64_t most = (audit->rules.demote_events + least - 1) / least;
    int r = audit_state(audit, entry, &allowed, reason, sizeof reason, err);
    if (r == 0 && allowed)
        r = events(audit, entry->name, most, &sum, &functions, err);
    if (r < 0 || !allowed || sum < (int64_t)audit->rules.demote_events ||
        functions < (int64_t)audit->rules.demote_functions)
        return r;
    snprintf(detail, sizeof detail,
             "%" PRId64 " events of %" PRId64 " functions, the threshold is %u of %u", sum,
             functions, audit->rules.demote_events, audit->rules.demote_functions);
    return audit_demote_now(audit, entry->name, detail, err);
}

static int add(struct audit *audit, const char *function, const char *entry,
               const struct audit_use *use, struct err *err)
{
    /* Events before the entry was last allowed are not counted against it again. */
    static const char sql[] =
        "INSERT INTO counts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, (SELECT coalesce(max(number), 0)"
        " FROM decisions WHERE entry = ?2 AND kind = 'allowed'))"
        " ON CONFLICT (function, entry) DO UPDATE SET uses = uses + ?3,"
        " denied = iif(since = excluded.since, denied, 0) + ?4,"
        " limited = iif(since = excluded.since, limited, 0) + ?5,"
        " trapped = iif(since = excluded.since, trapped, 0) + ?6, since = excluded.since,"
        " used_ms = iif(?3 > 0, ?7, used_ms)";
    _cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;

    int r = audit_prepare(audit, sql, &statement, err);
    if (r < 0)
        return r;
    sqlite3_bind_text(statement, 1, function, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, entry, -1, SQLITE_STATIC);
    const uint64_t numbers[] = {use->uses, use->denied, use->limited, use->trapped,
                                (uint64_t)clock_wall_ms()};
    for (int i = 0; i < 5; i++)
        sqlite3_bind_int64(statement, 3 + i, (sqlite3_int64)numbers[i]);
    return audit_run(audit, statement, err);
}

int audit_count(struct audit *audit, const char *function, const char *entry,
                const struct audit_use *use, struct err *err)
{
    const struct allow_entry *known = allow_find(entry);

    int r = audit_begin(audit, err);
    if (r < 0)
        return r;
    r = add(audit, function, entry, use, err);
    /* What is no entry (a system call, a trap) has nothing to be demoted, nor what is part of
     * vireo.
     */
    if (r == 0 && known && known->layer >= ALLOW_PLATFORM &&
        use->denied + use->limited + use->trapped > 0)
        r = demote_past_threshold(audit, known, err);
    return audit_end(audit, r, err);
}

int audit_forget(struct audit *audit, const char *function, struct err *err)
{
    _cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
    int r = audit_prepare(audit, "DELETE FROM counts WHERE function = ?", &statement, err);

    if (r < 0)
        return r;
    sqlite3_bind_text(statement, 1, function, -1, SQLITE_STATIC);
    return audit_run(audit, statement, err);
}

int audit_users(struct audit *audit, const char *entry,
                void (*each)(const char *function, void *user), void *user, char *ret_reason,
                size_t size, struct err *err)
{
    _cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
    bool allowed;
    int step;

    int r = audit_state(audit, allow_find(entry), &allowed, ret_reason, size, err);
    if (r == 0)
        r = audit_prepare(audit, "SELECT function FROM counts WHERE entry = ? AND uses > denied",
                          &statement, err);
    if (r < 0)
        return r;
    sqlite3_bind_text(statement, 1, entry, -1, SQLITE_STATIC);
    while ((step = sqlite3_step(statement)) == SQLITE_ROW)
        each((const char *)sqlite3_column_text(statement, 0), user);
    return step == SQLITE_DONE ? 0 : audit_failed(audit, err, "read");
}
