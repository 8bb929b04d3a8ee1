/* Proposals, votes and what follows from them. */
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allow/audit_internal.h"
#include "base/clock.h"

#define NONCE_BYTES 16
#define OPEN_MAX 100 /* proposals at once */

static int reason_check(const char *reason, struct err *err)
{
    size_t length = strlen(reason);

    if (length == 0 || length > AUDIT_REASON_MAX)
        return err_say(err, -EINVAL, "cannot use the reason: it has 1 to %d bytes",
                       AUDIT_REASON_MAX);
    for (const char *at = reason; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            return err_say(err, -EINVAL, "cannot use the reason: it has control characters");
    return 0;
}

/* What a record says that was altered can't be the ground for more. */
static int whole_check(struct audit *audit, const char *verb, struct err *err)
{
    return audit_is_whole(audit) ? 0
                                 : err_say(err, -EBADMSG,
                                           "cannot %s: the record '%s' is not as it was written "
                                           "(vireo audit --check)",
                                           verb, audit->path);
}

static const struct allow_entry *entry_find(const char *verb, const char *name, struct err *err)
{
    const struct allow_entry *entry = allow_find(name);

    if (!entry)
        err_say(err, -ENOENT,
                "cannot %s '%.64s': it is no entry of the allow-list: this version has no host "
                "import of that name (vireo allow ls has all)",
                verb, name);
    return entry;
}

/* ---- proposals ---- */

int proposal_read(struct audit *audit, int64_t id, struct proposal *ret_proposal, struct err *err)
{
    _cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
    struct proposal *proposal = ret_proposal;

    int r =
        audit_prepare(audit,
                      "SELECT entry, action, reason, nonce, state, opened_ms, deadline_ms, quorum"
                      " FROM proposals WHERE id = ?",
                      &statement, err);
    if (r < 0)
        return r;
    sqlite3_bind_int64(statement, 1, id);
    int step = sqlite3_step(statement);
    if (step == SQLITE_DONE)
        return err_say(err, -ENOENT, "cannot vote: there is no proposal %" PRId64, id);
    if (step != SQLITE_ROW)
        return audit_failed(audit, err, "read");
    const struct {
        char *to;
        size_t size;
    } texts[] = {{proposal->entry, sizeof proposal->entry},
                 {proposal->action, sizeof proposal->action},
                 {proposal->reason, sizeof proposal->reason},
                 {proposal->nonce, sizeof proposal->nonce},
                 {proposal->state, sizeof proposal->state}};
    for (int i = 0; i < (int)ARRAY_LEN(texts); i++)
        snprintf(texts[i].to, texts[i].size, "%s", (const char *)sqlite3_column_text(statement, i));
    proposal->id = id;
    proposal->opened_ms = sqlite3_column_int64(statement, 5);
    proposal->deadline_ms = sqlite3_column_int64(statement, 6);
    proposal->quorum = sqlite3_column_int64(statement, 7);
    audit_proposal_hash(&(struct audit_proposal){.entry = proposal->entry,
                                                 .action = proposal->action,
                                                 .reason = proposal->reason,
                                                 .nonce = proposal->nonce,
                                                 .opened_ms = proposal->opened_ms,
                                                 .deadline_ms = proposal->deadline_ms,
                                                 .quorum = proposal->quorum},
                        proposal->hash);
    return 0;
}

static int proposal_close(struct audit *audit, const struct proposal *proposal, const char *state,
                          struct err *err)
{
    _cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
    int r = audit_prepare(audit, "UPDATE proposals SET state = ? WHERE id = ?", &statement, err);

    if (r < 0)
        return r;
    sqlite3_bind_text(statement, 1, state, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, proposal->id);
    return audit_run(audit, statement, err);
}

int audit_number(struct audit *audit, const char *sql, const char *text, int64_t number,
                 int64_t *ret_number, struct err *err)
{
    _cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
    int r = audit_prepare(audit, sql, &statement, err);

    if (r < 0)
        return r;
    if (text)
        sqlite3_bind_text(statement, 1, text, -1, SQLITE_STATIC);
    else
        sqlite3_bind_int64(statement, 1, number);
    if (sqlite3_step(statement) != SQLITE_ROW)
        return audit_failed(audit, err, "read");
    *ret_number = sqlite3_column_int64(statement, 0);
    return 0;
}

static int proposal_open(struct audit *audit, const char *entry, const char *action,
                         const char *reason, const char *who, struct err *err)
{
    _cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
    char nonce[2 * NONCE_BYTES + 1], hash[AUDIT_HASH_TEXT], detail[AUDIT_REASON_MAX + 256];
    int64_t same, open, now_ms = clock_wall_ms();
    int64_t deadline_ms = now_ms + audit->rules.deadline_seconds * INT64_C(1000);
    uint8_t random[NONCE_BYTES];

    int r = audit_number(audit, "SELECT count(*) FROM proposals WHERE state = 'open' AND entry = ?",
                         entry, 0, &same, err);
    if (r == 0)
        r = audit_number(audit, "SELECT count(*) FROM proposals WHERE state = 'open' AND id > ?",
                         NULL, 0, &open, err);
    if (r == 0 && same > 0)
        return err_say(err, -EEXIST, "cannot propose '%s': a proposal about it is open", entry);
    if (r == 0 && open >= OPEN_MAX)
        return err_say(err, -EBUSY, "cannot propose '%s': %d proposals are open", entry, OPEN_MAX);
    if (r == 0)
        r = audit_prepare(audit,
                          "INSERT INTO proposals (entry, action, reason, nonce, opened_ms,"
                          " deadline_ms, quorum, state) VALUES (?, ?, ?, ?, ?, ?, ?, 'open')",
                          &statement, err);
    if (r < 0)
        return r;
    randombytes_buf(random, sizeof random);
    sodium_bin2hex(nonce, sizeof nonce, random, sizeof random);
    sqlite3_bind_text(statement, 1, entry, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, action, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, reason, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 4, nonce, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 5, now_ms);
    sqlite3_bind_int64(statement, 6, deadline_ms);
    sqlite3_bind_int64(statement, 7, audit->rules.quorum);
    r = audit_run(audit, statement, err);
    if (r < 0)
        return r;
    audit_proposal_hash(&(struct audit_proposal){.entry = entry,
                                                 .action = action,
                                                 .reason = reason,
                                                 .nonce = nonce,
                                                 .opened_ms = now_ms,
                                                 .deadline_ms = deadline_ms,
                                                 .quorum = audit->rules.quorum},
                        hash);
    snprintf(detail, sizeof detail, "proposal %lld by %s to %s it (%s): %s",
             (long long)sqlite3_last_insert_rowid(audit->db), who, action, hash, reason);
    return audit_decide(audit, "proposed", entry, detail, err);
}

int audit_propose(struct audit *audit, const char *name, bool remove, const char *reason,
                  const char *who, char **ret_json, struct err *err)
{
    const char *verb = remove ? "remove" : "propose";
    const struct allow_entry *entry = entry_find(verb, name, err);
    char why[512];
    bool allowed;

    if (!entry)
        return err->code;
    int r = reason_check(reason, err);
    if (r == 0)
        r = whole_check(audit, verb, err);
    if (r == 0 && audit->rules.voter_count == 0)
        return err_say(err, -EPERM, "cannot %s '%s': the configuration has no voters (allow_votes)",
                       verb, name);
    if (r == 0)
        r = audit_state(audit, entry, &allowed, why, sizeof why, err);
    if (r == 0 && allowed != remove)
        return err_say(err, -EEXIST, "cannot %s '%s': it %s", verb, name,
                       allowed ? "is allowed" : "is not allowed");
    if (r == 0)
        r = audit_begin(audit, err);
    if (r < 0)
        return r;
    r = proposal_open(audit, name, remove ? "remove" : "allow", reason, who, err);
    r = audit_end(audit, r, err);
    return r < 0 ? r : audit_list(audit, ret_json, err);
}

/* ---- votes ---- */

/* Its place among the voters, or -1. */
static int voter_of(const struct audit *audit, const uint8_t *key)
{
    for (unsigned i = 0; i < audit->rules.voter_count; i++)
        if (sodium_memcmp(audit->rules.voters[i].key, key, AUDIT_KEY_BYTES) == 0)
            return (int)i;
    return -1;
}

static bool ballot_is_signed(const struct proposal *proposal, const char *key_hex, bool yes,
                             const char *reason, const char *signature_hex)
{
    uint8_t key[AUDIT_KEY_BYTES], signature[AUDIT_SIGNATURE_BYTES];
    char text[AUDIT_REASON_MAX + 128];
    size_t bytes = audit_vote_text(proposal->hash, yes, reason, text, sizeof text), key_bytes,
           signature_bytes;

    return bytes > 0 &&
           sodium_hex2bin(key, sizeof key, key_hex, strlen(key_hex), NULL, &key_bytes, NULL) == 0 &&
           key_bytes == sizeof key &&
           sodium_hex2bin(signature, sizeof signature, signature_hex, strlen(signature_hex), NULL,
                          &signature_bytes, NULL) == 0 &&
           signature_bytes == sizeof signature &&
           crypto_sign_verify_detached(signature, (const uint8_t *)text, bytes, key) == 0;
}

/* Who is a voter now, by the key's digits. */
static bool is_voter(const struct audit *audit, const char *key_hex)
{
    char hex[2 * AUDIT_KEY_BYTES + 1];

    for (unsigned i = 0; i < audit->rules.voter_count; i++) {
        sodium_bin2hex(hex, sizeof hex, audit->rules.voters[i].key, AUDIT_KEY_BYTES);
        if (strcmp(hex, key_hex) == 0)
            return true;
    }
    return false;
}

static const char *text_of(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);

    return text ? text : "";
}

int ballots_each(struct audit *audit, const struct proposal *proposal,
                 int (*each)(void *user, const struct ballot *ballot, struct err *err), void *user,
                 struct err *err)
{
    _cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
    int step = SQLITE_DONE;

    int r =
        audit_prepare(audit, "SELECT key, yes, reason, signature FROM ballots WHERE proposal = ?",
                      &statement, err);
    if (r == 0)
        sqlite3_bind_int64(statement, 1, proposal->id);
    while (r == 0 && (step = sqlite3_step(statement)) == SQLITE_ROW) {
        struct ballot ballot = {.key = text_of(statement, 0),
                                .yes = sqlite3_column_int(statement, 1),
                                .reason = text_of(statement, 2),
                                .signature = text_of(statement, 3)};
        ballot.is_signed =
            ballot_is_signed(proposal, ballot.key, ballot.yes, ballot.reason, ballot.signature);
        r = each(user, &ballot, err);
    }
    return r < 0 || step == SQLITE_DONE ? r : audit_failed(audit, err, "read");
}

struct count {
    const struct audit *audit;
    bool of_now;
    int64_t yes, no;
};

static int count_one(void *user, const struct ballot *ballot, struct err *err)
{
    struct count *count = user;
    (void)err;

    if (ballot->is_signed && (!count->of_now || is_voter(count->audit, ballot->key)))
        *(ballot->yes ? &count->yes : &count->no) += 1;
    return 0;
}

int ballots_count(struct audit *audit, const struct proposal *proposal, bool of_now,
                  int64_t *ret_yes, int64_t *ret_no, struct err *err)
{
    struct count count = {.audit = audit, .of_now = of_now};
    int r = ballots_each(audit, proposal, count_one, &count, err);

    *ret_yes = count.yes;
    *ret_no = count.no;
    return r;
}

/* Enough votes for it, or too many against it for that: it is decided. */
static int proposal_settle(struct audit *audit, const struct proposal *proposal, struct err *err)
{
    char detail[AUDIT_REASON_MAX + 128];
    int64_t yes, no;

    int r = ballots_count(audit, proposal, true, &yes, &no, err);
    bool accepted = r == 0 && yes >= proposal->quorum;
    if (r < 0 || (!accepted && no + proposal->quorum <= (int64_t)audit->rules.voter_count))
        return r;
    snprintf(detail, sizeof detail,
             "proposal %" PRId64 ", %" PRId64 " for it and %" PRId64 " against: %s", proposal->id,
             yes, no, proposal->reason);
    r = proposal_close(audit, proposal, accepted ? "accepted" : "refused", err);
    if (r < 0)
        return r;
    const char *kind = !accepted                                ? "refused"
                       : strcmp(proposal->action, "allow") == 0 ? "allowed"
                                                                : "removed";
    return audit_decide(audit, kind, proposal->entry, detail, err);
}

static int vote_add(struct audit *audit, const struct proposal *proposal, unsigned index, bool yes,
                    const char *reason, const char *signature, struct err *err)
{
    _cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
    char detail[AUDIT_REASON_MAX + 512], key[2 * AUDIT_KEY_BYTES + 1];
    const char *voter = audit->rules.voters[index].name;

    int r = audit_prepare(audit, "INSERT INTO ballots VALUES (?, ?, ?, ?, ?, ?)", &statement, err);
    if (r < 0)
        return r;
    sodium_bin2hex(key, sizeof key, audit->rules.voters[index].key, AUDIT_KEY_BYTES);
    sqlite3_bind_int64(statement, 1, proposal->id);
    sqlite3_bind_text(statement, 2, key, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, voter, -1, SQLITE_STATIC);
    sqlite3_bind_int(statement, 4, yes);
    sqlite3_bind_text(statement, 5, reason, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 6, signature, -1, SQLITE_STATIC);
    if (sqlite3_step(statement) != SQLITE_DONE) {
        if ((sqlite3_errcode(audit->db) & 0xff) != SQLITE_CONSTRAINT)
            return audit_failed(audit, err, "write");
        return err_say(err, -EEXIST, "cannot vote: '%s' has voted on proposal %" PRId64, voter,
                       proposal->id);
    }
    snprintf(detail, sizeof detail, "%s says %s to proposal %" PRId64 " (%s): %s", voter,
             yes ? "yes" : "no", proposal->id, signature, reason);
    r = audit_decide(audit, "vote", proposal->entry, detail, err);
    return r < 0 ? r : proposal_settle(audit, proposal, err);
}

int audit_vote(struct audit *audit, int64_t id, const uint8_t key[AUDIT_KEY_BYTES], bool yes,
               const char *reason, const uint8_t signature[AUDIT_SIGNATURE_BYTES], char **ret_json,
               struct err *err)
{
    char text[AUDIT_REASON_MAX + 128], hex[2 * AUDIT_SIGNATURE_BYTES + 1];
    struct proposal proposal;
    int voter = voter_of(audit, key);

    if (voter < 0)
        return err_say(err, -EPERM, "cannot vote: the key is no voter's of the configuration");
    int r = reason_check(reason, err);
    if (r == 0)
        r = whole_check(audit, "vote", err);
    if (r == 0)
        r = proposal_read(audit, id, &proposal, err);
    if (r < 0)
        return r;
    /* Over the proposal's own hash, with its nonce: a vote on one is none on another. */
    size_t bytes = audit_vote_text(proposal.hash, yes, reason, text, sizeof text);
    if (bytes == 0 ||
        crypto_sign_verify_detached(signature, (const uint8_t *)text, bytes, key) != 0)
        return err_say(err, -EPERM, "cannot vote: the signature is not that of '%s' for this vote",
                       audit->rules.voters[voter].name);
    if (strcmp(proposal.state, "open") != 0 || clock_wall_ms() > proposal.deadline_ms)
        return err_say(err, -EPERM, "cannot vote: proposal %" PRId64 " is %s", id,
                       strcmp(proposal.state, "open") == 0 ? "past its deadline" : proposal.state);
    r = audit_begin(audit, err);
    if (r < 0)
        return r;
    sodium_bin2hex(hex, sizeof hex, signature, AUDIT_SIGNATURE_BYTES);
    r = vote_add(audit, &proposal, (unsigned)voter, yes, reason, hex, err);
    r = audit_end(audit, r, err);
    return r < 0 ? r : audit_list(audit, ret_json, err);
}

int audit_demote_now(struct audit *audit, const char *entry, const char *detail, struct err *err)
{
    struct proposal proposal;
    char why[128];
    int64_t id = 0;

    int r = audit_decide(audit, "demoted", entry, detail, err);
    if (r == 0)
        r = audit_number(audit,
                         "SELECT coalesce(max(id), 0) FROM proposals WHERE state = 'open' AND"
                         " action = 'remove' AND entry = ?",
                         entry, 0, &id, err);
    if (r < 0 || id == 0)
        return r;
    r = proposal_read(audit, id, &proposal, err);
    if (r == 0)
        r = proposal_close(audit, &proposal, "withdrawn", err);
    if (r < 0)
        return r;
    snprintf(why, sizeof why, "proposal %" PRId64 ": its removal was proposed; it is demoted", id);
    return audit_decide(audit, "withdrawn", entry, why, err);
}

int audit_demote(struct audit *audit, const char *name, const char *reason, const char *who,
                 char **ret_json, struct err *err)
{
    const struct allow_entry *entry = entry_find("demote", name, err);
    char why[512], detail[AUDIT_REASON_MAX + 128];
    bool allowed;

    if (!entry)
        return err->code;
    /* It is compiled into functions, or the kernel's and the run time's: the grants bound these. */
    if (entry->layer < ALLOW_PLATFORM)
        return err_say(err, -EINVAL, "cannot demote '%s': layer %s is bounded by allow_layers",
                       name, allow_layer_name(entry->layer));
    int r = reason_check(reason, err);
    if (r == 0)
        r = audit_state(audit, entry, &allowed, why, sizeof why, err);
    if (r == 0 && !allowed)
        return err_say(err, -EEXIST, "cannot demote '%s': it is not allowed", name);
    if (r == 0)
        r = audit_begin(audit, err);
    if (r < 0)
        return r;
    snprintf(detail, sizeof detail, "by %s: %s", who, reason);
    r = audit_end(audit, audit_demote_now(audit, name, detail, err), err);
    return r < 0 ? r : audit_list(audit, ret_json, err);
}

/* ---- what time brings ---- */

static int expire(struct audit *audit, struct err *err)
{
    char detail[AUDIT_REASON_MAX + 64];
    struct proposal proposal;
    int64_t id = 0;
    int r = 0;

    while (r == 0) {
        _cleanup_(statement_finalize) sqlite3_stmt *statement = NULL;
        r = audit_prepare(audit,
                          "SELECT id FROM proposals WHERE state = 'open' AND deadline_ms < ?"
                          " LIMIT 1",
                          &statement, err);
        if (r < 0)
            return r;
        sqlite3_bind_int64(statement, 1, clock_wall_ms());
        if (sqlite3_step(statement) != SQLITE_ROW)
            return 0;
        id = sqlite3_column_int64(statement, 0);
        r = proposal_read(audit, id, &proposal, err);
        if (r < 0)
            return r;
        r = proposal_close(audit, &proposal, "expired", err);
        snprintf(detail, sizeof detail, "proposal %" PRId64 ": %s", id, proposal.reason);
        if (r == 0)
            r = audit_decide(audit, "expired", proposal.entry, detail, err);
    }
    return r;
}

/* When a vote allowed it, or it was used last; 0: no vote did, or one is open. */
static int idle_since(struct audit *audit, const char *entry, int64_t *ret_ms, struct err *err)
{
    static const char sql[] =
        "SELECT CASE WHEN EXISTS (SELECT 1 FROM proposals WHERE entry = ?1 AND state = 'open')"
        " THEN 0 ELSE max(coalesce((SELECT max(used_ms) FROM counts WHERE entry = ?1), 0),"
        " coalesce((SELECT max(time_ms) FROM decisions WHERE entry = ?1 AND kind = 'allowed'), 0))"
        " * EXISTS (SELECT 1 FROM decisions WHERE entry = ?1 AND kind = 'allowed') END";

    return audit_number(audit, sql, entry, 0, ret_ms, err);
}

static int propose_removals(struct audit *audit, struct err *err)
{
    int64_t old_ms = clock_wall_ms() - audit->rules.unused_seconds * INT64_C(1000);
    char why[512], reason[64];
    int r = 0;

    snprintf(reason, sizeof reason, "nobody has used it for %u seconds",
             audit->rules.unused_seconds);
    for (size_t i = 0; i < allow_entry_count && r == 0; i++) {
        const struct allow_entry *entry = &allow_entries[i];
        int64_t since_ms;
        bool allowed;
        r = audit_state(audit, entry, &allowed, why, sizeof why, err);
        if (r < 0 || !allowed)
            continue;
        r = idle_since(audit, entry->name, &since_ms, err);
        if (r == 0 && since_ms > 0 && since_ms < old_ms)
            r = proposal_open(audit, entry->name, "remove", reason, "vireo", err);
    }
    return r;
}

int audit_tidy(struct audit *audit, struct err *err)
{
    int r = audit_begin(audit, err);

    if (r < 0)
        return r;
    r = expire(audit, err);
    if (r == 0 && audit->rules.unused_seconds && audit->rules.voter_count)
        r = propose_removals(audit, err);
    return audit_end(audit, r, err);
}
