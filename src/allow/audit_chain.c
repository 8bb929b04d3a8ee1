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
#include "base/log.h"

#define HASH_BYTES crypto_hash_sha256_BYTES

/* Each part with its length: no two rows have the same bytes. */
static void part(crypto_hash_sha256_state *state, const void *data, size_t bytes)
{
    const uint64_t length = bytes;

    crypto_hash_sha256_update(state, (const uint8_t *)&length, sizeof length);
    crypto_hash_sha256_update(state, data, bytes);
}

static void row_hash(const uint8_t previous[HASH_BYTES], int64_t number, int64_t time_ms,
                     const char *kind, const char *entry, const char *detail,
                     uint8_t ret_hash[HASH_BYTES])
{
    crypto_hash_sha256_state state;

    crypto_hash_sha256_init(&state);
    part(&state, previous, HASH_BYTES);
    part(&state, &number, sizeof number);
    part(&state, &time_ms, sizeof time_ms);
    part(&state, kind, strlen(kind));
    part(&state, entry, strlen(entry));
    part(&state, detail, strlen(detail));
    crypto_hash_sha256_final(&state, ret_hash);
}

/* The last row; number 0 and zeroes when there is none. */
static int last(struct audit *audit, int64_t *ret_number, uint8_t ret_hash[HASH_BYTES],
                struct err *err)
{
    _cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
    int r = audit_prepare(audit, "SELECT number, hash FROM decisions ORDER BY number DESC LIMIT 1",
                          &statement, err);

    if (r < 0)
        return r;
    *ret_number = 0;
    memset(ret_hash, 0, HASH_BYTES);
    int step = sqlite3_step(statement);
    if (step == SQLITE_DONE)
        return 0;
    if (step != SQLITE_ROW || sqlite3_column_bytes(statement, 1) != HASH_BYTES)
        return audit_failed(audit, err, "read");
    *ret_number = sqlite3_column_int64(statement, 0);
    memcpy(ret_hash, sqlite3_column_blob(statement, 1), HASH_BYTES);
    return 0;
}

int audit_decide(struct audit *audit, const char *kind, const char *entry, const char *detail,
                 struct err *err)
{
    _cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
    uint8_t previous[HASH_BYTES], hash[HASH_BYTES];
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
    row_hash(previous, ++number, time_ms, kind, entry, detail, hash);
    sqlite3_bind_int64(statement, 1, number);
    sqlite3_bind_int64(statement, 2, time_ms);
    sqlite3_bind_text(statement, 3, kind, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 4, entry, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 5, detail, -1, SQLITE_STATIC);
    sqlite3_bind_blob(statement, 6, hash, HASH_BYTES, SQLITE_STATIC);
    r = audit_run(audit, statement, err);
    if (r < 0)
        return r;
    sodium_bin2hex(text, sizeof text, hash, HASH_BYTES);
    log_line(LOG_NOTICE, "allow-list: %s '%s': %s; audit head %" PRId64 ":%s", kind, entry, detail,
             number, text);
    return 0;
}

struct walk {
    const char *head; /* that must be met; NULL: none */
    bool met;
    int64_t number;
    uint8_t hash[HASH_BYTES];
};

static int altered(const struct audit *audit, int64_t number, const char *how, struct err *err)
{
    return err_say(err, -EBADMSG, "cannot trust '%s': decision %" PRId64 " %s", audit->path, number,
                   how);
}

/* Compares one row with the chain so far. */
static int walk_row(struct audit *audit, sqlite3_stmt *statement, struct walk *walk,
                    struct err *err)
{
    char text[AUDIT_HASH_TEXT], head[32 + AUDIT_HASH_TEXT];
    uint8_t hash[HASH_BYTES];
    const char *texts[3];
    int64_t number = sqlite3_column_int64(statement, 0);

    for (int i = 0; i < 3; i++) {
        texts[i] = (const char *)sqlite3_column_text(statement, 2 + i);
        if (!texts[i])
            return altered(audit, number, "was altered", err);
    }
    if (number != walk->number + 1)
        return altered(audit, walk->number + 1, "is missing", err);
    row_hash(walk->hash, number, sqlite3_column_int64(statement, 1), texts[0], texts[1], texts[2],
             hash);
    if (sqlite3_column_bytes(statement, 5) != HASH_BYTES ||
        memcmp(sqlite3_column_blob(statement, 5), hash, HASH_BYTES) != 0)
        return altered(audit, number, "was altered", err);
    walk->number = number;
    memcpy(walk->hash, hash, HASH_BYTES);
    sodium_bin2hex(text, sizeof text, hash, HASH_BYTES);
    snprintf(head, sizeof head, "%" PRId64 ":%s", number, text);
    walk->met |= walk->head && strcmp(walk->head, head) == 0;
    return 0;
}

int audit_check(struct audit *audit, const char *head, char **ret_json, struct err *err)
{
    _cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
    struct walk walk = {.head = head};
    char text[AUDIT_HASH_TEXT];
    int step;

    int r = audit_prepare(
        audit, "SELECT number, time_ms, kind, entry, detail, hash FROM decisions ORDER BY number",
        &statement, err);
    while (r == 0 && (step = sqlite3_step(statement)) != SQLITE_DONE) {
        if (step != SQLITE_ROW)
            return audit_failed(audit, err, "read");
        r = walk_row(audit, statement, &walk, err);
    }
    if (r < 0)
        return r;
    /* A chain that was written anew is whole; the journal's head is not in it. */
    if (head && !walk.met)
        return err_say(err, -EBADMSG,
                       "cannot trust '%s': it has no decision %.100s: decisions were removed or "
                       "written anew",
                       audit->path, head);
    sodium_bin2hex(text, sizeof text, walk.hash, HASH_BYTES);
    if (asprintf(ret_json, "{\"decisions\": %" PRId64 ", \"head\": \"%" PRId64 ":%s\"}\n",
                 walk.number, walk.number, text) < 0)
        return err_set(err, -ENOMEM, "cannot check the audit");
    return 0;
}
