/*
 * Decisions: rows that are appended and never changed (triggers refuse it; who has the file can do
 * without triggers, and is found by the hashes). Each row's hash is over the one before and all of
 * its own; the last one's is in the journal, where who alters the table can't reach.
 */
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allow/audit_internal.h"
#include "base/clock.h"

/* Each part with its length: no two rows have the same bytes. */
static void part(crypto_hash_sha256_state *state, const void *data, size_t bytes)
{
    const uint64_t length = bytes;

    crypto_hash_sha256_update(state, (const uint8_t *)&length, sizeof length);
    crypto_hash_sha256_update(state, data, bytes);
}

void audit_row_hash(const uint8_t previous[AUDIT_HASH_BYTES], int64_t number, int64_t time_ms,
                    const char *kind, const char *entry, const char *detail,
                    uint8_t ret_hash[AUDIT_HASH_BYTES])
{
    crypto_hash_sha256_state state;

    crypto_hash_sha256_init(&state);
    part(&state, previous, AUDIT_HASH_BYTES);
    part(&state, &number, sizeof number);
    part(&state, &time_ms, sizeof time_ms);
    part(&state, kind, strlen(kind));
    part(&state, entry, strlen(entry));
    part(&state, detail, strlen(detail));
    crypto_hash_sha256_final(&state, ret_hash);
}

/* The last row; number 0 and zeroes when there is none. */
static int last(struct audit *audit, int64_t *ret_number, uint8_t ret_hash[AUDIT_HASH_BYTES],
                struct err *err)
{
    _cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
    int r = audit_prepare(audit, "SELECT number, hash FROM decisions ORDER BY number DESC LIMIT 1",
                          &statement, err);

    if (r < 0)
        return r;
    *ret_number = 0;
    memset(ret_hash, 0, AUDIT_HASH_BYTES);
    int step = sqlite3_step(statement);
    if (step == SQLITE_DONE)
        return 0;
    if (step != SQLITE_ROW || sqlite3_column_bytes(statement, 1) != AUDIT_HASH_BYTES)
        return audit_failed(audit, err, "read");
    *ret_number = sqlite3_column_int64(statement, 0);
    memcpy(ret_hash, sqlite3_column_blob(statement, 1), AUDIT_HASH_BYTES);
    return 0;
}

int audit_decide(struct audit *audit, const char *kind, const char *entry, const char *detail,
                 struct err *err)
{
    _cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
    uint8_t previous[AUDIT_HASH_BYTES], hash[AUDIT_HASH_BYTES];
    char text[AUDIT_HASH_TEXT];
    int64_t number, time_ms = clock_wall_ms();

    int r = last(audit, &number, previous, err);
    if (r == 0)
        r = audit_prepare(audit,
                          "INSERT INTO decisions (number, time_ms, kind, entry, detail, hash)"
                          " VALUES (?, ?, ?, ?, ?, ?)",
                          &statement, err);
    if (r < 0)
        return r;
    audit_row_hash(previous, ++number, time_ms, kind, entry, detail, hash);
    sqlite3_bind_int64(statement, 1, number);
    sqlite3_bind_int64(statement, 2, time_ms);
    sqlite3_bind_text(statement, 3, kind, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 4, entry, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 5, detail, -1, SQLITE_STATIC);
    sqlite3_bind_blob(statement, 6, hash, AUDIT_HASH_BYTES, SQLITE_STATIC);
    r = audit_run(audit, statement, err);
    if (r < 0)
        return r;
    sodium_bin2hex(text, sizeof text, hash, AUDIT_HASH_BYTES);
    _cleanup_(freep) char *before = audit->said;
    if (asprintf(&audit->said, "%sallow-list: %s '%s': %s; " AUDIT_HEAD_SAID "%" PRId64 ":%s\n",
                 before ? before : "", kind, entry, detail, number, text) < 0) {
        audit->said = NULL;
        return err_set(err, -ENOMEM, "cannot write the audit");
    }
    return 0;
}

int audit_head(struct audit *audit, char ret_head[AUDIT_HEAD_TEXT], struct err *err)
{
    uint8_t hash[AUDIT_HASH_BYTES];
    char text[AUDIT_HASH_TEXT];
    int64_t number;
    int r = last(audit, &number, hash, err);

    if (r < 0)
        return r;
    sodium_bin2hex(text, sizeof text, hash, sizeof hash);
    snprintf(ret_head, AUDIT_HEAD_TEXT, "%" PRId64 ":%s", number, text);
    return 0;
}
