/*
 * Whether the record is what was written: each decision by the hash over it and the one before,
 * proposals and votes by the decisions that tell of them, and these by the voters' signatures.
 */
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allow/audit_internal.h"
#include "base/log.h"

/* ---- decisions ---- */

struct walk {
    const char *head; /* that must be met; NULL: none */
    bool met;
    FILE *heads; /* where all are written; NULL: nowhere */
    int64_t number;
    uint8_t hash[AUDIT_HASH_BYTES];
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
    uint8_t hash[AUDIT_HASH_BYTES];
    const char *texts[3];
    int64_t number = sqlite3_column_int64(statement, 0);

    for (int i = 0; i < 3; i++) {
        texts[i] = (const char *)sqlite3_column_text(statement, 2 + i);
        if (!texts[i] || strlen(texts[i]) != (size_t)sqlite3_column_bytes(statement, 2 + i))
            return altered(audit, number, "was altered", err);
    }
    if (number != walk->number + 1)
        return altered(audit, walk->number + 1, "is missing", err);
    audit_row_hash(walk->hash, number, sqlite3_column_int64(statement, 1), texts[0], texts[1],
                   texts[2], hash);
    if (sqlite3_column_bytes(statement, 5) != AUDIT_HASH_BYTES ||
        memcmp(sqlite3_column_blob(statement, 5), hash, AUDIT_HASH_BYTES) != 0)
        return altered(audit, number, "was altered", err);
    walk->number = number;
    memcpy(walk->hash, hash, AUDIT_HASH_BYTES);
    sodium_bin2hex(text, sizeof text, hash, AUDIT_HASH_BYTES);
    snprintf(head, sizeof head, "%" PRId64 ":%s", number, text);
    walk->met |= walk->head && strcmp(walk->head, head) == 0;
    if (walk->heads)
        fprintf(walk->heads, "%s\"%s\"", number > 1 ? ", " : "", head);
    return 0;
}

static int walk_all(struct audit *audit, struct walk *walk, struct err *err)
{
    _cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
    int step;

    int r = audit_prepare(
        audit, "SELECT number, time_ms, kind, entry, detail, hash FROM decisions ORDER BY number",
        &statement, err);
    while (r == 0 && (step = sqlite3_step(statement)) != SQLITE_DONE) {
        if (step != SQLITE_ROW)
            return audit_failed(audit, err, "read");
        r = walk_row(audit, statement, walk, err);
    }
    return r;
}

/* ---- proposals and votes ---- */

static int proposal_altered(const struct audit *audit, int64_t id, const char *how, struct err *err)
{
    return err_say(err, -EBADMSG, "cannot trust '%s': proposal %" PRId64 " %s", audit->path, id,
                   how);
}

/* How many decisions of a kind begin with this text and have that in them. */
static int decisions_of(struct audit *audit, const char *kind, const char *begin, const char *has,
                        int64_t *ret_count, struct err *err)
{
    _cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;

    int r = audit_prepare(audit,
                          "SELECT count(*) FROM decisions WHERE kind = ?1 AND"
                          " substr(detail, 1, length(?2)) = ?2 AND instr(detail, ?3) > 0",
                          &statement, err);
    if (r < 0)
        return r;
    sqlite3_bind_text(statement, 1, kind, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, begin, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, has, -1, SQLITE_STATIC);
    if (sqlite3_step(statement) != SQLITE_ROW)
        return audit_failed(audit, err, "read");
    *ret_count = sqlite3_column_int64(statement, 0);
    return 0;
}

/* Its end, as the decisions have it, is its state: one of them, or none while it is open. */
static int state_check(struct audit *audit, const struct proposal *proposal, struct err *err)
{
    static const struct {
        const char *kind, *state;
    } ends[] = {{"allowed", "accepted"},
                {"removed", "accepted"},
                {"refused", "refused"},
                {"expired", "expired"},
                {"withdrawn", "withdrawn"}};
    int64_t all = 0, fitting = 0, yes, no;

    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        for (size_t j = 0; j < 2; j++) { /* "proposal N, 2 for it", "proposal N: why" */
            char begin[40];
            int64_t count;
            snprintf(begin, sizeof begin, "proposal %" PRId64 "%c", proposal->id, ",:"[j]);
            int r = decisions_of(audit, ends[i].kind, begin, "", &count, err);
            if (r < 0)
                return r;
            all += count;
            if (strcmp(ends[i].state, proposal->state) == 0)
                fitting += count;
        }
    bool open = strcmp(proposal->state, "open") == 0;
    if (all != !open || fitting != !open)
        return proposal_altered(audit, proposal->id, "is not in the state that was decided", err);
    int r = ballots_count(audit, proposal, false, &yes, &no, err);
    if (r == 0 && strcmp(proposal->state, "accepted") == 0 && yes < proposal->quorum)
        return proposal_altered(audit, proposal->id, "was accepted without its votes", err);
    return r;
}

struct ballots {
    struct audit *audit;
    const struct proposal *proposal;
};

static int ballot_check(void *user, const struct ballot *ballot, struct err *err)
{
    const struct ballots *ballots = user;
    const int64_t id = ballots->proposal->id;
    char said[64 + 2 * AUDIT_SIGNATURE_BYTES + 2];
    int64_t count = 0;

    if (!ballot->is_signed)
        return proposal_altered(ballots->audit, id, "has a vote that nobody signed", err);
    snprintf(said, sizeof said, " to proposal %" PRId64 " (%s)", id, ballot->signature);
    int r = decisions_of(ballots->audit, "vote", "", said, &count, err);
    if (r == 0 && count != 1)
        return proposal_altered(ballots->audit, id, "has a vote that was not decided on", err);
    return r;
}

static int proposal_check(struct audit *audit, int64_t id, struct err *err)
{
    char begin[40], has[AUDIT_HASH_TEXT + 2];
    struct proposal proposal;
    int64_t count;

    int r = proposal_read(audit, id, &proposal, err);
    if (r < 0)
        return r;
    snprintf(begin, sizeof begin, "proposal %" PRId64 " by ", id);
    snprintf(has, sizeof has, "(%s)", proposal.hash);
    r = decisions_of(audit, "proposed", begin, has, &count, err);
    if (r == 0 && count != 1)
        return proposal_altered(audit, id, "is not what was proposed", err);
    if (r == 0)
        r = ballots_each(audit, &proposal, ballot_check, &(struct ballots){audit, &proposal}, err);
    return r == 0 ? state_check(audit, &proposal, err) : r;
}

/* Whether proposals and votes are those that the decisions have, and bear these out. -EBADMSG. */
static int tables_check(struct audit *audit, struct err *err)
{
    /* What the decisions tell of and the tables don't have, or the other way round. */
    static const struct {
        const char *sql, *what;
    } pairs[] = {
        {"SELECT (SELECT count(*) FROM decisions WHERE kind = 'proposed')"
         " - (SELECT count(*) FROM proposals)",
         "a proposal was removed"},
        {"SELECT (SELECT count(*) FROM decisions WHERE kind = 'vote')"
         " - (SELECT count(*) FROM ballots)",
         "a vote was removed"},
        {"SELECT (SELECT count(*) FROM decisions WHERE kind IN ('allowed', 'removed'))"
         " - (SELECT count(*) FROM proposals WHERE state = 'accepted')",
         "an entry was allowed or removed without a proposal"},
    };
    int64_t id = 0, difference;
    int r = 0;

    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        r = audit_number(audit, pairs[i].sql, NULL, 0, &difference, err);
        if (r < 0)
            return r;
        if (difference != 0)
            return err_say(err, -EBADMSG, "cannot trust '%s': %s", audit->path, pairs[i].what);
    }
    for (;;) {
        r = audit_number(audit, "SELECT coalesce(min(id), 0) FROM proposals WHERE id > ?", NULL, id,
                         &id, err);
        if (r < 0 || id == 0)
            return r;
        r = proposal_check(audit, id, err);
        if (r < 0)
            return r;
    }
}

/* ---- all of it ---- */

static int check(struct audit *audit, struct walk *walk, struct err *err)
{
    int r = walk_all(audit, walk, err);

    return r == 0 ? tables_check(audit, err) : r;
}

int audit_check(struct audit *audit, const char *head, bool heads, char **ret_json, struct err *err)
{
    _cleanup_(freep) char *all = NULL;
    char text[AUDIT_HASH_TEXT];
    size_t size;
    struct walk walk = {.head = head, .heads = open_memstream(&all, &size)};

    if (!walk.heads)
        return err_set(err, -ENOMEM, "cannot check the audit");
    int r = check(audit, &walk, err);
    if (fclose(walk.heads) != 0 && r == 0)
        r = err_set(err, -ENOMEM, "cannot check the audit");
    if (r < 0)
        return r;
    /* A chain that was written anew is whole; the journal's head is not in it. */
    if (head && !walk.met)
        return err_say(err, -EBADMSG,
                       "cannot trust '%s': it has no decision %.100s: decisions were removed or "
                       "written anew",
                       audit->path, head);
    sodium_bin2hex(text, sizeof text, walk.hash, AUDIT_HASH_BYTES);
    if (asprintf(ret_json, "{\"decisions\": %" PRId64 ", \"head\": \"%" PRId64 ":%s\"%s%s%s}\n",
                 walk.number, walk.number, text, heads ? ", \"heads\": [" : "", heads ? all : "",
                 heads ? "]" : "") < 0)
        return err_set(err, -ENOMEM, "cannot check the audit");
    return 0;
}

bool audit_is_whole(struct audit *audit)
{
    struct walk walk = {.head = NULL};
    struct err err = {0};
    int64_t version = 0;

    if (audit_number(audit, "PRAGMA data_version", NULL, 0, &version, &err) == 0 &&
        version == audit->data_version)
        return audit->whole;
    audit->data_version = version;
    audit->whole = err.code == 0 && check(audit, &walk, &err) == 0;
    if (!audit->whole)
        log_line(LOG_ERROR, "%s: nothing is allowed by it", err.message);
    return audit->whole;
}
